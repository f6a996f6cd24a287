"""Pages of suppressions: the tenant's and the operator's."""

from webapp.suppressions.views.tenant import pages

__all__ = ["pages"]
