"""The SMTP conversation over real sockets."""

from __future__ import annotations

import smtplib
from typing import Any

import pytest


def test_transcript(start: Any, recorder: Any) -> None:
    with start(recorder).client() as client:
        assert client.banner == "220 mail.example.test ESMTP Postbridge"
        features = client.say("EHLO client.test").splitlines()
        assert features[0] == "250-mail.example.test"
        assert {line[4:] for line in features[1:]} == {
            "PIPELINING", f"SIZE {25 * 1024 * 1024}", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES",
        }  # fmt: skip
        for line, answer in [
            ("NOOP", "250 2.0.0"),
            ("HELP", "214 2.0.0"),
            ("VRFY b@example.test", "252 2.0.0"),
            ("DATA", "503 5.5.1"),
            ("RCPT TO:<b@example.test>", "503 5.5.1"),
            ("MAIL FROM: <a@example.test> SIZE=100 BODY=8BITMIME", "250 2.1.0"),
            ("MAIL FROM:<a@example.test>", "503 5.5.1"),
            ("DATA", "503 5.5.1"),
            ("RCPT TO:<nobody@example.test>", "550 5.1.1"),
            ("DATA", "554 5.5.1"),
            ("RSET", "250 2.0.0"),
            ("MAIL FROM:<>", "250 2.1.0"),
            ("RCPT TO:<postmaster>", "250 2.1.5"),
            ("rcpt to:<B@example.test>", "250 2.1.5"),
            ("DATA", "354"),
            ("Subject: x\r\n\r\n..dot\r\n.", "250 2.0.0"),
            ("BDAT 3", "500 5.5.2"),
            ("QUIT", "221 2.0.0"),
        ]:
            assert client.say(line).startswith(answer), line
        assert client.read() == ""
    envelope, data = recorder.messages[0]
    assert (envelope.sender, envelope.recipients) == ("", ("postmaster", "B@example.test"))
    assert data == b"Subject: x\r\n\r\n.dot\r\n"


def test_smtplib_speaks_with_us(start: Any, recorder: Any) -> None:
    server = start(recorder)
    with smtplib.SMTP("127.0.0.1", server.port, timeout=5) as client:
        client.sendmail("a@example.test", ["b@example.test", "c@example.test"], b"Subject: hi\r\n\r\n.\r\nend")
    assert recorder.messages[0][1] == b"Subject: hi\r\n\r\n.\r\nend\r\n"


def test_pipelined_transactions_are_answered_in_order(start: Any, recorder: Any) -> None:
    one = b"MAIL FROM:<a@x.test>\r\nRCPT TO:<b@x.test>\r\nRCPT TO:<nobody@x.test>\r\nDATA\r\n"
    with start(recorder).client() as client:
        client.say("EHLO client.test")
        client.send(one)
        assert [client.read()[:3] for _ in range(4)] == ["250", "250", "550", "354"]
        client.send(b"first\r\n.\r\n" + one)  # RFC 2920 3.1: the next group may ride behind the message
        assert [client.read()[:3] for _ in range(5)] == ["250", "250", "250", "550", "354"]
        client.send(b".\r\nQUIT\r\n")
        assert [client.read()[:3] for _ in range(2)] == ["250", "221"]
    assert [data for _, data in recorder.messages] == [b"first\r\n", b""]


@pytest.mark.parametrize("command", ["EHLO x", "NOOP", "VRFY a", "DATA"])
def test_unauthorised_pipelining_ends_the_session(start: Any, recorder: Any, command: str) -> None:
    with start(recorder).client() as client:
        client.say("EHLO client.test")
        client.send(b"MAIL FROM:<a@x.test>\r\nRCPT TO:<b@x.test>\r\n" + command.encode() + b"\r\nRSET\r\n")
        assert [client.read()[:9] for _ in range(3)][2] == "554 5.5.0"
        assert client.read() == ""
    assert recorder.messages == []


FALSE_ENDINGS = {
    "LF.LF": b"\n.\n",
    "CR.CR": b"\r.\r",
    "CR.LF": b"\r.\n",
    "LF.CR": b"\n.\r",
    "LF.CRLF": b"\n.\r\n",
    "CRLF.LF": b"\r\n.\n",
    "CR.CRLF": b"\r.\r\n",
    "CRLF.CR": b"\r\n.\r",
    "NUL before": b"\r\n\0.\r\n",
    "NUL after": b"\r\n.\0\r\n",
    "CRLF.CRCRLF": b"\r\n.\r\r\n",
}


@pytest.mark.parametrize("name", FALSE_ENDINGS)
@pytest.mark.parametrize("split", [False, True])
def test_false_endings_do_not_end_a_message(start: Any, recorder: Any, name: str, split: bool) -> None:
    """SMTP smuggling: CVE-2023-51764, -51765, -51766, CVE-2024-27938, CVE-2024-27305."""
    smuggled = b"MAIL FROM:<evil@x.test>\r\nRCPT TO:<v@x.test>\r\nDATA\r\nSubject: smuggled\r\n\r\nboo"
    data = b"Subject: x\r\n\r\nlead" + FALSE_ENDINGS[name] + smuggled + b"\r\n.\r\n"
    with start(recorder).client() as client:
        client.begin()
        for piece in ([data[i : i + 1] for i in range(len(data))] if split else [data]):
            client.send(piece)
        answer = client.read()
        assert client.say("NOOP").startswith("250"), "exactly one answer came"
    if "NUL" in name:
        assert answer.startswith("550 5.6.0")
        assert recorder.messages == []
    else:
        assert answer.startswith("250")
        assert len(recorder.messages) == 1
        assert b"smuggled" in recorder.messages[0][1]


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("MAIL FROM:a@x.test", "501 5.5.4"),
        ("MAIL FROM:<a@x.test>SIZE=1", "501 5.5.4"),
        ("MAIL FROM:<a@@x.test>", "501 5.1.7"),
        ("MAIL FROM:<.a@x.test>", "501 5.1.7"),
        ("MAIL FROM:<a@-x.test>", "501 5.1.7"),
        ('MAIL FROM:<"a b"@x.test>', "553 5.1.3"),
        ('MAIL FROM:<"a>RCPT TO:<x"@x.test>', "501 5.5.4"),
        ("MAIL FROM:<@relay.test:a@x.test>", "553 5.1.3"),
        ("MAIL FROM:<a@[127.0.0.1]>", "553 5.1.3"),
        ("MAIL FROM:<ä@x.test>", "553 5.6.7"),
        ("MAIL FROM:<ä@x.test> SMTPUTF8", "250 2.1.0"),
        (f"MAIL FROM:<{'a' * 64}@x.test>", "250 2.1.0"),
        (f"MAIL FROM:<{'a' * 65}@x.test>", "501 5.1.3"),
        (f"MAIL FROM:<a@{'.'.join(['b' * 60] * 4)}.{'c' * 12}>", "501 5.1.3"),
        ("MAIL FROM:<a@x.test> SIZE=x", "501 5.5.4"),
        ("MAIL FROM:<a@x.test> BODY=BINARYMIME", "501 5.5.4"),
        ("MAIL FROM:<a@x.test> RET=HDRS", "555 5.5.4"),
        ("MAIL FROM:<a@x.test> SIZE=99999999999", "552 5.3.4"),
        ("MAIL FROM:<a\0@x.test>", "500 5.5.2"),
        ("MAIL FROM:<a\r@x.test>", "500 5.5.2"),
        ("MAIL FROM:<a@x.test>\nRCPT TO:<b@x.test>", "500 5.5.2"),
        ("MAIL FROM:<a@x.test> " + "x" * 1100, "500 5.5.2"),
        ("NOOP " + "x" * 600, "500 5.5.2"),
        ("EHLO", "501 5.5.4"),
        ("RSET now", "501 5.5.4"),
        ("STARTTLS", "502 5.5.1"),
        ("AUTH PLAIN AGEAYg==", "503 5.5.1"),
        ("", "500 5.5.2"),
    ],
)
def test_bad_commands(start: Any, line: str, answer: str) -> None:
    with start().client() as client:
        client.say("EHLO client.test")
        assert client.say(line).startswith(answer)


def test_command_before_ehlo(start: Any) -> None:
    with start().client() as client:
        assert client.say("MAIL FROM:<a@x.test>").startswith("503 5.5.1")


def test_utf8_recipient_only_in_a_utf8_transaction(start: Any) -> None:
    with start().client() as client:
        client.say("EHLO client.test")
        client.say("MAIL FROM:<a@x.test>")
        assert client.say("RCPT TO:<ö@x.test>").startswith("553 5.6.7")
        client.say("RSET")
        client.say("MAIL FROM:<a@x.test> SMTPUTF8")
        assert client.say("RCPT TO:<ö@ö.test>").startswith("250 2.1.5")
        client.send(b"RCPT TO:<\xff@x.test>\r\n")
        assert client.read().startswith("501 5.1.3")
