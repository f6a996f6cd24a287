"""Reads of pools, their members and IP addresses."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.kernel.errors import NotFound
from webapp.kernel.pagination import SORTS, Page, page_of
from webapp.pools.models import IpAddress, Pool, PoolMember
from webapp.pools.types import MemberKind, MemberView, PoolUse
from webapp.sending_accounts.models import SendingAccount

Member = tuple[PoolMember, IpAddress | None, SendingAccount | None]


def get_pool(session: Session, pool_id: UUID) -> Pool:
    """One of the tenant's own or the shared pools. Raises ``NotFound``."""
    pool = session.scalar(sa.select(Pool).where(Pool.id == pool_id, Pool.deleted_at.is_(None)))
    if pool is None:
        raise NotFound("pool")
    return pool


def find_default_pool(session: Session) -> Pool | None:
    """The pool of mail that names none: the tenant's own default, else the shared default, else any."""
    return session.scalar(sa.select(Pool).where(Pool.deleted_at.is_(None)).order_by(Pool.is_default.desc(), Pool.tenant_id.is_(None), Pool.id).limit(1))


def has_own_pool(session: Session) -> bool:
    """Whether the tenant has made a pool."""
    return session.scalar(sa.select(Pool.id).where(Pool.tenant_id.is_not(None), Pool.deleted_at.is_(None)).limit(1)) is not None


def list_pools(
    session: Session,
    *,
    search: str | None = None,
    shared: bool | None = None,
    paused: bool | None = None,
    sort: str = SORTS[0],
    limit: int = 50,
    cursor: str | None = None,
) -> Page[Pool]:
    """Own and shared pools, newest first. ``search``: part of the name."""
    statement = sa.select(Pool).where(Pool.deleted_at.is_(None))
    if search:
        statement = statement.where(Pool.name.icontains(search.strip(), autoescape=True))
    if shared is not None:
        statement = statement.where(Pool.tenant_id.is_(None) if shared else Pool.tenant_id.is_not(None))
    if paused is not None:
        statement = statement.where(Pool.paused.is_(paused))
    return page_of(session, statement, Pool.id, limit=limit, cursor=cursor, sort=sort, name=Pool.name)


def list_choices(session: Session) -> Sequence[Pool]:
    """Every pool a bridge may be bound to, own ones first, by name."""
    return session.scalars(sa.select(Pool).where(Pool.deleted_at.is_(None)).order_by(Pool.tenant_id.is_(None), Pool.name)).all()


def pool_names(session: Session) -> dict[UUID, str]:
    """The names of own and shared pools, deleted ones too: old mail names them."""
    return {pool.id: pool.name for pool in session.scalars(sa.select(Pool))}


# Bridges and queued recipients lie above this slice, so they are asked for by table.
_IN_USE = """
select (select count(*) from bridges where pool_id = :pool and deleted_at is null) as bridges,
  exists (select from bridges where pool_id = :pool and deleted_at is not null) as named,
  (select count(*) from (select from queue_entries where pool_id = :pool limit 1000) q) as waiting
"""


def read_pool_use(session: Session, pool_id: UUID) -> PoolUse:
    """What stands in the way of deleting a pool. ``waiting``: recipients in flight, at most 1000."""
    return PoolUse(*session.execute(sa.text(_IN_USE), {"pool": pool_id}).one())


def list_members(session: Session, pool_ids: Sequence[UUID]) -> dict[UUID, list[Member]]:
    """The members of each pool with what they point at, oldest first."""
    rows = session.execute(
        sa.select(PoolMember, IpAddress, SendingAccount)
        .outerjoin(IpAddress, IpAddress.id == PoolMember.ip_address_id)
        .outerjoin(SendingAccount, SendingAccount.id == PoolMember.sending_account_id)
        .where(PoolMember.pool_id.in_(pool_ids))
        .order_by(PoolMember.id)
    )
    found: dict[UUID, list[Member]] = {pool_id: [] for pool_id in pool_ids}
    for member, address, account in rows:
        found[member.pool_id].append((member, address, account))
    return found


def view_members(session: Session, pool_id: UUID, *, kind: MemberKind | None = None, active: bool | None = None) -> list[MemberView]:
    """The members of one pool as people see them."""
    views = [_view(*row) for row in list_members(session, [pool_id])[pool_id]]
    return [view for view in views if kind in (None, view.kind) and active in (None, view.active)]


def view_member(session: Session, pool_id: UUID, member_id: UUID) -> MemberView:
    """One member of one pool. Raises ``NotFound``, also for a pool that is deleted or somebody else's."""
    member = get_member(session, get_pool(session, pool_id).id, member_id)
    return next(view for view in view_members(session, pool_id) if view.id == member.id)


def _view(member: PoolMember, address: IpAddress | None, account: SendingAccount | None) -> MemberView:
    target = account or address
    if account:
        label, detail = account.name, f"{account.host}:{account.port}"
    else:
        label, detail = (address.address, address.helo_name) if address else ("", "")
    return MemberView(
        member.id, MemberKind.RELAY if account else MemberKind.IP, member.ip_address_id, member.sending_account_id, label, detail, member.weight,
        member.active, member.active and target is not None and target.active, member.created_at, member.updated_at,
    )  # fmt: skip


def get_member(session: Session, pool_id: UUID, member_id: UUID) -> PoolMember:
    """One member of one pool. Raises ``NotFound``."""
    member = session.scalar(sa.select(PoolMember).where(PoolMember.pool_id == pool_id, PoolMember.id == member_id))
    if member is None:
        raise NotFound("pool member")
    return member


def list_ips(
    session: Session,
    *,
    search: str | None = None,
    active: bool | None = None,
    shared: bool | None = None,
    sort: str = SORTS[0],
    limit: int = 50,
    cursor: str | None = None,
) -> Page[IpAddress]:
    """The tenant's dedicated and the shared IP addresses. ``search``: part of the address or of the name it greets with."""
    statement = sa.select(IpAddress)
    if search:
        text = search.strip()
        statement = statement.where(sa.or_(IpAddress.address.icontains(text, autoescape=True), IpAddress.helo_name.icontains(text, autoescape=True)))
    if active is not None:
        statement = statement.where(IpAddress.active.is_(active))
    if shared is not None:
        statement = statement.where(IpAddress.tenant_id.is_(None) if shared else IpAddress.tenant_id.is_not(None))
    return page_of(session, statement, IpAddress.id, limit=limit, cursor=cursor, sort=sort, name=IpAddress.helo_name)


def get_ip(session: Session, ip_id: UUID) -> IpAddress:
    """One dedicated or shared IP address. Raises ``NotFound``."""
    address = session.scalar(sa.select(IpAddress).where(IpAddress.id == ip_id))
    if address is None:
        raise NotFound("IP address")
    return address
