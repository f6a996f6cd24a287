"""Every fixture damaged in every way that mail gets damaged, and made to hurt: always an answer, in bounded time and memory."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from webapp.messages.reports import BounceReport, ComplaintReport, parse_report

EML = Path(__file__).parents[1] / "eml"
FIXTURES = sorted(path.name for path in EML.glob("*.eml"))

DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "LF only": lambda data: data.replace(b"\r\n", b"\n").replace(b"\r", b"\n"),
    "CR only": lambda data: data.replace(b"\r\n", b"\n").replace(b"\n", b"\r"),
    "CR LF": lambda data: data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n"),
    "NULs": lambda data: data.replace(b" ", b"\0 "),
    "high octets": lambda data: data.replace(b"e", b"\xe9\xff"),
    "wrong charset": lambda data: data.replace(b"us-ascii", b"utf-16").replace(b"utf-8", b"x-unknown-\xff"),
    "utf-7": lambda data: data.replace(b"us-ascii", b"utf-7"),
    "no blank lines": lambda data: data.replace(b"\n\n", b"\n").replace(b"\r\n\r\n", b"\r\n"),
    "no boundaries": lambda data: data.replace(b"--BOUND", b"BOUND"),
    "upper case": bytes.upper,
    "twice": lambda data: data + data,
    "base64 in name only": lambda data: data.replace(b"Content-Type: text", b"Content-Transfer-Encoding: base64\nContent-Type: text"),
}


def read(name: str) -> bytes:
    return (EML / name).read_bytes()


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("name", FIXTURES)
def test_damaged(name: str, damage: str) -> None:
    for report in parse_report(DAMAGE[damage](read(name))):
        if isinstance(report, BounceReport):
            assert "\0" not in report.diagnostic and len(report.diagnostic) <= 2000
            assert "\n" not in (report.recipient or "")


@pytest.mark.parametrize("damage", ["LF only", "CR only", "CR LF"])
@pytest.mark.parametrize("name", FIXTURES)
def test_line_ends_change_nothing(name: str, damage: str) -> None:
    assert _meaning(DAMAGE[damage](read(name))) == _meaning(read(name))


def _meaning(data: bytes) -> list[object]:
    said: list[object] = []
    for report in parse_report(data):
        if isinstance(report, BounceReport):
            said.append((report.action, report.recipient, report.original_recipient, report.status, report.code))
        elif isinstance(report, ComplaintReport):
            said.append((report.feedback_type, report.recipients))
        else:
            said.append("reply")
    return said


@pytest.mark.parametrize("name", FIXTURES)
def test_truncated_at_every_line(name: str) -> None:
    data = read(name)
    for at in [i for i, octet in enumerate(data) if octet in b"\r\n"]:
        parse_report(data[:at])
        parse_report(data[at:])


@given(st.sampled_from(FIXTURES), st.integers(0, 4000), st.binary(max_size=200), st.sampled_from(list(DAMAGE)))
@settings(max_examples=300, deadline=None)
def test_any_wound(name: str, at: int, junk: bytes, damage: str) -> None:
    data = read(name)
    parse_report(DAMAGE[damage](data[:at] + junk + data[at + len(junk) :]))


def _nested(depth: int) -> bytes:
    head = b"From: MAILER-DAEMON@x\nSubject: Undelivered\n"
    opened = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (level, level) for level in range(depth))
    return head + opened + b"Content-Type: message/delivery-status\n\nFinal-Recipient: rfc822; a@b.c\nAction: failed\n"


def _wrapped(depth: int) -> bytes:
    return b"From: MAILER-DAEMON@x\nSubject: Undelivered\nContent-Type: message/rfc822\n\n" * depth + b"x"


BOMBS = {
    "1,000 multiparts in each other": _nested(1000),
    "10,000 multiparts in each other": _nested(10_000),
    "1,000 messages in each other": _wrapped(1000),
    "100,000 parts": b"From: MAILER-DAEMON@x\nContent-Type: multipart/report; boundary=b\n\n" + b"--b\n\nx\n" * 100_000,
    "100,000 recipients": b"From: MAILER-DAEMON@x\nContent-Type: message/delivery-status\n\n" + b"Final-Recipient: rfc822; a@b.c\nAction: failed\n\n" * 100_000,
    "a million addresses": b"From: MAILER-DAEMON@x\nSubject: Undelivered\n\n" + b"<a@b.c>: " * 1_000_000,
    "addresses, a line each": b"From: MAILER-DAEMON@x\nSubject: Undelivered\n\n" + b"<a@b.c>: 550 no\n" * 200_000,
    "tags that never end": b"From: MAILER-DAEMON@x\nSubject: Undelivered\nContent-Type: text/html\n\n" + b"<p " * 500_000,
    "open tags": b"From: MAILER-DAEMON@x\nSubject: Undelivered\nContent-Type: text/html\n\n" + b"<" * 1_500_000,
    "entities": b"From: MAILER-DAEMON@x\nSubject: Undelivered\nContent-Type: text/html\n\n" + b"&amp;" * 300_000,
    "one long local part": b"From: MAILER-DAEMON@x\nSubject: Undelivered\n\n" + b"a" * 1_500_000 + b"@b.c",
    "at signs": b"From: MAILER-DAEMON@x\nSubject: Undelivered\n\n" + b"@" * 1_500_000,
    "from from from": b"From: MAILER-DAEMON@x\nSubject: Undelivered\n\n" + b"contact from recipient address user " * 40_000,
    "folded header": b"From: MAILER-DAEMON@x\nSubject: Undelivered\nX-Failed-Recipients: " + b"a@b.c,\n " * 150_000 + b"\n\nx",
    "long subject": b"From: MAILER-DAEMON@x\nSubject: " + b"delivery delivery mail " * 3_000 + b"\n\nx",
    "fifty megabytes": b"From: MAILER-DAEMON@x\nSubject: Undelivered\n\n" + b"x" * 76 * 660_000,
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs(name: str) -> None:
    """CPU, not the clock on the wall: the machine may be busy with other things."""
    started = time.process_time()
    reports = parse_report(BOMBS[name])
    assert time.process_time() - started < 3
    assert len(reports) <= 1000
    tracemalloc.start()
    try:
        parse_report(BOMBS[name])
        assert tracemalloc.get_traced_memory()[1] < 64 * 1024 * 1024
    finally:
        tracemalloc.stop()


def test_broken_base64_is_read_run_by_run() -> None:
    data = read("dsn-global.eml")
    assert b"=\n" in data.replace(b"\r\n", b"\n")
    for at in range(len(data)):
        parse_report(data[:at] + b"=" + data[at:])
        parse_report(data[:at] + b"\0\0\0" + data[at + 3 :])


def test_a_part_without_an_end_to_its_header_hides_no_other() -> None:
    data = read("dsn-postfix-unknown-user.eml").rstrip(b"\r\n-") + b"\n" + b"x" * 300_000
    (report,) = parse_report(data)
    assert isinstance(report, BounceReport) and report.status == "5.1.1"
