"""What people call the keys of figures: bridges, pools and ways out by name, providers as words."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

import sqlalchemy as sa

from webapp.bridges.service import bridge_names
from webapp.kernel.ids import parse_uuid
from webapp.kernel.scope import Scope
from webapp.pools.models import IpAddress, Pool, PoolMember
from webapp.sending_accounts.models import SendingAccount
from webapp.stats.folding import REST
from webapp.stats.types import Dimension


def names_of(scope: Scope, dimension: Dimension, keys: Iterable[str]) -> dict[str, str]:
    """A name for each key; what is gone is called by its id."""
    wanted = list(keys)
    if dimension in (Dimension.BRIDGE, Dimension.POOL, Dimension.MEMBER):
        known = _KNOWN[dimension](scope, [found for key in wanted if (found := parse_uuid(key))])
        return {key: known.get(UUID(key)) or f"{key[:8]}… (deleted)" for key in wanted}
    return {key: "Everything else" if key == REST else _word(key) if dimension is Dimension.PROVIDER else key for key in wanted}


def _word(provider: str) -> str:
    return provider if "." in provider else provider.capitalize()


def _bridges(scope: Scope, ids: list[UUID]) -> dict[UUID, str]:
    return bridge_names(scope) if ids else {}


def _pools(scope: Scope, ids: list[UUID]) -> dict[UUID, str]:
    return {row[0]: row[1] for row in scope.session.execute(sa.select(Pool.id, Pool.name).where(Pool.id.in_(ids)))}


def _members(scope: Scope, ids: list[UUID]) -> dict[UUID, str]:
    wanted = (
        sa.select(PoolMember.id, sa.func.coalesce(IpAddress.address, SendingAccount.name))
        .outerjoin(IpAddress, IpAddress.id == PoolMember.ip_address_id)
        .outerjoin(SendingAccount, SendingAccount.id == PoolMember.sending_account_id)
        .where(PoolMember.id.in_(ids))
    )
    return {row[0]: row[1] for row in scope.session.execute(wanted)}


_KNOWN = {Dimension.BRIDGE: _bridges, Dimension.POOL: _pools, Dimension.MEMBER: _members}
