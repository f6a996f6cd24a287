"""Mail taken as a whole: what must change changes, every other octet stays, broken MIME passes untouched."""

from __future__ import annotations

import base64
import quopri
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.worker.delivery.content_making import (
    BASE,
    NOW,
    TOKEN,
    check_wire,
    get_text,
    make_content,
    make_plan,
    make_recipient,
    make_signers,
    parse,
    render,
    verify,
)
from worker.delivery.content import ContentError, MessageContent
from worker.delivery.mime import CompiledMessage
from worker.delivery.rawfields import content_kind, split_fields
from worker.delivery.rawmime import list_leaves

HEAD = (
    b"From: a@example.com\r\nTo: b@example.net\r\nSubject: s\r\nDate: Sun, 01 Mar 2026 12:30:00 +0000\r\nMessage-ID: <own@example.com>\r\nMIME-Version: 1.0\r\n"
)
LINK = '<p>é</p><a href="https://x.example/?a=1&amp;b=2">x</a></body>'
TRACKED = f'<a href="{BASE}/api/t/c/{TOKEN}.L0">x</a><img src="{BASE}/api/t/o/{TOKEN}"'


def make_raw(raw: bytes) -> MessageContent:
    return make_content(raw=raw)


def body_of(raw: bytes) -> bytes:
    return raw.partition(b"\r\n\r\n")[2]


def test_without_tracking_only_the_header_is_touched() -> None:
    body = b'--b\r\nContent-Type: text/html\r\n\r\n<a href="https://x/">\xff\xfe\r\n--b--\r\nepilogue  \r\n'
    head = HEAD + b'Content-Type: multipart/mixed; boundary="b"\r\nX-Keep:  spaced\r\n\tfolded\r\n'
    raw = (
        head
        + b"Bcc: hidden@example.com,\r\n other@example.com\r\nreturn-path: <x@y>\r\nX-Postbridge-Tags: a\r\n b\r\nResent-Bcc: x@y\r\nIdempotency-Key: k\r\n\r\n"
        + body
    )
    sent = render(make_raw(raw), signed=False)
    assert sent == head + b"\r\n" + body
    render(make_raw(raw))


def test_missing_headers_are_added() -> None:
    sent = parse(render(make_raw(b"To: x@example.net\r\nContent-Type: text/plain\r\n\r\nhello\r\n"), unsubscribe_url="https://x/u"))
    assert sent["From"] == "Sender <sender@example.com>"
    assert sent["Message-ID"] == "<01890000@example.com>"
    assert sent["Date"].datetime == NOW
    assert sent["MIME-Version"] == "1.0"
    assert sent["List-Unsubscribe"] == "<https://x/u>"
    assert sent["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert sent.get_payload() == "hello\r\n"


def test_present_headers_are_kept() -> None:
    sent = parse(render(make_raw(HEAD + b"List-Unsubscribe: <mailto:own@example.com>\r\n\r\nhello\r\n"), unsubscribe_url="https://x/u"))
    assert sent["Message-ID"] == "<own@example.com>"
    assert sent.get_all("List-Unsubscribe") == ["<mailto:own@example.com>"]
    assert sent.get_all("Date") == ["Sun, 01 Mar 2026 12:30:00 +0000"]


@pytest.mark.parametrize("charset", ["utf-8", "UTF8", "iso-8859-1", "windows-1252", "iso-2022-jp", "shift_jis", "gb18030", "koi8-r", "us-ascii"])
@pytest.mark.parametrize("encoding", ["7bit", "8bit", "quoted-printable", "base64", None])
@pytest.mark.parametrize("nested", [True, False])
def test_html_is_tracked_in_every_encoding(charset: str, encoding: str | None, nested: bool) -> None:
    word = {"iso-2022-jp": "日本", "shift_jis": "ソ表", "gb18030": "你", "koi8-r": "Привет", "us-ascii": "x"}.get(charset, "é")
    html = LINK.replace("é", word) + "\r\n"
    octets = html.encode(charset)
    if encoding == "quoted-printable":
        octets = quopri.encodestring(octets.replace(b"\r\n", b"\n")).replace(b"\n", b"\r\n")
    elif encoding == "base64":
        octets = base64.encodebytes(octets).replace(b"\n", b"\r\n")
    part = f"Content-Type: text/html;\r\n charset={charset}\r\n".encode() + (f"content-transfer-encoding: {encoding}\r\n".encode() if encoding else b"")
    first = b"--b_1\r\nContent-Type: text/plain\r\n\r\nhttps://plain/ \xff\t\r\n"
    if nested:
        raw = (
            HEAD
            + b'Content-Type: multipart/alternative; boundary="b_1"\r\n\r\npreamble\r\n'
            + first
            + b"--b_1 \r\n"
            + part
            + b"\r\n"
            + octets
            + b"\r\n--b_1--\r\nend\r\n"
        )
    else:
        raw = HEAD + part + b"\r\n" + octets
    sent = render(make_raw(raw), make_plan())
    assert get_text(sent, "html").startswith(f"<p>{word}</p>{TRACKED}")
    assert parse(sent).get_body(("html",)).get_content_charset() == charset.lower()  # type: ignore[union-attr]
    if nested:
        assert first in sent
        assert sent.endswith(b"\r\n--b_1--\r\nend\r\n")
        assert get_text(sent, "html").endswith("</body>\n")


UNTOUCHED = {
    "attachment": b'Content-Type: text/html; charset=utf-8\r\nContent-Disposition: attachment; filename="x.html"\r\n\r\n<a href="https://x/">\r\n',
    "unknown charset": b'Content-Type: text/html; charset=x-unknown\r\n\r\n<a href="https://x/">\r\n',
    "utf-7": b'Content-Type: text/html; charset=utf-7\r\n\r\n<a href="https://x/">\r\n',
    "utf-16": b'Content-Type: text/html; charset=utf-16\r\nContent-Transfer-Encoding: base64\r\n\r\nPABhAD4A\r\n',
    "codec that runs code": b'Content-Type: text/html; charset=unicode_escape\r\n\r\n<a href="https://x/">\\x\r\n',
    "wrong charset": b'Content-Type: text/html; charset=utf-8\r\n\r\n<a href="https://x/">\xff\r\n',
    "bad base64": b"Content-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\nPGEgaHJlZj0iaHR0cHM6Ly94LyI\r\n",
    "NUL in base64": b"Content-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64.b64encode(b'<a href="https://x/">\0') + b"\r\n",
    "unknown encoding": b'Content-Type: text/html\r\nContent-Transfer-Encoding: x-uuencode\r\n\r\n<a href="https://x/">\r\n',
    "two content types": b'Content-Type: text/html\r\nContent-Type: text/plain\r\n\r\n<a href="https://x/">\r\n',
    "two charsets": b'Content-Type: text/html; charset=utf-8; charset=us-ascii\r\n\r\n<a href="https://x/">\r\n',
    "no boundary": b'Content-Type: multipart/mixed\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n<a href="https://x/">\r\n--b--\r\n',
    "boundary never seen": b'Content-Type: multipart/mixed; boundary=q\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n<a href="https://x/">\r\n--b--\r\n',
    "no closing delimiter": b'Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n<a href="https://x/">\r\n',
    "signed": b'Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n<a href="https://x/">\r\n--b--\r\n',
    "message inside": b'Content-Type: message/rfc822\r\n\r\nContent-Type: text/html\r\n\r\n<a href="https://x/">\r\n',
    "broken part header": b'Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nnonsense line\r\nContent-Type: text/html\r\n\r\n<a href="https://x/">\r\n--b--\r\n',
    "part without body": b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n--b--\r\n",
    "hidden delimiter": b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    + base64.b64encode(b'<a href="https://x/">\r\n--b--\r\n') + b"\r\n--b--\r\n",
    "plain text": b'Content-Type: text/plain\r\n\r\n<a href="https://x/">\r\n',
    "no type": b'\r\n<a href="https://x/">\r\n',
    "delimiters only": b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n--b\r\n--b--\r\n",
    "empty": b"Content-Type: multipart/mixed; boundary=b\r\n\r\n",
}  # fmt: skip


@pytest.mark.parametrize("name", UNTOUCHED)
def test_what_is_not_read_for_certain_passes_untouched(name: str) -> None:
    raw = HEAD + UNTOUCHED[name]
    assert render(make_raw(raw), make_plan(), signed=False) == raw
    render(make_raw(raw), make_plan())


def test_several_html_parts_and_inner_multiparts() -> None:
    html = b'Content-Type: text/html\r\n\r\n<a href="https://x/">\r\n'
    inner = b'Content-Type: multipart/alternative; boundary="bb"\r\n\r\n--bb\r\n' + html + b"--bb--\r\n"
    raw = HEAD + b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n' + html + b"\r\n--b\r\n" + inner + b"--b\r\n" + html + b"--b--\r\n"
    sent = render(make_raw(raw), make_plan())
    assert sent.count(f"{BASE}/api/t/c/{TOKEN}.L0".encode()) == 3
    parts = [part for part in parse(sent).walk() if part.get_content_type() == "text/html"]
    assert len(parts) == 3


def test_nested_parts_end_at_a_bound() -> None:
    def nest(depth: int) -> bytes:
        raw = b'Content-Type: text/html\r\n\r\n<a href="https://x/">\r\n'
        for number in range(depth):
            raw = f"Content-Type: multipart/mixed; boundary=b{number}x\r\n\r\n--b{number}x\r\n".encode() + raw + f"\r\n--b{number}x--\r\n".encode()
        return HEAD + raw

    assert b"/api/t/c/" in render(make_raw(nest(49)), make_plan(), signed=False)
    for depth in (51, 1200):
        assert render(make_raw(nest(depth)), make_plan(), signed=False) == nest(depth)


def test_many_parts_end_at_a_bound() -> None:
    def repeat(count: int) -> bytes:
        return (
            HEAD
            + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
            + b'--b\r\nContent-Type: text/html\r\n\r\n<a href="https://x/">\r\n' * count
            + b"--b--\r\n"
        )

    assert render(make_raw(repeat(400)), make_plan(), signed=False).count(b"/api/t/c/") == 400
    assert render(make_raw(repeat(20_000)), make_plan(), signed=False) == repeat(20_000)


@pytest.mark.parametrize("ending", [b"\n", b"\r", b"\r\n"])
def test_line_ends_are_normalised_before_all_else(ending: bytes) -> None:
    raw = (HEAD + b"Content-Type: text/plain\r\n\r\na\r\n.\r\nb\r\n").replace(b"\r\n", ending)
    sent = render(make_raw(raw))
    assert body_of(sent) == b"a\r\n.\r\nb\r\n"


def test_nul_is_refused() -> None:
    with pytest.raises(ContentError, match="NUL"):
        CompiledMessage.compile(make_raw(HEAD + b"\r\na\0b"), None)


@pytest.mark.parametrize(
    ("part", "decoded"),
    [
        (b"Content-Type: text/plain\r\n\r\n" + b"x" * 1200 + b"\r\nshort\r\n", b"x" * 1200 + b"\r\nshort\r\n"),
        (b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + "é".encode() * 700 + b"\r\n", "é".encode() * 700 + b"\r\n"),
        (b"\r\n" + b"y" * 3000 + b"\r\n", b"y" * 3000 + b"\r\n"),
        (b"Content-Type: application/x\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64.b64encode(b"\0\xff" * 900) + b"\r\n", b"\0\xff" * 900),
        (b"Content-Type: text/plain\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n" + b"=C3=A9" * 300 + b"\r\n", "é".encode() * 300 + b"\r\n"),
    ],
)
@pytest.mark.parametrize("nested", [True, False])
def test_long_lines_are_encoded_and_the_content_stays(part: bytes, decoded: bytes, nested: bool) -> None:
    raw = HEAD + part
    if nested:
        raw = HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" + part + b"\r\n--b--\r\n"
    sent = parse(render(make_raw(raw)))
    leaf = next(sent.iter_parts()) if nested else sent
    assert leaf.get_payload(decode=True) == decoded


def test_long_lines_of_unreadable_parts_are_cut() -> None:
    raw = HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"p" * 3000 + b"\r\n--b\r\n\r\nhello\r\n"
    assert body_of(render(make_raw(raw))).replace(b"\r\n ", b"") == body_of(raw)


@pytest.mark.parametrize(
    "field",
    [
        b"X-Long: " + b"word " * 400,
        b"X-Solid: " + b"w" * 3000,
        b"To: " + b", ".join(b"someone%d@example.com" % number for number in range(200)),
        b"X-Folded: a\r\n \r\n b",
        b"X-Odd : spaced name",
    ],
)
def test_long_and_odd_header_lines(field: bytes) -> None:
    raw = HEAD.replace(b"To: b@example.net\r\n", b"") + field + b"\r\n\r\nhello\r\n"
    sent = render(make_raw(raw))
    assert body_of(sent) == b"hello\r\n"
    assert parse(sent)[field.split(b":")[0].strip().decode()] is not None


def test_eight_bit_headers_become_ascii_where_they_can() -> None:
    head = 'From: "Jörg, M" <a@bücher.example>, Zoë <b@example.com>\r\nSubject: Größe\r\nX-Latin: '.encode() + b"\xe9\r\n"
    message = CompiledMessage.compile(make_raw(head + b"\r\nhello\r\n"), None)
    assert not message.needs_smtputf8
    sent = message.render(make_recipient(), make_signers(), NOW)
    check_wire(sent)
    assert verify(sent) == [True, True]
    parsed = parse(sent)
    assert [(address.display_name, address.addr_spec) for address in parsed["From"].addresses] == [
        ("Jörg, M", "a@xn--bcher-kva.example"),
        ("Zoë", "b@example.com"),
    ]
    assert parsed["Subject"] == "Größe"
    assert parsed["X-Latin"] == "é"


def test_eight_bit_headers_that_cannot_be_said_in_ascii_stay() -> None:
    head = 'From: "a" <jörg@xn--\u200d.example>\r\nTo: x@é\u2028..example\r\nMessage-ID: <é@example.com>\r\n'.encode()
    message = CompiledMessage.compile(make_raw(head + b"\r\nhello\r\n"), None)
    assert message.needs_smtputf8
    assert b"Message-ID: <\xc3\xa9@example.com>\r\n" in message.render(make_recipient(), make_signers(), NOW)


def test_flags() -> None:
    message = CompiledMessage.compile(make_raw("From: jörg@example.com\r\n\r\né\r\n".encode()), None)
    assert message.needs_smtputf8 and message.needs_8bitmime
    message = CompiledMessage.compile(make_raw(b"From: a@example.com\r\n\r\ne\r\n"), None)
    assert not message.needs_smtputf8 and not message.needs_8bitmime


@pytest.mark.parametrize(
    ("raw", "body"),
    [
        (b"From x Mon Jan 1\r\nFrom: a@example.com\r\n\r\nhello\r\n", b"hello\r\n"),
        (b"From: a@example.com\r\nno field here\r\nBcc: x@y\r\n\r\nhello\r\n", b"no field here\r\nBcc: x@y\r\n\r\nhello\r\n"),
        (b"\r\nhello\r\n", b"hello\r\n"),
        (b"hello", b"hello\r\n"),
        (b"", b""),
        (b"From: a@example.com", b""),
        (b"From: a@example.com\r\n\r\nno end", b"no end\r\n"),
        (b" leading space\r\nFrom: a@example.com\r\n\r\nx\r\n", b" leading space\r\nFrom: a@example.com\r\n\r\nx\r\n"),
    ],
)
def test_the_header_ends_at_the_first_line_that_is_no_field(raw: bytes, body: bytes) -> None:
    assert body_of(render(make_raw(raw))) == body


def test_content_kind() -> None:
    def kind(value: bytes) -> object:
        found = content_kind(split_fields(b"Content-Type: " + value + b"\r\n\r\n")[0])
        return found and (found.name, dict(found.parameters))

    assert kind(b'TEXT/HTML; Charset="UTF-8" (comment)') == ("text/html", {"charset": "UTF-8"})
    assert kind(b'multipart/mixed;\r\n\tboundary="a\\"b; c"') == ("multipart/mixed", {"boundary": 'a"b; c'})
    assert kind(b"text") is None
    assert kind(b"multipart/mixed; boundary=a; boundary=b") is None
    assert kind(b"x" * 5000) is None


pieces = st.sampled_from(
    [
        b"--b\r\n",
        b"--b--\r\n",
        b"\r\n",
        b"Content-Type: text/html\r\n",
        b"Content-Type: multipart/mixed; boundary=b\r\n",
        b"Content-Type: multipart/mixed; boundary=c\r\n",
        b"--c\r\n",
        b"--c--\r\n",
        b'<a href="https://x/">',
        b"Content-Transfer-Encoding: base64\r\n",
        b"\xff",
        b"--",
        b" ",
        b"\n",
        b"\r",
        b"x: y\r\n",
        b"From ",
        b"=\r\n",
        b"a" * 1000,
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(pieces, max_size=30).map(b"".join))
def test_soup_is_signed_and_keeps_its_lines_short(raw: bytes) -> None:
    render(make_raw(HEAD + raw), make_plan())


@pytest.mark.parametrize(
    "raw",
    [
        b"A: b\r\n" * 100_000,
        b"A: b\r\n" + b" c\r\n" * 200_000,
        b"\r\n" + b"--b\r\n" * 200_000,
        b"x" * 1_000_000,
        b"A" * 500_000 + b" " * 500_000 + b":x\r\n",
        b"Content-Type: text/html; " + b'a="' * 200_000,
        b"Content-Type: text/html" + b" " * 500_000,
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b " * 200_000,
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"\r\n--b" * 200_000,
        b"To: " + '"é'.encode() * 100_000 + b"\r\n",
        b"To: " + b"\xe9<" * 100_000 + b"\r\n",
    ],
)
def test_hostile_mail_costs_little(raw: bytes) -> None:
    before = time.process_time()
    render(make_raw(raw + b"\r\n"), make_plan(), signed=False)
    assert time.process_time() - before < 3


def test_list_leaves_gives_nothing_for_signed_mail() -> None:
    fields, body_start, _ = split_fields(HEAD + UNTOUCHED["signed"])
    assert list_leaves(fields, (HEAD + UNTOUCHED["signed"])[body_start:]) == []
