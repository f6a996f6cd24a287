"""From an accepted message to a sink on loopback and back into rows."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from uuid import UUID

import pytest
import sqlalchemy as sa

from tests.fixtures import Cast
from webapp.bridges.service import BridgeInput, create_bridge, pause_bridge, set_tracking
from webapp.kernel.addresses import parse_address
from webapp.kernel.db import raw_of, unscoped
from webapp.kernel.scope import Scope
from webapp.messages.service import accept
from webapp.messages.service.claim import claim, sweep
from webapp.messages.types import Door, MessageSubmission, RecipientInput
from worker.dispatch.dispatcher import Dispatcher


class Sink:
    """A blocking SMTP server: takes everything, refuses `bounce@`, defers `defer@`, never answers the end of data of `drop@`."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.mails: list[tuple[str, str, bytes]] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rwb") as file:
            say = lambda text: (file.write(text + b"\r\n"), file.flush())  # noqa: E731
            say(b"220 sink ESMTP")
            sender = recipient = ""
            for line in file:
                verb = line[:4].upper()
                if verb == b"MAIL":
                    sender = line[10:].split(b">")[0].strip(b"<: ").decode()
                    say(b"250 2.1.0 ok")
                elif verb == b"RCPT":
                    recipient = line[8:].split(b">")[0].strip(b"<: ").decode()
                    answers = {"bounce": b"550 5.1.1 no such user", "defer": b"451 4.7.1 greylisted"}
                    say(answers.get(recipient.split("@")[0], b"250 2.1.5 ok"))
                elif verb == b"DATA":
                    if recipient.split("@")[0] in ("bounce", "defer"):
                        say(b"554 5.5.1 no valid recipients")
                        continue
                    say(b"354 go")
                    lines = []
                    while (data := file.readline()) not in (b".\r\n", b""):
                        lines.append(data)
                    if recipient.startswith("drop@"):
                        return
                    self.mails.append((sender, recipient, b"".join(lines)))
                    say(b"250 2.0.0 taken")
                elif verb == b"QUIT":
                    say(b"221 2.0.0 bye")
                    return
                else:
                    say(b"250-sink\r\n250 PIPELINING" if verb == b"EHLO" else b"250 2.0.0 ok")


@pytest.fixture
def sink() -> Iterator[Sink]:
    made = Sink()
    yield made
    made.listener.close()


@pytest.fixture
def bridge(cast: Cast, sink: Sink, monkeypatch: pytest.MonkeyPatch) -> UUID:
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


def test_delivers_bounces_and_defers(cast: Cast, bridge: UUID, sink: Sink, dispatcher: Dispatcher) -> None:
    with cast.owner.scope() as scope:
        message = send(scope, bridge, "ada@example.net", "bounce@example.net", "defer@example.net")
    assert dispatcher.drain(10) == 3
    assert states(message) == {"ada@example.net": "delivered", "bounce@example.net": "bounced", "defer@example.net": "deferred"}
    assert [mail[1] for mail in sink.mails] == ["ada@example.net"]
    with unscoped("test") as rows:
        left = rows.execute(
            sa.text("select r.address, q.due_at > now() + interval '4 minutes', q.lease_until from queue_entries q join recipients r on r.id = q.recipient_id")
        ).all()
        figures = rows.execute(sa.text("select sum(sent), sum(delivered), sum(bounced), sum(deferred) from stats_deltas where bridge_id is not null")).one()
        suppressed = rows.execute(sa.text("select address, reason from suppressions")).all()
        attempts = rows.execute(sa.text("select count(*), count(transcript) from delivery_attempts")).one()
    assert [tuple(row) for row in left] == [("defer@example.net", True, None)]
    assert tuple(figures) == (3, 1, 1, 1)
    assert [tuple(row) for row in suppressed] == [("bounce@example.net", "hard_bounce")]
    assert tuple(attempts) == (3, 3)


def test_tracking_follows_the_toggle_at_the_moment_of_sending(cast: Cast, bridge: UUID, sink: Sink, dispatcher: Dispatcher) -> None:
    html = '<p>Hi <a href="https://shop.example/a?b=1&amp;c=2">see</a></p>'
    with cast.owner.scope() as scope:
        set_tracking(scope, bridge, opens=True, clicks=True)
        send(scope, bridge, "ada@example.net", html=html)
    dispatcher.drain(10)
    assert b"/api/t/o/" in sink.mails[0][2].replace(b"=\r\n", b"")
    assert b"/api/t/c/" in sink.mails[0][2].replace(b"=\r\n", b"")
    with cast.owner.scope() as scope:
        send(scope, bridge, "ben@example.net", html=html)
    with cast.owner.scope() as scope:
        set_tracking(scope, bridge, opens=False, clicks=False)
    dispatcher.drain(10)
    assert b"/api/t/" not in sink.mails[1][2]


def test_a_lost_end_of_data_is_retried_and_marked(cast: Cast, bridge: UUID, sink: Sink, dispatcher: Dispatcher) -> None:
    with cast.owner.scope() as scope:
        message = send(scope, bridge, "drop@example.net")
    dispatcher.drain(10)
    assert states(message) == {"drop@example.net": "deferred"}
    with unscoped("test") as rows:
        assert rows.execute(sa.text("select reply_class, duplicate_possible from delivery_attempts")).all() == [("unknown_after_data", True)]


def test_mail_of_a_paused_bridge_waits_and_is_not_lost(cast: Cast, bridge: UUID, sink: Sink, dispatcher: Dispatcher) -> None:
    with cast.owner.scope() as scope:
        message = send(scope, bridge, "ada@example.net")
    with cast.owner.scope() as scope:
        pause_bridge(scope, bridge, "testing")
    dispatcher.drain(5)
    assert sink.mails == []
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
