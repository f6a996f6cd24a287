"""A tenant that sends for real: two bridges on one pool that relays to a server on loopback, which does with each recipient what its name says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from tests.fixtures import Cast
from tests.sinks import SmtpSink, sink_in_thread
from webapp.bridges.service import BridgeInput, create_bridge
from webapp.kernel.addresses import parse_address
from webapp.kernel.db import unscoped
from webapp.messages.service import accept, forget_facts
from webapp.messages.types import Door, MessageSubmission, RecipientInput
from worker.dispatch.dispatcher import Dispatcher


@dataclass
class Sending:
    """The owner's tenant with two bridges on one pool that relays to a sink."""

    cast: Cast
    sink: SmtpSink
    dispatcher: Dispatcher
    bridge: UUID
    sibling: UUID
    rounds: int = 0

    def send(self, bridge: UUID, *names: str, sender: str = "shop@acme.test", **more: Any) -> UUID:
        """Accept one message to these local parts."""
        forget_facts()
        with self.cast.owner.scope() as scope:
            to = tuple(RecipientInput(parse_address(f"{name}@example.net")) for name in names)
            wanted = MessageSubmission(from_address=parse_address(sender), recipients=to, subject="Hi", text="Hi", door=Door.API, bridge_id=bridge, **more)
            return accept(scope, wanted).id

    def bounce(self, bridge: UUID, count: int, good: int = 0) -> None:
        """Send to ``count`` addresses that do not exist and to ``good`` ones that do, and deliver."""
        self.rounds += 1  # those who bounced are suppressed
        self.send(bridge, *(f"r550-{self.rounds}-{i}" for i in range(count)), *(f"ok-{i}" for i in range(good)))
        self.dispatcher.drain(20)

    def rows(self, statement: str) -> list[tuple[object, ...]]:
        """Of all tenants."""
        with unscoped("test") as session:
            return [tuple(row) for row in session.execute(sa.text(statement))]

    def states(self, message: UUID) -> dict[str, str]:
        """State by local part."""
        return {str(a).partition("@")[0]: str(s) for a, s in self.rows(f"select address, state from recipients where message_id = '{message}'")}


@pytest.fixture
def sending(cast: Cast) -> Iterator[Sending]:
    """The owner's tenant with the verified domains acme.test and news.acme.test."""
    forget_facts()
    with sink_in_thread() as sink:
        with unscoped("test") as rows:
            made = "insert into sending_accounts (name, host, port, tls, active) values ('sink', '127.0.0.1', :port, 'none', true) returning id"
            account = rows.execute(sa.text(made), {"port": sink.port}).scalar_one()
            pool = rows.execute(sa.text("insert into pools (name, is_default) values ('Shared', true) returning id")).scalar_one()
            rows.execute(sa.text("insert into pool_members (pool_id, sending_account_id) values (:p, :a)"), {"p": pool, "a": account})
            for domain in ("acme.test", "news.acme.test"):
                verified = "insert into domains (tenant_id, name, status, challenge, verified_at) values (:t, :d, 'verified', 'x', now())"
                rows.execute(sa.text(verified), {"t": cast.owner.tenant_id, "d": domain})
        with cast.owner.scope() as scope:
            bridge, sibling = (create_bridge(scope, BridgeInput(name))[0].id for name in ("shop", "alerts"))
        dispatcher = Dispatcher()
        yield Sending(cast, sink, dispatcher, bridge, sibling)
        dispatcher.stop()
    forget_facts()
