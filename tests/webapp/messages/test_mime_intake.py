"""Reading submissions: what is taken out of a message, what is refused, and that no input breaks the parser."""

from __future__ import annotations

import contextlib
import time
from email.message import EmailMessage

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from webapp.messages.mime_addresses import parse_address_list
from webapp.messages.mime_headers import decode_words, normalise_newlines, one_line, split_headers
from webapp.messages.mime_intake import Intake, IntakeError, parse_message
from webapp.messages.mime_parts import parse_parameters

BASE = "From: a@example.test\r\nTo: b@example.test\r\n"


def parse(head: str, body: str = "hello\r\n") -> Intake:
    return parse_message((head + "\r\n" + body).encode("utf-8", "surrogateescape"))


def test_fields() -> None:
    message = parse(
        "From: =?utf-8?q?J=C3=BCrgen?= <j@example.test>\r\nSender: s@example.test\r\n"
        'To: "Smith, Bob" <bob@example.test>,\r\n (hi (there)) al@example.test\r\nTo: third@example.test\r\n'
        "Cc: team: x@example.test, Y <y@example.test>;, z@example.test\r\nReply-To: r@Example.TEST\r\nBcc: hidden@example.test\r\n"
        "Subject: =?utf-8?b?SGVsbG8=?=\r\n =?utf-8?b?IFdvcmxk?= plain\r\nMessage-ID: <1@example.test>\r\nDate: now\r\n"
    )
    assert [(a.name, a.email) for a in message.from_] == [("Jürgen", "j@example.test")]
    assert [a.email for a in message.sender] == ["s@example.test"]
    assert [(a.name, a.email) for a in message.to] == [
        ("Smith, Bob", "bob@example.test"),
        (None, "al@example.test"),
        (None, "third@example.test"),
    ]
    assert [a.email for a in message.cc] == ["x@example.test", "y@example.test", "z@example.test"]
    assert [a.email for a in message.reply_to] == ["r@example.test"]
    assert [a.email for a in message.bcc] == ["hidden@example.test"]
    assert (message.subject, message.message_id, message.date) == ("Hello World plain", "<1@example.test>", "now")
    assert b"hidden" not in message.outgoing() and b"Bcc" not in message.outgoing()
    assert message.text == "hello\n" and message.html is None


def test_controls_are_read_and_never_leave() -> None:
    message = parse(
        BASE + "Idempotency-Key: key-1\r\nX-Postbridge-Tag: one\r\nX-Postbridge-Tags: two, one,three\r\n"
        'X-Postbridge-Metadata: {"order": "17", "n": 3, "ok": true}\r\nX-Postbridge-Template: welcome\r\n'
        'X-Postbridge-Variables: {"name": {"first": "Ann"}}\r\nX-Postbridge-Send-At: 2030-01-01T00:00:00Z\r\nX-Other: stays\r\n'
    )
    controls = message.controls
    assert controls.idempotency_key == "key-1"
    assert controls.tags == ("one", "two", "three")
    assert controls.metadata == {"order": "17", "n": "3", "ok": "true"}
    assert (controls.template, controls.send_at) == ("welcome", "2030-01-01T00:00:00Z")
    assert controls.variables == {"name": {"first": "Ann"}}
    assert message.outgoing() == (BASE + "X-Other: stays\r\n\r\nhello\r\n").encode()


def test_message_without_controls_is_passed_on_unchanged() -> None:
    message = parse(BASE + "Message-ID: <a@b>\r\n")
    assert message.outgoing() is message.raw


def test_unusable_message_id_is_dropped() -> None:
    message = parse(BASE + "Message-ID: <a b>\r\nX-A: 1\r\n")
    assert message.message_id is None
    assert message.outgoing() == (BASE + "X-A: 1\r\n\r\nhello\r\n").encode()


@pytest.mark.parametrize(
    ("head", "param"),
    [
        ("To: b@example.test\r\n", "From"),
        ("From: \r\n", "From"),
        ("From: a@example.test\r\nFrom: b@example.test\r\n", "From"),
        ("From: a@example.test\r\nfrom : b@example.test\r\n", "From"),
        ("From: alice@example.org)bob@example.com\r\n", "From"),  # CVE-2023-27043
        ('From: "u@evil.test x"@ours.test\r\n', "From"),  # nodemailer < 7.0.7
        ('From: "a> RCPT TO:<x"@d.test\r\n', "From"),
        ("From: a@example.test <b@example.test> c\r\n", "From"),
        ("From: <a@example.test> <b@example.test>\r\n", "From"),
        ("From: <@relay.test:a@example.test>\r\n", "From"),
        ("From: a@[127.0.0.1]\r\n", "From"),
        ("From: a b@example.test\r\n", "From"),
        ("From: Ann <<a@example.test>>\r\n", "From"),
        ("From: team: a@example.test\r\n", "From"),
        ("From: (open a@example.test\r\n", "From"),
        ('From: "open <a@example.test>\r\n', "From"),
        ("From: =?utf-8?q?a=40example=2Etest?=\r\n", "From"),
        (BASE + "Sender: a@example.test, b@example.test\r\n", "Sender"),
        (BASE + "Subject: a\r\nSubject: b\r\n", "Subject"),
        (BASE + "Content-Type: text/plain\r\nContent-Type: text/html\r\n", "Content-Type"),
        (BASE + "no colon here\r\n", "headers"),
        (BASE + ": empty name\r\n", "headers"),
        (BASE + "Bad Name: x\r\n", "headers"),
        (BASE + "Näme: x\r\n", "headers"),
        (BASE + f"{'n' * 77}: x\r\n", "headers"),
        (BASE + "X-A: 1\r\n" * 1000, "headers"),
        (BASE + "X-A: " + "y" * 110_000 + "\r\n", "headers"),
        (BASE + "Received: x\r\n" * 51, "Received"),
        (BASE + "Content-Type: multipart/mixed\r\n", "Content-Type"),
        (BASE + "Content-Type: multipart/mixed; boundary=never\r\n", "body"),
        (BASE + "X-Postbridge-Metadata: [1]\r\n", "X-Postbridge-Metadata"),
        (BASE + "X-Postbridge-Metadata: " + "[" * 9000 + "\r\n", "X-Postbridge-Metadata"),
        (BASE + 'X-Postbridge-Metadata: {"a": {}}\r\n', "X-Postbridge-Metadata"),
        (BASE + "X-Postbridge-Variables: {\r\n", "X-Postbridge-Variables"),
        (BASE + "Idempotency-Key: a\r\nX-Postbridge-Idempotency-Key: b\r\n", "Idempotency-Key"),
        (BASE + f"Idempotency-Key: {'k' * 256}\r\n", "Idempotency-Key"),
        (BASE + "X-Postbridge-Template: a\r\nX-Postbridge-Template: b\r\n", "X-Postbridge-Template"),
        (BASE + f"X-Postbridge-Tag: {'t' * 200}\r\n", "X-Postbridge-Tag"),
    ],
)
def test_refused(head: str, param: str) -> None:
    with pytest.raises(IntakeError) as caught:
        parse(head)
    assert caught.value.param == param
    assert caught.value.code >= 500


def test_header_names_that_broke_others_are_plain_headers() -> None:
    """CVE-2026-34752: names with a meaning to the language are text to us."""
    message = parse(BASE + "__proto__: x\r\nconstructor: y\r\n__class__: z\r\n")
    assert [h.name for h in message.headers[-3:]] == ["__proto__", "constructor", "__class__"]


@pytest.mark.parametrize(
    ("wire", "stored"),
    [
        (b"a\r\nb", b"a\r\nb"),
        (b"a\nb\rc\r\n", b"a\r\nb\r\nc\r\n"),
        (b"a\r\r\nb", b"a\r\nb"),
        (b"x\n.\r\ny", b"x\r\n.\r\ny"),
        (b"\r\n.\r\r\n", b"\r\n.\r\n"),
    ],
)
def test_line_ends(wire: bytes, stored: bytes) -> None:
    assert normalise_newlines(wire) == stored


def test_line_feed_only_message() -> None:
    message = parse_message(b"From: a@example.test\nSubject: x\n\nbody\n")
    assert message.subject == "x"
    assert message.raw == b"From: a@example.test\r\nSubject: x\r\n\r\nbody\r\n"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain", "plain"),
        ("=?utf-8?q?a_b=21?=", "a b!"),
        ("=?UTF-8*en?B?w6Q=?= x", "ä x"),
        ("=?utf-8?b?w6Q?=", "ä"),
        ("=?utf-8?q?=C3?=  =?utf-8?q?=A4?=", "ä"),
        ("=?iso-8859-1?q?=E4?= =?utf-8?q?=C3=A4?=", "ää"),
        ("a =?utf-8?q?b?= c", "a b c"),
        ("=?no-such?q?x?=", "x"),
        ("=?punycode?q?x-?=", "x-"),
        ("=?utf-8?x?y?=", "=?utf-8?x?y?="),
        ("=?utf-8?b?!!!?=", "=?utf-8?b?!!!?="),
        ("=?iso-2022-jp?b?GyRCJDMbKEI=?=", "こ"),
    ],
)
def test_encoded_words(value: str, text: str) -> None:
    assert decode_words(value) == text


def test_decoded_subject_is_one_line() -> None:
    """E9: an encoded word may decode to CR LF."""
    assert parse(BASE + "Subject: =?utf-8?b?YQ0KQmNjOiBi4oCoYwA=?=\r\n").subject == "a Bcc: b c"


def test_name_never_becomes_an_address() -> None:
    """GHSA-mvxr-6m87-mv2q: what an encoded word decodes to is a name, whatever it looks like."""
    (address,) = parse("From: =?utf-8?q?ceo=40bank=2Etest=3E?= <a@example.test>\r\n").from_
    assert (address.name, address.email) == ("ceo@bank.test>", "a@example.test")


def test_structure_and_attachments() -> None:
    original = EmailMessage()
    original["From"], original["To"] = "a@example.test", "b@example.test"
    original.set_content("Grüße\n")
    original.add_alternative("<b>Grüße</b>", subtype="html")
    original.add_attachment(b"\x00\x01data", maintype="application", subtype="pdf", filename="résumé ../x.pdf")
    original.add_attachment("note", filename="note.txt")
    inner = EmailMessage()
    inner["Subject"] = "inner"
    inner.set_content("inner text")
    original.add_attachment(inner)
    message = parse_message(original.as_bytes())
    assert message.text == "Grüße\n"
    assert message.html == "<b>Grüße</b>\n"
    assert [(p.content_type, p.filename) for p in message.attachments] == [
        ("application/pdf", "x.pdf"),
        ("text/plain", "note.txt"),
        ("message/rfc822", None),
    ]
    assert message.attachments[0].octets() == b"\x00\x01data"


def nested(depth: int) -> bytes:
    head = "".join(f"Content-Type: multipart/mixed; boundary=b{n}\r\n\r\n--b{n}\r\n" for n in range(depth))
    return (BASE + head + "\r\nx\r\n").encode()


def test_depth_and_part_bounds() -> None:
    assert len(parse_message(nested(50)).parts) == 1
    for bomb in (nested(51), nested(1200)):
        with pytest.raises(IntakeError, match="nested"):
            parse_message(bomb)
    parts = (BASE + "Content-Type: multipart/mixed; boundary=b\r\n\r\n" + "--b\r\n\r\nx\r\n" * 10_000 + "--b--\r\n").encode()
    with pytest.raises(IntakeError, match="500"):
        parse_message(parts)


@pytest.mark.parametrize(
    "message",
    [
        (BASE + "Subject: " + "=?utf-8?q?x?= " * 5000 + "\r\n\r\n").encode(),
        (BASE + "Cc: " + "(" * 500 + ")" * 500 + " x@y.test\r\n\r\n").encode(),
        (BASE + "Cc: " + "g:" * 10_000 + "\r\n\r\n").encode(),
        (BASE + "Cc: " + '"' * 30_000 + "\r\n\r\n").encode(),
        (BASE + "Cc: " + "<" * 30_000 + "\r\n\r\n").encode(),
        (BASE + "Cc: " + "a@b.test," * 9000 + "\r\n\r\n").encode(),
        (BASE + "Content-Type: a/b" + ';a="x' * 15_000 + "\r\n\r\n").encode(),
        (BASE + "Content-Type: multipart/mixed; boundary=b\r\n\r\n" + "--bb\r\n" * 500_000).encode(),
        (BASE + "Content-Type: multipart/mixed; boundary=b\r\n\r\n" + "--b" + " " * 3_000_000).encode(),
        (BASE + "X: " + "\r\n y" * 30_000 + "\r\n\r\n").encode(),
        b"\r" * 3_000_000,
        BASE.encode() + b"a:\r\n" * 100_000,
    ],
)
def test_bombs_are_answered_quickly(message: bytes) -> None:
    """F50: refused or read within a fraction of the two seconds allowed."""
    started = time.perf_counter()
    with contextlib.suppress(IntakeError):
        parse_message(message)
    assert time.perf_counter() - started < 1.0


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("text/plain", ("text/plain", {})),
        ('a/b; Name="x;\\"y"; q=1', ("a/b", {"name": 'x;"y', "q": "1"})),
        ("attachment; filename*=utf-8'en'%C3%A4.txt", ("attachment", {"filename": "ä.txt"})),
        ("a/b; f*0*=utf-8''%C3; f*1*=%A4; f*2=.txt", ("a/b", {"f": "ä.txt"})),
        ("", ("", {})),
        (";;;=", ("", {})),
    ],
)
def test_parameters(value: str, expected: tuple[str, dict[str, str]]) -> None:
    assert parse_parameters(value) == expected


@given(st.binary(max_size=2000))
@example(b"\r\n")
@example(b"From: a@b.test")
@settings(max_examples=300, deadline=None)
def test_any_octets_are_read_or_refused(data: bytes) -> None:
    try:
        message = parse_message(b"From: a@example.test\r\n" + data)
    except IntakeError:
        return
    outgoing = message.outgoing()
    assert b"\n" not in outgoing.replace(b"\r\n", b"") and b"\r" not in outgoing.replace(b"\r\n", b"")
    assert message.text is None or "\r\n" not in message.text


@given(st.text(alphabet='ab@.,;:<>()"\\ =?\täß', max_size=80))
@settings(max_examples=500, deadline=None)
def test_any_address_list_is_read_or_refused(value: str) -> None:
    try:
        found = parse_address_list("To", value)
    except IntakeError:
        return
    for address in found:
        assert parse_address_list("To", f"<{address.email}>")[0].email == address.email
        assert not set(address.email) & set(' <>(),;:"\t\r\n')


@given(st.text(max_size=200))
@settings(max_examples=200, deadline=None)
def test_decoding_never_fails(text: str) -> None:
    assert "\n" not in one_line(decode_words(text))


@given(st.binary(max_size=300))
@settings(max_examples=200, deadline=None)
def test_normalising_is_stable(data: bytes) -> None:
    once = normalise_newlines(data)
    assert normalise_newlines(once) == once


def test_header_offsets_cover_the_block() -> None:
    raw = b"A: 1\r\nB: 2\r\n folded\r\nC: 3\r\n\r\nbody"
    headers, body = split_headers(raw)
    assert b"".join(raw[h.start : h.end] for h in headers) + b"\r\n" == raw[:body]
    assert [h.value for h in headers] == ["1", "2 folded", "3"]
