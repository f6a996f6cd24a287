"""Line ends and transparency: the last thing done to a message before it is signed and sent (RFC 5321 2.3.8 and 4.5.2)."""

from __future__ import annotations

import re

from worker.delivery.content import ContentError

MAX_LINE = 998
"""Octets of a line without its CR LF (RFC 5322 2.1.1)."""


def normalise(raw: bytes) -> bytes:
    """Return `raw` with every CR, LF and CR LF as CR LF, so that no two programs can disagree where a line ends ("SMTP smuggling").

    Idempotent. Raises ContentError when there is a NUL, which RFC 5322 forbids.
    """
    if b"\0" in raw:
        raise ContentError("The message holds a NUL octet (0x00); remove it, or send it inside an attachment.")
    pairs = raw.count(b"\r\n")
    if raw.count(b"\r") == pairs and raw.count(b"\n") == pairs:
        return raw
    return raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")


def normalise_text(text: str) -> str:
    """The same for text: CR LF line ends only. Raises ContentError at a NUL."""
    if "\0" in text:
        raise ContentError("The text holds a NUL character (U+0000); remove it.")
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text.replace("\n", "\r\n")


def dot_stuff(raw: bytes) -> bytes:
    """Double the dot at the start of every line and end the last line (RFC 5321 4.5.2); the closing `.` CR LF is the sender's to add.

    raw: normalised octets.
    """
    if raw.startswith(b"."):
        raw = b"." + raw
    if b"\r\n." in raw:
        raw = raw.replace(b"\r\n.", b"\r\n..")
    return raw if raw.endswith(b"\r\n") else raw + b"\r\n"


def longest_line(raw: bytes) -> int:
    """Octets of the longest line, without its CR LF. Reads no further than the size when the whole is short."""
    if len(raw) <= MAX_LINE:
        return len(raw)
    return max(map(len, raw.split(b"\r\n")))


_OVERLONG = re.compile(rb"[^\r\n]{999,}")


def break_long_lines(raw: bytes) -> bytes:
    """Cut lines over 998 octets with CR LF and a space: the last resort for octets whose structure nobody could read (Postfix does the same)."""
    if longest_line(raw) <= MAX_LINE:
        return raw
    return _OVERLONG.sub(_cut, raw)


def _cut(found: re.Match[bytes]) -> bytes:
    line = found.group()
    rest = [line[at : at + MAX_LINE - 1] for at in range(MAX_LINE, len(line), MAX_LINE - 1)]
    return b"\r\n ".join([line[:MAX_LINE], *rest])
