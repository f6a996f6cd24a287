"""Transfer encodings of text with slots: literal pieces are encoded once, a recipient costs a join.

In quoted-printable a soft line break stands before and behind every slot: each piece and each value starts at column 0 and is encoded alone, and
lines stay within 76 octets whatever the values. 7bit is chosen for short-lined ASCII whose only slots are recipient tokens.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterable
from typing import NamedTuple, TypeAlias

from worker.delivery.normalise import MAX_LINE, longest_line

MAX_TOKEN = 128
"""Characters a recipient token may have: what a 7bit line keeps free for each."""
_QP_SAFE = re.compile(r"(?:[A-Za-z0-9 ,.:;/?@_+~!-]{0,70}[A-Za-z0-9,.:;/?@_+~!-])?")
_SOFT = b"=\r\n"


Piece: TypeAlias = bytes | int
"""Literal octets, or the number of a slot."""


class EncodedText(NamedTuple):
    """Encoded text. encoding: its Content-Transfer-Encoding."""

    encoding: str
    pieces: list[Piece]


def quoted_printable(octets: bytes, *, soft_end: bool = False) -> bytes:
    """Return CR LF octets in quoted-printable (RFC 2045 6.7). soft_end: end with a soft line break, so that more can follow at column 0."""
    # The guard character keeps the codec from ending on white space or on a full line; its CR LF makes it choose CR LF for soft breaks.
    encoded = binascii.b2a_qp(octets + b"X\r\n", istext=True)[:-3]
    if soft_end:
        return encoded if not encoded or encoded.endswith(_SOFT) else encoded + _SOFT
    if encoded.endswith((b" ", b"\t")):
        return encoded[:-1] + b"=\r\n=%02X" % encoded[-1]
    return encoded


def quoted_value(value: str) -> bytes:
    """Return the value of a slot (CR LF line ends) in quoted-printable, without a soft break at its end."""
    if _QP_SAFE.fullmatch(value):
        return value.encode()
    return quoted_printable(value.encode())


def encode_text(template: str, charset: str, boundary: str | None = None) -> EncodedText:
    """Return a template (CR LF line ends, slots marked) in the better of 7bit and quoted-printable.

    boundary: the stem of the message's boundaries; text that holds it is encoded, so that it cannot end a part.
    Raises UnicodeEncodeError when the charset lacks a character.
    """
    parts = template.split("\0")
    literals = [literal.encode(charset) for literal in parts[::2]]
    numbers = [int(number) for number in parts[1::2]]
    if not any(numbers) and _fits_7bit(literals) and (boundary is None or boundary not in template):
        pieces: list[Piece] = [literals[0]]
        for number, literal in zip(numbers, literals[1:], strict=True):
            pieces += (number, literal)
        return EncodedText("7bit", pieces)
    last = len(numbers)
    pieces = [quoted_printable(literals[0], soft_end=last > 0)]
    for at, number in enumerate(numbers, start=1):
        pieces.append(number)
        if at < last:
            pieces.append(_SOFT + quoted_printable(literals[at], soft_end=True))
        elif literals[at]:
            pieces.append(_SOFT + quoted_printable(literals[at]))
    return EncodedText("quoted-printable", pieces)


def finish(pieces: Iterable[Piece]) -> list[Piece]:
    """Return a body's pieces with neighbouring literals joined, so that a recipient's join has few, and with CR LF at its end unless it is empty."""
    joined: list[Piece] = []
    pending: list[bytes] = []
    for piece in pieces:
        if isinstance(piece, bytes):
            pending.append(piece)
            continue
        joined += (b"".join(pending), piece)
        pending = []
    last = b"".join(pending)
    if (joined or last) and not last.endswith(b"\r\n"):
        last += b"\r\n"
    return [*joined, last]


def _fits_7bit(literals: list[bytes]) -> bool:
    if not all(map(bytes.isascii, literals)):
        return False
    return longest_line((b"x" * MAX_TOKEN).join(literals)) <= MAX_LINE
