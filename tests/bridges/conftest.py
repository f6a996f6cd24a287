"""A shared pool and bridges on it, as every installation has them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.fixtures import Cast, Person
from webapp.bridges.service import BridgeInput, create_bridge
from webapp.bridges.types import Secrets
from webapp.kernel.clock import now
from webapp.kernel.db import tenant_session, unscoped
from webapp.kernel.ids import uuid7
from webapp.kernel.permissions import PermissionSet
from webapp.kernel.scope import Mode, Scope
from webapp.pools.models import Pool


@dataclass(frozen=True)
class Made:
    """A committed bridge and its first credentials."""

    id: UUID
    name: str
    secrets: Secrets


@pytest.fixture
def shared_pool(cast: Cast) -> UUID:
    """The platform's own pool, which every tenant may use."""
    with unscoped("test") as rows:
        pool = Pool(id=uuid7(), tenant_id=None, name="Shared", is_default=True)
        rows.add(pool)
    return pool.id


@pytest.fixture
def make_bridge(shared_pool: UUID) -> Callable[..., Made]:
    """A function that makes a bridge for a person: `make_bridge(cast.owner, 'shop', track_opens=True)`."""

    def make(person: Person, name: str = "shop", **more: Any) -> Made:
        with person.scope(more.get("mode") or Mode.LIVE) as scope:
            bridge, secrets = create_bridge(scope, BridgeInput(name, **more))
        return Made(bridge.id, bridge.name, secrets)

    return make


@pytest.fixture
def operator(cast: Cast) -> Callable[..., object]:
    """Calls an act on a bridge as staff: `operator(exempt, bridge_id, days=5)`."""

    def call(act: Callable[..., object], bridge_id: UUID, days: int = 0) -> object:
        assert cast.owner.tenant_id is not None
        with tenant_session(cast.owner.tenant_id) as session:
            scope = Scope(session, cast.owner.tenant_id, cast.staff.actor, PermissionSet({"*"}))
            return act(scope, bridge_id, now() + timedelta(days=days), "a campaign we know of") if days else act(scope, bridge_id)

    return call
