"""Pages of webhooks: endpoints, their deliveries, and the reports of sending accounts."""

from webapp.webhooks.views import deliveries, endpoints, reports
from webapp.webhooks.views.blueprint import pages

__all__ = ["deliveries", "endpoints", "pages", "reports"]
