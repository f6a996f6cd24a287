"""Outside SMTP relays that mail may leave through."""
