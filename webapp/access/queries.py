"""Reading keys and roles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.access.models import ApiKey, Role
from webapp.access.types import KEY_PRESETS
from webapp.kernel import clock
from webapp.kernel.errors import NotFound
from webapp.kernel.ids import parse_uuid
from webapp.kernel.pagination import Page, page_of
from webapp.kernel.permissions import PRESETS, PermissionSet
from webapp.kernel.scope import ActorKind, Mode, Scope

_FOURS = (ApiKey.last_four, ApiKey.previous_last_four)
#: More than ``service.MOST_GENERATIONS``, in case that was higher once.
_MOST_MAKERS = 20


def get_key(scope: Scope, key_id: UUID, *, lock: bool = False) -> ApiKey:
    """Raises ``NotFound``, for other tenants' keys too. ``lock``: nobody else changes it until this transaction ends."""
    wanted = sa.select(ApiKey).where(ApiKey.id == key_id)
    key = scope.session.scalar(wanted.with_for_update().execution_options(populate_existing=True) if lock else wanted)
    if key is None:
        raise NotFound("API key")
    return key


@dataclass(frozen=True, slots=True)
class KeyFilter:
    """Which keys to show; None means all. ``active``: True for usable ones, False for revoked and expired ones. ``role``: preset, or id of a role."""

    mode: Mode | None = None
    active: bool | None = None
    search: str | None = None
    role: str | None = None
    made_by: UUID | None = None
    unused_since: datetime | None = None


_ALL = KeyFilter()


def list_keys(scope: Scope, wanted: KeyFilter = _ALL, *, limit: int = 50, cursor: str | None = None) -> Page[ApiKey]:
    """Newest first."""
    statement = sa.select(ApiKey)
    if wanted.mode:
        statement = statement.where(ApiKey.mode == wanted.mode)
    if wanted.active is not None:
        statement = statement.where(is_active() if wanted.active else sa.not_(is_active()))
    if wanted.search:
        text = wanted.search
        statement = statement.where(sa.or_(ApiKey.name.icontains(text, autoescape=True), *(four == text[-4:] for four in _FOURS)))
    if wanted.role:
        role_id = parse_uuid(wanted.role)
        statement = statement.where(ApiKey.role_id == role_id if role_id else ApiKey.preset == wanted.role)
    if wanted.made_by:
        statement = statement.where(ApiKey.maker_id == wanted.made_by)
    if wanted.unused_since:
        statement = statement.where(sa.func.coalesce(ApiKey.last_used_at, ApiKey.created_at) < wanted.unused_since)
    return page_of(scope.session, statement, ApiKey.id, limit=limit, cursor=cursor)


def is_active() -> sa.ColumnElement[bool]:
    """The condition of a key that can be used."""
    return sa.and_(ApiKey.revoked_at.is_(None), sa.or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > clock.now()))


def get_role(scope: Scope, role_id: UUID, param: str | None = None) -> Role:
    """Raises ``NotFound``."""
    role = scope.session.scalar(sa.select(Role).where(Role.id == role_id))
    if role is None:
        raise NotFound("role")
    return role


def list_roles(scope: Scope, *, search: str | None = None, limit: int = 50, cursor: str | None = None) -> Page[Role]:
    """The tenant's own roles, newest first; presets are not among them."""
    wanted = sa.select(Role)
    if search:
        wanted = wanted.where(sa.or_(Role.name.icontains(search, autoescape=True), Role.description.icontains(search, autoescape=True)))
    return page_of(scope.session, wanted, Role.id, limit=limit, cursor=cursor)


def count_holders(scope: Scope) -> Mapping[UUID, int]:
    """Role id -> how many usable keys have it."""
    wanted = sa.select(ApiKey.role_id, sa.func.count()).where(ApiKey.role_id.is_not(None), is_active()).group_by(ApiKey.role_id)
    return {role_id: count for role_id, count in scope.session.execute(wanted) if role_id is not None}


def map_role_names(scope: Scope) -> Mapping[UUID, str]:
    """Role id -> name, for lists of keys."""
    return dict(scope.session.execute(sa.select(Role.id, Role.name).order_by(Role.name)).all())


def role_rights(preset: str | None, role: Role | None) -> PermissionSet:
    """What a preset, or a role of the tenant, gives."""
    if preset:
        return KEY_PRESETS.get(preset, PermissionSet())
    return PermissionSet(role.permissions if role else ())


def own_rights(session: Session, key: ApiKey) -> PermissionSet:
    """What the key's role gives, whoever made the key."""
    role = session.scalar(sa.select(Role).where(Role.tenant_id == key.tenant_id, Role.id == key.role_id)) if key.role_id else None
    return role_rights(key.preset, role) if key.preset or role else PermissionSet(key.ceiling or ())


def makers_of(session: Session, key: ApiKey) -> list[ApiKey]:
    """The key that made it, the one that made that, and so on, also those that are over."""
    found: list[ApiKey] = []
    while key.maker_kind == ActorKind.API_KEY and len(found) < _MOST_MAKERS:
        maker = session.scalar(sa.select(ApiKey).where(ApiKey.tenant_id == key.tenant_id, ApiKey.id == key.maker_id))
        if maker is None:
            break
        found.append(key := maker)
    return found


def rights_of(session: Session, key: ApiKey) -> PermissionSet:
    """What a key may do now: its role, as far as the role of the member who made it goes, and the rights of each key in between.

    A smaller role of the member or of a key in between acts on the keys they made; so does a wider one, up to each key's own role.
    """
    rights = PermissionSet({"*"})
    for link in (key, *makers_of(session, key)):
        rights = rights.both(own_rights(session, link))
        if link.member_role is not None:
            rights = rights.both(PRESETS.get(link.member_role, PermissionSet()))
    return rights
