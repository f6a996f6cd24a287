"""The pace of sending: throttles, budgets of providers, warm-up plans, and what people hold back."""
