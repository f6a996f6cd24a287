"""What people and applications do: add, look up, take off."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from webapp.activity.service import record
from webapp.bridges.types import Stream
from webapp.kernel.addresses import BadAddress, parse_address
from webapp.kernel.errors import NotFound, Problem, ValidationFailed
from webapp.kernel.permissions import Permission
from webapp.kernel.scope import ActorKind, Scope
from webapp.suppressions.models import Suppression
from webapp.suppressions.queries import find_suppressed, list_of_address
from webapp.suppressions.service.removal import remove_rows
from webapp.suppressions.service.rows import NewSuppression, suppress_many
from webapp.suppressions.types import SuppressionReason, SuppressionScope

LONGEST_LIST_KEY = 255


@dataclass(frozen=True, slots=True)
class Wish:
    """What to suppress an address for. ``list_key`` goes with scope ``list``; ``note``: why, for whoever reads it later."""

    scope: SuppressionScope = SuppressionScope.ALL
    reason: SuppressionReason = SuppressionReason.MANUAL
    list_key: str | None = None
    note: str | None = None
    expires_at: datetime | None = None

    def check(self) -> None:
        """Raises ``ValidationFailed``: a list needs its key, and only a list has one."""
        if (self.scope is SuppressionScope.LIST) is not bool(self.list_key):
            raise ValidationFailed("Name the list (its List-Id) with the scope `list`, and only with it.", param="list")


@dataclass(frozen=True, slots=True)
class Checked:
    """One address asked about: None where mail may go, else the reason that stops it. ``email`` in canonical form."""

    email: str
    transactional: SuppressionReason | None
    bulk: SuppressionReason | None


def canonical_of(text: str, param: str = "email") -> str:
    """The canonical form of what somebody typed. Raises ``ValidationFailed`` naming ``param``."""
    try:
        return parse_address(text).canonical
    except BadAddress as error:
        raise ValidationFailed(f"Not an email address: {error}.", param=param) from None


def canonical_of_many(emails: Iterable[str]) -> list[str]:
    """Canonical forms, in order. Raises ``ValidationFailed`` with every one that is no address, by its place."""
    found, problems = [], []
    for place, text in enumerate(emails):
        try:
            found.append(parse_address(text).canonical)
        except BadAddress as error:
            problems.append(Problem(f"emails[{place}]", f"Not an email address: {error}."))
    if problems:
        raise ValidationFailed.of(problems[:50])
    return found


def add(scope: Scope, email: str, reach: SuppressionScope = SuppressionScope.ALL, wish: Wish | None = None) -> Suppression:
    """Suppress an address by hand. Adding it again changes nothing. ``wish`` says more than ``reach``, and instead of it.

    Raises ``ValidationFailed`` for what is no address, and for a list without key.
    """
    scope.require(Permission.SUPPRESSION_CREATE)
    wish = wish or Wish(reach)
    address = canonical_of(email)
    if _write(scope, [address], wish):
        changes = {"scope": wish.scope.value, "reason": wish.reason.value, "list": wish.list_key, "note": wish.note}
        record(scope, "suppression.added", "suppression", None, address, {name: value for name, value in changes.items() if value})
    written = SuppressionScope.BULK if (wish.reason, wish.scope) == (SuppressionReason.UNSUBSCRIBE, SuppressionScope.ALL) else wish.scope
    return next(row for row in list_of_address(scope.session, address) if (row.scope, row.list_key) == (written, wish.list_key or ""))


def add_many(scope: Scope, emails: Iterable[str], reach: SuppressionScope = SuppressionScope.ALL, wish: Wish | None = None) -> int:
    """Suppress addresses by hand; returns how many are new or hold longer now. Raises ``ValidationFailed`` naming each that is no address."""
    scope.require(Permission.SUPPRESSION_CREATE)
    wish = wish or Wish(reach)
    added = _write(scope, canonical_of_many(emails), wish)
    if added:
        record(scope, "suppression.added", "suppression", None, f"{added} addresses", {"scope": wish.scope.value, "count": added, "note": wish.note})
    return added


def _write(scope: Scope, addresses: Sequence[str], wish: Wish) -> int:
    wish.check()
    return suppress_many(
        scope.session,
        (
            NewSuppression(
                scope.tenant_id, address, wish.scope, wish.reason, source_of(scope), list_key=wish.list_key or "", detail=wish.note,
                expires_at=wish.expires_at,
            )
            for address in addresses
        ),
    )  # fmt: skip


def source_of(scope: Scope) -> str:
    """``dashboard`` or ``api``: who it was stands in the activity log."""
    return "api" if scope.actor.kind in (ActorKind.API_KEY, ActorKind.BRIDGE) else "dashboard"


def check(scope: Scope, emails: Sequence[str], list_key: str | None = None) -> list[Checked]:
    """What would happen to mail for each address, in both streams, bulk mail of ``list_key`` if that is given; changes nothing.

    Raises ``ValidationFailed``.
    """
    scope.require(Permission.SUPPRESSION_READ)
    addresses = canonical_of_many(emails)
    lists = {Stream.TRANSACTIONAL: None, Stream.BULK: list_key}
    by_stream = {stream: find_suppressed(scope.session, scope.tenant_id, set(addresses), stream, of_list) for stream, of_list in lists.items()}
    return [Checked(a, by_stream[Stream.TRANSACTIONAL].get(a), by_stream[Stream.BULK].get(a)) for a in addresses]


def lift(
    scope: Scope, email: str, note: str | None = None, *, reach: SuppressionScope | None = None, list_key: str | None = None
) -> list[tuple[str, str]]:
    """Allow mail to an address again, in every scope or in one; returns ``(scope, reason)`` of what went.

    Audited with ``note``, and counted towards the alarm for list-washing. Raises ``NotFound`` when it is not suppressed; the operator's own list is
    not the tenant's to lift, and looks absent.
    """
    scope.require(Permission.SUPPRESSION_DELETE)
    address = canonical_of(email)
    said = note or f"Removed by {scope.actor.name}."
    gone = remove_rows(scope, [(address, reach, list_key)], said, _via(scope))
    if not gone:
        raise NotFound("suppression")
    record(scope, "suppression.lifted", "suppression", None, address, {**{row[1]: row[3] for row in gone}, "note": said})
    return [(row[1], row[3]) for row in gone]


def lift_many(scope: Scope, emails: Sequence[str], note: str) -> int:
    """The same for several, in every scope; addresses that are not suppressed change nothing. Returns how many addresses were freed."""
    scope.require(Permission.SUPPRESSION_DELETE)
    addresses = sorted(set(canonical_of_many(emails)))
    gone = remove_rows(scope, [(address, None, None) for address in addresses], note, _via(scope)) if addresses else []
    freed = sorted({row[0] for row in gone})
    if freed:
        record(scope, "suppression.lifted", "suppression", None, f"{len(freed)} addresses", {"addresses": freed[:100], "count": len(freed), "note": note})
    return len(freed)


def _via(scope: Scope) -> str:
    return "api" if source_of(scope) == "api" else "person"
