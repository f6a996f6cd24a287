"""Making, changing, rolling and revoking API keys."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

import sqlalchemy as sa

from webapp.access import networks
from webapp.access.models import ApiKey
from webapp.access.queries import count_active_keys, get_key
from webapp.access.remembered import forget_credentials
from webapp.access.service.checks import check_maker, check_not_itself, check_rate, checked_name, find_role
from webapp.access.tokens import make_key
from webapp.access.types import KEY_PRESETS, Network
from webapp.activity.service import record
from webapp.kernel import clock
from webapp.kernel.db import after_commit
from webapp.kernel.errors import Conflict, LimitExceeded, ValidationFailed
from webapp.kernel.ids import uuid7
from webapp.kernel.permissions import PermissionSet
from webapp.kernel.scope import Mode, Scope
from webapp.kernel.secrets import digest

T = TypeVar("T")
MAX_ACTIVE_KEYS = 100


@dataclass(frozen=True, slots=True)
class KeyWish:
    """What somebody asks of a key. ``role``: name of a preset (``root:sending``) or id or name of a role of the tenant.

    ``rate_limit``: requests per 60 s, None for the platform's default. ``allowed_networks`` empty: from anywhere.
    """

    name: str
    mode: Mode
    role: str
    allowed_networks: tuple[str, ...] = ()
    rate_limit: int | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A key just made, and its plain text, which nobody can show again."""

    key: ApiKey
    plain: str


def create_key(scope: Scope, wish: KeyWish) -> IssuedKey:
    """Make a key. Raises ``LimitExceeded`` at 100 active ones, ``ValidationFailed``, ``NotFound`` (role) and ``Forbidden`` (more than the maker has)."""
    wish = dataclasses.replace(wish, name=checked_name(wish.name))
    allowed = _check_wish(wish)
    preset, role = find_role(scope, wish.role)
    granted = KEY_PRESETS[preset] if preset else PermissionSet(role.permissions if role else ())
    check_maker(scope, granted, wish.mode, allowed, wish.expires_at)
    _check_room(scope)
    plain = make_key(wish.mode)
    key = ApiKey(
        id=uuid7(), tenant_id=scope.tenant_id, name=wish.name, mode=wish.mode.value, key_hash=digest(plain), last_four=plain[-4:], preset=preset,
        role_id=role.id if role else None, allowed_networks=[str(network) for network in allowed], rate_limit=wish.rate_limit,
        expires_at=wish.expires_at, created_by=scope.actor.name,
    )  # fmt: skip
    scope.session.add(key)
    scope.session.flush()
    record(scope, "api_key.created", "api_key", key.id, key.name, {"mode": key.mode, "role": wish.role, "expires_at": key.expires_at})
    return IssuedKey(key, plain)


def update_key(
    scope: Scope, key_id: UUID, *, name: str | None = None, allowed_networks: tuple[str, ...] | None = None, rate_limit: int | None = None,
    keep_rate: bool = False,
) -> ApiKey:  # fmt: skip
    """Rename a key or change its limits; its rights and mode never change. Acts within five seconds. ``keep_rate``: leave the rate as it is."""
    key = get_key(scope, key_id)
    check_not_itself(scope, key)
    if name is not None:
        key.name = _changed(scope, key, "name", key.name, checked_name(name))
    if allowed_networks is not None:
        wanted = networks.parse_networks(allowed_networks)
        key.allowed_networks = _changed(scope, key, "allowed_networks", key.allowed_networks, [str(network) for network in wanted])
    if not keep_rate:
        check_rate(rate_limit)
        key.rate_limit = _changed(scope, key, "rate_limit", key.rate_limit, rate_limit)
    after_commit(scope.session, lambda: forget_credentials(key_id=key_id))
    return key


def revoke_key(scope: Scope, key_id: UUID) -> ApiKey:
    """End a key for good: everywhere within five seconds, in this process at once. Revoking a revoked key changes nothing."""
    key = get_key(scope, key_id)
    if key.revoked_at is None:
        key.revoked_at = clock.now()
        record(scope, "api_key.revoked", "api_key", key.id, key.name)
        after_commit(scope.session, lambda: forget_credentials(key_id=key_id))
    return key


def roll_key(scope: Scope, key_id: UUID, overlap: timedelta = timedelta(hours=24)) -> IssuedKey:
    """Make a twin of a key with a new secret; the old one ends after ``overlap`` (0 to 30 days). Raises ``Conflict`` for a key that is over."""
    old = get_key(scope, key_id)
    if old.revoked_at is not None or (old.expires_at is not None and old.expires_at <= clock.now()):
        raise Conflict("A revoked or expired key cannot be rolled; make a new one.")
    if not timedelta(0) <= overlap <= timedelta(days=30):
        raise ValidationFailed("The overlap is 0 to 2592000 seconds (30 days).", param="overlap_seconds")
    wish = KeyWish(
        old.name, Mode(old.mode), old.preset or str(old.role_id), tuple(old.allowed_networks), old.rate_limit, old.expires_at
    )  # fmt: skip
    issued = create_key(scope, wish)
    ends = clock.now() + overlap
    old.expires_at = ends if old.expires_at is None else min(old.expires_at, ends)
    record(scope, "api_key.rolled", "api_key", old.id, old.name, {"successor": issued.key.id, "expires_at": old.expires_at})
    after_commit(scope.session, lambda: forget_credentials(key_id=key_id))
    return issued


def _check_wish(wish: KeyWish) -> tuple[Network, ...]:
    check_rate(wish.rate_limit)
    if wish.expires_at is not None and wish.expires_at <= clock.now():
        raise ValidationFailed("The key would be expired already; give a time in the future.", param="expires_at")
    return networks.parse_networks(wish.allowed_networks)


def _check_room(scope: Scope) -> None:
    """Count under a lock of the tenant: two requests at once must not pass the limit together."""
    scope.session.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(f"api_keys|{scope.tenant_id}", 0))))
    if count_active_keys(scope) >= MAX_ACTIVE_KEYS:
        raise LimitExceeded(f"A tenant has at most {MAX_ACTIVE_KEYS} active keys; revoke one first.")


def _changed(scope: Scope, key: ApiKey, field: str, old: T, new: T) -> T:
    if old != new:
        record(scope, "api_key.updated", "api_key", key.id, key.name, {field: [old, new]})
    return new
