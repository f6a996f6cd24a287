"""Address lists of header fields (RFC 5322 section 3.4): mailboxes, groups, comments, quoted names.

The list is taken apart here; each single address is judged by `webapp.kernel.addresses`, the same parser that the envelope
and the API use, so that what is checked is what is sent. Anything ambiguous is refused instead of guessed at.
"""

from __future__ import annotations

import dataclasses
import re

from webapp.kernel.addresses import Address, BadAddress, parse_address
from webapp.messages.mime_headers import IntakeError, decode_words, one_line

MAX_ADDRESSES = 2000
"""Addresses in one header field."""
_MAX_COMMENT_DEPTH = 20
_MAX_NAME = 200
_ATOM = re.compile(r"[^ \t,;:<>()\"]+")


class _List:
    """One run over a header value: collects the mailbox at hand and the finished addresses."""

    def __init__(self, field: str, value: str) -> None:
        self.field = field
        self.value = value
        self.words: list[str] = []
        self.quoted = False
        self.angle: str | None = None
        self.in_group = False
        self.found: list[Address] = []

    def fail(self, why: str) -> IntakeError:
        return IntakeError(self.field, f"{why}; write addresses as user@example.net or Name <user@example.net>")

    def skip_comment(self, start: int) -> int:
        """Index behind the comment that opens at `start`; depth is bounded, no recursion."""
        depth = 0
        position = start
        while position < len(self.value):
            char = self.value[position]
            if char == "\\":
                position += 1
            elif char == "(":
                depth += 1
                if depth > _MAX_COMMENT_DEPTH:
                    raise self.fail("comments are nested too deeply")
            elif char == ")":
                depth -= 1
                if depth == 0:
                    return position + 1
            position += 1
        raise self.fail("a comment is not closed")

    def read_quoted(self, start: int) -> int:
        """Take the quoted string that opens at `start` as a word of the name."""
        text: list[str] = []
        position = start + 1
        while position < len(self.value):
            char = self.value[position]
            if char == "\\" and position + 1 < len(self.value):
                position += 1
                text.append(self.value[position])
            elif char == '"':
                self.words.append("".join(text))
                self.quoted = True
                return position + 1
            else:
                text.append(char)
            position += 1
        raise self.fail("a quoted name is not closed")

    def read_angle(self, start: int) -> int:
        """Take the address between < and >."""
        end = self.value.find(">", start)
        if end < 0 or self.angle is not None:
            raise self.fail("< and > do not match")
        self.angle = self.value[start + 1 : end].strip()
        return end + 1

    def special(self, char: str) -> None:
        """Obey one of the characters that structure a list."""
        if char == ",":
            self.finish()
        elif char == ":" and not self.in_group and self.angle is None:
            self.in_group = True
            self.words, self.quoted = [], False
        elif char == ";" and self.in_group:
            self.finish()
            self.in_group = False
        else:
            raise self.fail(f"unexpected {char!r}")

    def finish(self) -> None:
        """The mailbox at hand is complete: judge its address and keep it."""
        words, quoted, angle = self.words, self.quoted, self.angle
        self.words, self.quoted, self.angle = [], False, None
        if angle is None and not words:
            return
        if len(self.found) >= MAX_ADDRESSES:
            raise IntakeError(self.field, f"more than {MAX_ADDRESSES} addresses")
        if angle is None and (quoted or len(words) != 1):
            raise self.fail(f"cannot read {one_line(' '.join(words))[:80]!r}")
        text = words[0] if angle is None else angle
        try:
            address = parse_address(_bare(text))
        except BadAddress as error:
            raise IntakeError(self.field, f"{one_line(text)[:80]!r}: {error}") from None
        name = one_line(decode_words(" ".join(words)))[:_MAX_NAME] if angle is not None else ""
        self.found.append(dataclasses.replace(address, name=name or None))


def _bare(text: str) -> str:
    """Only a plain address may stand between < and >; the kernel's parser would take a name too."""
    if "<" in text or " " in text or "\t" in text:
        raise BadAddress("not an address")
    return text


def parse_address_list(field: str, value: str) -> tuple[Address, ...]:
    """All addresses of an unfolded header value, in order, names decoded to one line.

    field: header name for errors. Groups give their members; an empty list or group gives (). Raises IntakeError.
    """
    run = _List(field, value)
    position = 0
    while position < len(value):
        char = value[position]
        if char in " \t":
            position += 1
        elif char == "(":
            position = run.skip_comment(position)
        elif char == '"':
            position = run.read_quoted(position)
        elif char == "<":
            position = run.read_angle(position)
        elif char in ",;:)>":
            run.special(char)
            position += 1
        else:
            match = _ATOM.match(value, position)
            assert match is not None
            if run.angle is not None:
                raise run.fail("text behind >")
            run.words.append(match[0])
            position = match.end()
    if run.in_group:
        raise run.fail("a group is not closed with ;")
    run.finish()
    return tuple(run.found)
