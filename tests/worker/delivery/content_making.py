"""Messages, recipients, signers and the DKIM oracle of the content tests."""

from __future__ import annotations

from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from functools import cache
from typing import Any
from uuid import UUID

import dkim as oracle

from worker.delivery.content import MessageContent, RecipientContent, TrackingPlan
from worker.delivery.dkim import DkimSigner, generate_ed25519_key, generate_rsa_key
from worker.delivery.mime import CompiledMessage

NOW = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
BASE = "https://t.example.com"
TOKEN = "rTok_en-0.9~x"


@cache
def make_keys() -> dict[str, tuple[str, str]]:
    """Selector to private key and TXT record."""
    return {"r": generate_rsa_key(), "e": generate_ed25519_key()}


@cache
def make_signers() -> tuple[DkimSigner, ...]:
    return tuple(DkimSigner("example.com", selector, private) for selector, (private, _) in make_keys().items())


def make_content(**changes: Any) -> MessageContent:
    values: dict[str, Any] = {
        "message_id": UUID("01890000-0000-7000-8000-000000000001"),
        "message_id_header": "<01890000@example.com>",
        "from_address": "sender@example.com",
        "from_name": "Sender",
        "to": ((None, "to@example.net"),),
        "subject": "Hello",
        "date": NOW,
    }
    return MessageContent(**(values | changes))


def make_recipient(**changes: Any) -> RecipientContent:
    values: dict[str, Any] = {"recipient_id": UUID("01890000-0000-7000-8000-000000000002"), "recipient_token": TOKEN}
    return RecipientContent(**(values | changes))


def make_plan(*, opens: bool = True, clicks: bool = True, asked: list[str] | None = None) -> TrackingPlan:
    """A plan whose link tokens are L0, L1 ... in the order in which `asked` got their links."""
    asked = [] if asked is None else asked

    def token(url: str) -> str:
        asked.append(url)
        return f"L{len(asked) - 1}"

    return TrackingPlan(opens, clicks, BASE, token)


def render(content: MessageContent, tracking: TrackingPlan | None = None, *, signed: bool = True, **recipient: Any) -> bytes:
    raw = CompiledMessage.compile(content, tracking).render(make_recipient(**recipient), make_signers() if signed else (), NOW)
    check_wire(raw)
    if signed:
        assert verify(raw) == [True, True]
    return raw


def check_wire(raw: bytes) -> None:
    """What holds for every message that leaves."""
    assert b"\0" not in raw
    assert raw.endswith(b"\r\n")
    lines = raw.split(b"\r\n")
    assert not [line for line in lines if b"\r" in line or b"\n" in line], "bare CR or LF"
    assert max(map(len, lines)) <= 998


def verify(raw: bytes) -> list[bool]:
    """What dkimpy says to the first two signatures."""

    def get_txt(name: bytes, timeout: int = 5) -> bytes:
        return make_keys()[name.split(b".")[0].decode()][1].encode()

    results = []
    for number in range(2):
        try:
            results.append(oracle.DKIM(raw).verify(number, dnsfunc=get_txt))
        except oracle.ValidationError:
            results.append(False)
    return results


def parse(raw: bytes) -> EmailMessage:
    return BytesParser(policy=policy.default).parsebytes(raw)


def get_text(raw: bytes, kind: str = "plain") -> str:
    """The decoded text of the first part of a kind, line ends as LF."""
    part = parse(raw).get_body((kind,))
    assert part is not None
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)
    return content.decode(part.get_content_charset("utf-8")).replace("\r\n", "\n")
