"""Unsubscribing by mail (RFC 2369): the signed address is the proof, once, and nobody else's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from tests.worker.smtp.test_inbound import deliver, eml, inbound, report
from webapp.kernel.ids import uuid7
from webapp.messages.verp import find_recipient, find_unsubscriber, make_local_part, make_unsubscribe_address
from webapp.settings import get_settings

__all__ = ["deliver", "inbound"]
WISH = b"From: Ann <ann@example.net>\nSubject: unsubscribe\n\n"
BY_PROGRAM = b"From: Ann <ann@example.net>\nSubject: Unsubscribe\nAuto-Submitted: auto-generated\nX-Apple-Unsubscribe: true\n\n"


def unsubscribed(shop: Any) -> list[Any]:
    return list(shop.rows("select scope, reason, source from suppressions"))


@pytest.mark.parametrize("data", [WISH, BY_PROGRAM, b"", b"Subject: leave me alone\n\nplease"])
def test_any_mail_from_a_person_acts_once(inbound: Any, shop: Any, deliver: Callable[..., UUID], data: bytes) -> None:
    address = make_unsubscribe_address(deliver())
    for _ in range(3):
        assert report(inbound, address.upper(), data, sender="ann@example.net").startswith("250")
    assert unsubscribed(shop) == [("bulk", "unsubscribe", "mail")]
    assert shop.rows("select data ->> 'how' from events where type = 'email.unsubscribed'") == [("mail",)]
    assert shop.rows("select sum(unsubscribed) from stats_deltas") == [(1,)]
    assert shop.rows("select state, unsubscribed_at is not null from recipients") == [("delivered", True)]


@pytest.mark.parametrize(
    ("data", "sender"),
    [
        (WISH, ""),
        (eml("dsn-postfix-unknown-user.eml"), "someone@example.net"),
        (eml("auto-reply-vacation.eml"), "ann@example.net"),
        (eml("arf-abuse.eml"), "fbl@isp.example"),
    ],
)
def test_machines_unsubscribe_nobody(inbound: Any, shop: Any, deliver: Callable[..., UUID], data: bytes, sender: str) -> None:
    assert report(inbound, make_unsubscribe_address(deliver()), data, sender=sender).startswith("250")
    assert unsubscribed(shop) == []


def test_forged_addresses_do_not_exist(inbound: Any, shop: Any, deliver: Callable[..., UUID]) -> None:
    identity = deliver()
    good = make_unsubscribe_address(identity).partition("@")[0]
    for local in (good[:-1] + ("a" if good[-1] != "a" else "b"), "u" + make_local_part(identity)[1:], good + "a", "unsubscribe", "é" * 43):
        answer = report(inbound, f"{local}@{get_settings().bounce_domain}", WISH, sender="eve@example.net")
        assert answer.startswith("5"), local
    assert unsubscribed(shop) == []


def test_a_return_path_is_no_unsubscribe_address_and_the_other_way_round() -> None:
    identity = uuid7()
    bounce, leave = make_local_part(identity), make_unsubscribe_address(identity).partition("@")[0]
    assert find_recipient(bounce) == identity == find_unsubscriber(leave)
    assert find_unsubscriber(bounce) is find_recipient(leave) is None
    assert find_recipient("b" + leave[1:]) is find_unsubscriber("u" + bounce[1:]) is None
    assert leave[1:27] == bounce[1:27] and leave[27:] != bounce[27:]


def test_an_address_outlives_return_paths_but_not_the_recipient(inbound: Any, shop: Any) -> None:
    """People unsubscribe from mail of last year; when the recipient is forgotten there is nothing to change."""
    old = uuid7(1_600_000_000_000)
    assert report(inbound, make_unsubscribe_address(old), WISH, sender="ann@example.net").startswith("250")
    assert unsubscribed(shop) == []
