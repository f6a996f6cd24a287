"""Formatting of header fields: encoded words, addresses, parameters, folding. The judging of what users may write is done at the doors.

Every function refuses CR, LF and NUL once more, so that no forgotten check can become a second header.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache

import idna

from worker.delivery.content import ContentError, Mailbox

MAX_WIDTH = 76
"""Preferred width of a line; RFC 2047 2 makes it a rule for lines with encoded words."""
_NAME = re.compile(r"[!-9;-~]{1,126}")
_BREAKS = re.compile(r"[\r\n\0]")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_ADDRESS = re.compile(r"[^\s<>()\[\],;:\\\"@\x00-\x20\x7f]+@[^\s<>()\[\],;:\\\"@\x00-\x20\x7f]+")
_TOKEN = re.compile(r"[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+")
_KEPT_PARAMETERS = re.compile(r';\s*(charset|method)\s*=\s*"?([A-Za-z0-9_.:+-]{1,40})"?\s*(?=;|$)', re.IGNORECASE)
_Q_SAFE = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/")
_Q = tuple("_" if octet == 0x20 else chr(octet) if octet in _Q_SAFE else f"={octet:02X}" for octet in range(256))
_ATTRIBUTE_SAFE = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$&+-.^_`|~")
_WORD_ROOM = 75 - len("=?utf-8?q?") - len("?=")


def check_value(name: str, value: str) -> None:
    """Raise ContentError when `name` is no field name (RFC 5322 3.6.8) or `value` could start another line."""
    if not _NAME.fullmatch(name):
        raise ContentError(f"Header name {name[:80]!r} must be printable ASCII without a colon or spaces.")
    if _BREAKS.search(value):
        raise ContentError(f"Header {name} holds a line break or NUL; header values are one line.")


def unstructured(name: str, value: str) -> bytes:
    """Return a whole folded field with its CR LF; text outside ASCII, or that reads like an encoded word, becomes encoded words (RFC 2047)."""
    check_value(name, value)
    room = MAX_WIDTH - len(name) - 2
    plain = value.isascii() and value.isprintable() and "=?" not in value
    if plain and len(value) <= room and value.strip() == value:
        return f"{name}: {value}\r\n".encode()
    if plain and "  " not in value and value.strip() == value:
        folded = _fold_words(value.split(" "), room)
        if folded is not None:
            return f"{name}: {folded}\r\n".encode()
    return f"{name}: {encode_words(value, room)}\r\n".encode()


def _fold_words(words: Sequence[str], room: int) -> str | None:
    """Join words with spaces, folded before the width; None when one word is too long for any line."""
    lines: list[str] = []
    line: list[str] = []
    length = 0
    for word in words:
        if len(word) > 900:
            return None
        if line and length + 1 + len(word) > room:
            lines.append(" ".join(line))
            line, length, room = [], 0, MAX_WIDTH - 1
        length += len(word) + (1 if line else 0)
        line.append(word)
    lines.append(" ".join(line))
    return "\r\n ".join(lines)


def encode_words(text: str, room: int = MAX_WIDTH) -> str:
    """Return `text` as encoded words in UTF-8, cut between characters, each on a line of its own (RFC 2047).

    room: columns left on the first line; when it is too small the words start on the next line. Chooses Q or B by length.
    """
    data = text.encode()
    if not data:
        return ""
    quoted = sum(len(_Q[octet]) for octet in data)
    base64 = quoted > (len(data) + 2) // 3 * 4
    first = room - (75 - _WORD_ROOM)
    words: list[str] = []
    start = 0
    while start < len(data):
        space = _WORD_ROOM if words or first < 16 else min(first, _WORD_ROOM)
        end = _base64_end(data, start, space) if base64 else _quoted_end(data, start, space)
        piece = data[start:end]
        if base64:
            words.append(f"=?utf-8?b?{binascii.b2a_base64(piece, newline=False).decode()}?=")
        else:
            words.append(f"=?utf-8?q?{''.join([_Q[octet] for octet in piece])}?=")
        start = end
    return ("\r\n " if first < 16 else "") + "\r\n ".join(words)


def _character_start(data: bytes, at: int) -> int:
    """The nearest start of a UTF-8 character at or before `at`."""
    while at < len(data) and data[at] & 0xC0 == 0x80:
        at -= 1
    return at


def _base64_end(data: bytes, start: int, space: int) -> int:
    return _character_start(data, min(len(data), start + space // 4 * 3))


def _quoted_end(data: bytes, start: int, space: int) -> int:
    end = start
    used = 0
    while end < len(data) and used + len(_Q[data[end]]) <= space:
        used += len(_Q[data[end]])
        end += 1
    return _character_start(data, end)


@lru_cache(4096)
def ascii_domain(domain: str) -> str:
    """Return the A-label form of a domain, in lower case when it was not ASCII (RFC 5891, UTS 46). Raises ContentError when it has none."""
    if domain.isascii():
        return domain
    try:
        return idna.encode(domain, uts46=True).decode()
    except idna.IDNAError as error:
        raise ContentError(f"Domain {domain[:80]!r} is no valid international domain name: {error}.") from error


def addr_spec(address: str) -> str:
    """Return `local@domain` with the domain as A-labels. Raises ContentError for anything that is not a bare dot-atom address."""
    if not _ADDRESS.fullmatch(address):
        raise ContentError(f"Address {address[:120]!r} must be local-part@domain without spaces, quotes or brackets.")
    local, _, domain = address.rpartition("@")
    return f"{local}@{ascii_domain(domain)}"


def is_utf8_local(address: str) -> bool:
    """True when the part before the @ is outside ASCII, so that the message needs SMTPUTF8 (RFC 6531, RFC 6532)."""
    return not address.rpartition("@")[0].isascii()


def mailbox(name: str | None, address: str, room: int = MAX_WIDTH) -> str:
    """Return one mailbox of an address header: `address`, `Name <address>`, `"Na.me" <address>` or encoded words."""
    spec = addr_spec(address)
    if not name:
        return spec
    if _BREAKS.search(name):
        raise ContentError("A display name holds a line break or NUL; names are one line.")
    if len(name) <= 60 and name.isascii() and name.isprintable() and "=?" not in name:
        if _ATOMS.fullmatch(name):
            return f"{name} <{spec}>"
        quoted = name.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{quoted}" <{spec}>'
    phrase = encode_words(name, room)
    apart = "\r\n " if len(phrase) - phrase.rfind("\n") + len(spec) > MAX_WIDTH - 3 else " "
    return f"{phrase}{apart}<{spec}>"


def address_list(name: str, mailboxes: Sequence[Mailbox]) -> bytes:
    """Return a whole address field (From, To, Cc, Reply-To), folded between mailboxes where the width asks for it."""
    line = f"{name}: "
    lines: list[str] = []
    for number, (display, address) in enumerate(mailboxes):
        room = MAX_WIDTH - len(line) - (2 if number else 0)
        item = mailbox(display, address, room)
        if number and (item.startswith("\r\n") or len(item.partition("\r\n")[0]) > room):
            lines.append(line + ",")
            line = " " + mailbox(display, address, MAX_WIDTH - 1)
        else:
            line += f", {item}" if number else item
        if "\r\n" in line:
            folded, _, line = line.rpartition("\r\n")
            lines.append(folded)
    return ("\r\n".join([*lines, line]) + "\r\n").encode()


def parameter(name: str, value: str) -> str:
    """Return `name=value` for a Content-* field: token, quoted string, or RFC 2231 with continuations of at most 60 octets."""
    if _BREAKS.search(value):
        raise ContentError(f"Parameter {name} holds a line break or NUL.")
    if len(value) <= 60 and value.isascii() and value.isprintable():
        quoted = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'{name}="{quoted}"'
    encoded = [chr(octet) if octet in _ATTRIBUTE_SAFE else f"%{octet:02X}" for octet in value.encode()]
    lines: list[str] = []
    line = "UTF-8''"
    for piece in encoded:
        if len(line) + len(piece) > 60:
            lines.append(line)
            line = ""
        line += piece
    lines.append(line)
    if len(lines) == 1:
        return f"{name}*={lines[0]}"
    return ";\r\n ".join(f"{name}*{number}*={text}" for number, text in enumerate(lines))


def media_type(value: str) -> str:
    """Return a media type that may stand before base64 data: itself with its charset and method (text/calendar), else application/octet-stream.

    Composite types are not kept: RFC 2046 5 forbids base64 for them.
    """
    kind = value.partition(";")[0].strip().lower()
    if len(kind) > 127 or not _TOKEN.fullmatch(kind) or kind.startswith(("multipart/", "message/")):
        return "application/octet-stream"
    for name, text in _KEPT_PARAMETERS.findall(value):
        kind += f"; {name.lower()}={text}"
    return kind


def file_name(value: str) -> str:
    """Return the last path part of a file name without control characters; "attachment" when nothing is left."""
    name = value.replace("\\", "/").rpartition("/")[2]
    name = "".join(character for character in name if character.isprintable()).strip()
    return name[:200] or "attachment"


def date(moment: datetime) -> bytes:
    """Return the Date field (RFC 5322 3.3); a naive time is read as UTC."""
    aware = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return f"Date: {format_datetime(aware)}\r\n".encode()


def content_id(value: str) -> bytes:
    """Return the Content-ID field (RFC 2045 7) for an id with or without angle brackets."""
    bare = value.strip().removeprefix("<").removesuffix(">")
    if not bare or not bare.isascii() or not bare.isprintable() or any(character in bare for character in " <>") or len(bare) > 250:
        raise ContentError(f"Content id {value[:80]!r} must be ASCII without spaces and angle brackets.")
    return f"Content-ID: <{bare}>\r\n".encode()


def unsubscribe(url: str | None, mailto: str | None) -> list[bytes]:
    """Return List-Unsubscribe (RFC 2369) and, with a web address, List-Unsubscribe-Post (RFC 8058)."""
    addresses = [url] if url else []
    if mailto:
        addresses.append(mailto if mailto.lower().startswith("mailto:") else f"mailto:{mailto}")
    for address in addresses:
        if not address.isascii() or not address.isprintable() or any(character in address for character in " <>,") or len(address) > 900:
            raise ContentError("An unsubscribe address must be an ASCII URI without spaces, commas and angle brackets, of at most 900 characters.")
    joined = ",\r\n ".join(f"<{address}>" for address in addresses)
    fields = [f"List-Unsubscribe: {joined}\r\n".encode()]
    if url:
        fields.append(b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n")
    return fields


def base64_lines(octets: bytes) -> bytes:
    """Return octets in base64, CR LF between lines of 76 characters (RFC 2045 6.8)."""
    encoded = binascii.b2a_base64(octets, newline=False)
    return b"\r\n".join([encoded[at : at + 76] for at in range(0, len(encoded), 76)])
