"""Who sends, and what is known about them: tenant, bridge, verified domains. Kept in the process for two seconds.

Whatever may be as old as that stands here (a revoked or paused sender is refused within the five seconds that are promised, the credential's own
cache included); suppressions, quotas and idempotency keys are asked of the database each time.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import psycopg

from webapp.kernel.scope import ActorKind, Mode, Scope
from webapp.messages.service.arrays import uuid_array
from webapp.messages.service.statements import BRIDGES, TENANT
from webapp.messages.service.wire import Wire

#: Seconds for which a process believes what it read.
FACTS_LIFE = 2.0
_MOST_TENANTS = 20_000


@dataclass(frozen=True, slots=True)
class Sender:
    """On whose authority a submission comes: what every door knows after its login."""

    tenant_id: UUID
    mode: Mode
    bridge_id: UUID | None = None
    api_key_id: UUID | None = None

    @classmethod
    def of_scope(cls, scope: Scope) -> Sender:
        """The sender that a unit of work acts as."""
        key = scope.actor.id if scope.actor.kind is ActorKind.API_KEY else None
        return cls(scope.tenant_id, scope.mode, scope.bridge_id, key)


@dataclass(frozen=True, slots=True)
class BridgeFacts:
    """What accept needs of a bridge."""

    id: UUID
    name: str
    mode: str
    pool_id: UUID
    stream: str
    allowed_from: Sequence[str]
    is_paused: bool
    pause_reason: str | None
    is_deleted: bool
    #: Why nothing new is taken, when somebody drains the bridge or its pool.
    draining: str | None = None


@dataclass(frozen=True, slots=True)
class TenantFacts:
    """What accept needs of a tenant. ``domains``: verified name -> covers its subdomains. ``bridges``: those asked for; None is an absent one."""

    tenant_id: UUID
    status: str
    status_reason: str | None
    daily_limit: int | None
    monthly_limit: int | None
    minute_limit: int | None
    max_recipients: int | None
    pool_id: UUID | None
    domains: dict[str, bool]
    bridges: dict[UUID, BridgeFacts | None] = field(default_factory=dict)
    #: Why nothing new is taken, when somebody drains the tenant.
    draining: str | None = None
    read_at: float = field(default_factory=time.monotonic)

    def has_domain(self, domain: str) -> bool:
        """Whether mail from ``domain`` (an A-label) stands under a verified domain of this tenant."""
        if domain in self.domains:
            return True
        parent = domain.partition(".")[2]
        while parent:
            if self.domains.get(parent):
                return True
            parent = parent.partition(".")[2]
        return False


_lock = threading.Lock()
_known: dict[UUID, TenantFacts] = {}


def forget_facts() -> None:
    """Read everything anew at the next message; for tests, and after a change in this very process."""
    with _lock:
        _known.clear()


def load_facts(wire: Wire, tenant_id: UUID, bridges: Iterable[UUID]) -> TenantFacts | None:
    """Facts of a tenant and of these bridges of it; None for an absent tenant. At most one round trip, none when all is known."""
    wanted = set(bridges)
    facts = _known.get(tenant_id)
    if facts is not None and time.monotonic() - facts.read_at > FACTS_LIFE:
        facts = None
    if facts is not None and wanted <= facts.bridges.keys():
        return facts
    tenant = wire.send(TENANT, {"tenant": tenant_id.bytes}) if facts is None else None
    found = wire.send(BRIDGES, {"tenant": tenant_id.bytes, "bridges": uuid_array(wanted)})
    answers = wire.sync()
    if tenant is not None:
        if not answers[tenant]:
            return None
        facts = _tenant_of(tenant_id, json.loads(answers[tenant][0][0] or "{}"))
    assert facts is not None
    facts.bridges.update(dict.fromkeys(wanted))
    facts.bridges.update({bridge.id: bridge for bridge in (_bridge_of(json.loads(row[0] or "{}")) for row in answers[found])})
    with _lock:
        if len(_known) >= _MOST_TENANTS:
            _known.clear()
        _known[tenant_id] = facts
    return facts


def _tenant_of(tenant_id: UUID, row: dict[str, Any]) -> TenantFacts:
    pool = row.pop("pool_id")
    return TenantFacts(tenant_id, pool_id=UUID(pool) if pool else None, **row)


def _bridge_of(row: dict[str, Any]) -> BridgeFacts:
    return BridgeFacts(id=UUID(row.pop("id")), pool_id=UUID(row.pop("pool_id")), **row)


def raw_connection(scope: Scope) -> psycopg.Connection[Any]:
    """The driver's connection under the scope's session, in the session's transaction."""
    scope.session.flush()
    connection = scope.session.connection().connection.driver_connection
    assert isinstance(connection, psycopg.Connection)
    return connection
