"""TLS and credentials: verified where required, never in the clear, nothing kept of what was said before TLS."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from tests.sinks import SinkOptions, SmtpSink
from tests.worker.delivery.engine_rig import deliver, deliver_one, make_certificate, make_delivery, make_engine, make_relay, on_loop, server_context
from worker.delivery.resolver import Resolver
from worker.delivery.types import Blame, Outcome, ReplyClass, Stage, TlsMode

HOSTS = Resolver(["127.0.0.1:9"], hosts={"relay.test": ["127.0.0.1"], "other.test": ["127.0.0.1"]}, timeout=0.5)


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for relay.test."""
    return make_certificate(tmp_path_factory.mktemp("tls"), "relay.test")


@pytest.mark.parametrize("mode", [TlsMode.REQUIRED, TlsMode.IMPLICIT, TlsMode.OPPORTUNISTIC])
@on_loop
async def test_mail_and_login_under_tls(pem: Path, mode: TlsMode) -> None:
    context = server_context(pem)
    for methods in ("PLAIN LOGIN", "LOGIN"):
        options = SinkOptions(auth=("user", "pass word ü"), auth_methods=methods)
        if mode is TlsMode.IMPLICIT:
            options.tls = context
        else:
            options.starttls = context
        async with SmtpSink(options) as sink:
            engine = make_engine(resolver=HOSTS, tls_ca_file=str(pem), plain_auth_on_loopback=False)
            member = make_relay(sink.port, host="relay.test", tls=mode, username="user", password="pass word ü")
            results = await deliver(engine, [make_delivery(f"ok-{n}@example.test", member) for n in range(5)])
            await engine.close()
            assert [result.outcome for result in results] == [Outcome.DELIVERED] * 5, results[0].transcript
            assert all(message.tls and message.user == "user" for message in sink.received)
            assert results[0].tls is not None and results[0].tls.startswith("TLSv1.3 TLS_")
            assert "pass word" not in results[0].transcript and "[hidden]" in results[0].transcript
            assert sink.state.commands.count("EHLO mail.sender.test") == sink.state.connections * (1 if mode is TlsMode.IMPLICIT else 2)


@pytest.mark.parametrize("case", ["untrusted", "wrong name", "refused", "not offered"])
@on_loop
async def test_required_tls_that_cannot_be_had_sends_nothing(pem: Path, case: str) -> None:
    options = {
        "untrusted": SinkOptions(starttls=server_context(pem)),
        "wrong name": SinkOptions(starttls=server_context(pem)),
        "refused": SinkOptions(starttls_reply=b"454 4.7.0 TLS not available"),
        "not offered": SinkOptions(),
    }[case]
    options.auth = ("user", "secret")
    async with SmtpSink(options) as sink:
        engine = make_engine(resolver=HOSTS, tls_ca_file=None if case == "untrusted" else str(pem))
        host = "other.test" if case == "wrong name" else "relay.test"
        member = make_relay(sink.port, host=host, tls=TlsMode.REQUIRED, username="user", password="secret")
        result = await deliver_one(engine, make_delivery("ok@example.test", member))
        assert (result.outcome, result.reply_class, result.stage, result.suppress) == (Outcome.DEFERRED, ReplyClass.TLS, Stage.STARTTLS, False)
        assert not [command for command in sink.state.commands if command.startswith(("AUTH", "MAIL"))]


@on_loop
async def test_implicit_tls_verifies_the_name(pem: Path) -> None:
    async with SmtpSink(SinkOptions(tls=server_context(pem))) as sink:
        member = make_relay(sink.port, host="other.test", tls=TlsMode.IMPLICIT)
        result = await deliver_one(make_engine(resolver=HOSTS, tls_ca_file=str(pem)), make_delivery("ok@example.test", member))
        assert (result.outcome, result.reply_class) == (Outcome.DEFERRED, ReplyClass.TLS)
        assert "certificate not accepted" in result.reply


@pytest.mark.parametrize("mode", [TlsMode.REQUIRED, TlsMode.OPPORTUNISTIC])
@on_loop
async def test_replies_injected_before_tls_end_the_connection(pem: Path, mode: TlsMode) -> None:
    options = SinkOptions(starttls=server_context(pem), inject=b"250-evil\r\n250 AUTH PLAIN\r\n")
    async with SmtpSink(options) as sink:
        member = make_relay(sink.port, host="relay.test", tls=mode, username="u", password="p")
        result = await deliver_one(make_engine(resolver=HOSTS, tls_ca_file=str(pem)), make_delivery("ok@example.test", member))
        assert (result.outcome, result.reply_class) == (Outcome.DEFERRED, ReplyClass.TLS)
        assert sink.received == [] and not [command for command in sink.state.commands if command.startswith("AUTH")]


@on_loop
async def test_extensions_are_learned_anew_under_tls(pem: Path) -> None:
    """What was offered in the clear does not count: here AUTH is offered only there."""
    options = SinkOptions(starttls=server_context(pem), ehlo=b"250-x\r\n250-STARTTLS\r\n250 AUTH PLAIN")
    async with SmtpSink(options) as sink:
        engine = make_engine(resolver=HOSTS, tls_ca_file=str(pem))
        member = make_relay(sink.port, host="relay.test", tls=TlsMode.REQUIRED)
        result = await deliver_one(engine, make_delivery("ok@example.test", member))
        assert result.outcome is Outcome.DELIVERED
        assert sink.state.commands.count("EHLO mail.sender.test") == 2


@on_loop
async def test_optional_tls_falls_back_to_plain(pem: Path) -> None:
    broken = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)  # no certificate: every handshake fails
    for options in (SinkOptions(starttls=broken), SinkOptions(starttls_reply=b"454 4.7.0 not now"), SinkOptions()):
        async with SmtpSink(options) as sink:
            engine = make_engine(resolver=HOSTS)
            member = make_relay(sink.port, host="relay.test", tls=TlsMode.OPPORTUNISTIC, max_connections=1)
            results = await deliver(engine, [make_delivery(f"ok-{n}@example.test", member) for n in range(3)])
            await engine.close()
            assert [result.outcome for result in results] == [Outcome.DELIVERED] * 3
            assert results[0].tls is None and not sink.received[0].tls


@on_loop
async def test_delivery_that_requires_tls_overrides_the_member(pem: Path) -> None:
    async with SmtpSink(SinkOptions(starttls=server_context(pem))) as sink:
        engine = make_engine(resolver=HOSTS, tls_ca_file=str(pem))
        member = make_relay(sink.port, host="relay.test")
        results = await deliver(engine, [make_delivery("ok-1@example.test", member), make_delivery("ok-2@example.test", member, requires_tls=True)])
        await engine.close()
        assert [result.tls is not None for result in results] == [False, True]
        assert "(verified)" in results[1].transcript


@on_loop
async def test_credentials_are_not_sent_in_the_clear(pem: Path) -> None:
    for allowed in (False, True):
        async with SmtpSink(SinkOptions(auth=("user", "secret"))) as sink:
            engine = make_engine(plain_auth_on_loopback=allowed)
            member = make_relay(sink.port, tls=TlsMode.OPPORTUNISTIC, username="user", password="secret")
            result = await deliver_one(engine, make_delivery("ok@example.test", member))
            if allowed:
                assert result.outcome is Outcome.DELIVERED
            else:
                assert (result.outcome, result.reply_class, result.blame) == (Outcome.DEFERRED, ReplyClass.RELAY, Blame.OURS)
                assert not [command for command in sink.state.commands if command.startswith("AUTH")]


@on_loop
async def test_old_tls_is_refused(pem: Path) -> None:
    old = server_context(pem)
    old.minimum_version = ssl.TLSVersion.TLSv1_2
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    async with SmtpSink(SinkOptions(starttls=old)) as sink:
        member = make_relay(sink.port, host="relay.test", tls=TlsMode.REQUIRED)
        result = await deliver_one(make_engine(resolver=HOSTS, tls_ca_file=str(pem)), make_delivery("ok@example.test", member))
        assert result.tls is not None and result.tls.startswith("TLSv1.2")


def test_contexts_refuse_what_is_older_than_tls_1_2() -> None:
    contexts = make_engine().tls_contexts
    assert contexts.verified.minimum_version is contexts.unverified.minimum_version is ssl.TLSVersion.TLSv1_2
    assert contexts.verified.check_hostname and contexts.verified.verify_mode is ssl.CERT_REQUIRED
