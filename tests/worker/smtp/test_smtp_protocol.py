"""The SMTP conversation over real sockets."""

from __future__ import annotations

import smtplib
import ssl
import time
from typing import Any

import pytest

from worker.smtp.limits import Limits, LongLines


def begin(client: Any, sender: str = "a@example.test", recipient: str = "b@example.test") -> None:
    """Bring a conversation to the point behind 354."""
    client.say("EHLO client.test")
    assert client.say(f"MAIL FROM:<{sender}>").startswith("250 2.1.0")
    assert client.say(f"RCPT TO:<{recipient}>").startswith("250 2.1.5")
    assert client.say("DATA").startswith("354")


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
        begin(client)
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


class TestLimits:
    def test_recipients(self, start: Any, recorder: Any) -> None:
        """F42: the 1,001st recipient gets 452, the transaction goes on."""
        with start(recorder).client() as client:
            client.say("EHLO client.test")
            client.say("MAIL FROM:<a@x.test>")
            client.send(b"".join(b"RCPT TO:<b%d@x.test>\r\n" % n for n in range(1001)))
            answers = [client.read() for _ in range(1001)]
            assert {a[:9] for a in answers[:1000]} == {"250 2.1.5"}
            assert answers[1000].startswith("452 4.5.3")
            client.say("DATA")
            assert client.say("x\r\n.").startswith("250")
        assert len(recorder.messages[0][0].recipients) == 1000

    def test_errors(self, start: Any) -> None:
        with start().client() as client:
            answers = [client.say("JUNK") for _ in range(20)]
            assert answers[-1].startswith("500")
            assert client.read().startswith("421 4.7.0")
            assert client.read() == ""

    def test_idle_commands(self, start: Any) -> None:
        """F42: 100 junk commands."""
        with start().client() as client:
            assert all(client.say("RSET").startswith("250") for _ in range(100))
            assert client.say("RSET").startswith("421 4.7.0")

    def test_accepted_mail_clears_the_counts(self, start: Any, recorder: Any) -> None:
        with start(recorder, Limits(errors=3)).client() as client:
            for _ in range(4):
                begin(client)
                assert client.say("x\r\n.").startswith("250")
                assert client.say("JUNK").startswith("500")
                assert client.say("JUNK").startswith("500")

    def test_connections_per_address(self, start: Any) -> None:
        server = start(limits=Limits(connections_per_address=3))
        clients = [server.client() for _ in range(5)]
        assert [c.banner[:9] for c in clients] == ["220 mail."] * 3 + ["421 4.7.0"] * 2
        for client in clients:
            client.close()
        deadline = time.monotonic() + 5
        while server.call(lambda: server.server.open_sessions) and time.monotonic() < deadline:
            time.sleep(0.01)
        with server.client() as client:
            assert client.banner.startswith("220")

    def test_connections_in_all(self, start: Any) -> None:
        server = start(limits=Limits(connections=2))
        clients = [server.client() for _ in range(3)]
        assert clients[2].banner.startswith("421 4.3.2")
        for client in clients:
            client.close()

    def test_message_size(self, start: Any, recorder: Any) -> None:
        limits = Limits(message_octets=1000)
        with start(recorder, limits).client() as client:
            begin(client)
            client.send(b"x" * 998 + b"\r\n.\r\n")
            assert client.read().startswith("250")
            begin(client)
            client.send(b"x" * 999 + b"\r\n.\r\n")
            assert client.read().startswith("552 5.3.4")
            begin(client)
            for _ in range(50):
                client.send(b"y" * 998 + b"\r\n")
            client.send(b".\r\n")
            assert client.read().startswith("552 5.3.4")
            assert client.say("NOOP").startswith("250"), "the session lives on"
        assert len(recorder.messages) == 1

    def test_a_lone_dot_after_discarded_octets_is_no_end(self, start: Any, recorder: Any) -> None:
        with start(recorder, Limits(message_octets=10)).client() as client:
            begin(client)
            client.send(b"z" * 100)
            time.sleep(0.05)
            client.send(b"x.\r\nA")
            time.sleep(0.05)
            client.send(b"more\r\n")
            time.sleep(0.05)
            client.send(b".\r")
            time.sleep(0.05)
            client.send(b"\n")
            assert client.read().startswith("552")
            assert client.say("NOOP").startswith("250")

    def test_endless_message_is_cut_off(self, start: Any) -> None:
        with start(limits=Limits(message_octets=1000, overrun_octets=5000)).client() as client:
            begin(client)
            with pytest.raises(OSError):
                client.send((b"x" * 998 + b"\r\n") * 10_000)

    def test_memory_for_all_messages(self, start: Any) -> None:
        server = start(limits=Limits(buffered_octets=5000))
        with server.client() as first, server.client() as second:
            begin(first)
            begin(second)
            first.send(b"x" * 4000)
            time.sleep(0.1)
            second.send(b"x" * 4000)
            time.sleep(0.1)
            second.send(b"\r\n.\r\n")
            assert second.read().startswith("452 4.3.1")
            first.send(b"\r\n.\r\n")
            assert first.read().startswith("250")
        assert server.call(lambda: server.server.budget.used) == 0

    def test_long_lines_can_be_refused(self, start: Any, recorder: Any) -> None:
        with start(recorder, Limits(long_lines=LongLines.REFUSE)).client() as client:
            begin(client)
            assert client.say("x" * 999 + "\r\n.").startswith("550 5.6.0")
            begin(client)
            assert client.say("x" * 998 + "\r\n.").startswith("250")

    def test_idle_client_is_told_and_closed(self, start: Any) -> None:
        with start(limits=Limits(idle_seconds=0.5)).client() as client:
            client.send(b"NO")  # octets without a command do not help
            assert client.read().startswith("421 4.4.2")
            assert client.read() == ""

    def test_trickling_message_is_ended(self, start: Any) -> None:
        with start(limits=Limits(data_seconds=1.0)).client() as client:
            begin(client)
            answer = ""
            client.sock.settimeout(0.1)
            for _ in range(60):
                client.send(b"x\r\n")
                try:
                    answer = client.read()
                    break
                except TimeoutError:
                    continue
            assert answer.startswith("421 4.4.2")

    def test_command_flood_does_not_grow_the_output(self, start: Any) -> None:
        """A client that sends commands and never reads stops being read."""
        server = start(limits=Limits(idle_commands=10**9, errors=10**9))
        with server.client() as client:
            client.sock.settimeout(1.0)
            sent = 0
            try:
                while sent < 64_000_000:
                    client.send(b"RSET\r\n" * 10_000)
                    sent += 60_000
            except TimeoutError:
                pass
            assert sent < 64_000_000


class TestTls:
    def test_starttls_throws_away_what_came_before(self, start: Any, recorder: Any, tls_context: ssl.SSLContext, client_tls: ssl.SSLContext) -> None:
        """CVE-2011-0411, CVE-2024-34083: commands in clear behind STARTTLS must be lost."""
        with start(recorder, tls_context=tls_context).client() as client:
            assert "STARTTLS" in client.say("EHLO client.test")
            client.send(b"STARTTLS\r\nMAIL FROM:<evil@x.test>\r\nRCPT TO:<b@x.test>\r\n")
            assert client.read().startswith("220 2.0.0")
            client.start_tls(client_tls)
            assert client.say("RCPT TO:<b@x.test>").startswith("503"), "no transaction is open"
            assert client.say("MAIL FROM:<a@x.test>").startswith("503"), "EHLO must be said again"
            features = client.say("EHLO client.test")
            assert "STARTTLS" not in features
            assert client.say("STARTTLS").startswith("503 5.5.1")

    def test_injection_in_a_second_packet_breaks_the_handshake(self, start: Any, recorder: Any, tls_context: ssl.SSLContext) -> None:
        server = start(recorder, tls_context=tls_context)
        with server.client() as client:
            client.say("EHLO client.test")
            client.say("STARTTLS")
            client.send(b"MAIL FROM:<evil@x.test>\r\n")
            while client.read():
                pass
        assert server.call(lambda: server.server.open_sessions) == []
        assert recorder.messages == []

    def test_implicit_tls(self, start: Any, recorder: Any, tls_context: ssl.SSLContext, client_tls: ssl.SSLContext) -> None:
        server = start(recorder, tls_context=tls_context, login_required=True)
        with smtplib.SMTP_SSL("127.0.0.1", server.tls_port, timeout=5, context=_unnamed(client_tls)) as client:
            client.login("user", "right")
            client.sendmail("a@x.test", "b@x.test", b"Subject: x\r\n\r\nhi\r\n" + b"line\r\n" * 100_000)
        assert recorder.sessions[0].tls.version.startswith("TLSv1.")
        assert recorder.sessions[0].login.identity == "identity"

    def test_old_tls_is_refused(self, start: Any, tls_context: ssl.SSLContext, client_tls: ssl.SSLContext) -> None:
        """F40: TLS 1.0 and 1.1."""
        old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
        old.set_ciphers("ALL:@SECLEVEL=0")
        with pytest.warns(DeprecationWarning, match="TLSv1_1"):
            old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
        with start(tls_context=tls_context).client() as client:
            client.say("EHLO client.test")
            client.say("STARTTLS")
            with pytest.raises((ssl.SSLError, ConnectionError)):
                client.start_tls(old)

    def test_client_that_never_shakes_hands(self, start: Any, tls_context: ssl.SSLContext) -> None:
        server = start(limits=Limits(tls_handshake_seconds=0.5), tls_context=tls_context)
        with server.client() as client:
            client.say("EHLO client.test")
            client.say("STARTTLS")
            assert client.read() == ""
        assert server.call(lambda: server.server.open_sessions) == []


def _unnamed(context: ssl.SSLContext) -> ssl.SSLContext:
    context.check_hostname = False
    return context


class TestEndings:
    def test_stop_finishes_what_is_being_committed(self, start: Any, recorder: Any) -> None:
        import asyncio

        server = start(recorder)
        recorder.gate = asyncio.Event()
        with server.client() as idle, server.client() as busy:
            begin(busy)
            busy.send(b"x\r\n.\r\n")
            time.sleep(0.1)
            stopping = asyncio.run_coroutine_threadsafe(server.server.stop(5), server.loop)
            assert idle.read().startswith("421 4.3.2")
            server.call(lambda: recorder.gate.set())
            assert busy.read().startswith("250 2.0.0")
            assert busy.read().startswith("421 4.3.2")
            stopping.result(5)
        assert len(recorder.messages) == 1
        with server.client() as late:
            assert late.banner.startswith("421 4.3.2")

    def test_stop_lets_an_arriving_message_end(self, start: Any, recorder: Any) -> None:
        import asyncio

        server = start(recorder)
        with server.client() as client:
            begin(client)
            client.send(b"half")
            stopping = asyncio.run_coroutine_threadsafe(server.server.stop(5), server.loop)
            time.sleep(0.1)
            client.send(b"\r\n.\r\n")
            assert client.read().startswith("250")
            assert client.read().startswith("421")
            stopping.result(5)

    def test_close_sessions(self, start: Any, recorder: Any) -> None:
        server = start(recorder)
        with server.client() as doomed, server.client() as other:
            doomed.say("EHLO doomed.test")
            other.say("EHLO other.test")
            assert server.call(lambda: server.server.close_sessions(lambda s: s.helo == "doomed.test")) == 1
            assert doomed.read().startswith("421 4.7.0")
            assert doomed.read() == ""
            assert other.say("NOOP").startswith("250")

    def test_half_closed_client_gets_its_answer(self, start: Any, recorder: Any) -> None:
        import socket

        with start(recorder).client() as client:
            begin(client)
            client.send(b"x\r\n.\r\n")
            client.sock.shutdown(socket.SHUT_WR)
            assert client.read().startswith("250")

    def test_broken_handler_answers_451(self, start: Any, recorder: Any) -> None:
        server = start(recorder)
        recorder.fail = RuntimeError("boom")
        with server.client() as client:
            begin(client)
            assert client.say("x\r\n.").startswith("451 4.3.0")
            recorder.fail = None
            assert client.say("MAIL FROM:<a@x.test>").startswith("250")
        assert server.server.counters.failures == 1

    def test_client_lost_during_commit_keeps_the_message(self, start: Any, recorder: Any) -> None:
        import asyncio

        server = start(recorder)
        recorder.gate = asyncio.Event()
        with server.client() as client:
            begin(client)
            client.send(b"x\r\n.\r\n")
            time.sleep(0.1)
        time.sleep(0.1)
        server.call(lambda: recorder.gate.set())
        time.sleep(0.1)
        assert len(recorder.messages) == 1
        assert server.call(lambda: server.server.budget.used) == 0


def test_slow_loris_does_not_slow_others(start: Any, recorder: Any) -> None:
    """F42: 200 clients that trickle; others' time stays within a small bound."""
    server = start(recorder, Limits(connections_per_address=300, data_seconds=60))
    loris = [server.client() for _ in range(200)]
    for client in loris:
        begin(client)
    times = []
    for _ in range(20):
        for client in loris:
            client.send(b"x")
        started = time.perf_counter()
        with server.client() as client:
            begin(client)
            assert client.say("x\r\n.").startswith("250")
        times.append(time.perf_counter() - started)
    for client in loris:
        client.close()
    assert sorted(times)[18] < 0.25
