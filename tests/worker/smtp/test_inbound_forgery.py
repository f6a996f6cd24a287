"""Reports that lie: without our signature nothing changes, with it only its own recipient, once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest

from tests.worker.smtp.test_inbound import ANNA, deliver, eml, inbound, report, state
from webapp.kernel.db import unscoped
from webapp.messages.reports import parse_report
from webapp.messages.verp import make_local_part, make_return_path, make_unsubscribe_address
from webapp.settings import get_settings
from webapp.tracking.tokens import Purpose, make_recipient_token
from worker.smtp.inbound import apply_reports
from worker.smtp.simulated_reader import make_complaint
from worker.smtp.simulator import ReceivedMail

__all__ = ["deliver", "inbound"]


def complaint_with(headers: str) -> bytes:
    """A feedback report about mail with these headers, everything else redacted."""
    mail = ReceivedMail("", "redacted", f"{headers}\r\nTo: redacted\r\nSubject: x\r\n\r\nhello\r\n".encode())
    return make_complaint(mail, "isp.example").replace(b"Original-Rcpt-To: <redacted>\r\n", b"").replace(b"Original-Mail-From: <>\r\n", b"")


def complained(shop: Any) -> list[UUID]:
    return [row[0] for row in shop.rows("select id from recipients where complained_at is not null")]


@pytest.mark.parametrize("where", ["return-path", "id", "mailto", "link"])
def test_a_redacted_complaint_is_found_by_any_token_of_ours(inbound: Any, shop: Any, deliver: Callable[..., UUID], where: str) -> None:
    identity = deliver()
    ((message_id,),) = shop.rows("select message_id from recipients where id = :i", i=identity)
    link = make_recipient_token(message_id, identity, Purpose.UNSUBSCRIBE, "t.example")
    header = {
        "return-path": f"Return-Path: <{make_return_path(identity)}>",
        "id": f"X-Postbridge-Id: {make_local_part(identity)}",
        "mailto": f"List-Unsubscribe: <mailto:{make_unsubscribe_address(identity)}?subject=unsubscribe>",
        "link": f"List-Unsubscribe: <https://t.example/api/unsub/{link}>",
    }[where]
    assert report(inbound, f"fbl@{get_settings().bounce_domain}", complaint_with(header), sender="fbl@isp.example").startswith("250")
    assert complained(shop) == [identity]


def test_a_complaint_without_a_token_or_with_a_forged_one_is_about_nobody(inbound: Any, shop: Any, deliver: Callable[..., UUID]) -> None:
    identity = deliver()
    good = make_local_part(identity)
    forged = good[:-1] + ("a" if good[-1] != "a" else "b")
    for header in ("X-Other: x", f"X-Postbridge-Id: {forged}", f"Message-ID: <{identity}@acme.example>", f"X-Postbridge-Id: {identity}"):
        assert report(inbound, f"abuse@{get_settings().bounce_domain}", complaint_with(header), sender="fbl@isp.example").startswith("250")
    assert complained(shop) == []
    assert shop.rows("select 1 from suppressions") == []


def test_a_token_speaks_for_its_own_recipient_only(inbound: Any, shop: Any, deliver: Callable[..., UUID]) -> None:
    """A report that names somebody else and comes to Ann's return path changes neither: it is not about Ann, and Bob has not spoken."""
    ann, bob = deliver(ANNA), deliver("bob@example.net")
    lie = eml("dsn-several-recipients.eml").replace(b"one@example.net", b"bob@example.net")
    report(inbound, ann, lie)
    assert [state(shop, identity) for identity in (ann, bob)] == ["delivered", "delivered"]
    report(inbound, bob, lie)
    assert [state(shop, identity) for identity in (ann, bob)] == ["delivered", "bounced"]


def test_one_token_twenty_times_in_parallel_is_one_bounce(shop: Any, inbound: Any, deliver: Callable[..., UUID]) -> None:
    identity = deliver()
    bounce, complaint = parse_report(eml("dsn-postfix-unknown-user.eml")), parse_report(eml("arf-abuse.eml"))

    def apply(number: int) -> str:
        with unscoped("test") as rows:
            return apply_reports(rows, identity, complaint if number % 2 else bounce, from_null_sender=True)

    with ThreadPoolExecutor(8) as threads:
        outcomes = list(threads.map(apply, range(40)))
    assert sorted(set(outcomes)) == ["bounce", "complaint", "repeated"]
    assert (outcomes.count("bounce"), outcomes.count("complaint")) == (1, 1)
    assert shop.rows("select type, count(*) from events where type in ('email.bounced', 'email.complained') group by 1 order by 1") == [
        ("email.bounced", 1),
        ("email.complained", 1),
    ]
    assert shop.rows("select sum(bounced), sum(complained) from stats_deltas") == [(1, 1)]
    assert shop.rows("select reason from suppressions") == [("complaint",)]


@pytest.mark.parametrize("name", ["dsn-delayed.eml", "dsn-relayed.eml", "dsn-of-a-dsn.eml", "mdn-displayed.eml", "arf-zip.eml", "dsn-wrapped.eml"])
def test_what_is_no_failure_of_ours_changes_nothing(inbound: Any, shop: Any, deliver: Callable[..., UUID], name: str) -> None:
    identity = deliver()
    assert report(inbound, identity, eml(name)).startswith("250")
    expected = "bounced" if name == "dsn-wrapped.eml" else "delivered"
    assert state(shop, identity) == expected


def test_a_bounce_that_encloses_a_large_message_whole(inbound: Any, shop: Any, deliver: Callable[..., UUID]) -> None:
    identity = deliver()
    head, boundary, tail = eml("dsn-postfix-unknown-user.eml").rpartition(b"--BOUND--")
    assert report(inbound, identity, head + (b"x" * 76 + b"\r\n") * 150_000 + boundary + tail).startswith("250")
    assert state(shop, identity) == "bounced"


@pytest.mark.parametrize(
    ("name", "kind", "word"),
    [
        ("bounce-gateway.eml", b"\n\nUnknown", b"Addressee"),
        ("dsn-postfix-unknown-user.eml", b"Content-Type: message/delivery-status", b"rejected"),
        ("arf-abuse.eml", b"Content-Type: message/feedback-report", b"abuse"),
    ],
)
def test_octets_that_no_database_takes_are_read_past(inbound: Any, shop: Any, deliver: Callable[..., UUID], name: str, kind: bytes, word: bytes) -> None:
    """A NUL on the wire is refused; one in quoted-printable comes through."""
    identity = deliver()
    assert report(inbound, identity, eml(name).replace(b"To:", b"X-Nul: \0\nTo:")).startswith("550 5.6.0")
    encoding = b"\nContent-Transfer-Encoding: quoted-printable"
    place = encoding + kind if kind.startswith(b"\n") else kind + encoding
    hurt = eml(name).replace(kind, place, 1).replace(word, word[:2] + b"=00" + word[2:] + b"=FF")
    assert hurt.count(b"=00") and report(inbound, identity, hurt).startswith("250")
    assert shop.rows("select 1 from recipients where state = 'bounced' or complained_at is not null") or name == "arf-abuse.eml"


def test_of_two_verdicts_the_first_stays(inbound: Any, shop: Any, deliver: Callable[..., UUID]) -> None:
    identity = deliver()
    report(inbound, identity, eml("bounce-exim.eml"))
    report(inbound, identity, eml("dsn-postfix-unknown-user.eml"))
    assert shop.rows("select reply_class from recipients where id = :i", i=identity) == [("soft.mailbox_full",)]
    assert shop.rows("select 1 from suppressions") == []
