"""The simulator over real sockets: each address answers as its name says, and what it writes back is understood by us."""

from __future__ import annotations

import asyncio
import http.server
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from webapp.messages.reports import AutoReply, BounceReport, ComplaintReport, parse_report
from webapp.simulator.types import BEHAVIOURS, Stage
from worker.smtp.limits import Limits
from worker.smtp.simulated_reader import SimulatedReader, make_auto_reply, make_bounce, make_complaint, tracked_urls, unsubscribe_urls
from worker.smtp.simulator import ReceivedMail, Simulator, behaviour_of

DOMAIN = "simulator.example.test"
LIMITS = Limits(errors=10**6)


class Kept:
    def __init__(self) -> None:
        self.mails: list[ReceivedMail] = []
        self.acts: list[tuple[str, str]] = []

    async def store(self, mails: list[ReceivedMail]) -> None:
        self.mails += mails

    async def act(self, behaviour: str, mail: ReceivedMail) -> None:
        self.acts.append((behaviour, mail.recipient))


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
def simulator(kept: Kept) -> Simulator:
    return Simulator(DOMAIN, kept, kept, think_seconds=0.4, grey_seconds=0.3, later_seconds=0.05)


def deliver(server: Any, *recipients: str) -> str:
    """The answer that decides: to a refused RCPT, else to the message."""
    with server.client() as client:
        client.say("EHLO client.test")
        client.say("MAIL FROM:<bx@bounces.test>")
        for recipient in recipients:
            answer = client.say(f"RCPT TO:<{recipient}>")
            if not answer.startswith("250"):
                return answer
        client.say("DATA")
        return client.say("Subject: x\r\n\r\nhello\r\n.")


@pytest.mark.parametrize(
    ("local", "answer"),
    [
        ("delivered", "250 2.0.0"),
        ("anything.else", "250 2.0.0"),
        ("bounce", "550 5.1.1"),
        ("BOUNCE+order17", "550 5.1.1"),
        ("full", "452 4.2.2"),
        ("overquota", "552 5.2.2"),
        ("inactive", "550 5.2.1"),
        ("throttle", "421 4.7.0"),
        ("block", "554 5.7.1"),
        ("policy", "550 5.7.26"),
        ("content", "550 5.6.0"),
        ("toobig", "552 5.3.4"),
        ("drop", ""),
        ("late-bounce", "250 2.0.0"),
    ],
)
def test_answers(start: Any, simulator: Simulator, kept: Kept, local: str, answer: str) -> None:
    assert " ".join(deliver(start(simulator, LIMITS), f"{local}@{DOMAIN}").split()[:2]) == answer
    assert len(kept.mails) == (answer in ("", "250 2.0.0"))


def test_slow(start: Any, simulator: Simulator) -> None:
    began = time.monotonic()
    assert deliver(start(simulator), f"slow@{DOMAIN}").startswith("250")
    assert time.monotonic() - began >= 0.4


def test_defer_takes_a_later_try(start: Any, simulator: Simulator) -> None:
    server = start(simulator)
    assert deliver(server, f"defer@{DOMAIN}").startswith("451 4.7.1")
    assert deliver(server, f"defer@{DOMAIN}").startswith("451 4.7.1")
    time.sleep(0.35)
    assert deliver(server, f"defer@{DOMAIN}").startswith("250")
    assert deliver(server, f"defer+other@{DOMAIN}").startswith("451 4.7.1")


def test_other_domains_take_mail(start: Any, simulator: Simulator, kept: Kept) -> None:
    assert deliver(start(simulator), "bounce@example.org").startswith("250")
    assert behaviour_of("bounce@example.org", DOMAIN).name == "delivered"


def test_later_acts(start: Any, simulator: Simulator, kept: Kept) -> None:
    server = start(simulator)
    later = [name for name, behaviour in BEHAVIOURS.items() if behaviour.stage is Stage.LATER]
    for name in later:
        assert deliver(server, f"{name}@{DOMAIN}").startswith("250")
    server.call(simulator.finish)
    assert sorted(kept.acts) == sorted((name, f"{name}@{DOMAIN}") for name in later)


def test_every_behaviour_is_explained() -> None:
    for behaviour in BEHAVIOURS.values():
        assert behaviour.summary.endswith(".") and len(behaviour.summary) < 140


MAIL = ReceivedMail(
    "bx@bounces.test",
    f"late-bounce+x@{DOMAIN}",
    b"From: a@example.test\r\nSubject: =?utf-8?q?=E2=9C=93?=\r\nMessage-ID: <1@example.test>\r\n\r\nhello\r\n",
)


def test_the_bounce_is_understood() -> None:
    (report,) = parse_report(make_bounce(MAIL, DOMAIN))
    assert isinstance(report, BounceReport)
    assert report.is_bounce and report.status == "5.1.1" and report.recipient == MAIL.recipient == report.original_recipient
    assert report.original.message_id == "<1@example.test>"


def test_the_complaint_is_understood() -> None:
    (report,) = parse_report(make_complaint(MAIL, DOMAIN))
    assert isinstance(report, ComplaintReport)
    assert report.is_complaint and report.recipients == (MAIL.recipient,)
    assert report.original.subject == "✓"


def test_the_holiday_note_is_understood() -> None:
    (report,) = parse_report(make_auto_reply(MAIL, DOMAIN))
    assert isinstance(report, AutoReply)


class Web(http.server.BaseHTTPRequestHandler):
    seen: list[tuple[str, str, bytes]]

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.seen.append((self.command, self.path, body))  # type: ignore[attr-defined]
        self.send_response(302)
        self.send_header("Location", "http://192.0.2.1/")
        self.end_headers()

    do_POST = do_GET

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def web() -> Iterator[Any]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Web) as server:
        server.seen = []  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join(5)


def tracked(base: str) -> bytes:
    return (
        f"From: a@example.test\r\nList-Unsubscribe: <mailto:u@example.test>, <http://192.0.2.1/u>,\r\n <{base}/api/unsub/tok>\r\n"
        "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\nContent-Type: text/html\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
        f'<a href=3D"http://192.0.2.1/api/t/c/x">no</a><a href=3D"{base}/api/t/c/r1.l1">yes</a><img src=3D"{base}/api/t=\r\n/o/r1">\r\n'
    ).encode()


@pytest.mark.parametrize(
    ("behaviour", "requests"),
    [
        ("open", [("GET", "/api/t/o/r1", b"")]),
        ("click", [("GET", "/api/t/o/r1", b""), ("GET", "/api/t/c/r1.l1", b"")]),
        ("unsubscribe", [("POST", "/api/unsub/tok", b"List-Unsubscribe=One-Click")]),
    ],
)
def test_reading_calls_only_our_own_address(web: Any, behaviour: str, requests: list[tuple[str, str, bytes]]) -> None:
    base = f"http://127.0.0.1:{web.server_address[1]}"
    mail = ReceivedMail("bx@bounces.test", f"{behaviour}@{DOMAIN}", tracked(base))
    reader = SimulatedReader(DOMAIN, ("127.0.0.1", 1), base + "/")
    asyncio.run(reader.act(behaviour, mail))
    assert web.seen == requests


def test_nothing_to_open_in_foreign_mail() -> None:
    assert tracked_urls(tracked("http://other.test"), "http://ours.test", "/api/t/o/") == []
    assert tracked_urls(tracked("http://ours.test.evil.test"), "http://ours.test", "/api/t/o/") == []
    assert unsubscribe_urls(tracked("http://ours.test.evil.test"), "http://ours.test") == []
    assert unsubscribe_urls(b"List-Unsubscribe: <http://ours.test/api/unsub/t>\r\n\r\n", "http://ours.test") == []


def test_reports_go_to_the_inbound_server(start: Any, recorder: Any) -> None:
    inbound = start(recorder)
    reader = SimulatedReader(DOMAIN, ("127.0.0.1", inbound.port), "http://127.0.0.1:1")
    for behaviour in ("late-bounce", "complaint", "autoreply"):
        asyncio.run(reader.act(behaviour, MAIL))
    assert [(e.sender, e.recipients) for e, _ in recorder.messages] == [("", ("bx@bounces.test",))] * 3
    assert [type(parse_report(data)[0]) for _, data in recorder.messages] == [BounceReport, ComplaintReport, AutoReply]
    asyncio.run(reader.act("late-bounce", ReceivedMail("", MAIL.recipient, MAIL.data)))
    assert len(recorder.messages) == 3
