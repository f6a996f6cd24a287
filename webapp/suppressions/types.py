"""Values of suppressions that other slices use."""

from __future__ import annotations

from enum import StrEnum


class SuppressionReason(StrEnum):
    """Why an address must not be written to."""

    HARD_BOUNCE = "hard_bounce"
    COMPLAINT = "complaint"
    UNSUBSCRIBE = "unsubscribe"
    MANUAL = "manual"


class SuppressionScope(StrEnum):
    """``all``: every stream; ``bulk``: an unsubscribe, which never blocks transactional mail."""

    ALL = "all"
    BULK = "bulk"
