"""The end of keys: one, those it made, or many at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa

from webapp.access.models import ApiKey
from webapp.access.queries import get_key
from webapp.access.remembered import forget_credentials
from webapp.activity.service import record
from webapp.kernel import clock
from webapp.kernel.db import after_commit
from webapp.kernel.errors import NotFound
from webapp.kernel.scope import Scope


@dataclass(frozen=True, slots=True)
class Revocation:
    """What became of one key of a bulk revocation. ``result``: revoked, already_revoked or not_found."""

    id: UUID
    result: str


def revoke_key(scope: Scope, key_id: UUID, *, with_made: bool = False) -> ApiKey:
    """End a key for good: everywhere within five seconds, in this process at once. Revoking a revoked key changes nothing.

    ``with_made``: the keys it made end too, and those that they made: for a key that strangers have seen.
    """
    key = get_key(scope, key_id)
    _revoke(scope, key)
    if with_made:
        for made in _made_by(scope, {key.id}):
            _revoke(scope, made)
    return key


def revoke_keys(scope: Scope, ids: Sequence[UUID]) -> list[Revocation]:
    """End many keys; each is answered on its own, in the order asked."""
    found = {key.id: key for key in scope.session.scalars(sa.select(ApiKey).where(ApiKey.id.in_(ids)))}
    return [Revocation(key_id, _revoke(scope, found[key_id]) if key_id in found else "not_found") for key_id in dict.fromkeys(ids)]


def revoke_keys_of(scope: Scope, maker_id: UUID) -> list[Revocation]:
    """End every key that a member or a key made, and what those made: for somebody who left, or a key that strangers have seen.

    Raises ``NotFound`` for somebody who made none.
    """
    made = _made_by(scope, {maker_id})
    if not made:
        raise NotFound("maker of keys")
    return [Revocation(key.id, _revoke(scope, key)) for key in made]


def _revoke(scope: Scope, key: ApiKey) -> str:
    if key.revoked_at is not None:
        return "already_revoked"
    key.revoked_at = clock.now()
    record(scope, "api_key.revoked", "api_key", key.id, key.name, {"revoked_at": [None, key.revoked_at]})
    after_commit(scope.session, lambda: forget_credentials(key_id=key.id))
    return "revoked"


def _made_by(scope: Scope, makers: set[UUID]) -> list[ApiKey]:
    """All keys made by them, by those, and so on."""
    found: dict[UUID, ApiKey] = {}
    while makers:
        rows = scope.session.scalars(sa.select(ApiKey).where(ApiKey.maker_id.in_(makers))).all()
        fresh = {row.id: row for row in rows if row.id not in found}
        found |= fresh
        makers = set(fresh)
    return list(found.values())
