"""Values of suppressions that other slices use."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from webapp.bridges.types import Stream


class SuppressionReason(StrEnum):
    """Why an address must not be written to. ``soft_bounce``: full or switched off several times; ``platform``: the operator's own list."""

    HARD_BOUNCE = "hard_bounce"
    SOFT_BOUNCE = "soft_bounce"
    COMPLAINT = "complaint"
    UNSUBSCRIBE = "unsubscribe"
    MANUAL = "manual"
    PLATFORM = "platform"


class SuppressionScope(StrEnum):
    """Which mail is stopped: all mail of the tenant, one stream of it, one mailing list, or (``platform``) everybody's mail."""

    ALL = "all"
    TRANSACTIONAL = "transactional"
    BULK = "bulk"
    LIST = "list"
    PLATFORM = "platform"


#: Reasons and scopes that a tenant may write; the others come from events and from the operator.
WRITABLE_SCOPES = (SuppressionScope.ALL, SuppressionScope.BULK, SuppressionScope.TRANSACTIONAL, SuppressionScope.LIST)
WRITABLE_REASONS = (SuppressionReason.MANUAL, SuppressionReason.HARD_BOUNCE, SuppressionReason.COMPLAINT, SuppressionReason.UNSUBSCRIBE)

#: The graver reason is told when several apply, and replaces the lighter one in the same scope.
GRAVITY = (
    SuppressionReason.SOFT_BOUNCE, SuppressionReason.HARD_BOUNCE, SuppressionReason.UNSUBSCRIBE, SuppressionReason.MANUAL,
    SuppressionReason.COMPLAINT, SuppressionReason.PLATFORM,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Target:
    """Somebody about to be written to. ``key`` is the caller's; ``address``: canonical form; ``list_key``: the mailing list, None for none."""

    key: UUID
    tenant_id: UUID
    address: str
    stream: str
    list_key: str | None = None


@dataclass(frozen=True, slots=True)
class Bounce:
    """What a receiver said for good about one recipient. ``email``: as stored on the recipient. ``hopeless``: one such reply is enough.

    ``reply_class``, ``blame``: as of the delivery engine's classification; ``source``: ``delivery`` or ``dsn``.
    """

    tenant_id: UUID
    email: str
    recipient_id: UUID
    message_id: UUID
    reply_class: str
    blame: str
    hopeless: bool
    detail: str | None
    source: str


def is_blocking(scope: str, list_key: str, reason: str, stream: str, of_list: str | None) -> bool:
    """Whether a suppression stops mail of ``stream`` to the list ``of_list``. An unsubscribe never stops transactional mail, whatever its scope."""
    if reason == SuppressionReason.UNSUBSCRIBE and stream != Stream.BULK:
        return False
    if scope == SuppressionScope.LIST:
        return of_list is not None and of_list == list_key
    return scope in (SuppressionScope.ALL, SuppressionScope.PLATFORM) or scope == stream
