"""Values of tenants that other slices use."""

from __future__ import annotations

from enum import StrEnum


class TenantStatus(StrEnum):
    """``sandbox``: may capture only; ``approved``: may send; ``suspended``: may do nothing but read."""

    SANDBOX = "sandbox"
    APPROVED = "approved"
    SUSPENDED = "suspended"
