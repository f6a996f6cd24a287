"""The engine against a real Exim, as receiver (STARTTLS, PIPELINING, 8BITMIME, SIZE, SMTPUTF8, refusals) and as relay that wants a login."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sinks import SmtpSink, sink_in_thread
from tests.worker.delivery.content_making import verify
from tests.worker.delivery.engine_rig import make_certificate, make_delivery, make_relay
from tests.worker.peers.exim import PASSWORD, USER, Exim, running_exim, without_trace
from tests.worker.peers.letters import letters
from tests.worker.peers.sending import send, wait_for
from worker.delivery.types import AuthMethod, Outcome, ReplyClass, Stage, TlsMode


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("exim"), "localhost", "127.0.0.1")


@pytest.fixture
def sink() -> Iterator[SmtpSink]:
    with sink_in_thread() as made:
        yield made


@pytest.fixture
def exim(pem: Path, sink: SmtpSink) -> Iterator[Exim]:
    with running_exim(pem, sink.port) as running:
        yield running


def test_mail_arrives_as_it_left(exim: Exim, pem: Path) -> None:
    sent = letters()
    member = make_relay(exim.port, tls=TlsMode.REQUIRED, max_connections=1)
    results = send(pem, [make_delivery(f"{name}@exim.test", member, body=body, sender="sender@example.com") for name, body in sent.items()])
    assert [result.transcript for result in results if result.outcome is not Outcome.DELIVERED] == []
    assert all(result.tls and result.tls.startswith("TLSv1.3") for result in results)
    received = exim.received(len(sent))
    assert sorted(received) == sorted(sent.values())
    assert all(verify(mail) == [True, True] for mail in received)
    assert exim.log().count("P=esmtps") == len(sent)


def test_refusals_are_understood(exim: Exim, pem: Path) -> None:
    member = make_relay(exim.port, tls=TlsMode.REQUIRED, max_connections=1)
    spam, big = b"Subject: refuse me\r\n\r\nbuy\r\n", b"Subject: big\r\n\r\n" + (b"x" * 900 + b"\r\n") * 2400
    unknown, later, foreign, content, size, good = send(
        pem,
        [
            make_delivery("nouser@exim.test", member), make_delivery("later@exim.test", member), make_delivery("someone@elsewhere.test", member),
            make_delivery("spam@exim.test", member, body=spam), make_delivery("big@exim.test", member, body=big), make_delivery("good@exim.test", member),
        ],
    )  # fmt: skip
    assert (unknown.outcome, unknown.reply_class, unknown.stage, unknown.suppress) == (Outcome.BOUNCED, ReplyClass.UNKNOWN_USER, Stage.RCPT, True)
    assert (later.outcome, later.reply_class, later.stage) == (Outcome.DEFERRED, ReplyClass.TEMPORARY, Stage.RCPT)
    assert foreign.outcome is Outcome.BOUNCED and not foreign.suppress, "relaying denied is no fault of the recipient's"
    assert (content.outcome, content.reply_class, content.stage, content.suppress) == (Outcome.BOUNCED, ReplyClass.CONTENT, Stage.END_OF_DATA, False)
    assert (size.outcome, size.reply_class, size.stage) == (Outcome.BOUNCED, ReplyClass.CONTENT, Stage.MAIL)
    assert "larger than the 2097152" in size.reply
    assert good.outcome is Outcome.DELIVERED
    assert len(exim.received()) == 1


def test_addresses_beyond_ascii(exim: Exim, pem: Path) -> None:
    delivery = make_delivery("jürgen@exim.test", make_relay(exim.port, tls=TlsMode.REQUIRED), body=letters()["umlauts"], needs_smtputf8=True)
    (result,) = send(pem, [delivery])
    assert result.outcome is Outcome.DELIVERED, result.transcript
    assert exim.received() == [letters()["umlauts"]]


@pytest.mark.parametrize("method", [AuthMethod.PLAIN, AuthMethod.LOGIN])
@pytest.mark.parametrize("tls", [TlsMode.REQUIRED, TlsMode.IMPLICIT])
def test_as_relay_with_a_login(exim: Exim, pem: Path, sink: SmtpSink, method: AuthMethod, tls: TlsMode) -> None:
    port, body = exim.tls_port if tls is TlsMode.IMPLICIT else exim.port, letters()["alternative"]
    good = make_relay(port, tls=tls, username=USER, password=PASSWORD, auth=method)
    wrong = make_relay(port, tls=tls, username=USER, password="wrong word", auth=method)
    taken, refused = send(pem, [make_delivery("to@example.net", good, body=body), make_delivery("to@example.net", wrong, body=body)])
    assert taken.outcome is Outcome.DELIVERED, taken.transcript
    assert PASSWORD not in taken.transcript and "wrong word" not in refused.transcript
    assert (refused.outcome, refused.reply_class, refused.stage, refused.code) == (Outcome.DEFERRED, ReplyClass.RELAY, Stage.AUTH, 535)
    wait_for(lambda: sink.received, exim.log)
    (mail,) = sink.received
    assert without_trace(mail.data) == body
    assert verify(mail.data) == [True, True]
