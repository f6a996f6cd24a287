"""/webhooks: endpoints of tenants, and the doors of those who report to us."""

from webapp.webhooks.api.endpoints import blp
from webapp.webhooks.api.inbound import inbound

__all__ = ["blp", "inbound"]
