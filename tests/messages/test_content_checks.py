"""What the sandbox inbox says about a mail's content, and the sentence at the head of a message's page."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from webapp.messages.content_checks import look_at
from webapp.messages.rendered import Rendered
from webapp.messages.types import RecipientState
from webapp.messages.verdict import verdict

_THEN = datetime(2026, 3, 1, 9, tzinfo=UTC)
_MESSAGE: Any = SimpleNamespace(send_at=_THEN)


def _mail(html: str | None = "<p>Hello</p>", text: str | None = "Hello") -> Rendered:
    return Rendered(html, text, (), (), b"")


def _recipient(state: RecipientState, **more: Any) -> Any:
    empty = dict.fromkeys(("reply_class", "state_reason", "complained_at", "first_opened_at", "first_clicked_at"))
    return SimpleNamespace(**{"state": state.value, "address": "ada@example.net", "attempts": 1, **empty, **more})


def test_links_stand_once_with_their_text() -> None:
    look = look_at(_mail('<a href="https://a.test/">One <b>two</b></a><a href="https://a.test/">again</a>'), "Hello")
    assert [link.href for link in look.links] == ["https://a.test/"]
    assert look.links[0].text.startswith("One two")


def test_nothing_to_say_is_said() -> None:
    look = look_at(_mail(), "Hello")
    assert [check.tone for check in look.checks] == ["good"]
    assert look.warnings == 0
    assert look.html_bytes == len("<p>Hello</p>")


@pytest.mark.parametrize(
    ("html", "text", "subject", "title"),
    [
        ("<p>x</p>", None, "Hello", "No text part"),
        ("<p>x</p>", "x", " ", "No subject"),
        ("<p>x</p>", "x", "x" * 80, "Long subject"),
        ("x" * 103_000, "x", "Hello", "HTML is cut in Gmail"),
        ("x" * 90_000, "x", "Hello", "HTML is nearly too long for Gmail"),
        ('<img src="https://a.test/a.png" width="9">' + "word " * 20, "x", "Hello", "1 image wants a look"),
        ('<img src="https://a.test/a.png" width="9" alt="A">', "x", "Hello", "Nearly all of it is images"),
        ('<img src="cid:a" alt="A">' + "word " * 20, "x", "Hello", "Images without a width"),
        ("<form></form>", "x", "Hello", "Scripts, forms or frames"),
        ('<a href="#">x</a>', "x", "Hello", "1 link wants a look"),
        ("<p>Dear {{ name }}</p>", "x", "Hello", "A variable is left"),
        ("<p>Your risk-free prize</p>", "x", "Hello", "Phrases that filters know from spam"),
        ("<p>x</p>", "x", "OPEN THIS NOW PLEASE", "The subject shouts"),
        ("<p>x</p>", "x", "Really??", "Repeated signs in the subject"),
        ("<p>x</p>", "x", "Re: your order", "The subject looks like an answer"),
        ('<p style="color: #000">x</p>', "x", "Hello", "Dark text without a background"),
        ("<style>@media (prefers-color-scheme: dark) {}</style><p style='margin:0'>x</p>", "x", "Hello", "Dark colours are there but not announced"),
        ('<p style="display:flex">x</p>', "x", "Hello", "Flexbox: not in Outlook on Windows"),
        ("<video></video>", "x", "Hello", "Video: not in most programs"),
        ('<link rel="stylesheet" href="https://a.test/a.css">', "x", "Hello", "A style sheet from elsewhere"),
        ("<style>" + "p{margin:0}" * 1000 + "</style><p style='margin:0'>x</p>", "x", "Hello", "A style element is too long for Gmail"),
        ("<style>p{margin:0}</style><p>x</p>", "x", "Hello", "All styles stand in a style element"),
    ],
)
def test_each_finding(html: str, text: str | None, subject: str, title: str) -> None:
    assert [check.title for check in look_at(_mail(html, text), subject).checks] == [title]


@pytest.mark.parametrize(
    ("href", "text", "word"),
    [
        ("", "x", "missing"),
        ("https://a.test/{{ code }}", "x", "variable"),
        ("http://[", "x", "Cannot be read"),
        ("javascript:alert(1)", "x", "take such links out"),
        ("/only/a/path", "x", "Not a whole address"),
        ("https://192.0.2.1/", "x", "bare IP"),
        ("https://bank.test@a.test/", "x", "user name"),
        ("https://bit.ly/x", "x", "Hides"),
        ("https://evil.test/", "www.bank.test", "phishing"),
        ("https://a.test/", "", "no text"),
        ("http://a.test/", "x", "https"),
    ],
)
def test_what_is_wrong_with_a_link(href: str, text: str, word: str) -> None:
    (link,) = look_at(_mail(f'<a href="{href}">{text}</a>'), "Hello").links
    assert link.remark is not None and word in link.remark


@pytest.mark.parametrize(
    ("href", "text"), [("mailto:a@a.test", "x"), ("https://shop.a.test/x", "a.test"), ("https://www.a.test", "https://a.test/"), ("tel:1", "Call")]
)
def test_what_is_right_with_a_link(href: str, text: str) -> None:
    assert look_at(_mail(f'<a href="{href}">{text}</a>'), "Hello").links[0].remark is None


def test_bulk_mail_shows_a_way_out() -> None:
    title = "No way to unsubscribe in sight"
    assert title in [check.title for check in look_at(_mail(), "Hello", bulk=True).checks]
    assert title not in [check.title for check in look_at(_mail('<a href="https://a.test/u">Unsubscribe</a>'), "Hello", bulk=True).checks]


def test_findings_that_matter_most_come_first() -> None:
    look = look_at(_mail('<p style="border-radius:3px">x</p>', None), "Re: hello")
    assert [check.tone for check in look.checks] == ["warn", "note", "note"]


@pytest.mark.parametrize(
    "html", ["<a href='x", "<" * 5000, "<a " * 3000, "<!--", "<style>" * 3000, "<a href=x>" * 3000, "&#x110000;&#xD800;", "\0<img\0src=x>"]
)
def test_broken_html_is_read_as_far_as_it_goes(html: str) -> None:
    assert look_at(_mail(html), "Hello").checks


@pytest.mark.parametrize("state", list(RecipientState))
def test_every_state_has_a_sentence(state: RecipientState) -> None:
    said = verdict(_MESSAGE, [_recipient(state)])
    assert said.title and said.text and said.tone in ("good", "warn", "bad", "note", "quiet")


def test_a_bounce_says_why() -> None:
    assert "does not exist" in verdict(_MESSAGE, [_recipient(RecipientState.BOUNCED, reply_class="hard.unknown_user")]).text


def test_what_was_read_and_what_was_reported_is_told() -> None:
    clicked = _recipient(RecipientState.DELIVERED, first_opened_at=_THEN, first_clicked_at=_THEN, attempts=2)
    assert verdict(_MESSAGE, [clicked]).title == "Delivered, opened and clicked" and "attempt 2" in verdict(_MESSAGE, [clicked]).text
    assert verdict(_MESSAGE, [_recipient(RecipientState.DELIVERED, complained_at=_THEN)]).tone == "bad"


def test_several_recipients_are_counted_and_the_worst_is_explained() -> None:
    good = [_recipient(RecipientState.DELIVERED, address=f"{n}@example.net") for n in range(3)]
    said = verdict(_MESSAGE, [*good, _recipient(RecipientState.BOUNCED, address="no@example.net", reply_class="hard.unknown_user")])
    assert said.title == "3 delivered, 1 bounced, of 4 recipients" and said.tone == "bad" and said.text.startswith("no@example.net: ")
    assert verdict(_MESSAGE, good).title == "Delivered, all 3 recipients"
