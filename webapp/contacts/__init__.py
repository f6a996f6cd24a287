"""People whom a tenant writes to: contacts, lists, tags, segments."""
