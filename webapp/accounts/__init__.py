"""People: sign-up, login, sessions, members of tenants."""
