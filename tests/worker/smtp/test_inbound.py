"""The inbound server and the simulator over real sockets and PostgreSQL: what reports change, and what they must not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy.exc

from webapp.kernel.addresses import parse_address
from webapp.kernel.ids import uuid7
from webapp.kernel.scope import Mode
from webapp.messages.service import Sender, accept_many
from webapp.messages.types import RecipientState
from webapp.messages.verp import make_local_part, make_return_path
from webapp.settings import get_settings
from worker.smtp.accepting import build_submission
from worker.smtp.inbound import REPORTS_A_DAY, Inbound
from worker.smtp.simulated_mailbox import SimulatedMailbox
from worker.smtp.simulated_reader import SimulatedReader, make_complaint
from worker.smtp.simulator import ReceivedMail, Simulator
from worker.smtp.storage import ThreadConnections

EML = Path(__file__).parents[2] / "eml"
ANNA = "ann@example.net"


@pytest.fixture
def inbound(start: Any, shop: Any) -> Iterator[Any]:
    handler = Inbound(get_settings())
    yield start(handler)
    handler.close()


@pytest.fixture
def deliver(shop: Any) -> Callable[..., UUID]:
    """Accept a message to an address and pretend that it was delivered; gives the recipient's id."""

    def make(address: str = ANNA, state: RecipientState = RecipientState.DELIVERED) -> UUID:
        connections = ThreadConnections()
        submission = build_submission(b"From: shop@acme.example\r\nSubject: x\r\n\r\nhello\r\n", None, [parse_address(address)], shop.bridge_id)
        with connections.tenant(shop.tenant_id) as connection:
            (accepted,) = accept_many(connection, [(Sender(shop.tenant_id, Mode.LIVE, bridge_id=shop.bridge_id), submission)])
        connections.close()
        ((identity,),) = shop.rows("select id from recipients where message_id = :m", m=accepted.id)
        shop.change("update recipients set state = :s where id = :i", s=state.value, i=identity)
        if state is RecipientState.DELIVERED:
            shop.change("delete from queue_entries where recipient_id = :i", i=identity)
        return UUID(str(identity))

    return make


def report(server: Any, recipient: UUID | str, data: bytes, sender: str = "") -> str:
    """Send a report to a return path; the answer that decides."""
    address = recipient if isinstance(recipient, str) else make_return_path(recipient)
    with server.client() as client:
        client.say("EHLO mx.example.net")
        client.say(f"MAIL FROM:<{sender}>")
        answer = client.say(f"RCPT TO:<{address}>")
        if not answer.startswith("250"):
            return str(answer)
        client.say("DATA")
        client.send(data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n").replace(b"\r\n.", b"\r\n..") + b"\r\n.\r\n")
        return str(client.read())


def eml(name: str) -> bytes:
    return (EML / name).read_bytes()


def state(shop: Any, identity: UUID) -> Any:
    ((found,),) = shop.rows("select state from recipients where id = :i", i=identity)
    return found


def test_bounce_is_applied_once(inbound: Any, shop: Any, deliver: Callable[..., UUID]) -> None:
    identity = deliver()
    assert report(inbound, identity, eml("dsn-postfix-unknown-user.eml")).startswith("250")
    assert report(inbound, identity, eml("dsn-postfix-unknown-user.eml")).startswith("250")
    row = shop.rows("select state, last_code, reply_class, blame, bounced_at is not null from recipients where id = :i", i=identity)
    assert row == [("bounced", 550, "hard.unknown_user", "recipient", True)]
    ((data,),) = shop.rows("select data from events where type = 'email.bounced'")
    assert (data["source"], data["status"], data["class"]) == ("dsn", "5.1.1", "hard.unknown_user")
    assert shop.rows("select sum(bounced) from stats_deltas") == [(1,)]
    assert shop.rows("select address, reason, source from suppressions") == [(ANNA, "hard_bounce", "dsn")]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("dsn-delayed.eml", "delivered"),
        ("auto-reply-vacation.eml", "delivered"),
        ("human-reply.eml", "delivered"),
        ("arf-not-spam.eml", "delivered"),
        ("arf-auth-failure.eml", "delivered"),
        ("dsn-failed-after-expiry.eml", "bounced"),
        ("dsn-forwarded-xtext.eml", "bounced"),
        ("bounce-exim.eml", "bounced"),
        ("bounce-german-no-address.eml", "bounced"),
        ("warning-delayed-text.eml", "delivered"),
    ],
)
def test_what_changes_state_and_what_suppresses(inbound: Any, shop: Any, deliver: Callable[..., UUID], name: str, expected: str) -> None:
    identity = deliver()
    assert report(inbound, identity, eml(name)).startswith("250")
    assert state(shop, identity) == expected
    suppresses = name == "bounce-german-no-address.eml"  # unknown user; full boxes, blocks and expiry never suppress
    assert len(shop.rows("select 1 from suppressions")) == suppresses


def test_several_fates_only_ours_counts(inbound: Any, shop: Any, deliver: Callable[..., UUID]) -> None:
    delivered, failed, stranger = deliver("three@example.net"), deliver("ONE@example.net"), deliver("nobody@example.net")
    for identity in (delivered, failed, stranger):
        report(inbound, identity, eml("dsn-several-recipients.eml"))
    assert [state(shop, identity) for identity in (delivered, failed, stranger)] == ["delivered", "bounced", "delivered"]


def test_bounce_with_a_sender_is_no_bounce(inbound: Any, shop: Any, deliver: Callable[..., UUID]) -> None:
    identity = deliver()
    assert report(inbound, identity, eml("dsn-postfix-unknown-user.eml"), sender="ann@example.net").startswith("250")
    assert state(shop, identity) == "delivered"


def test_bounce_of_mail_whose_reply_we_never_saw(inbound: Any, shop: Any, deliver: Callable[..., UUID]) -> None:
    identity = deliver(state=RecipientState.DEFERRED)
    report(inbound, identity, eml("dsn-postfix-unknown-user.eml"))
    assert state(shop, identity) == "bounced"
    assert shop.rows("select 1 from queue_entries") == []


def test_complaint_is_applied_once(inbound: Any, shop: Any, deliver: Callable[..., UUID]) -> None:
    identity = deliver()
    for _ in range(2):
        assert report(inbound, identity, eml("arf-abuse.eml"), sender="fbl@isp.example").startswith("250")
    assert shop.rows("select state, complained_at is not null from recipients") == [("delivered", True)]
    assert shop.rows("select data ->> 'feedback_type' from events where type = 'email.complained'") == [("abuse",)]
    assert shop.rows("select sum(complained) from stats_deltas") == [(1,)]
    assert shop.rows("select reason from suppressions") == [("complaint",)]


def test_feedback_loop_address_finds_the_recipient_in_the_enclosed_mail(inbound: Any, shop: Any, deliver: Callable[..., UUID]) -> None:
    identity = deliver()
    mail = ReceivedMail(make_return_path(identity), ANNA, f"Return-Path: <{make_return_path(identity)}>\r\nSubject: x\r\n\r\nhello\r\n".encode())
    fbl = f"fbl@{get_settings().bounce_domain}"
    assert report(inbound, fbl, make_complaint(mail, "isp.example"), sender="fbl@isp.example").startswith("250")
    assert shop.rows("select 1 from recipients where complained_at is not null") == [(1,)]


def test_forged_reports_change_nothing(inbound: Any, shop: Any, deliver: Callable[..., UUID]) -> None:
    """Anybody can write a report; without the signature it is about nobody."""
    identity = deliver()
    good = make_local_part(identity)
    forged = good[:-1] + ("a" if good[-1] != "a" else "b")
    for local in (forged, "b" + "a" * 42, make_local_part(uuid7(1)), "anna", "bounce"):
        assert report(inbound, f"{local}@{get_settings().bounce_domain}", b"x").startswith("550 5.1.1")
    mail = ReceivedMail(f"{forged}@x", ANNA, f"Return-Path: <{forged}@x>\r\n\r\n".encode())
    assert report(inbound, f"abuse@{get_settings().bounce_domain}", make_complaint(mail, "isp.example"), sender="a@b.example").startswith("250")
    assert shop.rows("select 1 from recipients where complained_at is not null or state <> 'delivered'") == []
    assert report(inbound, "postmaster", b"Subject: hello\n\nwho are you?").startswith("250")
    assert report(inbound, "someone@acme.example", b"x").startswith("550 5.1.1")


def test_too_many_reports_are_a_loop(inbound: Any, shop: Any, deliver: Callable[..., UUID]) -> None:
    identity = deliver()
    for _ in range(REPORTS_A_DAY):
        assert report(inbound, identity, eml("dsn-delayed.eml")).startswith("250")
    assert report(inbound, identity, eml("dsn-postfix-unknown-user.eml")).startswith("250")
    assert state(shop, identity) == "delivered"


def test_database_away(inbound: Any, shop: Any, deliver: Callable[..., UUID], monkeypatch: pytest.MonkeyPatch) -> None:
    identity = deliver()

    def fail(*_: Any, **__: Any) -> Any:
        raise sqlalchemy.exc.OperationalError("x", {}, Exception("gone"))

    monkeypatch.setattr("worker.smtp.inbound.apply_reports", fail)
    for _ in range(REPORTS_A_DAY + 2):  # each try is the same report: no loop
        assert report(inbound, identity, eml("dsn-postfix-unknown-user.eml")).startswith("451 4.3.0")
    monkeypatch.undo()
    assert report(inbound, identity, eml("dsn-postfix-unknown-user.eml")).startswith("250")
    assert state(shop, identity) == "bounced"


def test_stranger_sees_nothing(inbound: Any, shop: Any, cast: Any, deliver: Callable[..., UUID]) -> None:
    identity = deliver()
    report(inbound, identity, eml("dsn-postfix-unknown-user.eml"))
    with cast.stranger.scope() as scope:
        from sqlalchemy import text

        assert scope.session.execute(text("select 1 from events")).all() == []
        assert scope.session.execute(text("select 1 from suppressions")).all() == []


@pytest.fixture
def mailbox() -> Iterator[SimulatedMailbox]:
    made = SimulatedMailbox()
    yield made
    made.close()


def test_simulator_and_inbound_close_the_loop(start: Any, inbound: Any, shop: Any, mailbox: SimulatedMailbox, deliver: Callable[..., UUID]) -> None:
    """Mail to complaint@ and late-bounce@ comes back as a complaint and a bounce, and stands in the simulator's inbox."""
    domain = get_settings().simulator_domain
    reader = SimulatedReader(domain, ("127.0.0.1", inbound.port), "http://127.0.0.1:1")
    simulator = Simulator(domain, mailbox, reader, later_seconds=0.05)
    server = start(simulator)
    recipients = {name: deliver(f"{name}@{domain}") for name in ("complaint", "late-bounce", "autoreply", "delivered")}
    for name, identity in recipients.items():
        with server.client() as client:
            client.say("EHLO worker.test")
            client.say(f"MAIL FROM:<{make_return_path(identity)}>")
            client.say(f"RCPT TO:<{name}@{domain}>")
            client.say("DATA")
            assert client.say(f"Subject: to {name}\r\n\r\nhello\r\n.").startswith("250")
    server.call(simulator.finish)
    rows = shop.rows("select split_part(address, '@', 1), state, complained_at is not null from recipients order by 1")
    assert [tuple(row) for row in rows] == [
        ("autoreply", "delivered", False),
        ("complaint", "delivered", True),
        ("delivered", "delivered", False),
        ("late-bounce", "bounced", False),
    ]
    kept = shop.rows("select address, recipient_id, convert_from(raw, 'UTF8') from simulated_mails order by address")
    assert [(row[0], row[1]) for row in kept] == sorted((f"{name}@{domain}", identity) for name, identity in recipients.items())
    assert "Subject: to delivered" in kept[2][2]


def test_simulator_keeps_no_mail_from_outside(start: Any, shop: Any, mailbox: SimulatedMailbox) -> None:
    simulator = Simulator("simulator.test", mailbox, SimulatedReader("simulator.test", ("127.0.0.1", 1), "http://127.0.0.1:1"))
    with start(simulator).client() as client:
        client.begin()
        assert client.say("Subject: x\r\n\r\nhello\r\n.").startswith("250")
    assert shop.rows("select 1 from simulated_mails") == []
