"""Messages as a whole: what is rendered parses back to what was said, and both signatures hold."""

from __future__ import annotations

from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import MIMEPart
from email.policy import compat32
from email.utils import parseaddr
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.worker.delivery.content_making import BASE, NOW, TOKEN, get_text, make_content, make_plan, make_recipient, make_signers, parse, render, verify
from worker.delivery.content import Attachment, ContentError
from worker.delivery.mime import CompiledMessage

GOLDEN = Path(__file__).parents[2] / "eml" / "rendered"
text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=400)
lines = st.lists(
    st.sampled_from(
        ["a", " ", "\t", "\n", "\r", "\r\n", ".", "=", "é", "字", "x" * 80, "y" * 1200, "From ", "--", "{{", "}}", "{{v}}", "\x0c", "\u2028", "=20"]
    ),
    max_size=40,
).map("".join)


def as_lf(value: str) -> str:
    return value.replace("\r\n", "\n").replace("\r", "\n")


@settings(max_examples=200, deadline=None)
@given(lines | text, lines | text)
def test_bodies_are_read_back(plain: str, html: str) -> None:
    raw = render(make_content(text=plain, html=html))
    assert get_text(raw) == as_lf(plain)
    assert get_text(raw, "html") == as_lf(html)


@settings(max_examples=200, deadline=None)
@given(lines | text, lines | text)
def test_values_of_variables_are_read_back(plain: str, value: str) -> None:
    template = plain.replace("{", "").replace("}", "")
    raw = render(make_content(text=f"{template}{{{{v}}}}{template}{{{{ v }}}}"), variables={"v": value})
    wanted = as_lf(template) + as_lf(value) + as_lf(template) + as_lf(value)
    assert get_text(raw) in (wanted, f"{wanted}\n")


@pytest.mark.parametrize(
    "body",
    [
        "\r\n.\r\nMAIL FROM:<x@y>\r\n",
        "\n.\n",
        "\r.\r",
        "\n.\r\n",
        ".",
        "..",
        ".\n.\n",
        "x" * 1200,
        "x" * 5000 + "\n" + "é" * 3000,
        "\r",
        "\r\r\n",
        " \n\t\n  ",
        "trailing  \nspaces\t\n",
        "日本語" * 400,
        "=3D=\n=",
        "\n\n\n\n",
        "From here\n>From there",
        "a\x0bb\x0cc\x1bd\x7f",
        "x" * 997 + "\n" + "y" * 998 + "\n" + "z" * 999,
    ],
)
def test_smuggling_and_long_lines(body: str) -> None:
    raw = render(make_content(text=body, html=f"<pre>{body}</pre>"), make_plan())
    assert get_text(raw) == as_lf(body)
    assert as_lf(body) in get_text(raw, "html")
    assert get_text(render(make_content(text=body))) in (as_lf(body), as_lf(body) + "\n")


@pytest.mark.parametrize(
    "subject", ["Hello", "Größe", "你好 世界", "مرحبا بالعالم", "Привет", "🎉 party 🎉", "x" * 500, "=?utf-8?q?x?=", "שלום", "हिन्दी में", "", "  a  b  "]
)
def test_subjects(subject: str) -> None:
    raw = render(make_content(subject=subject, text="x", from_name=subject))
    assert parse(raw)["Subject"] == subject
    # Not `.addresses`: CPython 3.11 puts a space between the encoded words of a long name.
    name, _ = parseaddr(str(message_from_bytes(raw, policy=compat32)["From"]).replace("\r\n", ""))
    assert str(make_header(decode_header(name))) == subject


def structure(message: MIMEPart) -> object:
    if message.is_multipart():
        return (message.get_content_subtype(), *[structure(part) for part in message.iter_parts()])
    return message.get_content_type()


PNG = Attachment("logo.png", "image/png", bytes(range(256)) * 3, content_id="logo", inline=True)
PDF = Attachment("Rechnung März.pdf", "application/pdf", b"%PDF" + b"\0\r\n" * 1000)


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"text": "x"}, "text/plain"),
        ({"html": "x"}, "text/html"),
        ({}, "text/plain"),
        ({"text": "x", "html": "y"}, ("alternative", "text/plain", "text/html")),
        ({"html": "y", "attachments": (PNG,)}, ("related", "text/html", "image/png")),
        ({"text": "x", "attachments": (PNG,)}, ("mixed", "text/plain", "image/png")),
        ({"text": "x", "attachments": (PDF,)}, ("mixed", "text/plain", "application/pdf")),
        (
            {"text": "x", "html": "y", "attachments": (PNG, PDF)},
            ("mixed", ("alternative", "text/plain", ("related", "text/html", "image/png")), "application/pdf"),
        ),
    ],
)
@pytest.mark.parametrize("tracked", [True, False])
def test_structure(changes: dict[str, object], wanted: object, tracked: bool) -> None:
    raw = render(make_content(**changes), make_plan() if tracked else None)
    message = parse(raw)
    assert structure(message) == wanted
    assert not [part.defects for part in message.walk() if part.defects]
    if "attachments" in changes:
        found = {part.get_filename(): part for part in message.walk() if part.get_filename()}
        for file in changes["attachments"]:  # type: ignore[attr-defined]
            assert found[file.filename].get_content() == file.data
    if PNG in changes.get("attachments", ()):  # type: ignore[operator]
        assert next(part for part in message.walk() if part.get_filename() == "logo.png")["Content-ID"] == "<logo>"


def test_headers_of_a_rich_message() -> None:
    content = make_content(
        text="x",
        to=(("Zoë", "a@example.net"), (None, "b@bücher.example")),
        cc=(("C, D", "c@example.net"),),
        reply_to=((None, "r@example.com"),),
        headers=(("X-Order", "42"), ("References", "<a@b> <c@d>")),
    )
    raw = render(
        content,
        unsubscribe_url=f"{BASE}/api/unsub/x",
        unsubscribe_mailto="u@example.com",
        feedback_id="a:b:c",
        extra_headers=(("X-Extra", "1"),),
    )
    message = parse(raw)
    assert [str(address.addr_spec) for address in message["To"].addresses] == ["a@example.net", "b@xn--bcher-kva.example"]
    assert message["To"].addresses[0].display_name == "Zoë"
    assert message["Cc"].addresses[0].display_name == "C, D"
    assert message["Reply-To"] == "r@example.com"
    assert message["X-Order"] == "42"
    assert message["References"] == "<a@b> <c@d>"
    assert message["List-Unsubscribe"].replace("\r\n", "") == f"<{BASE}/api/unsub/x>, <mailto:u@example.com>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["Feedback-ID"] == "a:b:c"
    assert message["X-Extra"] == "1"
    assert message["Message-ID"] == "<01890000@example.com>"
    assert message["Date"].datetime == NOW
    assert len(message.keys()) == len({key.lower() for key in message if key != "DKIM-Signature"}) + 2


def test_recipient_fields() -> None:
    content = make_content(to=(), subject="Hi {{ name }}", text="{{unsubscribe_url}} {{other}} {{name}}")
    message = CompiledMessage.compile(content, None)
    first = message.render(
        make_recipient(to=(("Ann", "ann@example.net"),), variables={"name": "Ännchen\r\nBcc: x@y"}, unsubscribe_url="https://x/u"), make_signers(), NOW
    )
    second = message.render(make_recipient(), make_signers(), NOW)
    assert verify(first) == verify(second) == [True, True]
    assert parse(first)["To"] == "Ann <ann@example.net>"
    assert parse(second)["To"] == "undisclosed-recipients:;"
    assert parse(first)["Subject"] == "Hi Ännchen Bcc: x@y"
    assert parse(second)["Subject"] == "Hi {{ name }}"
    assert parse(first)["Bcc"] is None
    assert get_text(first) == "https://x/u {{other}} Ännchen\nBcc: x@y\n"
    assert get_text(second) == "{{unsubscribe_url}} {{other}} {{name}}\n"


def test_values_are_escaped_in_html_only() -> None:
    raw = render(make_content(html="<p>{{n}}</p>", text="{{n}}"), variables={"n": "<b>\"&'"})
    assert get_text(raw, "html") == "<p>&lt;b&gt;&quot;&amp;&#x27;</p>"
    assert get_text(raw) == "<b>\"&'"


def test_tracking_and_variables_in_links() -> None:
    asked: list[str] = []
    html = '<a href="https://x/?e={{mail}}&amp;b=1">1</a><a href="{{url}}">2</a><a href="https://fixed/">3</a><a href="{{unsubscribe_url}}">4</a></body>'
    message = CompiledMessage.compile(make_content(html=html, text="https://plain/"), make_plan(asked=asked))
    raw = message.render(make_recipient(variables={"mail": "a&b@c", "url": "https://y/?a&b"}, unsubscribe_url=f"{BASE}/api/unsub/u"), make_signers(), NOW)
    assert verify(raw) == [True, True]
    assert asked == ["https://fixed/", "https://x/?e=a&b@c&b=1", "https://y/?a&b"]
    tracked = f"{BASE}/api/t/c/{TOKEN}"
    body = get_text(raw, "html")
    assert body.startswith(
        f'<a href="{tracked}.L1">1</a><a href="{tracked}.L2">2</a><a href="{tracked}.L0">3</a>'
        f'<a href="{BASE}/api/unsub/u">4</a><img src="{BASE}/api/t/o/{TOKEN}"'
    )
    assert body.endswith("</body>")
    assert get_text(raw) == "https://plain/"
    other = message.render(make_recipient(variables={"mail": "", "url": "javascript:alert('1')"}), make_signers(), NOW)
    assert 'href="javascript:alert(&#x27;1&#x27;)"' in get_text(other, "html")


def test_a_link_whose_value_is_the_unsubscribe_address_is_left() -> None:
    message = CompiledMessage.compile(make_content(html='<a href="{{u}}">'), make_plan(opens=False))
    raw = message.render(make_recipient(variables={"u": "https://own/u"}, unsubscribe_url="https://own/u"), (), NOW)
    assert get_text(raw, "html") == '<a href="https://own/u">\n'


@pytest.mark.parametrize("html", ['<p>ascii</p><a href="https://x/">y</a>', '<p>é</p><a href="https://x/">y</a>', '<a href="https://x/">' * 50])
def test_further_recipients_differ_only_in_their_token(html: str) -> None:
    message = CompiledMessage.compile(make_content(html=html, text="t"), make_plan())
    rendered = [message.render(make_recipient(recipient_token=token), make_signers(), NOW) for token in ("a", "b" * 128, "a")]
    assert rendered[0] == rendered[2]
    assert all(verify(raw) == [True, True] for raw in rendered)
    assert get_text(rendered[0], "html").replace("/o/a", "/o/" + "b" * 128).replace("/c/a.", f"/c/{'b' * 128}.") == get_text(rendered[1], "html")


def test_a_body_without_slots_is_hashed_once_and_measured() -> None:
    message = CompiledMessage.compile(make_content(text="same"), None)
    first, second = (message.render(make_recipient(to=((None, f"{name}@example.net"),)), make_signers(), NOW) for name in ("a", "b"))
    assert verify(first) == verify(second) == [True, True]
    assert message.size == len("same\r\n")


@pytest.mark.parametrize("ending", ["", "\n", "\n\n\n", " ", " \n \n", "x\n"])
@pytest.mark.parametrize("value", ["", "v", "v\n", "v \n\n", " ", "\t"])
def test_signatures_hold_where_a_text_ends_in_a_slot(ending: str, value: str) -> None:
    wanted = f"a  b{value}{ending}"
    assert get_text(render(make_content(text=f"a  b{{{{v}}}}{ending}"), variables={"v": value})) in (wanted, f"{wanted}\n")


def test_ascii_with_tracking_stays_7bit() -> None:
    raw = render(make_content(html='<p>x</p><a href="https://x/">y</a>'), make_plan())
    assert parse(raw)["Content-Transfer-Encoding"] == "7bit"
    dense = render(make_content(html='<a href="https://x/">' * 40), make_plan())
    assert parse(dense)["Content-Transfer-Encoding"] == "quoted-printable"


def test_rendering_is_deterministic() -> None:
    content = make_content(html="é", text="b", attachments=(PDF, PNG))
    assert render(content, make_plan()) == render(content, make_plan())


def test_text_cannot_forge_a_boundary() -> None:
    identifier = UUID("01890000-0000-7000-8000-000000000001")
    forged = "".join(f"--=_{identifier.hex}{kind}--\n--=_{identifier.hex}{kind}\n\nevil\n" for kind in "arm")
    raw = render(make_content(text=forged, html=forged, attachments=(PDF,)))
    assert get_text(raw) == forged
    assert get_text(raw, "html") == forged


@pytest.mark.parametrize(
    ("changes", "flag"),
    [
        ({}, False),
        ({"from_address": "jörg@example.com"}, True),
        ({"to": ((None, "jörg@example.com"),)}, True),
        ({"cc": (("x", "ü@example.com"),)}, True),
        ({"to": (("Jörg", "j@bücher.example"),)}, False),
    ],
)
def test_smtputf8_flag(changes: dict[str, object], flag: bool) -> None:
    message = CompiledMessage.compile(make_content(text="é", **changes), None)
    assert message.needs_smtputf8 is flag
    assert message.needs_8bitmime is False
    raw = message.render(make_recipient(), (), NOW)
    assert raw.partition(b"\r\n\r\n")[0].isascii() is not flag


@pytest.mark.parametrize(
    "changes",
    [
        {"text": "a\0"},
        {"html": "a\0"},
        {"subject": "a\r\nBcc: x@y"},
        {"subject": "a\0"},
        {"from_name": "a\nb"},
        {"from_address": "a@b>\r\nX: y"},
        {"to": (("x\r\n", "a@b"),)},
        {"headers": (("X-A", "a\r\nb"),)},
        {"headers": (("X-A\r\nBcc", "a"),)},
        {"headers": (("Bcc", "a@b"),)},
        {"headers": (("content-TYPE", "text/html"),)},
        {"message_id_header": "<a@b>\r\nX: y"},
        {"message_id_header": "a@b"},
        {"text": "\ud800"},
        {"attachments": (Attachment("x", "text/plain", b"", content_id="a\r\nb", inline=True),), "html": "x"},
    ],
)
def test_bad_content_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        CompiledMessage.compile(make_content(**changes), None)


@pytest.mark.parametrize("token", ["", "a b", "a=", "é", "a\r\n", "x" * 129, 'a"'])
def test_bad_tokens_are_refused(token: str) -> None:
    message = CompiledMessage.compile(make_content(html="x"), make_plan())
    with pytest.raises(ContentError, match="token"):
        message.render(make_recipient(recipient_token=token), (), NOW)


def test_hostile_values_in_headers_are_refused() -> None:
    message = CompiledMessage.compile(make_content(text="x"), None)
    for changes in ({"feedback_id": "a\r\nX: y"}, {"extra_headers": (("X", "a\nb"),)}, {"unsubscribe_url": "https://x/\r\n"}, {"to": (("a\r", "a@b"),)}):
        with pytest.raises(ContentError):
            message.render(make_recipient(**changes), (), NOW)


def test_own_unsubscribe_header_is_kept() -> None:
    raw = render(make_content(text="x", headers=(("List-Unsubscribe", "<mailto:own@example.com>"),)), unsubscribe_url="https://x/u")
    assert parse(raw).get_all("List-Unsubscribe") == ["<mailto:own@example.com>"]
    assert parse(raw)["List-Unsubscribe-Post"] is None


@pytest.mark.parametrize("name", ["plain", "newsletter"])
def test_golden_messages(name: str) -> None:
    """Octet for octet, so that a change of the wire form is seen in review."""
    contents = {
        "plain": make_content(text="Your code is 123456.\n", subject="Your code"),
        "newsletter": make_content(
            subject="Neues für {{name}}",
            from_name="Café Größe",
            to=(),
            text="Hallo {{name}},\nmehr: https://shop.example/\n",
            html='<html><body><p>Hallo {{name}}, <a href="https://shop.example/?a=1&amp;b=2">größer</a></p>\n'
            '<a href="{{unsubscribe_url}}">Abmelden</a></body></html>\n',
            attachments=(Attachment("Preisliste März.txt", "text/plain; charset=utf-8", "10 €\n".encode()),),
        ),
    }
    raw = render(
        contents[name],
        make_plan(),
        signed=False,
        variables={"name": "Zoë"},
        unsubscribe_url=f"{BASE}/api/unsub/u1",
        to=(("Zoë", "zoe@example.net"),),
    )
    assert raw == (GOLDEN / f"{name}.eml").read_bytes()
