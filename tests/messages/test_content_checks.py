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
    assert [href for href, _ in look.links] == ["https://a.test/"]
    assert look.links[0][1].startswith("One two")


def test_nothing_to_say_is_said() -> None:
    assert [check.tone for check in look_at(_mail(), "Hello").checks] == ["good"]


@pytest.mark.parametrize(
    ("html", "text", "subject", "title"),
    [
        ("<p>x</p>", None, "Hello", "No text part"),
        ("<p>x</p>", "x", " ", "No subject"),
        ("<p>x</p>", "x", "x" * 80, "Long subject"),
        ("x" * 103_000, "x", "Hello", "HTML is cut in Gmail"),
        ('<img src="a.png">', "x", "Hello", "Images without alt text"),
        ("<form></form>", "x", "Hello", "Scripts, forms or frames"),
        ('<a href="http://a.test/">x</a>', "x", "Hello", "Links without encryption"),
        ('<a href="#">x</a>', "x", "Hello", "Links that lead nowhere"),
        ("<p>Dear {{ name }}</p>", "x", "Hello", "A variable is left"),
    ],
)
def test_each_finding(html: str, text: str | None, subject: str, title: str) -> None:
    assert [check.title for check in look_at(_mail(html, text), subject).checks] == [title]


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
