"""The SMTP client against a real server that misbehaves in every way we know."""

from __future__ import annotations

import asyncio

import pytest

from tests.sinks import SinkOptions, SmtpSink
from tests.worker.delivery.engine_rig import BODY, deliver, deliver_one, make_delivery, make_engine, make_relay, on_loop
from worker.delivery.types import Blame, Outcome, ReplyClass, Stage

BOTH = pytest.mark.parametrize("pipelining", [True, False], ids=["pipelined", "plain"])


@BOTH
@on_loop
async def test_message_arrives_as_it_was_rendered(pipelining: bool) -> None:
    async with SmtpSink(SinkOptions(pipelining=pipelining)) as sink:
        engine = make_engine()
        member = make_relay(sink.port)
        results = await deliver(engine, [make_delivery(f"ok-{n}@example.test", member) for n in range(20)])
        await engine.close()
        assert [result.outcome for result in results] == [Outcome.DELIVERED] * 20
        assert {message.data for message in sink.received} == {BODY}
        assert sink.state.recipients.total() == 20 and len(sink.state.recipients) == 20
        assert sink.state.connections <= 2
        first = results[0]
        assert (first.code, first.enhanced, first.reply_class, first.blame) == (250, "2.0.0", ReplyClass.DELIVERED, Blame.NOBODY)
        assert (first.member_id, first.remote_host, first.remote_ip, first.tls) == (member.id, "127.0.0.1", "127.0.0.1", None)
        assert first.started_at.tzinfo is not None and first.started_at <= first.finished_at
        assert "> MAIL FROM:<bounce@sender.test>\n< 250" in first.transcript
        assert "[message of" in first.transcript and "First line" not in first.transcript


# (local part, code, class, retry, suppress, stage)
REFUSALS = [
    ("r421", 421, ReplyClass.THROTTLE, True, False, Stage.RCPT),
    ("r450", 450, ReplyClass.GREYLIST, True, False, Stage.RCPT),
    ("r451", 451, ReplyClass.TEMPORARY, True, False, Stage.RCPT),
    ("r452", 452, ReplyClass.MAILBOX_FULL, True, False, Stage.RCPT),
    ("r550", 550, ReplyClass.UNKNOWN_USER, False, True, Stage.RCPT),
    ("r552", 552, ReplyClass.MAILBOX_FULL, True, False, Stage.RCPT),
    ("r553", 553, ReplyClass.UNKNOWN_USER, False, True, Stage.RCPT),
    ("r554", 554, ReplyClass.BLOCK, True, False, Stage.RCPT),
    ("d421", 421, ReplyClass.THROTTLE, True, False, Stage.END_OF_DATA),
    ("d451", 451, ReplyClass.TEMPORARY, True, False, Stage.END_OF_DATA),
    ("d552", 552, ReplyClass.CONTENT, False, False, Stage.END_OF_DATA),
    ("d554", 554, ReplyClass.CONTENT, False, False, Stage.END_OF_DATA),
    ("multi", 550, ReplyClass.UNKNOWN_USER, False, True, Stage.RCPT),
    ("dmulti", 554, ReplyClass.CONTENT, False, False, Stage.END_OF_DATA),
    ("twonum", 550, ReplyClass.UNKNOWN_USER, False, True, Stage.RCPT),
    ("data354", 550, ReplyClass.UNKNOWN_USER, False, True, Stage.RCPT),
]


@BOTH
@pytest.mark.parametrize(("word", "code", "reply_class", "retry", "suppress", "stage"), REFUSALS, ids=[row[0] for row in REFUSALS])
@on_loop
async def test_refusal_is_judged_and_neighbours_arrive(
    pipelining: bool, word: str, code: int, reply_class: ReplyClass, retry: bool, suppress: bool, stage: Stage
) -> None:
    async with SmtpSink(SinkOptions(pipelining=pipelining)) as sink:
        engine = make_engine()
        member = make_relay(sink.port, max_connections=1)
        addresses = ["ok-1@example.test", f"{word}-1@example.test", "ok-2@example.test", f"{word}-2@example.test", "ok-3@example.test"]
        results = await deliver(engine, [make_delivery(address, member) for address in addresses])
        await engine.close()
        assert [result.outcome is Outcome.DELIVERED for result in results] == [True, False, True, False, True]
        for refused in (results[1], results[3]):
            assert (refused.code, refused.reply_class, refused.retry, refused.suppress, refused.stage) == (code, reply_class, retry, suppress, stage)
            assert refused.outcome is (Outcome.DEFERRED if retry else Outcome.BOUNCED)
            assert not refused.duplicate_possible
            assert str(code) in refused.transcript
        assert sorted(message.recipient for message in sink.received) == ["ok-1@example.test", "ok-2@example.test", "ok-3@example.test"]


@BOTH
@on_loop
async def test_sender_refused_at_mail(pipelining: bool) -> None:
    async with SmtpSink(SinkOptions(pipelining=pipelining)) as sink:
        engine = make_engine()
        member = make_relay(sink.port, max_connections=1)
        bad = make_delivery("ok-1@example.test", member, sender="m550@sender.test")
        results = await deliver(engine, [bad, make_delivery("ok-2@example.test", member)])
        await engine.close()
        assert results[0].stage is Stage.MAIL and results[0].code == 550
        assert results[1].outcome is Outcome.DELIVERED
        assert [message.recipient for message in sink.received] == ["ok-2@example.test"]


@BOTH
@pytest.mark.parametrize("word", ["garbage", "reset", "stall", "long"])
@on_loop
async def test_broken_conversation_defers_only_its_own_delivery(pipelining: bool, word: str) -> None:
    async with SmtpSink(SinkOptions(pipelining=pipelining)) as sink:
        engine = make_engine()
        member = make_relay(sink.port, max_connections=1)
        addresses = ["ok-1@example.test", f"{word}@example.test", "ok-2@example.test", "ok-3@example.test"]
        results = await deliver(engine, [make_delivery(address, member) for address in addresses])
        await engine.close()
        assert [result.outcome for result in results] == [Outcome.DELIVERED, Outcome.DEFERRED, Outcome.DELIVERED, Outcome.DELIVERED]
        broken = results[1]
        assert (broken.reply_class, broken.blame, broken.retry, broken.suppress) == (ReplyClass.NET, Blame.REMOTE, True, False)
        assert not broken.duplicate_possible
        assert broken.reply.isprintable() and len(broken.transcript) <= 8000
        assert max(sink.state.recipients.values()) == 1


@BOTH
@pytest.mark.parametrize("word", ["dropdot", "taken", "stalldata", "dgarbage"])
@on_loop
async def test_no_answer_to_the_final_dot_is_unknown(pipelining: bool, word: str) -> None:
    async with SmtpSink(SinkOptions(pipelining=pipelining)) as sink:
        engine = make_engine()
        member = make_relay(sink.port, max_connections=1)
        addresses = ["ok-1@example.test", f"{word}@example.test", "ok-2@example.test"]
        results = await deliver(engine, [make_delivery(address, member) for address in addresses])
        await engine.close()
        doubtful = results[1]
        assert (doubtful.outcome, doubtful.reply_class, doubtful.duplicate_possible) == (Outcome.DEFERRED, ReplyClass.UNKNOWN_AFTER_DATA, True)
        assert doubtful.stage is Stage.END_OF_DATA and doubtful.retry and not doubtful.suppress
        assert results[0].outcome is results[2].outcome is Outcome.DELIVERED
        assert max(sink.state.recipients.values()) == 1


@BOTH
@on_loop
async def test_reset_in_mid_message_is_known_not_delivered(pipelining: bool) -> None:
    big = b"Subject: big\r\n\r\n" + (b"x" * 70 + b"\r\n") * 200_000
    async with SmtpSink(SinkOptions(pipelining=pipelining)) as sink:
        engine = make_engine()
        result = await deliver_one(engine, make_delivery("dropmid@example.test", make_relay(sink.port), body=big))
        assert (result.outcome, result.reply_class, result.duplicate_possible) == (Outcome.DEFERRED, ReplyClass.NET, False)
        assert sink.received == []


@on_loop
async def test_big_message_arrives_whole() -> None:
    big = b"Subject: big\r\n\r\n" + b".dots\r\n" * 300_000
    async with SmtpSink() as sink:
        member = make_relay(sink.port, max_connections=1)
        engine = make_engine()
        results = await deliver(engine, [make_delivery(f"ok-{n}@example.test", member, body=big) for n in range(3)])
        await engine.close()
        assert [result.outcome for result in results] == [Outcome.DELIVERED] * 3
        assert all(message.data == big for message in sink.received) and len(sink.received) == 3


@on_loop
async def test_next_envelope_travels_behind_the_dot() -> None:
    """One round trip a message: with every answer 50 ms late, 20 messages on one connection take little over 1 s, and not 5."""
    async with SmtpSink(SinkOptions(latency=0.05)) as sink:
        engine = make_engine()
        member = make_relay(sink.port, max_connections=1)
        start = asyncio.get_running_loop().time()
        results = await deliver(engine, [make_delivery(f"ok-{n}@example.test", member) for n in range(20)])
        took = asyncio.get_running_loop().time() - start
        await engine.close()
        assert all(result.outcome is Outcome.DELIVERED for result in results)
        assert sink.state.connections == 1
        assert took < 20 * 0.05 * 2.5, f"{took:.2f} s"


@on_loop
async def test_helo_for_servers_without_ehlo() -> None:
    async with SmtpSink(SinkOptions(ehlo=b"502 5.5.1 what is EHLO")) as sink:
        result = await deliver_one(make_engine(), make_delivery("ok@example.test", make_relay(sink.port)))
        assert result.outcome is Outcome.DELIVERED
        assert "HELO mail.sender.test" in sink.state.commands


@pytest.mark.parametrize(
    ("banner", "reply_class", "retry"),
    [
        (b"554 5.7.1 no mail from you", ReplyClass.BLOCK, True),
        (b"421 4.7.0 too busy", ReplyClass.THROTTLE, True),
        (b"SSH-2.0-OpenSSH_9.9", ReplyClass.NET, True),
        (b"", ReplyClass.NET, True),
    ],
)
@on_loop
async def test_unfriendly_greeting(banner: bytes, reply_class: ReplyClass, retry: bool) -> None:
    async with SmtpSink(SinkOptions(banner=banner)) as sink:
        result = await deliver_one(make_engine(), make_delivery("ok@example.test", make_relay(sink.port)))
        assert (result.outcome, result.reply_class, result.retry, result.suppress) == (Outcome.DEFERRED, reply_class, retry, False)
        assert sink.received == []


@BOTH
@on_loop
async def test_size_and_eight_bit_are_announced(pipelining: bool) -> None:
    async with SmtpSink(SinkOptions(pipelining=pipelining, size=1000)) as sink:
        member = make_relay(sink.port)
        engine = make_engine()
        small = make_delivery("ok-1@example.test", member, body="Subject: é\r\n\r\nhé\r\n".encode())
        large = make_delivery("ok-2@example.test", member, body=b"x" * 2000 + b"\r\n")
        results = await deliver(engine, [small, large])
        await engine.close()
        assert sink.received[0].options == "SIZE=20 BODY=8BITMIME"
        assert (results[1].outcome, results[1].code, results[1].enhanced) == (Outcome.BOUNCED, 552, "5.3.4")
        assert (results[1].reply_class, results[1].suppress) == (ReplyClass.CONTENT, False)


@on_loop
async def test_utf8_addresses_only_where_offered() -> None:
    for offered in (True, False):
        async with SmtpSink(SinkOptions(utf8=offered)) as sink:
            delivery = make_delivery("jürgen@example.test", make_relay(sink.port), needs_smtputf8=True)
            result = await deliver_one(make_engine(), delivery)
            assert result.outcome is (Outcome.DELIVERED if offered else Outcome.BOUNCED)
            if offered:
                assert sink.received[0].recipient == "jürgen@example.test"
                assert "SMTPUTF8" in sink.received[0].options
            else:
                assert result.enhanced == "5.6.7" and not result.suppress and sink.received == []


@pytest.mark.parametrize(
    ("address", "sender"),
    [
        ("a@example.test>\r\nRCPT TO:<b@example.test", "s@sender.test"),
        ("a@example.test\r\nRCPT TO:<b@example.test>", "s@sender.test"),
        ("a b@example.test", "s@sender.test"),
        ("a@example.test\n", "s@sender.test"),
        ('"a> RCPT TO:<x"@example.test', "s@sender.test"),
        ("a\0@example.test", "s@sender.test"),
        ("ok@example.test", "s@sender.test>\r\nRSET"),
        ("nobody", "s@sender.test"),
        ("a" * 250 + "@example.test", "s@sender.test"),
    ],
)
@on_loop
async def test_addresses_cannot_smuggle_commands(address: str, sender: str) -> None:
    async with SmtpSink() as sink:
        member = make_relay(sink.port)
        engine = make_engine()
        bad = make_delivery(address, member, sender=sender, domain="example.test")
        results = await deliver(engine, [bad, make_delivery("ok@example.test", member)])
        await engine.close()
        assert (results[0].outcome, results[0].reply_class, results[0].retry, results[0].suppress) == (Outcome.FAILED, ReplyClass.PROTOCOL, False, False)
        assert results[1].outcome is Outcome.DELIVERED
        assert len([command for command in sink.state.commands if command.startswith("RCPT")]) == 1


@on_loop
async def test_quoted_local_part_and_null_sender_are_sent() -> None:
    async with SmtpSink() as sink:
        result = await deliver_one(make_engine(), make_delivery('"a b"@example.test', make_relay(sink.port), sender=""))
        assert result.outcome is Outcome.DELIVERED
        assert (sink.received[0].sender, sink.received[0].recipient) == ("", '"a b"@example.test')


@on_loop
async def test_content_that_does_not_render_is_our_fault() -> None:
    def broken() -> bytes:
        raise KeyError("secret value")

    async with SmtpSink() as sink:
        member = make_relay(sink.port)
        engine = make_engine()
        results = await deliver(engine, [make_delivery("ok-1@example.test", member, render=broken), make_delivery("ok-2@example.test", member)])
        await engine.close()
        assert (results[0].outcome, results[0].blame, results[0].stage) == (Outcome.DEFERRED, Blame.OURS, Stage.RENDER)
        assert "secret value" not in results[0].transcript
        assert results[1].outcome is Outcome.DELIVERED


@on_loop
async def test_server_that_leaves_after_each_message_loses_nothing() -> None:
    for pipelining in (True, False):
        async with SmtpSink(SinkOptions(pipelining=pipelining, messages_per_connection=1)) as sink:
            member = make_relay(sink.port, max_connections=2)
            engine = make_engine()
            results = await deliver(engine, [make_delivery(f"ok-{n}@example.test", member) for n in range(12)])
            await engine.close()
            assert [result.outcome for result in results] == [Outcome.DELIVERED] * 12
            assert max(sink.state.recipients.values()) == 1


@on_loop
async def test_hostile_reply_text_is_bounded_and_printable() -> None:
    text = b"550 5.7.1 \x1b[31m<script>alert(1)</script>\x00\xff\xe2\x80\xae" + b"A" * 3000
    async with SmtpSink(SinkOptions(banner=text)) as sink:
        result = await deliver_one(make_engine(), make_delivery("ok@example.test", make_relay(sink.port)))
        assert result.reply.isprintable() and len(result.reply) <= 1000
        assert all(line.isprintable() for line in result.transcript.splitlines())
