"""The engine against a real Postfix, as MX host (STARTTLS, PIPELINING, 8BITMIME, SIZE, SMTPUTF8, refusals) and as relay that wants a login."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sinks import SmtpSink, sink_in_thread
from tests.worker.delivery.content_making import verify
from tests.worker.delivery.engine_rig import make_certificate, make_delivery, make_relay
from tests.worker.peers.exim import without_trace
from tests.worker.peers.letters import letters
from tests.worker.peers.postfix import PASSWORD, REALM, USER, running_postfix
from tests.worker.peers.sending import send, wait_for
from worker.delivery.types import AuthMethod, Outcome, ReplyClass, Stage, TlsMode


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("postfix"), "localhost", "127.0.0.1")


@pytest.fixture
def sink() -> Iterator[SmtpSink]:
    with sink_in_thread() as made:
        yield made


def test_mail_arrives_as_it_left(pem: Path, sink: SmtpSink) -> None:
    sent = letters()
    with running_postfix(sink.port, pem) as postfix:
        member = make_relay(postfix.port, tls=TlsMode.REQUIRED, max_connections=1)
        wanted = [make_delivery(f"{name}@postfix.test", member, body=body, sender="sender@example.com") for name, body in sent.items()]
        wanted.append(make_delivery("jürgen@postfix.test", member, body=sent["umlauts"], sender="sender@example.com", needs_smtputf8=True))
        results = send(pem, wanted)
        assert [result.transcript for result in results if result.outcome is not Outcome.DELIVERED] == []
        assert all(result.tls and result.tls.startswith("TLSv1.3") for result in results)
        wait_for(lambda: len(sink.received) == len(wanted), postfix.log)
        wait_for(lambda: f"starttls=1 mail={len(wanted)} rcpt={len(wanted)} data={len(wanted)}" in postfix.log(), postfix.log)  # over one connection
    arrived = {mail.recipient.partition("@")[0]: without_trace(mail.data) for mail in sink.received}
    assert arrived == {**sent, "jürgen": sent["umlauts"]}
    assert all(verify(mail) == [True, True] for mail in arrived.values())


def test_refusals_are_understood(pem: Path, sink: SmtpSink) -> None:
    spam, big = b"Subject: refuse me\r\n\r\nbuy\r\n", b"Subject: big\r\n\r\n" + (b"x" * 900 + b"\r\n") * 2400
    with running_postfix(sink.port, pem) as postfix:
        member = make_relay(postfix.port, tls=TlsMode.REQUIRED, max_connections=1)
        unknown, later, foreign, content, size, good = send(
            pem,
            [
                make_delivery("nouser@postfix.test", member), make_delivery("later@postfix.test", member), make_delivery("someone@elsewhere.test", member),
                make_delivery("spam@postfix.test", member, body=spam), make_delivery("big@postfix.test", member, body=big),
                make_delivery("good@postfix.test", member),
            ],
        )  # fmt: skip
        wait_for(lambda: sink.received, postfix.log)
    assert (unknown.outcome, unknown.reply_class, unknown.stage, unknown.suppress) == (Outcome.BOUNCED, ReplyClass.UNKNOWN_USER, Stage.RCPT, True)
    assert (later.outcome, later.reply_class, later.stage) == (Outcome.DEFERRED, ReplyClass.TEMPORARY, Stage.RCPT)
    assert foreign.outcome is Outcome.BOUNCED and not foreign.suppress, "relaying denied is no fault of the recipient's"
    assert (content.outcome, content.reply_class, content.stage, content.suppress) == (Outcome.BOUNCED, ReplyClass.CONTENT, Stage.END_OF_DATA, False)
    assert (size.outcome, size.reply_class, size.stage) == (Outcome.BOUNCED, ReplyClass.CONTENT, Stage.MAIL)
    assert good.outcome is Outcome.DELIVERED
    assert [mail.recipient for mail in sink.received] == ["good@postfix.test"]


def test_as_relay_with_a_login(pem: Path, sink: SmtpSink) -> None:
    body, login = letters()["alternative"], f"{USER}@{REALM}"
    methods = (AuthMethod.AUTO, AuthMethod.PLAIN, AuthMethod.LOGIN, AuthMethod.CRAM_MD5)
    with running_postfix(sink.port, pem, logins=True) as postfix:
        members = [make_relay(postfix.port, tls=TlsMode.REQUIRED, username=login, password=PASSWORD, auth=method) for method in methods]
        wrong = make_relay(postfix.port, tls=TlsMode.REQUIRED, username=login, password="wrong word")
        wanted = [make_delivery(f"{member.auth}@example.net", member, body=body) for member in members]
        *taken, refused, nobody = send(pem, [*wanted, make_delivery("to@example.net", wrong), make_delivery("to@example.net", make_relay(postfix.port))])
        assert [result.transcript for result in taken if result.outcome is not Outcome.DELIVERED] == []
        assert not any(PASSWORD in result.transcript for result in taken) and "wrong word" not in refused.transcript
        assert (refused.outcome, refused.reply_class, refused.stage, refused.code) == (Outcome.DEFERRED, ReplyClass.RELAY, Stage.AUTH, 535)
        assert nobody.outcome is not Outcome.DELIVERED and not nobody.suppress
        wait_for(lambda: len(sink.received) == len(methods), postfix.log)
    assert all(without_trace(mail.data) == body and verify(mail.data) == [True, True] for mail in sink.received)
