"""The `Name: value` blocks of delivery-status and feedback-report parts, and the typed values in them."""

from __future__ import annotations

import re

from webapp.messages.mime_headers import one_line

MAX_RECIPIENTS = 1000
MAX_TEXT = 2000
_XTEXT = re.compile(r"\+([0-9A-F]{2})")
_UNITEXT = re.compile(r"\\x\{([0-9A-Fa-f]{2,6})\}")
_ADDRESS = re.compile(r"<?([^\s<>;,]{1,255}@[^\s<>;,]{1,255})>?")
_PARAGRAPH = re.compile(r"\n[ \t]*\n")


def field_blocks(text: str) -> list[dict[str, str]]:
    """Groups of `Name: value` lines between blank lines, names in lower case, folded lines joined; the first of a name wins.

    A second Final-Recipient begins a group of its own: some mailers forget the blank line.
    """
    blocks: list[dict[str, str]] = []
    for paragraph in _PARAGRAPH.split(text.replace("\r", "")):
        block: dict[str, str] = {}
        name = ""
        for line in paragraph.split("\n"):
            if line[:1] in (" ", "\t") and name:
                block[name] = f"{block[name]} {line.strip()}"[:MAX_TEXT]
                continue
            key, colon, value = line.partition(":")
            name = key.strip().lower() if colon else ""
            if name == "final-recipient" and name in block:
                blocks.append(block)
                block = {}
            if name and name not in block:
                block[name] = value.strip()[:MAX_TEXT]
            else:
                name = ""
        if block:
            blocks.append(block)
        if len(blocks) > MAX_RECIPIENTS + 1:
            break
    return blocks


def after_type(value: str | None) -> str | None:
    """The part behind the type of a typed field ("dns; mx.example" gives "mx.example")."""
    if value is None:
        return None
    _, semicolon, rest = value.partition(";")
    return one_line(rest if semicolon else value)[: 255 if len(value) < 256 else MAX_TEXT] or None


def address_in(value: str | None, *, xtext: bool = False) -> str | None:
    """The address of a typed address field. xtext: undo RFC 3461 section 4 encoding (original recipients only)."""
    if value is None:
        return None
    kind, semicolon, rest = value.partition(";")
    text = (rest if semicolon else value).strip()
    if kind.strip().lower() == "utf-8":
        text = _UNITEXT.sub(lambda match: _char(int(match[1], 16)), text)
    elif xtext:
        text = _XTEXT.sub(lambda match: chr(int(match[1], 16)), text)
    match = _ADDRESS.search(one_line(text))
    return match[1].rstrip(".") if match else None


def addresses_in(value: str) -> tuple[str, ...]:
    """Every address of a header's value, once each."""
    return tuple(dict.fromkeys(match[1] for match in _ADDRESS.finditer(value[:MAX_TEXT])))


def _char(number: int) -> str:
    return chr(number) if number < 0x110000 and not 0xD800 <= number < 0xE000 else "�"
