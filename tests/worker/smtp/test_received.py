"""The trace header of submitted mail."""

from __future__ import annotations

import email.message
import email.utils

import pytest

from worker.smtp.parsing import MailParameters
from worker.smtp.received import Tracer
from worker.smtp.session import Envelope, Login, Session, TlsInfo

PLAIN, UTF8 = (Envelope("a@x.test", ("b@y.test",), MailParameters(smtputf8=utf8)) for utf8 in (False, True))


def session(helo: str = "app.internal", peer: str = "192.0.2.7", **more: object) -> Session:
    made = Session("ab12-1f", peer, 40000, 0.0, helo, esmtp=True, tls=TlsInfo("TLSv1.3", "X"), login=Login("user", None))
    for name, value in more.items():
        setattr(made, name, value)
    return made


def received(made: Session, envelope: Envelope = PLAIN, *, show_client: bool = False) -> str:
    header = Tracer("mail.host.test", show_client=show_client).received(made, envelope)
    message = email.message_from_bytes(header + b"Subject: x\r\n\r\n")
    assert message["Subject"] == "x" and all(len(line) < 78 for line in header.split(b"\r\n"))
    return " ".join(str(message["Received"]).split())


def test_says_nothing_of_the_client_by_default() -> None:
    clauses, _, date = received(session(messages=2)).rpartition("; ")
    assert clauses == "from authenticated-client.invalid by mail.host.test (Postbridge) with ESMTPSA id ab12-1f.3"
    assert email.utils.parsedate_to_datetime(date).utcoffset() is not None


@pytest.mark.parametrize(
    ("helo", "peer", "clause"),
    [
        ("app.internal", "192.0.2.7", "from app.internal ([192.0.2.7]) by"),
        ("[192.0.2.7]", "192.0.2.7", "from [192.0.2.7] ([192.0.2.7]) by"),
        ("app", "2001:db8::1%eth0", "from app ([IPv6:2001:db8::1]) by"),
        ("x(evil;\r\nBcc: y", "192.0.2.7", "from unknown ([192.0.2.7]) by"),
        ("\N{REPLACEMENT CHARACTER}", "192.0.2.7", "from unknown ([192.0.2.7]) by"),
    ],
)
def test_names_the_client_when_asked(helo: str, peer: str, clause: str) -> None:
    assert received(session(helo, peer), show_client=True).startswith(clause)


@pytest.mark.parametrize(
    ("more", "envelope", "keyword"),
    [
        ({}, PLAIN, "ESMTPSA"), ({"tls": None}, PLAIN, "ESMTPA"), ({}, UTF8, "UTF8SMTPSA"), ({"tls": None, "login": None}, PLAIN, "ESMTP"),
        ({"tls": None, "login": None, "esmtp": False}, PLAIN, "SMTP"), ({"esmtp": False}, PLAIN, "ESMTPSA"),
    ],
)  # fmt: skip
def test_keyword_of_rfc_3848(more: dict[str, object], envelope: Envelope, keyword: str) -> None:
    assert f" with {keyword} id " in received(session(**more), envelope)
