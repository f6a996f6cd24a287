"""The MIME structure of a message (RFC 2045, 2046, 2231): a flat list of leaves, found without recursion.

Bounds: 50 levels, 500 parts. A part is decoded only when somebody asks for it.
"""

from __future__ import annotations

import binascii
import re
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass

from webapp.messages.mime_headers import (
    MAX_HEADER_OCTETS,
    Header,
    IntakeError,
    decode_charset,
    decode_words,
    find_header,
    one_line,
    split_headers,
)

MAX_DEPTH = 50
MAX_PARTS = 500
_MAX_VALUE = 8192
"""Characters of a Content-Type or Content-Disposition that are looked at."""

_PARAMETER = re.compile(r';\s*([^\s=;"]{1,80})\s*=\s*("(?:[^"\\]|\\.)*"|[^;"]*)')
_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+\-]{1,80}/[A-Za-z0-9!#$&^_.+\-]{1,120}")
_SEGMENT = re.compile(r"(.+?)\*(\d{1,3})(\*?)")
_BASE64_JUNK = re.compile(rb"[^A-Za-z0-9+/=]")
_MULTIPART = "multipart/"


@dataclass(frozen=True, slots=True)
class Part:
    """One leaf of the structure. content_type: lower-case "type/subtype"; raw[start:end] is its encoded body."""

    content_type: str
    parameters: Mapping[str, str]
    headers: tuple[Header, ...]
    raw: bytes
    start: int
    end: int
    depth: int

    @property
    def disposition(self) -> str:
        """"inline", "attachment" or what else stands there; "" when nothing does."""
        return parse_parameters(find_header(self.headers, "Content-Disposition") or "")[0].lower()

    @property
    def filename(self) -> str | None:
        """File name as the sender gave it, in one line, without any path."""
        _, parameters = parse_parameters(find_header(self.headers, "Content-Disposition") or "")
        name = parameters.get("filename") or self.parameters.get("name")
        if not name:
            return None
        clean = one_line(decode_words(name)).replace("\\", "/").rsplit("/", 1)[-1]
        return clean[:255] or None

    @property
    def content_id(self) -> str | None:
        """Content-ID without its angle brackets."""
        value = find_header(self.headers, "Content-ID")
        return one_line(value).strip("<>")[:255] or None if value else None

    @property
    def is_attachment(self) -> bool:
        """Whether a reader would show it as a file rather than as the message's text."""
        return not self.content_type.startswith("text/") or self.disposition == "attachment" or self.filename is not None

    def octets(self) -> bytes:
        """The body with its transfer encoding undone; broken encodings are read as far as they go."""
        body = self.raw[self.start : self.end]
        encoding = (find_header(self.headers, "Content-Transfer-Encoding") or "").strip().lower()
        if encoding == "quoted-printable":
            return binascii.a2b_qp(body)
        return _decode_base64(body) if encoding == "base64" else body

    def text(self) -> str:
        """The body as text, lines ended with a line feed."""
        return decode_charset(self.octets(), self.parameters.get("charset", "utf-8")).replace("\r\n", "\n")


def _decode_base64(body: bytes) -> bytes:
    # Padding ends a run of data; what follows it was encoded by itself.
    return b"".join(_decode_run(run) for run in _BASE64_JUNK.sub(b"", body).split(b"=") if run)


def _decode_run(run: bytes) -> bytes:
    whole = run[:-1] if len(run) % 4 == 1 else run
    return binascii.a2b_base64(whole + b"=" * (-len(whole) % 4))


def parse_parameters(value: str) -> tuple[str, dict[str, str]]:
    """Split `value; name=text; name*=utf-8''text` into the value and its parameters (names in lower case).

    Continuations and percent encoding of RFC 2231 are undone. Nothing here raises: what cannot be read is left out.
    """
    value = value[:_MAX_VALUE]
    head, _, _ = value.partition(";")
    plain: dict[str, str] = {}
    segments: dict[str, dict[int, tuple[str, bool]]] = {}
    for match in _PARAMETER.finditer(value, len(head)):
        name, text = match[1].lower(), match[2].strip()
        if text.startswith('"'):
            text = re.sub(r"\\(.)", r"\1", text[1:-1])
        segment = _SEGMENT.fullmatch(name)
        if segment is not None:
            segments.setdefault(segment[1], {})[int(segment[2])] = (text, bool(segment[3]))
        elif name.endswith("*"):
            plain[name[:-1]] = _percent_decode(text)
        else:
            plain.setdefault(name, text)
    for name, pieces in segments.items():
        plain[name] = _join_segments(pieces)
    return head.strip(), plain


def _percent_decode(text: str) -> str:
    charset, _, rest = text.partition("'")
    _, _, encoded = rest.partition("'")
    return decode_charset(urllib.parse.unquote_to_bytes(encoded), charset or "utf-8")


def _join_segments(pieces: Mapping[int, tuple[str, bool]]) -> str:
    charset = "utf-8"
    octets: list[bytes] = []
    for number in sorted(pieces):
        text, encoded = pieces[number]
        if number == 0 and encoded and text.count("'") >= 2:
            charset, _, text = text.split("'", 2)
        octets.append(urllib.parse.unquote_to_bytes(text) if encoded else text.encode("utf-8", "replace"))
    return decode_charset(b"".join(octets), charset or "utf-8")


def parse_parts(raw: bytes, *, strict: bool = True) -> list[Part]:
    """Leaves of the message in order. raw has CR LF line ends.

    strict: a multipart without usable boundary raises IntakeError; else its body counts as plain text. Exceeding a bound
    always raises.
    """
    leaves: list[Part] = []
    seen = 0
    stack = [(0, len(raw), "text/plain", 0)]
    while stack:
        start, end, default, depth = stack.pop()
        seen += 1
        if seen > MAX_PARTS:
            raise IntakeError("body", f"more than {MAX_PARTS} MIME parts")
        if depth > MAX_DEPTH:
            raise IntakeError("body", f"MIME parts are nested deeper than {MAX_DEPTH} levels")
        try:
            headers, offset = split_headers(raw[start : min(end, start + MAX_HEADER_OCTETS + 8)], strict=strict and depth == 0)
        except IntakeError:
            if strict or depth == 0:
                raise
            headers, offset = [], 0  # a part without an end to its header is all body
        kind, parameters = _content_type(headers, default)
        body = min(start + offset, end)
        if not kind.startswith(_MULTIPART):
            leaves.append(Part(kind, parameters, tuple(headers), raw, body, end, depth))
            continue
        inner = "message/rfc822" if kind == "multipart/digest" else "text/plain"
        sections = _sections(raw, body, end, parameters.get("boundary", ""), strict)
        if not sections:
            leaves.append(Part("text/plain", {}, (), raw, body, end, depth))
        stack.extend((first, last, inner, depth + 1) for first, last in reversed(sections))
    return leaves


def _content_type(headers: list[Header], default: str) -> tuple[str, dict[str, str]]:
    value = find_header(headers, "Content-Type")
    if value is None:
        return default, {}
    kind, parameters = parse_parameters(value)
    return (kind.lower(), parameters) if _TYPE.fullmatch(kind) else ("application/octet-stream", parameters)


def _sections(raw: bytes, start: int, end: int, boundary: str, strict: bool) -> list[tuple[int, int]]:
    """Offsets of the body parts between the delimiter lines of a multipart (RFC 2046 section 5.1.1)."""
    if not boundary or len(boundary) > 200:
        if strict:
            raise IntakeError("Content-Type", "multipart without a usable boundary parameter")
        return []
    mark = re.escape(boundary.encode("utf-8", "replace"))
    delimiter = re.compile(rb"\r\n--" + mark + rb"(--)?[ \t]{0,80}(?=\r\n|\Z)")
    sections: list[tuple[int, int]] = []
    opened = -1
    # The body begins behind a CR LF; stepping back over it lets a delimiter at its first octet match like the others.
    for match in delimiter.finditer(raw, max(start - 2, 0), end):
        if opened >= 0:
            sections.append((opened, max(match.start(), opened)))
            if len(sections) > MAX_PARTS:
                raise IntakeError("body", f"more than {MAX_PARTS} MIME parts")
        if match[1]:
            return sections
        opened = min(match.end() + 2, end)
    if opened >= 0:
        sections.append((opened, end))
    elif strict:
        raise IntakeError("body", "the multipart's boundary never appears in the body")
    return sections
