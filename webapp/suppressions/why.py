"""Why an address gets no mail: the facts that led there, and what would happen to each kind of mail now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from webapp.bridges.types import Stream
from webapp.kernel.clock import now
from webapp.kernel.scope import Scope
from webapp.suppressions import queries
from webapp.suppressions.models import Suppression, SuppressionRemoval
from webapp.suppressions.queries import find_suppressed
from webapp.suppressions.service.people import canonical_of
from webapp.suppressions.types import SuppressionReason


@dataclass(frozen=True, slots=True)
class Fate:
    """What would happen to one kind of mail. ``reason``: None when it would be sent."""

    label: str
    stream: Stream
    list_key: str | None
    reason: SuppressionReason | None


@dataclass(frozen=True, slots=True)
class Story:
    """Everything about one address. ``ended``: suppressions whose time is up; ``until``: when the last one in force ends, None for never."""

    address: str
    in_force: Sequence[Suppression]
    ended: Sequence[Suppression]
    removals: Sequence[SuppressionRemoval]
    fates: Sequence[Fate]

    @property
    def is_blocked(self) -> bool:
        """Whether anything stops any mail."""
        return any(fate.reason for fate in self.fates)

    @property
    def until(self) -> datetime | None:
        """When the last suppression ends by itself."""
        ends = [row.expires_at for row in self.in_force]
        return None if None in ends else max((end for end in ends if end), default=None)


def tell(scope: Scope, email: str) -> Story:
    """The story of one address, in canonical form. Raises ``ValidationFailed`` for what is no address."""
    address = canonical_of(email)
    rows = queries.list_of_address(scope.session, address)
    in_force = [row for row in rows if row.expires_at is None or row.expires_at > now()]
    kinds: list[tuple[str, Stream, str | None]] = [("Transactional", Stream.TRANSACTIONAL, None), ("Bulk", Stream.BULK, None)]
    kinds += [(f"List {row.list_key}", Stream.BULK, row.list_key) for row in in_force if row.list_key]
    fates = [Fate(*kind, find_suppressed(scope.session, scope.tenant_id, [address], kind[1], kind[2]).get(address)) for kind in kinds]
    return Story(address, in_force, [row for row in rows if row not in in_force], queries.list_removals(scope.session, address), fates)
