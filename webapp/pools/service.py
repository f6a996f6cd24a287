"""Acts on pools and their members. Shared pools are read-only for tenants."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.activity.service import record
from webapp.kernel.clock import now
from webapp.kernel.conflicts import refuse_on
from webapp.kernel.errors import Conflict, NotFound, ValidationFailed
from webapp.kernel.permissions import Permission
from webapp.kernel.scope import Scope
from webapp.pools import queries
from webapp.pools.addresses import ANY_ADDRESS, add_address, change_address, check_address
from webapp.pools.models import IpAddress, Pool, PoolMember
from webapp.pools.queries import get_pool, list_choices, list_members, pool_names
from webapp.pools.types import MemberKind, PoolRoute, RouteMember
from webapp.sending_accounts.models import SendingAccount
from webapp.sending_accounts.service import as_lines, open_password, usage_of
from webapp.sending_accounts.types import AuthMethod, TlsPolicy, Usage
from webapp.tenants.service import check_room, counts
from webapp.tenants.types import LimitName

__all__ = [
    "ANY_ADDRESS", "add_address", "add_member", "change_address", "check_address", "create_pool", "delete_pool", "get_default_pool",
    "get_pool", "list_choices", "list_members", "pool_names", "remove_member", "route_of", "update_member", "update_pool", "use_dedicated",
]  # fmt: skip


@counts(LimitName.POOLS)
def count_pools(scope: Scope) -> int:
    """How many pools of its own the tenant has."""
    wanted = sa.select(sa.func.count()).select_from(Pool).where(Pool.tenant_id == scope.tenant_id, Pool.deleted_at.is_(None))
    return scope.session.scalar(wanted) or 0


def create_pool(scope: Scope, name: str, description: str | None = None, is_default: bool = False) -> Pool:
    """Make an empty pool. ``is_default``: mail and bridges that name no pool use it; the first pool of a tenant is."""
    scope.require(Permission.POOL_CREATE)
    check_room(scope, LimitName.POOLS)
    is_default = is_default or not queries.has_own_pool(scope.session)
    pool = Pool(tenant_id=scope.tenant_id, name=name, description=description, is_default=False, paused=False)
    scope.session.add(pool)
    scope.session.flush()
    if is_default:
        _make_default(scope, pool)
    record(scope, "pool.created", "pool", pool.id, pool.name)
    return pool


def update_pool(scope: Scope, pool_id: UUID, changes: dict[str, Any]) -> Pool:
    """Change ``name``, ``description``, ``is_default`` or ``paused``. Paused pools keep their queue and send nothing."""
    scope.require(Permission.POOL_UPDATE)
    pool = _own(scope, pool_id)
    changed = {name: [getattr(pool, name), value] for name, value in changes.items() if getattr(pool, name) != value}
    for name in changed.keys() - {"is_default"}:
        setattr(pool, name, changes[name])
    if "is_default" in changed:
        if changes["is_default"]:
            _make_default(scope, pool)
        else:
            pool.is_default = False
    scope.session.flush()
    if changed:
        record(scope, "pool.updated", "pool", pool.id, pool.name, changed)
    return pool


def delete_pool(scope: Scope, pool_id: UUID) -> None:
    """Remove a pool with its members. Raises ``Conflict`` while a bridge that lives, or mail in flight, needs it.

    A pool that a deleted bridge names keeps its row, so that old mail and figures keep its name.
    """
    scope.require(Permission.POOL_DELETE)
    pool = _own(scope, pool_id)
    scope.session.refresh(pool, with_for_update=True)  # a bridge made in this moment waits, and is counted or sees the pool gone
    use = queries.read_pool_use(scope.session, pool_id)
    in_use = Conflict("Bridges still route through this pool; move their applications to other bridges first, or pause the pool.")
    if use.bridges:
        raise in_use
    if use.waiting:
        raise Conflict("Mail still waits in this pool; let it leave, or cancel it, and then delete the pool.")
    if use.named:
        scope.session.execute(sa.delete(PoolMember).where(PoolMember.pool_id == pool.id))
        pool.deleted_at, pool.is_default = now(), False
        scope.session.flush()
    else:
        with refuse_on(scope.session, "fk_bridges_pool_id", in_use):
            scope.session.delete(pool)
    record(scope, "pool.deleted", "pool", pool.id, pool.name)


def add_member(
    scope: Scope, pool_id: UUID, *, ip_address_id: UUID | None = None, sending_account_id: UUID | None = None, weight: int = 100
) -> PoolMember:
    """Put an IP address or a sending account, own or shared, into an own pool.

    Raises ``ValidationFailed`` unless exactly one is given and exists, ``Conflict`` when it is in the pool already.
    """
    scope.require(Permission.POOL_UPDATE)
    pool = _own(scope, pool_id)
    if (ip_address_id is None) == (sending_account_id is None):
        raise ValidationFailed("Give either ip_address_id or sending_account_id.", param="sending_account_id")
    _check_exists(scope, ip_address_id, sending_account_id)
    member = PoolMember(
        tenant_id=scope.tenant_id, pool_id=pool.id, ip_address_id=ip_address_id, sending_account_id=sending_account_id, weight=weight, active=True
    )
    kind = "ip_address_id" if ip_address_id else "sending_account_id"
    with refuse_on(scope.session, f"uq_pool_members_pool_id_{kind}", Conflict("It is a member of this pool already.", param=kind)):
        scope.session.add(member)
    record(scope, "pool.member_added", "pool", pool.id, pool.name, {kind: str(ip_address_id or sending_account_id), "weight": weight})
    return member


def update_member(scope: Scope, pool_id: UUID, member_id: UUID, changes: dict[str, Any]) -> PoolMember:
    """Change ``weight`` or ``active`` of a member."""
    scope.require(Permission.POOL_UPDATE)
    pool = _own(scope, pool_id)
    member = queries.get_member(scope.session, pool_id, member_id)
    changed = {name: [getattr(member, name), value] for name, value in changes.items() if getattr(member, name) != value}
    for name in changed:
        setattr(member, name, changes[name])
    scope.session.flush()
    if changed:
        record(scope, "pool.member_updated", "pool", pool.id, pool.name, changed)
    return member


def remove_member(scope: Scope, pool_id: UUID, member_id: UUID) -> None:
    """Take a member out of a pool; what it points at stays."""
    scope.require(Permission.POOL_UPDATE)
    pool = _own(scope, pool_id)
    member = queries.get_member(scope.session, pool_id, member_id)
    scope.session.delete(member)
    scope.session.flush()
    record(scope, "pool.member_removed", "pool", pool.id, pool.name, {"member": str(member_id)})


def get_default_pool(scope: Scope) -> Pool:
    """The pool of bridges that name none. Raises ``ValidationFailed`` (param ``pool_id``) when there is not even a shared one."""
    pool = queries.find_default_pool(scope.session)
    if pool is None:
        raise ValidationFailed("There is no pool yet; make one first and name it here.", param="pool_id")
    return pool


def route_of(session: Session, pool_id: UUID) -> PoolRoute | None:
    """The pool as values for the delivery engine, relay passwords opened; None when it is gone. For unscoped callers, who cache it for seconds.

    Members that are inactive, or whose account or address is, are left out.
    """
    pool = session.get(Pool, pool_id)
    if pool is None or pool.deleted_at is not None:
        return None
    found = queries.list_members(session, [pool_id])[pool_id]
    usage = usage_of(session, [account for _, _, account in found if account and (account.hourly_quota or account.daily_quota)], now())
    members = [
        _relay(member, account, usage.get(account.id)) if account else _ip(member, address)
        for member, address, account in found
        if member.active and ((account and account.active) or (address and address.active))
    ]
    return PoolRoute(pool.id, pool.name, pool.paused, tuple(member for member in members if member is not None))


def _relay(member: PoolMember, account: SendingAccount, usage: Usage | None) -> RouteMember:
    return RouteMember(
        member.id, MemberKind.RELAY, member.weight, host=account.host, port=account.port, tls=TlsPolicy(account.tls), username=account.username,
        password=open_password(account), max_connections=account.max_connections, trusted=account.tenant_id is None,
        source_id=account.id, owner_id=account.tenant_id, label=account.name, auth=AuthMethod(account.auth), return_path=account.return_path, usage=usage,
        headers=as_lines(account.headers),
    )  # fmt: skip


def _ip(member: PoolMember, address: IpAddress | None) -> RouteMember | None:
    if address is None:
        return None
    source = None if address.address == ANY_ADDRESS else address.address
    label = address.address if source else "This server"
    return RouteMember(
        member.id, MemberKind.IP, member.weight, source_address=source, helo_name=address.helo_name, source_id=address.id, owner_id=address.tenant_id,
        label=label,
    )  # fmt: skip


def use_dedicated(scope: Scope, ip_id: UUID, active: bool) -> IpAddress:
    """Take an address that is dedicated to the tenant into use or out of it; mail of its pools goes by their other members. Raises ``NotFound``,
    and ``Conflict`` for a shared one."""
    scope.require(Permission.IP_UPDATE)
    address = queries.get_ip(scope.session, ip_id)
    if address.shared:
        raise Conflict("This address is shared by the platform and cannot be changed here.")
    if address.active != active:
        record(scope, "ip.updated", "ip", address.id, address.address, {"active": [address.active, active]})
        address.active = active
        scope.session.flush()
    return address


def _own(scope: Scope, pool_id: UUID) -> Pool:
    pool = queries.get_pool(scope.session, pool_id)
    if pool.tenant_id is None:
        raise Conflict("This pool is shared by the platform and cannot be changed here; make a pool of your own.")
    return pool


def _check_exists(scope: Scope, ip_address_id: UUID | None, sending_account_id: UUID | None) -> None:
    wanted = (IpAddress, ip_address_id) if ip_address_id else (SendingAccount, sending_account_id)
    model, wanted_id = wanted
    if scope.session.scalar(sa.select(model.id).where(model.id == wanted_id)) is None:
        raise NotFound("IP address" if ip_address_id else "sending account")


def _make_default(scope: Scope, pool: Pool) -> None:
    scope.session.execute(sa.update(Pool).where(Pool.tenant_id == scope.tenant_id, Pool.id != pool.id).values(is_default=False))
    pool.is_default = True
    scope.session.flush()
