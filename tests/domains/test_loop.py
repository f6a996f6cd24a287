"""The whole loop with a tenant's own domain: published records, a real message to a sink, its links, its bounce address, its explanation."""

from __future__ import annotations

import asyncio
import email
import re
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import dkim as dkimpy
import pytest
import sqlalchemy as sa

from tests.dns_server import DnsServer
from tests.domains.acts import read, standing, verify
from tests.domains.test_hosts import fetch
from tests.fixtures import Cast
from tests.sinks import SmtpSink, sink_in_thread
from webapp.bridges.service import BridgeInput, create_bridge, set_tracking
from webapp.bridges.types import Stream
from webapp.domains import service
from webapp.kernel.addresses import parse_address
from webapp.kernel.db import unscoped
from webapp.messages.explain import explain
from webapp.messages.models import Message, Recipient
from webapp.messages.service import accept, forget_facts
from webapp.messages.types import Door, MessageSubmission, RecipientInput
from webapp.settings import get_settings
from worker.dispatch import routes
from worker.dispatch.dispatcher import Dispatcher
from worker.smtp.inbound import Inbound


@pytest.fixture
def sink() -> Iterator[SmtpSink]:
    """A receiver on loopback."""
    with sink_in_thread() as made:
        yield made


@pytest.fixture
def bridge(cast: Cast, sink: SmtpSink, zone: DnsServer) -> UUID:
    """A bulk bridge of the owner, with tracking, whose pool relays to the sink."""
    forget_facts()
    routes.sender_for._values.clear()
    with unscoped("test") as rows:
        account = rows.execute(
            sa.text("insert into sending_accounts (name, host, port, tls, active) values ('sink', '127.0.0.1', :port, 'none', true) returning id"),
            {"port": sink.port},
        ).scalar_one()
        pool = rows.execute(sa.text("insert into pools (name, is_default) values ('Shared', true) returning id")).scalar_one()
        rows.execute(sa.text("insert into pool_members (pool_id, sending_account_id) values (:p, :a)"), {"p": pool, "a": account})
    with cast.owner.scope() as scope:
        made, _ = create_bridge(scope, BridgeInput("shop", stream=Stream.BULK))
        set_tracking(scope, made.id, opens=True, clicks=True)
        return made.id


@pytest.fixture
def dispatcher() -> Iterator[Dispatcher]:
    """A delivery worker without its process."""
    made = Dispatcher()
    yield made
    made.stop()


def send(cast: Cast, bridge: UUID) -> UUID:
    """One HTML message from shop@example.com."""
    submission = MessageSubmission(
        from_address=parse_address("shop@example.com"), recipients=(RecipientInput(parse_address("ada@example.net")),), subject="Order", door=Door.API,
        html='<p>Hi <a href="https://shop.example/a">see</a></p>', bridge_id=bridge,
    )  # fmt: skip
    with cast.owner.scope() as scope:
        return accept(scope, submission).id


def explanation(cast: Cast, message_id: UUID) -> dict[str, str]:
    """Title and text of each step of a message."""
    with cast.owner.scope() as scope:
        message = scope.session.scalars(sa.select(Message).where(Message.id == message_id)).one()
        recipients = scope.session.scalars(sa.select(Recipient).where(Recipient.message_id == message_id)).all()
        return {step.title: step.text for step in explain(scope, message, recipients)}


def asked(zone: DnsServer) -> Any:
    """TXT look-ups for the DKIM oracle, in the zone itself."""

    def look_up(name: bytes, timeout: int = 5) -> bytes | None:
        found = zone.zone.get((name.decode().rstrip("."), "TXT"))
        return "".join(re.findall(r'"([^"]*)"', found[0])).encode() if found else None

    return look_up


def test_mail_of_a_standing_domain_is_signed_twice_and_aligned(
    cast: Cast, zone: DnsServer, sink: SmtpSink, bridge: UUID, dispatcher: Dispatcher
) -> None:
    standing(cast.owner, zone)
    message_id = send(cast, bridge)
    assert dispatcher.drain(10) == 1
    mail = sink.received[0]
    assert mail.sender.endswith("@bounces.example.com")
    raw = mail.data if mail.data.endswith(b"\r\n") else mail.data + b"\r\n"
    assert len(email.message_from_bytes(raw).get_all("DKIM-Signature", [])) == 2
    assert all(dkimpy.DKIM(raw).verify(idx=index, dnsfunc=asked(zone)) for index in (0, 1))

    text = raw.replace(b"=\r\n", b"").replace(b"=3D", b"=").decode()
    pixel, click = (re.search(rf"http://links\.example\.com:8080(/api/t/{kind}/[^\"]+)", text) for kind in ("o", "c"))
    assert pixel and click and "127.0.0.1:8080" not in text
    assert fetch(click[1], "links.example.com:8080")[0] == "302 Found" and fetch(click[1], "127.0.0.1:8080")[0] == "404 Not Found"
    assert "http://links.example.com:8080/api/unsub/" in re.sub(r"\r\n\s", "", str(email.message_from_bytes(raw)["List-Unsubscribe"]))

    inbound = Inbound(get_settings())
    answer = inbound.recipient(None, mail.sender, "")  # type: ignore[arg-type]
    assert answer is not None and asyncio.run(answer) is None  # type: ignore[arg-type]
    elsewhere = inbound.recipient(None, mail.sender.replace("bounces.example.com", "bounces.other.example"), "")  # type: ignore[arg-type]
    assert asyncio.run(elsewhere).code == 550  # type: ignore[arg-type, union-attr]
    inbound.close()

    steps = explanation(cast, message_id)
    assert "stands for example.com" in steps["Authenticated"] and "DMARC passes." in steps["Authenticated"]


def test_an_unsigned_message_is_never_silently_misaligned(
    cast: Cast, zone: DnsServer, sink: SmtpSink, bridge: UUID, dispatcher: Dispatcher
) -> None:
    domain_id = standing(cast.owner, zone)
    for entry in [entry for entry in zone.zone if "_domainkey" in entry[0] or entry[0].startswith("bounces.example")]:
        zone.zone.pop(entry)
    verify(cast.owner, domain_id)
    message_id = send(cast, bridge)
    assert dispatcher.drain(10) == 1
    assert sink.received[0].sender.endswith("@bounces.platform.example") and b"DKIM-Signature" not in sink.received[0].data
    assert "DMARC fails" in explanation(cast, message_id)["Not aligned with its sender"]


def test_what_was_true_when_it_left_stays_in_the_explanation(
    cast: Cast, zone: DnsServer, sink: SmtpSink, bridge: UUID, dispatcher: Dispatcher
) -> None:
    domain_id = standing(cast.owner, zone)
    message_id = send(cast, bridge)
    dispatcher.drain(10)
    for entry in [entry for entry in zone.zone if "_domainkey" in entry[0]]:
        zone.zone.pop(entry)
    verify(cast.owner, domain_id)
    assert "DMARC passes." in explanation(cast, message_id)["Authenticated"]


def test_mail_accepted_before_its_domain_was_lost_does_not_leave(
    cast: Cast, zone: DnsServer, sink: SmtpSink, bridge: UUID, dispatcher: Dispatcher
) -> None:
    mine = standing(cast.owner, zone)
    send(cast, bridge)
    with cast.stranger.scope() as scope:
        theirs = service.add_domain(scope, "example.com")
    zone.zone["_postbridge.example.com", "TXT"] = [f'"{theirs.challenge}"']
    assert verify(cast.stranger, theirs.id) == "verified" and read(cast.owner, mine).status == "off"
    dispatcher.drain(5)
    assert sink.received == []
    with unscoped("test") as rows:
        assert rows.scalar(sa.text("select count(*) from queue_entries where lease_until is null and held is null")) == 1
