"""Pages of staff, and of tenants towards staff."""

from webapp.backoffice.views import people, platform, queue, session, shared, styleguide, support, tenants
from webapp.backoffice.views.blueprint import pages, tenant_pages

__all__ = ["pages", "people", "platform", "queue", "session", "shared", "styleguide", "support", "tenant_pages", "tenants"]
