"""What must hold before a key or role is made or changed."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from webapp.access import networks
from webapp.access.models import ApiKey, Role
from webapp.access.queries import get_key, get_role, own_rights, rights_of
from webapp.access.types import KEY_PRESETS, Network
from webapp.kernel.errors import Forbidden, NotFound, ValidationFailed
from webapp.kernel.permissions import PermissionSet
from webapp.kernel.scope import ActorKind, Mode, Scope
from webapp.tenants.service import MOST, limit_of
from webapp.tenants.types import LimitName


def checked_name(name: str) -> str:
    """The name without stray white space. Raises ``ValidationFailed``."""
    cleaned = " ".join(name.split())
    if not 1 <= len(cleaned) <= 100:
        raise ValidationFailed("Give a name of 1 to 100 characters.", param="name")
    return cleaned


def check_rate(scope: Scope, rate: int | None) -> None:
    """Raises ``ValidationFailed`` for a rate (requests per 60 s) that is none, or above the tenant's limit, which binds everybody but the operator."""
    operator = scope.actor.kind in (ActorKind.SYSTEM, ActorKind.STAFF)
    most = MOST if operator else limit_of(scope, LimitName.KEY_RATE) or MOST
    if rate is not None and not 1 <= rate <= most:
        raise ValidationFailed(f"The limit is 1 to {most} requests per 60 seconds; for more, ask with POST /limit-requests.", param="rate_limit")


def find_role(scope: Scope, wanted: str) -> tuple[str | None, Role | None]:
    """The preset's name, or the tenant's role by id or name. Raises ``ValidationFailed``: the role is part of the input."""
    if wanted in KEY_PRESETS:
        return wanted, None
    by_name = scope.session.scalar(sa.select(Role).where(Role.name == wanted))
    if by_name is not None:
        return None, by_name
    try:
        return None, get_role(scope, UUID(wanted))
    except (ValueError, NotFound):
        raise ValidationFailed(f"There is no role {wanted!r}; take one of {', '.join(KEY_PRESETS)} or a role of yours.", param="role") from None


def check_maker(scope: Scope, granted: PermissionSet, mode: Mode, allowed: tuple[Network, ...], expires_at: datetime | None) -> None:
    """A key gets nothing its maker has not."""
    if not scope.permissions.covers(granted):
        raise Forbidden("The role gives more than you have; choose a smaller one.")
    if scope.actor.kind is not ActorKind.API_KEY or scope.actor.id is None:
        return
    maker = get_key(scope, scope.actor.id)
    if maker.mode == Mode.SANDBOX and mode is Mode.LIVE:
        raise Forbidden("A sandbox key cannot make or change a live one.")
    if not networks.covers(networks.parse_networks(maker.allowed_networks), allowed):
        raise Forbidden("The networks must lie within those of the key you use.")
    if maker.expires_at is not None and (expires_at is None or expires_at > maker.expires_at):
        raise Forbidden("The key cannot live longer than the one you use; give an earlier expires_at.")


def check_reach(scope: Scope, key: ApiKey, *, as_role: bool = False) -> None:
    """Nobody changes or rolls a key that may do more than they: a roll shows the secret, a wider network or a longer life helps a thief.

    ``as_role``: measured by the whole role, without what its maker's rights take off.
    """
    rights = own_rights(scope.session, key) if as_role else rights_of(scope.session, key)
    check_maker(scope, rights, Mode(key.mode), networks.parse_networks(key.allowed_networks), key.expires_at)


def check_not_itself(scope: Scope, key: ApiKey) -> None:
    """A key may not lift its own limits."""
    if scope.actor.kind is ActorKind.API_KEY and scope.actor.id == key.id:
        raise Forbidden("A key cannot change itself; use another one or the dashboard.")
