"""A bridge that delivers to the scriptable sink, and workers that run in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from uuid import UUID

import pytest
import sqlalchemy as sa

from tests.fixtures import Cast
from tests.sinks import SmtpSink, sink_in_thread
from webapp.bridges.service import BridgeInput, create_bridge
from webapp.kernel.addresses import parse_address
from webapp.kernel.db import unscoped
from webapp.messages.service import accept
from webapp.messages.types import Door, MessageSubmission, RecipientInput
from worker.dispatch.dispatcher import Dispatcher

_SEED = """
with account as (insert into sending_accounts (name, host, port, tls, active) values ('sink', '127.0.0.1', :port, 'none', true) returning id),
pool as (insert into pools (name, is_default) values ('Shared', true) returning id),
member as (insert into pool_members (pool_id, sending_account_id) select pool.id, account.id from pool, account)
insert into domains (tenant_id, name, status, challenge, verified_at) values (:tenant, 'acme.test', 'verified', 'x', now())
"""


@dataclass(frozen=True)
class Shop:
    """A tenant that may send through ``bridge_id``."""

    cast: Cast
    bridge_id: UUID

    def send(self, *addresses: str) -> UUID:
        """One accepted message to ``addresses``; its id."""
        submission = MessageSubmission(
            from_address=parse_address("shop@acme.test"), recipients=tuple(RecipientInput(parse_address(a)) for a in addresses), subject="Order",
            door=Door.API, text="Thanks", bridge_id=self.bridge_id,
        )  # fmt: skip
        with self.cast.owner.scope() as scope:
            return accept(scope, submission).id

    def rows(self, statement: str) -> list[tuple[object, ...]]:
        """Rows of any table."""
        with unscoped("test") as session:
            return [tuple(row) for row in session.execute(sa.text(statement))]

    def states(self) -> dict[str, int]:
        """How many recipients are in which state."""
        return {str(state): int(str(count)) for state, count in self.rows("select state, count(*) from recipients group by state")}


@pytest.fixture
def sink() -> Iterator[SmtpSink]:
    """A far end that takes mail, or refuses it when the recipient's name says so."""
    with sink_in_thread() as running:
        yield running


@pytest.fixture
def shop(cast: Cast, sink: SmtpSink) -> Shop:
    """An approved tenant whose mail goes to the sink."""
    with unscoped("test") as rows:
        rows.execute(sa.text(_SEED), {"port": sink.port, "tenant": cast.owner.tenant_id})
    with cast.owner.scope() as scope:
        made, _ = create_bridge(scope, BridgeInput("shop"))
        return Shop(cast, made.id)


@pytest.fixture
def worker() -> Iterator[Callable[[], Dispatcher]]:
    """Makes delivery workers."""
    made: list[Dispatcher] = []

    def make() -> Dispatcher:
        one = Dispatcher()
        one._owner += f".{len(made)}"  # each is a process of its own elsewhere
        made.append(one)
        return one

    yield make
    for one in made:
        one.stop()
