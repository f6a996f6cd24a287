"""Slots: the places of a message that differ by recipient, and what fills them.

A template is a plain string in which each slot stands as NUL, its number, NUL. Input can hold no NUL (it is refused before), so nothing outside
can forge one.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from worker.delivery.content import ContentError, RecipientContent
from worker.delivery.normalise import normalise_text
from worker.delivery.transfer import quoted_value

MARK = "\0"
TOKEN = f"{MARK}0{MARK}"
"""The mark of the recipient token, number 0 of every table."""
VARIABLE = re.compile(r"\{\{[ \t]*([A-Za-z_][\w-]*(?:\.[\w-]+)*)[ \t]*\}\}", re.ASCII)
UNSUBSCRIBE = "unsubscribe_url"
_TOKEN_SAFE = re.compile(r"[A-Za-z0-9._~-]{1,128}")

AroundToken: TypeAlias = Callable[[str], tuple[str, str] | None]
"""A link's address to what stands before and behind the recipient token in its tracked form; None for a link that is not tracked."""


class SlotKind(StrEnum):
    """What fills a slot: a variable in HTML or in text, or the address of a link that holds variables."""

    HTML = "html"
    TEXT = "text"
    LINK = "link"


@dataclass(frozen=True, slots=True)
class Slot:
    """One thing that differs by recipient. name: of the variable; of a link its address with `{{...}}` in it. source: what stood there."""

    kind: SlotKind
    name: str
    source: str


class SlotTable:
    """The distinct slots of one message. around: how links with variables are tracked, None when clicks are not."""

    __slots__ = ("_around", "_numbers", "_slots")

    def __init__(self, around: AroundToken | None = None) -> None:
        self._slots: list[Slot] = []
        self._numbers: dict[Slot, str] = {}
        self._around = around

    def mark(self, slot: Slot) -> str:
        """Return the mark of a slot, the same for equal slots."""
        mark = self._numbers.get(slot)
        if mark is None:
            self._slots.append(slot)
            mark = self._numbers[slot] = f"{MARK}{len(self._slots)}{MARK}"
        return mark

    def mark_variables(self, template: str, kind: SlotKind) -> str:
        """Return the template with every `{{name}}` as a slot of `kind`."""
        if "{{" not in template:
            return template
        return VARIABLE.sub(lambda found: self.mark(Slot(kind, found[1], found[0])), template)

    def values(self, recipient: RecipientContent) -> list[bytes]:
        """Return the octets of every slot by number, fit for quoted-printable (the token, number 0, for 7bit too).

        Raises ContentError for a token with other characters than A-Z a-z 0-9 . _ ~ - or more than 128 of them.
        """
        token = recipient.recipient_token
        if not _TOKEN_SAFE.fullmatch(token):
            raise ContentError("A recipient token must be 1 to 128 characters of A-Z a-z 0-9 . _ ~ and -.")
        return [token.encode(), *[quoted_value(self._text(slot, recipient)) for slot in self._slots]]

    def _text(self, slot: Slot, recipient: RecipientContent) -> str:
        if slot.kind is SlotKind.LINK:
            return self._link(slot, recipient)
        value = find_variable(slot.name, recipient)
        if value is None:
            return slot.source
        return normalise_text(html.escape(value) if slot.kind is SlotKind.HTML else value)

    def _link(self, slot: Slot, recipient: RecipientContent) -> str:
        """The tracked address where it is one, else what the HTML would hold without tracking."""
        url = fill_variables(slot.name, recipient)
        around = None if self._around is None or url.strip() == recipient.unsubscribe_url else self._around(url)
        if around is None:
            return normalise_text(fill_variables(slot.source, recipient, html.escape))
        return f"{around[0]}{recipient.recipient_token}{around[1]}"


def find_variable(name: str, recipient: RecipientContent) -> str | None:
    """Return the value of a variable for a recipient; `unsubscribe_url` is the one-click address. None when there is none."""
    if name == UNSUBSCRIBE and recipient.unsubscribe_url:
        return recipient.unsubscribe_url
    return recipient.variables.get(name)


def fill_variables(template: str, recipient: RecipientContent, escape: Callable[[str], str] = str) -> str:
    """Return the template with every known `{{name}}` replaced by its escaped value; unknown ones stay as written."""

    def fill(found: re.Match[str]) -> str:
        value = find_variable(found[1], recipient)
        return found[0] if value is None else escape(value)

    return VARIABLE.sub(fill, template)
