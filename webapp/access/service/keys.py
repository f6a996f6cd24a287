"""Making and changing API keys."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from webapp.access import networks
from webapp.access.models import ApiKey
from webapp.access.queries import get_key, is_active, role_rights
from webapp.access.remembered import forget_credentials
from webapp.access.service.bounds import bind, check_generation
from webapp.access.service.checks import check_maker, check_not_itself, check_rate, check_reach, checked_name, find_role
from webapp.access.tokens import make_key
from webapp.access.types import Network
from webapp.activity.service import record
from webapp.kernel import clock
from webapp.kernel.db import after_commit
from webapp.kernel.errors import Conflict, ValidationFailed
from webapp.kernel.ids import uuid7
from webapp.kernel.scope import Mode, Scope
from webapp.kernel.secrets import digest
from webapp.tenants.service import check_room, counts
from webapp.tenants.types import LimitName


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
    """A key just made or rolled, and its plain text, which nobody can show again."""

    key: ApiKey
    plain: str


@counts(LimitName.API_KEYS)
def count_active_keys(scope: Scope) -> int:
    """How many keys can be used."""
    return scope.session.scalar(sa.select(sa.func.count()).select_from(ApiKey).where(is_active())) or 0


def create_key(scope: Scope, wish: KeyWish) -> IssuedKey:
    """Make a key. Raises ``LimitExceeded`` at 100 active ones, ``ValidationFailed`` and ``Forbidden`` (more than the maker has)."""
    wish = dataclasses.replace(wish, name=checked_name(wish.name))
    allowed = _check_wish(scope, wish)
    preset, role = find_role(scope, wish.role)
    check_maker(scope, role_rights(preset, role), wish.mode, allowed, wish.expires_at)
    check_generation(scope)
    check_room(scope, LimitName.API_KEYS)
    plain = make_key(wish.mode)
    key = ApiKey(
        id=uuid7(), tenant_id=scope.tenant_id, name=wish.name, mode=wish.mode.value, key_hash=digest(plain), last_four=plain[-4:], preset=preset,
        role_id=role.id if role else None, allowed_networks=[str(network) for network in allowed], rate_limit=wish.rate_limit,
        expires_at=wish.expires_at, created_by=scope.actor.name,
    )  # fmt: skip
    bind(scope, key)
    scope.session.add(key)
    scope.session.flush()
    changes = {"mode": key.mode, "role": wish.role, "allowed_networks": key.allowed_networks, "rate_limit": key.rate_limit, "expires_at": key.expires_at}
    record(scope, "api_key.created", "api_key", key.id, key.name, changes)
    return IssuedKey(key, plain)


def update_key(scope: Scope, key_id: UUID, changes: dict[str, Any]) -> ApiKey:
    """Change some of name, role, allowed_networks, rate_limit and expires_at; acts within five seconds. The mode never changes.

    Raises ``Forbidden`` for a key that may do more than the one who changes it, before or after; ``Conflict`` for one that is over.
    """
    key = get_key(scope, key_id)
    check_not_itself(scope, key)
    check_reach(scope, key)
    if not is_usable(key):
        raise Conflict("A revoked or expired key cannot be changed; make a new one.")
    present = {name: getattr(key, name) for name in ("name", "rate_limit", "expires_at")}
    wish = _wish_of(key, changes)
    allowed = _check_wish(scope, wish, renewed="expires_at" in changes)
    preset, role = find_role(scope, wish.role)
    check_maker(scope, role_rights(preset, role), wish.mode, allowed, wish.expires_at)
    key.name, key.rate_limit, key.expires_at = wish.name, wish.rate_limit, wish.expires_at
    noted = {name: [old, getattr(key, name)] for name, old in present.items() if old != getattr(key, name)}
    noted |= _set_role_and_networks(key, preset, role.id if role else None, [str(network) for network in allowed])
    if noted:
        record(scope, "api_key.updated", "api_key", key.id, key.name, noted)
        after_commit(scope.session, lambda: forget_credentials(tenant_id=scope.tenant_id))
    return key


def is_usable(key: ApiKey) -> bool:
    """Whether it is neither revoked nor expired."""
    return key.revoked_at is None and (key.expires_at is None or key.expires_at > clock.now())


def _wish_of(key: ApiKey, changes: dict[str, Any]) -> KeyWish:
    """The key as it shall be."""
    present = KeyWish(key.name, Mode(key.mode), key.preset or str(key.role_id), tuple(key.allowed_networks), key.rate_limit, key.expires_at)
    wanted = {**changes, **({"allowed_networks": tuple(changes["allowed_networks"])} if "allowed_networks" in changes else {})}
    wish = dataclasses.replace(present, **wanted)
    return dataclasses.replace(wish, name=checked_name(wish.name))


def _set_role_and_networks(key: ApiKey, preset: str | None, role_id: UUID | None, allowed: list[str]) -> dict[str, list[Any]]:
    before = {"role": key.preset or key.role_id, "allowed_networks": key.allowed_networks}
    key.preset, key.role_id, key.allowed_networks = preset, role_id, allowed
    after = {"role": key.preset or key.role_id, "allowed_networks": key.allowed_networks}
    return {name: [before[name], after[name]] for name in before if before[name] != after[name]}


def _check_wish(scope: Scope, wish: KeyWish, *, renewed: bool = True) -> tuple[Network, ...]:
    check_rate(scope, wish.rate_limit)
    if renewed and wish.expires_at is not None and wish.expires_at <= clock.now():
        raise ValidationFailed("The key would be expired already; give a time in the future.", param="expires_at")
    return networks.parse_networks(wish.allowed_networks)
