"""Making and changing reusable roles."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

import sqlalchemy as sa

from webapp.access.models import ApiKey, Role
from webapp.access.queries import get_role
from webapp.access.remembered import forget_credentials
from webapp.access.service.checks import checked_name
from webapp.access.types import KEY_PRESETS
from webapp.activity.service import record
from webapp.kernel import clock
from webapp.kernel.db import after_commit
from webapp.kernel.errors import Conflict, Forbidden, Problem, ValidationFailed
from webapp.kernel.ids import uuid7
from webapp.kernel.permissions import unknown_patterns
from webapp.kernel.scope import Scope
from webapp.tenants.service import check_room, counts
from webapp.tenants.types import LimitName


@counts(LimitName.ROLES)
def count_roles(scope: Scope) -> int:
    """How many roles of its own the tenant has."""
    return scope.session.scalar(sa.select(sa.func.count()).select_from(Role)) or 0


def create_role(scope: Scope, name: str, permissions: Iterable[str], description: str | None = None) -> Role:
    """A reusable set of permission patterns. Raises ``Conflict`` for a taken name, ``Forbidden`` for rights the maker has not."""
    cleaned = checked_name(name)
    granted = _checked_patterns(scope, permissions)
    check_room(scope, LimitName.ROLES)
    _check_role_name(scope, cleaned, None)
    role = Role(id=uuid7(), tenant_id=scope.tenant_id, name=cleaned, description=description, permissions=granted)
    scope.session.add(role)
    scope.session.flush()
    record(scope, "role.created", "role", role.id, role.name, {"permissions": granted, "description": description})
    return role


def update_role(scope: Scope, role_id: UUID, *, name: str | None = None, permissions: Iterable[str] | None = None, description: str | None = None) -> Role:
    """Change a role; every key that has it follows within five seconds, as far as its maker's rights go. None leaves a field as it is.

    Raises ``Forbidden`` for new rights that the editor has not, also for taking and keeping those that somebody with more put in.
    """
    role = get_role(scope, role_id)
    changes: dict[str, object] = {}
    if name is not None and (cleaned := checked_name(name)) != role.name:
        _check_role_name(scope, cleaned, role.id)
        changes["name"], role.name = [role.name, cleaned], cleaned
    if permissions is not None and (granted := _checked_patterns(scope, permissions)) != role.permissions:
        changes["permissions"], role.permissions = [role.permissions, granted], granted
    if description is not None and description != role.description:
        changes["description"], role.description = [role.description, description], description
    if changes:
        record(scope, "role.updated", "role", role.id, role.name, changes)
        after_commit(scope.session, lambda: forget_credentials(tenant_id=scope.tenant_id))
    return role


def delete_role(scope: Scope, role_id: UUID) -> None:
    """Raises ``Conflict`` while a usable key has the role. Ended keys that had it keep its patterns as the bound of the keys they made."""
    role = get_role(scope, role_id)
    holders = scope.session.scalars(sa.select(ApiKey).where(ApiKey.role_id == role.id)).all()
    in_use = [key.name for key in holders if key.revoked_at is None and (key.expires_at is None or key.expires_at > clock.now())]
    if in_use:
        raise Conflict(f"{len(in_use)} keys have this role, among them {in_use[0]!r}; revoke them first.")
    for key in holders:
        key.role_id, key.ceiling = None, list(role.permissions)
    scope.session.flush()
    scope.session.delete(role)
    record(scope, "role.deleted", "role", role.id, role.name, {"permissions": [role.permissions, None]})


def _check_role_name(scope: Scope, name: str, own_id: UUID | None) -> None:
    if name in KEY_PRESETS or name.startswith("root:"):
        raise ValidationFailed("Names that begin with root: are the built-in roles'.", param="name")
    taken = scope.session.scalar(sa.select(Role.id).where(Role.name == name))
    if taken is not None and taken != own_id:
        raise Conflict(f"There is a role named {name!r} already.", param="name")


def _checked_patterns(scope: Scope, permissions: Iterable[str]) -> list[str]:
    patterns = sorted(set(permissions))
    if wrong := unknown_patterns(patterns):
        raise ValidationFailed.of([Problem("permissions", f"{text!r} is no permission; see GET /permissions.") for text in wrong])
    if not patterns:
        raise ValidationFailed("A role without permissions allows nothing; give at least one.", param="permissions")
    if not scope.permissions.covers(patterns):
        raise Forbidden("The role would give more than you have.")
    return patterns
