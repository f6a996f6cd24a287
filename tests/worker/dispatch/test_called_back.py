"""What was claimed and waits for its turn is called back when its bridge, pool or tenant is stopped: a worker holds up to a thousand such recipients."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from tests.live import wait_for
from tests.sinks import SinkOptions
from tests.worker.dispatch.conftest import OpenSink
from tests.worker.dispatch.yard import Yard, do, drain, forget, make_due, rows_of
from webapp.pace.service import HoldWish, hold_back
from webapp.pace.types import HoldKind, Subject
from worker.dispatch.dispatcher import Dispatcher


def pause_bridge(yard: Yard) -> None:
    do("update bridges set paused_at = now() where id = :b", b=yard.bridge)


def pause_pool(yard: Yard) -> None:
    do("update pools set paused = true where id = :p", p=yard.pool)


def suspend(yard: Yard) -> None:
    do("update tenants set status = 'suspended' where id = :t", t=yard.person.tenant_id)


def hold(yard: Yard) -> None:
    with yard.person.scope() as scope:
        hold_back(scope, HoldWish(HoldKind.HOLD, Subject.BRIDGE, "a look first", subject_id=yard.bridge))


@pytest.mark.parametrize("stop", [pause_bridge, pause_pool, suspend, hold])
def test_what_waits_is_called_back(yard: Yard, open_sink: OpenSink, dispatcher: Dispatcher, stop: Callable[[Yard], None]) -> None:
    """One connection and a tenth of a second a reply: of 400 recipients only the first few can have left when the stop is seen."""
    sink = open_sink(SinkOptions(latency=0.1))
    account = yard.relay(sink.port)
    do("update sending_accounts set max_connections = 1 where id = :a", a=account)
    yard.send(*(f"ok-{n}@example.net" for n in range(400)))
    thread = threading.Thread(target=drain, args=(dispatcher, 8))
    thread.start()
    wait_for(lambda: sink.state.messages >= 3, 20, "the first messages")
    stop(yard)
    thread.join(30)
    assert not thread.is_alive()
    left = sink.state.messages
    assert left < 60, "about ten a second, and the stop is seen within two"
    assert rows_of("select count(*) from queue_entries where lease_until is null") == [400 - left], "held, not dropped"
    assert rows_of("select count(*) from recipients where state = 'delivered'") == [left]
    forget()
    make_due()
    drain(dispatcher)
    assert sink.state.messages == left
