"""What providers send about mail they took over: one file each to prove it and to read it. ``PROVIDERS`` is the table of them.

A provider is two functions: ``verify(secret, headers, body)`` raises ``Unauthenticated`` for anything not proven, `X
"""

from webapp.webhooks.providers.table import PROVIDERS, ProviderDoor

__all__ = ["PROVIDERS", "ProviderDoor"]
