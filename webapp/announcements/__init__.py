"""Facts about a tenant's own things, told to whoever listens: webhooks now, automation later."""
