"""Reading keys and roles."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

import sqlalchemy as sa

from webapp.access.models import ApiKey, Role
from webapp.access.types import KEY_PRESETS
from webapp.kernel import clock
from webapp.kernel.errors import NotFound
from webapp.kernel.pagination import Page, page_of
from webapp.kernel.permissions import PermissionSet
from webapp.kernel.scope import Mode, Scope


def get_key(scope: Scope, key_id: UUID) -> ApiKey:
    """Raises ``NotFound``, for other tenants' keys too."""
    key = scope.session.scalar(sa.select(ApiKey).where(ApiKey.id == key_id))
    if key is None:
        raise NotFound("API key")
    return key


def list_keys(
    scope: Scope, *, mode: Mode | None = None, active: bool | None = None, search: str | None = None, limit: int = 50, cursor: str | None = None
) -> Page[ApiKey]:
    """Newest first. ``active``: True for usable keys only, False for revoked and expired ones, None for all."""
    statement = sa.select(ApiKey)
    if mode:
        statement = statement.where(ApiKey.mode == mode)
    if active is not None:
        statement = statement.where(is_active() if active else sa.not_(is_active()))
    if search:
        statement = statement.where(sa.or_(ApiKey.name.icontains(search, autoescape=True), ApiKey.last_four == search[-4:]))
    return page_of(scope.session, statement, ApiKey.id, limit=limit, cursor=cursor)


def is_active() -> sa.ColumnElement[bool]:
    """The condition of a key that can be used."""
    return sa.and_(ApiKey.revoked_at.is_(None), sa.or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > clock.now()))


def count_active_keys(scope: Scope) -> int:
    """How many keys can be used."""
    return scope.session.scalar(sa.select(sa.func.count()).select_from(ApiKey).where(is_active())) or 0


def get_role(scope: Scope, role_id: UUID, param: str | None = None) -> Role:
    """Raises ``NotFound``."""
    role = scope.session.scalar(sa.select(Role).where(Role.id == role_id))
    if role is None:
        raise NotFound("role")
    return role


def list_roles(scope: Scope, *, limit: int = 50, cursor: str | None = None) -> Page[Role]:
    """The tenant's own roles, newest first; presets are not among them."""
    return page_of(scope.session, sa.select(Role), Role.id, limit=limit, cursor=cursor)


def map_role_names(scope: Scope) -> Mapping[UUID, str]:
    """Role id -> name, for lists of keys."""
    return dict(scope.session.execute(sa.select(Role.id, Role.name).order_by(Role.name)).all())


def permissions_of(scope: Scope, key: ApiKey) -> PermissionSet:
    """What a key may do, before its tenant's status is looked at."""
    if key.preset:
        return KEY_PRESETS.get(key.preset, PermissionSet())
    return PermissionSet(get_role(scope, key.role_id).permissions) if key.role_id else PermissionSet()
