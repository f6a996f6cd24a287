"""Bridges: per-application SMTP credentials and tokens on top of a pool."""
