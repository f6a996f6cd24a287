"""What bulk senders must send, as it arrives: straight, and through a real Postfix, which would break what is not as it should be."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import dkim as oracle
import pytest
import sqlalchemy as sa

from tests.fixtures import Cast
from tests.sinks import Received, SmtpSink, sink_in_thread
from webapp.bootstrap import ensure_verified_domain
from webapp.bridges.service import BridgeInput, create_bridge
from webapp.bridges.types import Stream
from webapp.kernel.addresses import parse_address
from webapp.kernel.db import unscoped
from webapp.messages.mime_headers import Header, find_header, split_headers
from webapp.messages.reports import parse_report
from webapp.messages.service import accept, forget_facts
from webapp.messages.types import Door, MessageSubmission, RecipientInput
from webapp.messages.verp import find_recipient, find_unsubscriber
from webapp.settings import get_settings
from worker.dispatch.dispatcher import Dispatcher
from worker.smtp.inbound import apply_reports

LONG_HTML = f"<p>{'<b>wörd</b>' * 400} <a href='https://shop.example/{'x' * 300}'>see</a></p>\n.\n..\n" + "y" * 5000
#: As it may come over SMTP: bare line feeds and carriage returns, lines over 998 octets, a dot alone.
RAW = (
    b"From: Shop <shop@acme.test>\r\nTo: ada@example.net\r\nSubject: " + b"long " * 300 + b"\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    b"<p>one\ntwo\rthree\r\r\nfour</p>\r\n.\r\n" + "ü".encode() * 3000 + b"\r\n" + b"z" * 2500 + b"\n"
)


@pytest.fixture(params=["straight", "postfix"])
def arrival(request: pytest.FixtureRequest) -> Iterator[tuple[SmtpSink, int]]:
    """The sink in which mail ends, and the port that is dialled."""
    with sink_in_thread() as sink:
        if request.param == "straight":
            yield sink, sink.port
            return
        if os.geteuid() != 0 or shutil.which("postfix", path=f"{os.environ.get('PATH', '')}:/usr/sbin") is None:
            pytest.skip("no Postfix here that we could start")
        from bench.peers.postfix import running
        from bench.place import VAR

        (VAR / "logs").mkdir(parents=True, exist_ok=True)
        with running(sink.port, 2) as postfix:
            yield sink, postfix.port


@pytest.fixture
def bridges(cast: Cast, arrival: tuple[SmtpSink, int]) -> dict[Stream, UUID]:
    forget_facts()
    with unscoped("test") as rows:
        account = rows.execute(
            sa.text("insert into sending_accounts (name, host, port, tls, active) values ('sink', '127.0.0.1', :port, 'none', true) returning id"),
            {"port": arrival[1]},
        ).scalar_one()
        pool = rows.execute(sa.text("insert into pools (name, is_default) values ('Shared', true) returning id")).scalar_one()
        rows.execute(sa.text("insert into pool_members (pool_id, sending_account_id) values (:p, :a)"), {"p": pool, "a": account})
    with cast.owner.scope() as scope:
        ensure_verified_domain(scope, "acme.test")
        return {stream: create_bridge(scope, BridgeInput(stream.value, stream=stream))[0].id for stream in Stream}


def deliver(sink: SmtpSink) -> list[Received]:
    """Send what is due, and wait for what arrives of it."""
    dispatcher = Dispatcher()
    try:
        dispatcher.drain(10)
    finally:
        dispatcher.stop()
    for _ in range(200):
        if sink.received:
            break
        time.sleep(0.05)
    return sink.received


def send(cast: Cast, arrival: tuple[SmtpSink, int], bridge: UUID, **content: Any) -> tuple[bytes, list[Header]]:
    """The mail as it arrived, and its header fields."""
    submission = MessageSubmission(
        from_address=parse_address("shop@acme.test"), recipients=(RecipientInput(parse_address("ada@example.net")),), subject="Sale ✓ " + "word " * 60,
        door=Door.API, bridge_id=bridge, **content,
    )  # fmt: skip
    with cast.owner.scope() as scope:
        accept(scope, submission)
    (mail,) = deliver(arrival[0])
    return mail.data, split_headers(mail.data)[0]


def test_the_bounce_of_a_real_postfix_comes_back(cast: Cast, arrival: tuple[SmtpSink, int], bridges: dict[Stream, UUID]) -> None:
    """Postfix takes the mail, the server behind it refuses the recipient, Postfix writes a DSN to the signed return path."""
    sink, port = arrival
    if port == sink.port:
        pytest.skip("nobody stands between us and the sink")
    submission = MessageSubmission(
        from_address=parse_address("shop@acme.test"), recipients=(RecipientInput(parse_address("r550@example.net")),), subject="Order ✓",
        door=Door.API, bridge_id=bridges[Stream.TRANSACTIONAL], text="hi",
    )  # fmt: skip
    with cast.owner.scope() as scope:
        accept(scope, submission)
    (dsn,) = deliver(sink)
    assert dsn.sender == "" and (identity := find_recipient(dsn.recipient.partition("@")[0])) is not None
    with unscoped("test") as rows:
        assert apply_reports(rows, identity, parse_report(dsn.data), from_null_sender=True) == "bounce"
    with unscoped("test") as rows:
        assert rows.execute(sa.text("select id, state, reply_class, blame from recipients")).one() == (identity, "bounced", "hard.unknown_user", "recipient")
        assert rows.execute(sa.text("select address, reason from suppressions")).all() == [("r550@example.net", "hard_bounce")]


def signed_fields(raw: bytes) -> list[list[str]]:
    """The names in h= of each signature, all of which must verify."""
    with unscoped("test") as rows:
        records = {row[0]: row[1] for row in rows.execute(sa.text("select selector, public_record from dkim_keys"))}
    signatures = [header.value for header in split_headers(raw)[0] if header.name == "DKIM-Signature"]
    assert len(signatures) == 2
    for number in range(2):
        assert oracle.DKIM(raw).verify(number, dnsfunc=lambda name, timeout=5: records[name.split(b".")[0].decode()].encode())
    return [re.sub(r"\s", "", re.search(r"\bh=([^;]+)", value)[1]).lower().split(":") for value in signatures]  # type: ignore[index]


def check_lines(raw: bytes) -> None:
    assert raw.count(b"\r\n") == raw.count(b"\n") == raw.count(b"\r")
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert b"\0" not in raw


@pytest.mark.parametrize("content", [{"html": LONG_HTML, "text": "long " * 1000}, {"raw": RAW}], ids=["structured", "raw"])
def test_bulk(cast: Cast, arrival: tuple[SmtpSink, int], bridges: dict[Stream, UUID], content: dict[str, Any]) -> None:
    raw, headers = send(cast, arrival, bridges[Stream.BULK], **content)
    check_lines(raw)
    for names in signed_fields(raw):
        assert {"from", "subject", "list-unsubscribe", "list-unsubscribe-post", "feedback-id"} <= set(names)
        assert names.count("list-unsubscribe") == names.count("list-unsubscribe-post") == 2, "one more than there are: none can be added"
    with unscoped("test") as rows:
        recipient_id = UUID(str(rows.execute(sa.text("select id from recipients")).scalar_one()))
    link, mailto = re.findall(r"<([^<>]+)>", find_header(headers, "List-Unsubscribe") or "")
    assert link.startswith(f"{get_settings().tracking_base}/api/unsub/")
    local = mailto.removeprefix("mailto:").partition("@")[0]
    assert mailto == f"mailto:{local}@{get_settings().bounce_domain}?subject=unsubscribe" and find_unsubscriber(local) == recipient_id
    assert find_header(headers, "List-Unsubscribe-Post") == "List-Unsubscribe=One-Click"
    assert find_recipient(find_header(headers, "X-Postbridge-Id") or "") == recipient_id


def test_feedback_id_tells_nothing_and_stays(cast: Cast, arrival: tuple[SmtpSink, int], bridges: dict[Stream, UUID]) -> None:
    raw, headers = send(cast, arrival, bridges[Stream.BULK], text="hi")
    fields = (find_header(headers, "Feedback-ID") or "").split(":")
    assert len(fields) == 4 and fields[2:] == ["bulk", "postbridge"]
    assert all(re.fullmatch(r"[a-z2-7]{16}", name) for name in fields[:2]) and fields[0] != fields[1]
    for secret in (cast.owner.tenant_id, *bridges.values()):
        assert secret is not None and secret.hex[:10].encode() not in raw and str(secret)[:13].encode() not in raw


def test_transactional_mail_cannot_be_unsubscribed(cast: Cast, arrival: tuple[SmtpSink, int], bridges: dict[Stream, UUID]) -> None:
    raw, headers = send(cast, arrival, bridges[Stream.TRANSACTIONAL], html=LONG_HTML)
    check_lines(raw)
    signed_fields(raw)
    assert find_header(headers, "List-Unsubscribe") is find_header(headers, "List-Unsubscribe-Post") is None
