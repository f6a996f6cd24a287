"""Reads of bridges and their credentials.

A sandbox scope sees sandbox bridges only: through a live bridge's credentials a test key would reach the world.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa

from webapp.bridges.models import Bridge, BridgeCredential
from webapp.kernel.errors import NotFound
from webapp.kernel.ids import parse_uuid
from webapp.kernel.pagination import SORTS, Page, page_of
from webapp.kernel.scope import Mode, Scope


def _visible(scope: Scope) -> sa.Select[Bridge]:
    statement = sa.select(Bridge).where(Bridge.deleted_at.is_(None))
    return statement.where(Bridge.mode == Mode.SANDBOX) if scope.mode is Mode.SANDBOX else statement


def get_bridge(scope: Scope, bridge_id: UUID | str) -> Bridge:
    """One bridge that is not deleted. Raises ``NotFound``, for unreadable ids too."""
    wanted = bridge_id if isinstance(bridge_id, UUID) else parse_uuid(bridge_id)
    bridge = scope.session.scalar(_visible(scope).where(Bridge.id == wanted)) if wanted else None
    if bridge is None:
        raise NotFound("bridge")
    return bridge


def list_bridges(
    scope: Scope,
    *,
    search: str | None = None,
    mode: Mode | None = None,
    pool_id: UUID | None = None,
    paused: bool | None = None,
    sender: str | None = None,
    sort: str = SORTS[0],
    limit: int = 50,
    cursor: str | None = None,
) -> Page[Bridge]:
    """Bridges that are not deleted, newest first. ``search``: part of the name; ``sender``: a domain, of those that send from it alone."""
    statement = _visible(scope)
    if search:
        statement = statement.where(Bridge.name.icontains(search.strip(), autoescape=True))
    if mode is not None:
        statement = statement.where(Bridge.mode == mode)
    if pool_id is not None:
        statement = statement.where(Bridge.pool_id == pool_id)
    if paused is not None:
        statement = statement.where(Bridge.paused_at.is_not(None) if paused else Bridge.paused_at.is_(None))
    if sender is not None:
        only = sa.literal_column("bridges.allowed_from[1]", sa.Text())
        statement = statement.where(sa.func.cardinality(Bridge.allowed_from) == 1, only.iendswith(f"@{sender}", autoescape=True))
    return page_of(scope.session, statement, Bridge.id, limit=limit, cursor=cursor, sort=sort, name=Bridge.name)


def bridge_names(scope: Scope) -> dict[UUID, str]:
    """The names of all bridges of the tenant, deleted ones too: messages name those as well."""
    rows = scope.session.execute(sa.select(Bridge.id, Bridge.name).order_by(Bridge.deleted_at.is_not(None), Bridge.name))
    return {row.id: row.name for row in rows}


def list_credentials(scope: Scope, bridge_id: UUID) -> Sequence[BridgeCredential]:
    """The credentials of a bridge that are valid now, newest first."""
    return scope.session.scalars(
        sa.select(BridgeCredential)
        .where(
            BridgeCredential.bridge_id == bridge_id,
            sa.or_(BridgeCredential.expires_at.is_(None), BridgeCredential.expires_at > sa.func.now()),
        )
        .order_by(BridgeCredential.number.desc())
    ).all()
