"""What every installation has before the first person comes: the platform's own tenant, its bridge, its domain, and a shared pool."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

from webapp.bridges.models import Bridge
from webapp.bridges.service import BridgeInput, create_bridge
from webapp.domains.models import Domain
from webapp.domains.service import make_keys, new_domain
from webapp.domains.types import DomainStatus
from webapp.kernel.addresses import parse_address
from webapp.kernel.clock import now
from webapp.kernel.db import tenant_session, unscoped
from webapp.kernel.ids import uuid7
from webapp.kernel.permissions import PRESETS
from webapp.kernel.scope import SYSTEM, Mode, Scope
from webapp.pools.models import IpAddress, Pool, PoolMember
from webapp.pools.service import ANY_ADDRESS
from webapp.sending_accounts.models import SendingAccount
from webapp.sending_accounts.types import TlsPolicy
from webapp.settings import get_settings
from webapp.tenants.service import system_tenant_id

log = structlog.get_logger()

SYSTEM_BRIDGE = "system"
SIMULATOR = "Simulator"
#: Any number that nobody else locks with: two processes that start at once must not both make the same rows.
_LOCK = 7_260_411


def ensure_platform() -> UUID:
    """Make what is missing of the platform's own rows; returns the platform's tenant. Doing it again changes nothing."""
    settings = get_settings()
    with unscoped("bootstrap of the platform") as session:
        lock(session)
        tenant_id = system_tenant_id(session)
        if session.scalar(sa.select(Pool.id).where(Pool.tenant_id.is_(None)).limit(1)) is None:
            _make_simulator_pool(session) if settings.demo else _make_direct_pool(session)
        elif settings.demo and find_simulator_pool(session) is None:
            _make_simulator_pool(session)
        _follow_simulator(session)
    with system_scope(tenant_id) as scope:
        _ensure_domain(scope)
        if scope.session.scalar(sa.select(Bridge.id).where(Bridge.name == SYSTEM_BRIDGE, Bridge.deleted_at.is_(None))) is None:
            create_bridge(scope, BridgeInput(SYSTEM_BRIDGE))
    return tenant_id


@contextmanager
def system_scope(tenant_id: UUID, mode: Mode = Mode.LIVE) -> Iterator[Scope]:
    """A unit of work of one tenant in the platform's own name."""
    with tenant_session(tenant_id) as session:
        lock(session)
        yield Scope(session, tenant_id, SYSTEM, PRESETS["owner"], mode)


def lock(session: Session) -> None:
    """Wait for another bootstrap to end; held until this transaction does."""
    session.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))


def find_simulator_pool(session: Session) -> Pool | None:
    """The shared pool that leads to the built-in simulator. Needs an unscoped session."""
    return session.scalar(sa.select(Pool).where(Pool.tenant_id.is_(None), Pool.name == SIMULATOR))


def _has_default(session: Session) -> bool:
    return session.scalar(sa.select(Pool.id).where(Pool.tenant_id.is_(None), Pool.is_default).limit(1)) is not None


def _make_direct_pool(session: Session) -> None:
    """Straight to the recipients' MX, from whatever address the system chooses."""
    pool = Pool(id=uuid7(), name="Shared", description="Direct delivery from this server's own address.", is_default=not _has_default(session))
    address = session.scalar(sa.select(IpAddress).where(IpAddress.address == ANY_ADDRESS))
    if address is None:
        address = IpAddress(id=uuid7(), address=ANY_ADDRESS, helo_name=get_settings().ehlo_name)
    session.add_all([pool, address])
    session.flush()
    session.add(PoolMember(pool_id=pool.id, ip_address_id=address.id, tenant_id=None))


def _make_simulator_pool(session: Session) -> None:
    """Everything goes to the simulator. The account is the platform's own, so its host may be on loopback: the operator chose it, no tenant did."""
    settings = get_settings()
    pool = Pool(id=uuid7(), name=SIMULATOR, description="Leads to the built-in simulator: no mail leaves this machine.", is_default=not _has_default(session))
    account = SendingAccount(id=uuid7(), name=SIMULATOR, host="127.0.0.1", port=settings.simulator_port, tls=TlsPolicy.NONE, max_connections=50)
    session.add_all([pool, account])
    session.flush()
    session.add(PoolMember(pool_id=pool.id, sending_account_id=account.id, tenant_id=None))


def _follow_simulator(session: Session) -> None:
    """The simulator's port is a setting and may have changed since."""
    session.execute(
        sa.update(SendingAccount)
        .where(SendingAccount.tenant_id.is_(None), SendingAccount.name == SIMULATOR, SendingAccount.host == "127.0.0.1")
        .values(port=get_settings().simulator_port)
    )


def _ensure_domain(scope: Scope) -> None:
    """The domain of the platform's own sender. The operator set it, so no challenge is asked for."""
    name = parse_address(get_settings().system_from).domain
    if scope.session.scalar(sa.select(Domain.id).where(Domain.name == name)) is None:
        ensure_verified_domain(scope, name)


def ensure_verified_domain(scope: Scope, name: str) -> None:
    """Add a domain that counts as verified without DNS, signing included; leaves it pending when another tenant has proven it."""
    with unscoped("bootstrap looks who holds a domain") as session:
        taken = session.scalar(sa.select(Domain.tenant_id).where(Domain.name == name, Domain.verified_at.is_not(None)))
    domain = new_domain(scope.tenant_id, name)
    domain.vouched = taken is None
    if taken is None:
        domain.status, domain.verified_at = DomainStatus.VERIFIED, now()
    else:
        log.warning("domain_taken", domain=name, by=str(taken))
    scope.session.add(domain)
    scope.session.flush()
    for key in make_keys(scope.session, domain):
        key.active_at = now()
