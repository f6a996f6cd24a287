"""From an accepted message to a sink on loopback and back into rows."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import pytest
import sqlalchemy as sa

from tests.fixtures import Cast
from tests.sinks import SmtpSink, sink_in_thread
from webapp.bridges.service import BridgeInput, create_bridge, pause_bridge, set_tracking
from webapp.kernel.addresses import parse_address
from webapp.kernel.db import raw_of, unscoped
from webapp.kernel.scope import Scope
from webapp.messages.service import accept
from webapp.messages.service.claim import claim, sweep
from webapp.messages.types import Door, MessageSubmission, RecipientInput
from worker.dispatch.dispatcher import Dispatcher


@pytest.fixture
def sink() -> Iterator[SmtpSink]:
    with sink_in_thread() as made:
        yield made


@pytest.fixture
def bridge(cast: Cast, sink: SmtpSink, monkeypatch: pytest.MonkeyPatch) -> UUID:
    """A bridge of the owner whose pool relays to the sink, with a verified domain acme.test."""
    with unscoped("test") as rows:
        account = rows.execute(
            sa.text("insert into sending_accounts (name, host, port, tls, active) values ('sink', '127.0.0.1', :port, 'none', true) returning id"),
            {"port": sink.port},
        ).scalar_one()
        pool = rows.execute(sa.text("insert into pools (name, is_default) values ('Shared', true) returning id")).scalar_one()
        rows.execute(sa.text("insert into pool_members (pool_id, sending_account_id) values (:p, :a)"), {"p": pool, "a": account})
        rows.execute(
            sa.text("insert into domains (tenant_id, name, status, challenge, verified_at) values (:t, 'acme.test', 'verified', 'x', now())"),
            {"t": cast.owner.tenant_id},
        )
    with cast.owner.scope() as scope:
        made, _ = create_bridge(scope, BridgeInput("shop"))
        return made.id


@pytest.fixture
def dispatcher() -> Iterator[Dispatcher]:
    made = Dispatcher()
    yield made
    made.stop()


def send(scope: Scope, bridge: UUID, *to: str, html: str | None = None) -> UUID:
    submission = MessageSubmission(
        from_address=parse_address("shop@acme.test"), recipients=tuple(RecipientInput(parse_address(a)) for a in to), subject="Order", door=Door.API,
        text="Thanks" if html is None else None, html=html, bridge_id=bridge,
    )  # fmt: skip
    return accept(scope, submission).id


def states(message_id: UUID) -> dict[str, str]:
    with unscoped("test") as rows:
        return {row[0]: row[1] for row in rows.execute(sa.text("select address, state from recipients where message_id = :m"), {"m": message_id})}


def test_delivers_bounces_and_defers(cast: Cast, bridge: UUID, sink: SmtpSink, dispatcher: Dispatcher) -> None:
    with cast.owner.scope() as scope:
        message = send(scope, bridge, "ada@example.net", "r550@example.net", "grey@example.net")
    assert dispatcher.drain(10) == 3
    assert states(message) == {"ada@example.net": "delivered", "r550@example.net": "bounced", "grey@example.net": "deferred"}
    assert [mail.recipient for mail in sink.received] == ["ada@example.net"]
    with unscoped("test") as rows:
        left = rows.execute(
            sa.text("select r.address, q.due_at > now() + interval '4 minutes', q.lease_until from queue_entries q join recipients r on r.id = q.recipient_id")
        ).all()
        figures = rows.execute(sa.text("select sum(sent), sum(delivered), sum(bounced), sum(deferred) from stats_deltas where bridge_id is not null")).one()
        suppressed = rows.execute(sa.text("select address, reason from suppressions")).all()
        attempts = rows.execute(sa.text("select count(*), count(transcript) from delivery_attempts")).one()
    assert [tuple(row) for row in left] == [("grey@example.net", True, None)]
    assert tuple(figures) == (3, 1, 1, 1)
    assert [tuple(row) for row in suppressed] == [("r550@example.net", "hard_bounce")]
    assert tuple(attempts) == (3, 3)


def test_tracking_follows_the_toggle_at_the_moment_of_sending(cast: Cast, bridge: UUID, sink: SmtpSink, dispatcher: Dispatcher) -> None:
    html = '<p>Hi <a href="https://shop.example/a?b=1&amp;c=2">see</a></p>'
    with cast.owner.scope() as scope:
        set_tracking(scope, bridge, opens=True, clicks=True)
        send(scope, bridge, "ada@example.net", html=html)
    dispatcher.drain(10)
    assert b"/api/t/o/" in sink.received[0].data.replace(b"=\r\n", b"")
    assert b"/api/t/c/" in sink.received[0].data.replace(b"=\r\n", b"")
    with cast.owner.scope() as scope:
        send(scope, bridge, "ben@example.net", html=html)
    with cast.owner.scope() as scope:
        set_tracking(scope, bridge, opens=False, clicks=False)
    dispatcher.drain(10)
    assert b"/api/t/" not in sink.received[1].data


def test_a_lost_end_of_data_is_retried_and_marked(cast: Cast, bridge: UUID, sink: SmtpSink, dispatcher: Dispatcher) -> None:
    with cast.owner.scope() as scope:
        message = send(scope, bridge, "dropdot@example.net")
    dispatcher.drain(10)
    assert states(message) == {"dropdot@example.net": "deferred"}
    with unscoped("test") as rows:
        assert rows.execute(sa.text("select reply_class, duplicate_possible from delivery_attempts")).all() == [("unknown_after_data", True)]


def test_mail_of_a_paused_bridge_waits_and_is_not_lost(cast: Cast, bridge: UUID, sink: SmtpSink, dispatcher: Dispatcher) -> None:
    with cast.owner.scope() as scope:
        message = send(scope, bridge, "ada@example.net")
    with cast.owner.scope() as scope:
        pause_bridge(scope, bridge, "testing")
    dispatcher.drain(5)
    assert sink.received == []
    assert states(message) == {"ada@example.net": "queued"}


def test_two_workers_never_claim_the_same_row_and_tenants_share_fairly(cast: Cast, bridge: UUID) -> None:
    with cast.owner.scope() as scope:
        for i in range(30):
            send(scope, bridge, f"u{i}@example.net")
    with unscoped("a") as one, unscoped("b") as two:
        first = claim(raw_of(one), owner="a", batch=20, lease_seconds=60)
        second = claim(raw_of(two), owner="b", batch=20, lease_seconds=60)
    assert len(first) == 20
    assert len(second) == 10
    assert not {c.recipient_id for c in first} & {c.recipient_id for c in second}


def test_leases_of_silent_workers_come_back_and_parked_rows_wait_for_a_person(cast: Cast, bridge: UUID) -> None:
    with cast.owner.scope() as scope:
        message = send(scope, bridge, "ada@example.net")
    for number in range(1, 4):
        with unscoped("test") as rows:
            assert [c.attempt for c in claim(raw_of(rows), owner="nobody@nowhere#1", batch=5, lease_seconds=600)] == [number]
        with unscoped("test") as rows:
            assert sweep(raw_of(rows), max_claims=3, silent_seconds=0) == (1, int(number == 3))
    assert states(message) == {"ada@example.net": "held"}
    with unscoped("test") as rows:
        assert claim(raw_of(rows), owner="w", batch=5, lease_seconds=60) == []
        outcomes = rows.execute(sa.text("select outcome, duplicate_possible from delivery_attempts")).all()
    assert [tuple(row) for row in outcomes] == [("unknown", True)] * 3
