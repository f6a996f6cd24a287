"""Whose rights bound a key: those of the member who made it, and through each key in between. See docs/decisions on keys and their makers."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa

from webapp.access.models import ApiKey
from webapp.access.queries import get_key, makers_of
from webapp.access.remembered import forget_credentials
from webapp.access.service.checks import check_not_itself, check_reach
from webapp.accounts.models import Membership
from webapp.activity.service import record
from webapp.kernel.db import after_commit
from webapp.kernel.errors import Forbidden
from webapp.kernel.scope import ActorKind, Scope

#: A check of a key looks at all its makers, so their number is bounded.
MOST_GENERATIONS = 5


def bind(scope: Scope, key: ApiKey) -> None:
    """Note on the key who makes it, and the member whose role bounds it from now on."""
    key.maker_kind, key.maker_id = scope.actor.kind.value, scope.actor.id
    member = scope.actor.id if scope.actor.kind is ActorKind.MEMBER else scope.actor.on_behalf_of
    role = scope.session.scalar(sa.select(Membership.role).where(Membership.user_id == member)) if member else None
    key.member_id, key.member_role = (member, role) if role else (None, None)


def check_generation(scope: Scope) -> None:
    """Raise ``Forbidden`` when the key at work stands too far from a person to make another one."""
    if scope.actor.kind is ActorKind.API_KEY and scope.actor.id is not None:
        maker = get_key(scope, scope.actor.id)
        if 1 + len(makers_of(scope.session, maker)) >= MOST_GENERATIONS:
            raise Forbidden(f"Keys make keys over at most {MOST_GENERATIONS} generations; use one that stands nearer to a person.")


def adopt_key(scope: Scope, key_id: UUID) -> ApiKey:
    """Answer for a key that somebody else made: from now on it is bound by the rights of whoever adopts it, no longer by its maker's.

    For keys of people who leave or get a smaller role. Raises ``Forbidden`` unless the adopter has all that its role gives.
    """
    key = get_key(scope, key_id)
    check_not_itself(scope, key)
    check_reach(scope, key, as_role=True)
    if scope.actor.kind is ActorKind.API_KEY:
        raise Forbidden("Only a member can answer for a key of somebody else; use the dashboard.")
    before = {"maker": [key.created_by, scope.actor.name], "bound_by_role": key.member_role}
    bind(scope, key)
    key.created_by = scope.actor.name
    record(scope, "api_key.adopted", "api_key", key.id, key.name, {**before, "bound_by_role": [before["bound_by_role"], key.member_role]})
    after_commit(scope.session, lambda: forget_credentials(tenant_id=scope.tenant_id))
    return key
