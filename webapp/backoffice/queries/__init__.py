"""Reading for the staff console, and what a tenant reads of support."""
