"""What tests of webhooks out share: settings that let loopback be called, an engine, mail with events, and the jobs run by hand."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from tests.fixtures import Cast, Person
from webapp.kernel.db import tenant_session, unscoped
from webapp.kernel.ids import uuid7
from webapp.kernel.scope import Mode
from webapp.settings import get_settings
from webapp.webhooks.models import WebhookEndpoint
from webapp.webhooks.service import EndpointInput, create_endpoint
from worker.jobs.events import fan_out
from worker.webhooks.engine import Engine

#: A schedule in fractions of a second: 5 s become 5 ms.
SCALE = "0.001"


@pytest.fixture
def settings() -> Iterator[Callable[..., None]]:
    """Sets ``POSTBRIDGE_...`` variables for the length of a test."""
    before = dict(os.environ)

    def change(**values: str) -> None:
        os.environ.update({f"POSTBRIDGE_{name.upper()}": value for name, value in values.items()})
        get_settings.cache_clear()

    yield change
    os.environ.clear()
    os.environ.update(before)
    get_settings.cache_clear()


@pytest.fixture
def loopback(settings: Callable[..., None]) -> None:
    """Endpoints on this host may be called; the schedule runs a thousand times as fast."""
    settings(egress_allow="127.0.0.0/8,::1/128", retry_scale=SCALE, webhook_timeout_seconds="1")


@pytest.fixture
def engine_of_webhooks(cast: Cast, loopback: None) -> Iterator[Engine]:
    """A sending engine that ends with the test."""
    made = Engine()
    yield made
    made.close()


def make_endpoint(person: Person, url: str, **more: Any) -> WebhookEndpoint:
    """An endpoint of that person's tenant."""
    with person.scope() as scope:
        return create_endpoint(scope, EndpointInput(url, **{"modes": list(Mode), **more}))


_MESSAGE = """
insert into messages (id, tenant_id, mode, bridge_id, stream, door, message_id_header, from_address, subject, recipient_count, size, expires_at, tags, metadata)
values (:id, :tenant, :mode, :bridge, 'transactional', 'api', '<one@acme.test>', 'shop@acme.test', 'Your order', 1, 100, now(), '{order}', '{"n": "7"}')
"""
_RECIPIENT = """
insert into recipients (id, tenant_id, message_id, bridge_id, mode, kind, address, state)
values (:recipient, :tenant, :id, :bridge, :mode, 'to', 'jo@customer.example', 'queued')
"""
_EVENT = """
insert into events (id, tenant_id, message_id, recipient_id, bridge_id, type, data)
values (:event, :tenant, :id, :recipient, :bridge, :type, cast(:data as jsonb))
"""


def happen(
    person: Person, type_: str, data: dict[str, Any] | None = None, *, mode: Mode = Mode.LIVE, bridge: UUID | None = None, count: int = 1
) -> list[UUID]:
    """Events of that type about new mail of that person's tenant; gives their ids."""
    assert person.tenant_id is not None
    events = []
    with tenant_session(person.tenant_id) as session:
        for _ in range(count):
            values = {
                "id": uuid7(), "recipient": uuid7(), "event": uuid7(), "tenant": person.tenant_id, "mode": mode.value, "bridge": bridge, "type": type_,
                "data": json.dumps(data) if data is not None else None,
            }  # fmt: skip
            for statement in (_MESSAGE, _RECIPIENT, _EVENT):
                session.execute(sa.text(statement), values)
            events.append(values["event"])
    return events


def rows(statement: str, **values: Any) -> list[Any]:
    """Rows over all tenants."""
    with unscoped("test") as session:
        return list(session.execute(sa.text(statement), values).all())


def deliver(engine: Engine, seconds: float = 5.0) -> int:
    """Fan out, then drain until nothing is due at this moment."""
    fan_out(0)
    return engine.drain(seconds)
