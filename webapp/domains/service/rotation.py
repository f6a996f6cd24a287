"""DKIM keys over time: made, seen in DNS, signing, replaced, destroyed; and out of use whenever DNS says something else.

A rotation leaves no gap: the old key signs until the record of the new one was seen, and its own record is asked for some days longer,
because mail under way is verified late.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from webapp.activity.service import record
from webapp.domains import queries
from webapp.domains.models import DkimKey, Domain
from webapp.domains.service.adding import make_keys
from webapp.domains.service.notices import notify
from webapp.domains.types import KeyState, NoticeKind, RecordState
from webapp.kernel.clock import now
from webapp.kernel.errors import Conflict
from webapp.kernel.permissions import Permission
from webapp.kernel.scope import Scope
from webapp.settings import get_settings


def rotate_dkim(scope: Scope, domain_id: UUID) -> Domain:
    """Make the next pair of keys under new selectors; each signs as soon as its record was seen. Raises ``Conflict`` while one is under way."""
    scope.require(Permission.DOMAIN_CREATE)
    domain = queries.get_domain(scope.session, domain_id, lock=True)
    keys = queries.list_keys(scope.session, domain.id)
    if any(key.state is KeyState.WAITING and key.number > 1 for key in keys):
        raise Conflict("A rotation is under way already: publish the new keys, or give the rotation up first.")
    if not any(key.active_at for key in keys):
        raise Conflict("The present keys were never seen in DNS: publish them first, there is nothing to rotate yet.")
    for key in keys:
        if key.state is KeyState.WAITING:
            _destroy(key)
    number = 1 + queries.last_key_number(scope.session, domain.id)
    make_keys(scope.session, domain, number)
    domain.next_check_at = None if domain.vouched else now()
    scope.session.flush()
    record(scope, "domain.dkim_rotation_started", "domain", domain.id, domain.name, {"number": number})
    return domain


def give_up_rotation(scope: Scope, domain_id: UUID) -> Domain:
    """Destroy new keys that do not sign yet. Raises ``Conflict`` when there are none."""
    scope.require(Permission.DOMAIN_CREATE)
    domain = queries.get_domain(scope.session, domain_id, lock=True)
    waiting = [key for key in queries.list_keys(scope.session, domain.id) if key.state is KeyState.WAITING and key.number > 1]
    if not waiting:
        raise Conflict("No rotation is under way.")
    for key in waiting:
        _destroy(key)
    scope.session.flush()
    record(scope, "domain.dkim_rotation_given_up", "domain", domain.id, domain.name, {"number": waiting[0].number})
    return domain


def note_keys(scope: Scope, domain: Domain, keys: Sequence[DkimKey], states: Mapping[str, RecordState]) -> None:
    """Take keys into use and out of it by what DNS holds. Without an answer nothing changes."""
    before = _signing(keys)
    for key in keys:
        _note_key(scope, domain, key, states.get(key.selector, RecordState.UNCHECKED))
    for key in keys:
        _note_successor(scope, domain, key, keys)
    if before and not _signing(keys):
        names = [f"{key.selector}._domainkey.{domain.name}" for key in before]
        notify(scope.session, domain, NoticeKind.DKIM_WITHDRAWN, {"records": names})


def _signing(keys: Sequence[DkimKey]) -> list[DkimKey]:
    return queries.choose_signing(keys)


def _note_key(scope: Scope, domain: Domain, key: DkimKey, state: RecordState) -> None:
    if state is RecordState.OK and (key.active_at is None or key.withdrawn_at):
        key.active_at, key.withdrawn_at = key.active_at or now(), None
        record(scope, "domain.dkim_activated", "domain", domain.id, domain.name, {"selector": key.selector})
    elif state in (RecordState.MISSING, RecordState.DIFFERENT) and key.active_at and not key.withdrawn_at and not domain.vouched:
        key.withdrawn_at = now()
        record(scope, "domain.dkim_withdrawn", "domain", domain.id, domain.name, {"selector": key.selector, "state": state.value})


def _note_successor(scope: Scope, domain: Domain, key: DkimKey, keys: Sequence[DkimKey]) -> None:
    """A key that a newer one of its algorithm signs for is replaced now, and destroyed when its days are over."""
    newer = [k for k in keys if k.algorithm == key.algorithm and k.number > key.number and k.active_at and not k.withdrawn_at]
    if not newer:
        key.replaced_at = None  # the newer one is gone from DNS: this one signs again, if it is still published
    elif key.replaced_at is None:
        key.replaced_at = now()
        record(scope, "domain.dkim_replaced", "domain", domain.id, domain.name, {"selector": key.selector})
    elif now() - key.replaced_at >= timedelta(days=get_settings().dkim_overlap_days):
        _destroy(key)
        record(scope, "domain.dkim_retired", "domain", domain.id, domain.name, {"selector": key.selector})


def _destroy(key: DkimKey) -> None:
    key.retired_at, key.private_key = now(), b""
