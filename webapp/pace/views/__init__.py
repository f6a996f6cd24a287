"""Pages of pace: the tenant's and the operator's."""

from webapp.pace.views.tenant import pages

__all__ = ["pages"]
