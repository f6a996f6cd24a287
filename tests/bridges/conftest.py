"""A shared pool and bridges on it, as every installation has them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest

from tests.fixtures import Cast, Person
from webapp.bridges.service import BridgeInput, create_bridge
from webapp.bridges.types import Secrets
from webapp.kernel.db import unscoped
from webapp.kernel.ids import uuid7
from webapp.kernel.scope import Mode
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
