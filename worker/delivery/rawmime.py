"""Mail taken as a whole (SMTP submission): only what must change is changed, every other octet leaves as it came.

The splitter is iterative and bounded (the parser of the standard library recurses to death on nested parts). A part that cannot be read for certain
is passed on untouched.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from worker.delivery import headers
from worker.delivery.content import ContentError, MessageContent
from worker.delivery.links import LinkMaker, track_html
from worker.delivery.normalise import MAX_LINE, break_long_lines, longest_line, normalise
from worker.delivery.rawfields import Field, content_kind, find_field, repair_field, split_fields
from worker.delivery.transfer import EncodedText, Piece, encode_text, finish, quoted_printable

MAX_DEPTH = 50
MAX_PARTS = 500
_DROPPED = frozenset({"bcc", "resent-bcc", "return-path", "idempotency-key", "x-idempotency-key"})
_CONTROL_PREFIX = "x-postbridge-"
_CHARSET = re.compile(
    r"utf-8|us-ascii|iso-8859-\d{1,2}|windows-125\d|cp125\d|koi8-[rut]|gb2312|gbk|gb18030|big5|euc-(?:jp|kr)|shift_jis|iso-2022-(?:jp|kr)|tis-620"
)
_IDENTITY = ("7bit", "8bit", "binary")


@dataclass(slots=True)
class RawMessage:
    """A message taken whole, with slots. fields: header fields that leave, each with its CR LF."""

    fields: list[bytes]
    pieces: list[Piece]
    has_unsubscribe: bool
    needs_smtputf8: bool
    needs_8bitmime: bool


class Leaf(NamedTuple):
    """A part without parts. start: of its header in the body, None for the message's own. boundaries: of the multiparts around it."""

    fields: list[Field]
    start: int | None
    body_start: int
    end: int
    boundaries: tuple[str, ...]


class _Entity(NamedTuple):
    leaf: Leaf
    depth: int


class _Edit(NamedTuple):
    """A part's new text. fields: its header field for the encoding replaced."""

    leaf: Leaf
    encoded: EncodedText


def compile_raw(content: MessageContent, links: LinkMaker | None) -> RawMessage:
    """Return the message with its header put right and, when `links` is given, with tracking in its HTML parts. Raises ContentError at a NUL."""
    if content.raw is None:
        raise ContentError("This content has no raw message.")
    raw = normalise(content.raw)
    fields, body_start, _ = split_fields(raw if raw.endswith(b"\r\n") else raw + b"\r\n")
    body = raw[body_start:]
    kept = [field for field in fields if field.name not in _DROPPED and not field.name.startswith(_CONTROL_PREFIX)]
    pieces: list[Piece] = [body]
    if links is not None or longest_line(body) > MAX_LINE:
        edits = sorted(_edits(kept, body, links), key=lambda edit: edit.leaf.body_start)
        if edits and edits[0].leaf.start is None:
            kept = _with_encoding(kept, edits[0].encoded.encoding)
        pieces = [piece if isinstance(piece, int) else break_long_lines(piece) for piece in _apply(body, edits)]
    lines = [repair_field(field) for field in kept]
    return RawMessage(
        [*lines, *_missing_fields(content, kept)],
        finish(pieces),
        any(field.name == "list-unsubscribe" for field in kept),
        not all(map(bytes.isascii, lines)),
        not all(piece.isascii() for piece in pieces if isinstance(piece, bytes)),
    )


def _missing_fields(content: MessageContent, fields: list[Field]) -> Iterator[bytes]:
    names = {field.name for field in fields}
    if "from" not in names:
        yield headers.address_list("From", [(content.from_name, content.from_address)])
    if "date" not in names:
        yield headers.date(content.date)
    if "message-id" not in names:
        yield headers.unstructured("Message-ID", content.message_id_header)
    if "mime-version" not in names and names & {"content-type", "content-transfer-encoding"}:
        yield b"MIME-Version: 1.0\r\n"


def list_leaves(fields: list[Field], body: bytes) -> list[Leaf]:
    """Return the readable leaf parts of a message, none at all when it has over 500 parts or over 50 levels.

    Signed and encrypted multiparts and whole messages inside are not entered: nothing in them may change.
    """
    leaves: list[Leaf] = []
    stack = [_Entity(Leaf(fields, None, 0, len(body), ()), 0)]
    seen = 0
    while stack:
        leaf, depth = stack.pop()
        seen += 1
        kind = content_kind(leaf.fields)
        if kind is None:
            continue
        if not kind.name.startswith("multipart/"):
            leaves.append(leaf)
            continue
        if kind.name in ("multipart/signed", "multipart/encrypted"):
            continue
        if depth == MAX_DEPTH:
            return []
        parts = _split(body, leaf, kind.parameters.get("boundary", ""))
        if seen + len(stack) + len(parts) > MAX_PARTS:
            return []
        stack.extend(_Entity(part, depth + 1) for part in parts)
    return leaves


def _split(body: bytes, parent: Leaf, boundary: str) -> list[Leaf]:
    """Return the parts between the delimiters of a multipart (RFC 2046 5.1.1); none when the closing one is missing or a header is broken."""
    if not 0 < len(boundary) <= 200 or not boundary.isascii():
        return []
    delimiter = re.compile(rb"(?:\A|\r\n)--" + re.escape(boundary.encode()) + rb"(--)?[ \t]*(?:(?=\r\n)|\Z)")
    parts: list[Leaf] = []
    start: int | None = None
    # `pos` shifts \A nowhere: a body that begins with its delimiter has the blank line of the header before it.
    for found in delimiter.finditer(body, max(parent.body_start - 2, 0), parent.end):
        if start is not None and start <= found.start():
            fields, body_start, is_whole = split_fields(body, start, found.start())
            if is_whole:
                parts.append(Leaf(fields, start, body_start, found.start(), (*parent.boundaries, boundary)))
        if found[1]:
            return parts
        start = found.end() + 2
        if len(parts) > MAX_PARTS:
            return parts
    return []


def _edits(fields: list[Field], body: bytes, links: LinkMaker | None) -> Iterator[_Edit]:
    for leaf in list_leaves(fields, body):
        kind = content_kind(leaf.fields)
        if kind is None:
            continue
        encoded = _track(leaf, body, kind.parameters.get("charset", "utf-8"), links) if links and kind.name == "text/html" else None
        if encoded is None and longest_line(body[leaf.body_start : leaf.end]) > MAX_LINE:
            encoded = _shorten(leaf, body, is_text=kind.name.startswith("text/"))
        if encoded is not None:
            yield _Edit(leaf, encoded)


def _decode(leaf: Leaf, body: bytes) -> bytes | None:
    """The octets of a part without their transfer encoding, None when that is unknown or broken."""
    octets = body[leaf.body_start : leaf.end]
    encoding = find_field(leaf.fields, "content-transfer-encoding") or "7bit"
    if encoding in _IDENTITY:
        return octets
    try:
        if encoding == "quoted-printable":
            return binascii.a2b_qp(octets)
        if encoding == "base64":
            return binascii.a2b_base64(octets)
    except binascii.Error:
        return None
    return None


def _track(leaf: Leaf, body: bytes, charset: str, links: LinkMaker) -> EncodedText | None:
    """The part with tracking, or None when nothing changes or it is not read for certain."""
    charset = "utf-8" if charset.lower() in ("us-ascii", "ascii", "utf8") else charset.lower()
    if not _CHARSET.fullmatch(charset) or (find_field(leaf.fields, "content-disposition") or "").startswith("attachment"):
        return None
    octets = _decode(leaf, body)
    if octets is None or b"\0" in octets:
        return None
    octets = normalise(octets)
    try:
        html = octets.decode(charset)
        if html.encode(charset) != octets:
            return None
    except (UnicodeError, LookupError):
        return None
    if any(f"--{boundary}" in html for boundary in leaf.boundaries):
        return None
    tracked = track_html(html, links, None)
    return encode_text(tracked, charset) if tracked != html else None


def _shorten(leaf: Leaf, body: bytes, *, is_text: bool) -> EncodedText | None:
    """The part in an encoding with short lines, its content unchanged."""
    octets = _decode(leaf, body)
    if octets is None:
        return None
    if is_text and b"\0" not in octets:
        quoted = quoted_printable(normalise(octets))
        if not any(b"--" + boundary.encode() in quoted for boundary in leaf.boundaries):
            return EncodedText("quoted-printable", [quoted])
    return EncodedText("base64", [headers.base64_lines(octets)])


def _with_encoding(fields: list[Field], encoding: str) -> list[Field]:
    kept = [field for field in fields if field.name != "content-transfer-encoding"]
    return [*kept, Field("content-transfer-encoding", f"Content-Transfer-Encoding: {encoding}\r\n".encode())]


def _apply(body: bytes, edits: list[_Edit]) -> list[Piece]:
    pieces: list[Piece] = []
    done = 0
    for leaf, encoded in edits:
        start = leaf.body_start if leaf.start is None else leaf.start
        pieces.append(body[done:start])
        if leaf.start is not None:
            pieces += (*[field.line for field in _with_encoding(leaf.fields, encoded.encoding)], b"\r\n")
        pieces += encoded.pieces
        done = leaf.end
    pieces.append(body[done:])
    return pieces
