"""Reading the header block of a message that came from outside.

Written for hostile input: no recursion, linear time, hard bounds. The standard library's parser is not used because it
recurses (1,200 nested parts or 500 nested comments end in RecursionError) and reads some addresses wrongly (CVE-2023-27043).
"""

from __future__ import annotations

import base64
import binascii
import codecs
import functools
import re
from typing import NamedTuple

MAX_HEADERS = 1000
MAX_HEADER_OCTETS = 100 * 1024

_NAME = re.compile(rb"[!-9;-~]{1,76}")
_LINE_END = re.compile(rb"\r+\n?|\n")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_ENCODED_WORD = re.compile(
    r"=\?([A-Za-z0-9_.:+\-]{1,40})(?:\*[A-Za-z0-9\-]{1,40})?\?([bBqQ])\?([!->@-~]*)\?="
)
_Q_ESCAPE = re.compile(rb"=([0-9A-Fa-f]{2})")

_CHARSETS = frozenset(
    {
        "ascii", "utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "iso8859-1", "iso8859-2", "iso8859-3", "iso8859-4",
        "iso8859-5", "iso8859-6", "iso8859-7", "iso8859-8", "iso8859-9", "iso8859-10", "iso8859-11", "iso8859-13", "iso8859-14",
        "iso8859-15", "iso8859-16", "cp437", "cp850", "cp852", "cp866", "cp874", "cp1250", "cp1251", "cp1252", "cp1253", "cp1254",
        "cp1255", "cp1256", "cp1257", "cp1258", "koi8-r", "koi8-u", "koi8-t", "mac-roman", "mac-cyrillic", "tis-620", "gb2312", "gbk",
        "gb18030", "hz", "big5", "big5hkscs", "cp950", "shift_jis", "shift_jis_2004", "cp932", "euc_jp", "euc_jis_2004", "iso2022_jp",
        "iso2022_jp_1", "iso2022_jp_2", "iso2022_jp_3", "iso2022_jp_ext", "euc_kr", "cp949", "iso2022_kr", "johab",
    }
)
"""Charsets we decode. Not in it on purpose: utf-7 (hides markup), idna and punycode (quadratic), escapes."""


class IntakeError(Exception):
    """A message that cannot be taken.

    param: the header or part that is wrong ("From"); message: what is wrong and what to do, for the sender's log;
    code and status: SMTP reply code and enhanced status (RFC 3463) for doors that speak SMTP.
    """

    def __init__(self, param: str, message: str, *, code: int = 554, status: str = "5.6.0") -> None:
        super().__init__(f"{param}: {message}")
        self.param = param
        self.message = message
        self.code = code
        self.status = status


class Header(NamedTuple):
    """One header field: name as written, unfolded value (encoded words untouched), and its octets `raw[start:end]`."""

    name: str
    value: str
    start: int
    end: int


def normalise_newlines(data: bytes) -> bytes:
    """The one rule for line ends of stored messages: CR LF, bare LF, bare CR, and a run of CR with its LF, each become one CR LF.

    Bare CR and LF must not be passed on: other servers may take them as the end of the message (SMTP smuggling), and a
    signature made over them would break. Applied before parsing, so that what is checked is what is sent.
    """
    lines = data.count(b"\r\n")
    if data.count(b"\n") == lines and data.count(b"\r") == lines:
        return data
    if b"\r" not in data:
        return data.replace(b"\n", b"\r\n")
    return _LINE_END.sub(_line_end, data)


def _line_end(match: re.Match[bytes]) -> bytes:
    # The run is matched whole and counted here: a pattern "CR+ LF" would try each CR of a long run anew.
    found = match[0]
    return b"\r\n" if found.endswith(b"\n") else b"\r\n" * len(found)


def split_headers(raw: bytes, *, strict: bool = True) -> tuple[list[Header], int]:
    """Header fields of a message or part with CR LF line ends, and the offset of its body.

    strict: raise IntakeError for lines that are no header; else such lines are skipped. Bounds hold in both cases.
    """
    if raw.startswith(b"\r\n"):
        return [], 2
    end = raw.find(b"\r\n\r\n", 0, MAX_HEADER_OCTETS + 4)
    if end < 0 and len(raw) > MAX_HEADER_OCTETS:
        raise IntakeError("headers", f"more than {MAX_HEADER_OCTETS // 1024} KB of headers")
    block_end, body = (len(raw), len(raw)) if end < 0 else (end, end + 4)
    headers: list[Header] = []
    position = 0
    for field in _fields(raw[:block_end]):
        start, position = position, position + len(field) + 2
        name, colon, value = field.partition(b":")
        name = name.rstrip(b" \t")
        if not colon or _NAME.fullmatch(name) is None:
            if strict:
                raise IntakeError("headers", f"line {len(headers) + 1} is no header; write `Name: value`")
            continue
        if len(headers) >= MAX_HEADERS:
            raise IntakeError("headers", f"more than {MAX_HEADERS} headers")
        headers.append(Header(name.decode("ascii"), _unfold(value), start, min(position, block_end + 2)))
    return headers, body


def _fields(block: bytes) -> list[bytes]:
    """Split a header block into fields, folded lines kept together."""
    lines = block.split(b"\r\n")
    if lines and not lines[-1]:
        lines.pop()
    fields: list[bytes] = []
    folded: list[bytes] = []
    for line in lines:
        if line[:1] in (b" ", b"\t") and folded:
            folded.append(line)
            continue
        if folded:
            fields.append(b"\r\n".join(folded) if len(folded) > 1 else folded[0])
        folded = [line]
    if folded:
        fields.append(b"\r\n".join(folded))
    return fields


def _unfold(value: bytes) -> str:
    if b"\r\n" in value:
        value = value.replace(b"\r\n", b"")
    try:
        return value.decode("utf-8").strip()
    except UnicodeDecodeError:
        return value.decode("latin-1").strip()


@functools.lru_cache(maxsize=256)
def _codec(charset: str) -> str | None:
    try:
        name = codecs.lookup(charset).name
    except (LookupError, ValueError):
        return None
    return name if name in _CHARSETS else None


def decode_charset(data: bytes, charset: str) -> str:
    """Octets as text; unknown charsets and broken octets are read as well as can be, never refused."""
    codec = _codec(charset.lower()) if charset.isascii() and len(charset) <= 40 else None
    if codec in (None, "ascii"):
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError:
            codec = "cp1252"
    return data.decode(codec or "utf-8", "replace")


def decode_words(value: str) -> str:
    """Decode the encoded words of an unfolded value (RFC 2047); what is no correct encoded word stays as it is.

    White space between two encoded words goes; adjacent words of one charset are joined before decoding, because senders
    split characters over words. The result may hold any character: see `one_line`.
    """
    if "=?" not in value:
        return value
    out: list[str] = []
    pending: list[bytes] = []
    charset = ""
    position = 0
    for match in _ENCODED_WORD.finditer(value):
        data = _word_octets(match[2], match[3])
        if data is None:
            continue
        between = value[position : match.start()]
        if pending and (between.strip() or match[1].lower() != charset):
            out.append(decode_charset(b"".join(pending), charset))
            pending = []
            if not between.strip():
                between = ""
        elif pending:
            between = ""
        out.append(between)
        pending.append(data)
        charset = match[1].lower()
        position = match.end()
    if pending:
        out.append(decode_charset(b"".join(pending), charset))
    out.append(value[position:])
    return "".join(out)


def _word_octets(encoding: str, text: str) -> bytes | None:
    raw = text.encode("ascii")
    if encoding in "qQ":
        return _Q_ESCAPE.sub(lambda match: bytes.fromhex(match[1].decode()), raw.replace(b"_", b" "))
    try:
        return base64.b64decode(raw + b"=" * (-len(raw) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def one_line(text: str) -> str:
    """Text for one line: every run of control characters, line and paragraph separators becomes a space."""
    return _CONTROL.sub(" ", text).strip()


def find_header(headers: list[Header] | tuple[Header, ...], name: str) -> str | None:
    """Value of the first header of that name (any case), or None."""
    wanted = name.lower()
    return next((header.value for header in headers if header.name.lower() == wanted), None)
