"""Pages of incidents: the tenant's and the operator's."""

from webapp.incidents.views.tenant import pages

__all__ = ["pages"]
