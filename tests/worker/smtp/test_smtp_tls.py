"""STARTTLS, implicit TLS, and what must not slip through between."""

from __future__ import annotations

import smtplib
import socket
import ssl
import threading
import time
from typing import Any

import pytest

from worker.smtp.limits import Limits


def test_starttls_throws_away_what_came_before(start: Any, recorder: Any, tls_context: ssl.SSLContext, client_tls: ssl.SSLContext) -> None:
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


def test_injection_in_a_second_packet_breaks_the_handshake(start: Any, recorder: Any, tls_context: ssl.SSLContext) -> None:
    server = start(recorder, tls_context=tls_context)
    with server.client() as client:
        client.say("EHLO client.test")
        client.say("STARTTLS")
        client.send(b"MAIL FROM:<evil@x.test>\r\n")
        while client.read():
            pass
    assert server.call(lambda: server.server.open_sessions) == []
    assert recorder.messages == []


def test_implicit_tls(start: Any, recorder: Any, tls_context: ssl.SSLContext, client_tls: ssl.SSLContext) -> None:
    server = start(recorder, tls_context=tls_context, login_required=True)
    with smtplib.SMTP_SSL("127.0.0.1", server.tls_port, timeout=5, context=_unnamed(client_tls)) as client:
        client.login("user", "right")
        client.sendmail("a@x.test", "b@x.test", b"Subject: x\r\n\r\nhi\r\n" + b"line\r\n" * 100_000)
    assert recorder.sessions[0].tls.version.startswith("TLSv1.")
    assert recorder.sessions[0].login.identity == "identity"


def test_a_peer_that_leaves_before_the_handshake_leaves_nothing_behind(start: Any, tls_context: ssl.SSLContext) -> None:
    """Health checks of load balancers do that all day."""
    server = start(tls_context=tls_context)

    def connect_and_leave() -> None:
        """In the event loop's own thread, so that the peers are gone before the loop looks at them."""
        for _ in range(2):
            socket.create_connection(("127.0.0.1", server.tls_port), timeout=5).close()

    server.call(connect_and_leave)
    deadline = time.monotonic() + 5
    while server.call(lambda: server.server.counters.tls_failures) < 2 or server.call(lambda: server.server.open_sessions):
        assert time.monotonic() < deadline, "the sessions of peers that left are still counted"
        time.sleep(0.05)


def test_old_tls_is_refused(start: Any, tls_context: ssl.SSLContext, client_tls: ssl.SSLContext) -> None:
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


def test_client_that_never_shakes_hands(start: Any, tls_context: ssl.SSLContext) -> None:
    server = start(limits=Limits(tls_handshake_seconds=0.5), tls_context=tls_context)
    with server.client() as client:
        client.say("EHLO client.test")
        client.say("STARTTLS")
        assert client.read() == ""
    assert server.call(lambda: server.server.open_sessions) == []



def _unnamed(context: ssl.SSLContext) -> ssl.SSLContext:
    context.check_hostname = False
    return context


@pytest.mark.parametrize("implicit", [True, False])
def test_no_handshake_is_lost_when_many_come_at_once(
    start: Any, recorder: Any, tls_context: ssl.SSLContext, client_tls: ssl.SSLContext, implicit: bool
) -> None:
    """The first octets of a handshake may arrive before the upgrade has begun."""
    server = start(recorder, Limits(connections_per_address=300), tls_context=tls_context)
    context = _unnamed(client_tls)
    failed: list[Exception] = []

    def connect() -> None:
        try:
            for _ in range(15):
                if implicit:
                    with smtplib.SMTP_SSL("127.0.0.1", server.tls_port, timeout=8, context=context) as client:
                        client.noop()
                else:
                    with smtplib.SMTP("127.0.0.1", server.port, timeout=8) as client:
                        client.starttls(context=context)
                        client.noop()
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=connect) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failed == []
