"""Header formatting: what stdlib reads back is what was said, and nothing becomes a second header (F38)."""

from __future__ import annotations

from datetime import datetime
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.utils import getaddresses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.delivery import headers
from worker.delivery.content import ContentError

one_line = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=300)
SUBJECTS = [
    "",
    "Hello",
    "Größe und Maß",
    "你好，世界",
    "こんにちは" * 30,
    "Привет, мир! " * 20,
    "مرحبا بالعالم",
    "🎉" * 60,
    "a" * 2000,
    "word " * 300 + "end",
    "  padded  ",
    "two  spaces",
    "=?utf-8?q?fake?=",
    "x =?utf-8?b?DQpCY2M6IGV2aWw=?= y",
    "tab\tinside",
    "é",
    "50% off = now?",
    "a" * 77,
    "a" * 74 + " b",
    "\u2028sep\u0085",
]


def unfold(line: bytes) -> str:
    assert line.endswith(b"\r\n")
    assert b"\n" not in line.replace(b"\r\n", b"") and b"\r" not in line.replace(b"\r\n", b"")
    parts = line[:-2].split(b"\r\n")
    assert all(part[:1] in (b" ", b"\t") and part.strip() for part in parts[1:]), "a fold must start with white space and hold more"
    return b"".join(parts).decode("ascii").partition(":")[2]


def decode(value: str) -> str:
    return str(make_header(decode_header(value)))


@pytest.mark.parametrize("subject", SUBJECTS)
def test_subjects(subject: str) -> None:
    line = headers.unstructured("Subject", subject)
    assert decode(unfold(line).removeprefix(" ")) == subject
    assert max(map(len, line.split(b"\r\n"))) <= (998 if subject.isascii() else 76)


@settings(max_examples=300)
@given(one_line, st.sampled_from(["Subject", "X-" + "Long" * 15]))
def test_any_value_is_read_back(value: str, name: str) -> None:
    line = headers.unstructured(name, value)
    parsed = unfold(line)
    assert decode(parsed.removeprefix(" ")) == value
    assert max(map(len, line.split(b"\r\n"))) <= 998
    if "=?" in parsed:
        assert max(map(len, line.split(b"\r\n"))) <= 78


@pytest.mark.parametrize("bad", ["a\r\nBcc: x@y", "a\nb", "a\rb", "a\0", "\n", "a\r\n\r\nbody"])
def test_breaks_are_refused_everywhere(bad: str) -> None:
    for act in (
        lambda: headers.unstructured("X-A", bad),
        lambda: headers.mailbox(bad, "a@example.com"),
        lambda: headers.mailbox(None, f"{bad}@example.com"),
        lambda: headers.mailbox(None, f"a@{bad}"),
        lambda: headers.parameter("filename", bad),
        lambda: headers.content_id(bad),
        lambda: headers.unsubscribe(bad, None),
        lambda: headers.unsubscribe(None, bad),
        lambda: headers.unstructured(bad, "x"),
    ):
        with pytest.raises(ContentError):
            act()


@pytest.mark.parametrize("name", ["", "A:B", "A B", "Ä", "A\tB", "x" * 127])
def test_bad_names_are_refused(name: str) -> None:
    with pytest.raises(ContentError, match="Header name"):
        headers.unstructured(name, "x")


@pytest.mark.parametrize("address", ["", "a", "@b", "a@", "a b@c", "a@b c", "<a@b>", "a@b>", 'a"b@c', '"a@b"@c', "a@b@c", "a,b@c", "a@[127.0.0.1]", "a@\u2028"])
def test_bad_addresses_are_refused(address: str) -> None:
    with pytest.raises(ContentError):
        headers.addr_spec(address)


MAILBOXES = [
    (None, "a@example.com"),
    ("Bob", "b@example.com"),
    ("Bob, Inc.", "c@example.com"),
    ('Q "quoted" \\ x', "d@example.com"),
    ("Jörg Müller", "e@example.com"),
    ("名前" * 20, "f@example.com"),
    ("x" * 300, "g@example.com"),
    ("=?utf-8?q?x?=", "h@example.com"),
    ("evil@bank.example", "i@example.com"),
    ("", "j@example.com"),
    ("a <x@y>", "k@example.com"),
    (" lead", "l@example.com"),
    ("Long " * 12, "m@example.com"),
]


@pytest.mark.parametrize("count", [1, 2, len(MAILBOXES)])
def test_address_list_is_read_back(count: int) -> None:
    for start in range(len(MAILBOXES)):
        wanted = (MAILBOXES[start:] + MAILBOXES[:start])[:count]
        line = headers.address_list("To", wanted)
        found = [(decode(name), address) for name, address in getaddresses([unfold(line)])]
        assert [address for _, address in found] == [address for _, address in wanted]
        assert [name.strip() for name, _ in found] == [(name or "").strip() for name, _ in wanted]
        assert max(map(len, line.split(b"\r\n"))) <= 120


def test_many_recipients_are_folded() -> None:
    line = headers.address_list("To", [(None, f"someone{number}@example.com") for number in range(100)])
    assert max(map(len, line.split(b"\r\n"))) <= 76
    assert len(getaddresses([unfold(line)])) == 100


def test_domains_become_a_labels_and_utf8_local_parts_are_flagged() -> None:
    assert headers.addr_spec("x@Bücher.example") == "x@xn--bcher-kva.example"
    assert headers.is_utf8_local("jörg@example.com")
    assert not headers.is_utf8_local("jorg@bücher.example")
    with pytest.raises(ContentError, match="domain"):
        headers.addr_spec("x@\u2603\ufe0f\u200d..x")


NAMES = [
    "a.pdf",
    "Rechnung März.pdf",
    'we"ird\\name.txt',
    "../../etc/passwd",
    "C:\\x\\y.doc",
    "报告" * 40 + ".pdf",
    "x" * 150 + ".txt",
    "a\r\nX: y",
    "",
    "..",
    "%41'b.txt",
]


@pytest.mark.parametrize("name", NAMES)
def test_file_names_are_read_back(name: str) -> None:
    safe = headers.file_name(name)
    assert "/" not in safe and "\\" not in safe and safe.isprintable() and safe
    line = f"Content-Disposition: attachment;\r\n {headers.parameter('filename', safe)}\r\n\r\n".encode()
    assert max(map(len, line.split(b"\r\n"))) <= 78
    assert message_from_bytes(line, policy=policy.default).get_filename() == safe
    assert message_from_bytes(line, policy=policy.compat32).get_filename() == safe or not safe.isascii()


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("application/pdf", "application/pdf"),
        ("TEXT/Calendar; method=REQUEST; charset=utf-8; x=y", "text/calendar; method=REQUEST; charset=utf-8"),
        ("multipart/mixed", "application/octet-stream"),
        ("message/rfc822", "application/octet-stream"),
        ("text/html\r\nX: y", "application/octet-stream"),
        ("text/html; charset=utf-8\r\nX: y", "text/html"),
        ("nonsense", "application/octet-stream"),
        ("", "application/octet-stream"),
    ],
)
def test_media_types(value: str, wanted: str) -> None:
    assert headers.media_type(value) == wanted


def test_date_reads_naive_as_utc() -> None:
    assert headers.date(datetime(2026, 3, 1, 12, 30)) == b"Date: Sun, 01 Mar 2026 12:30:00 +0000\r\n"


def test_unsubscribe_fields() -> None:
    fields = headers.unsubscribe("https://t.example/u/1", "u@example.com")
    assert fields == [
        b"List-Unsubscribe: <https://t.example/u/1>,\r\n <mailto:u@example.com>\r\n",
        b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n",
    ]
    assert headers.unsubscribe(None, "mailto:u@example.com") == [b"List-Unsubscribe: <mailto:u@example.com>\r\n"]
    with pytest.raises(ContentError, match="unsubscribe"):
        headers.unsubscribe("https://a>,<https://b", None)
