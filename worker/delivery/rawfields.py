"""Header fields of mail taken as a whole: split without interpretation, read where structure matters, repaired where they could not leave."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from worker.delivery import headers
from worker.delivery.content import ContentError
from worker.delivery.normalise import MAX_LINE, break_long_lines, longest_line

_FIELD = re.compile(rb"([!-9;-~]{1,126}+)[ \t]*+:[^\r\n]*+(?:\r\n[ \t][^\r\n]*+)*+\r\n")
_MBOX = re.compile(rb">?From [^\r\n]*\r\n")
_SPACED_NAME = re.compile(rb"\A([!-9;-~]++)[ \t]++:")
_BLANK_FOLD = re.compile(rb"\r\n[ \t]+(?=\r\n)")
_SPACES = re.compile(rb"[ \t]{2,}")
_KIND = re.compile(r"\s*([A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+)\s*(?:;|$)")
_PARAMETER = re.compile(r""";\s*+([^\s=;"*]++)\s*+=\s*+(?:"((?:[^"\\]|\\.)*+)"|([^\s;"]++))\s*+(?=;|$|\()""")
_PHRASE = re.compile(r"""("(?:[^"\\]|\\.)*+"\s*+|[^\s<>",;:()@][^<>",;:()@]*+)(?=<)""")
_DOMAIN = re.compile(r"""(?<=@)[^\s<>",;:()@]+""")
_ADDRESS_FIELDS = frozenset(
    {
        "from", "sender", "to", "cc", "reply-to", "resent-from", "resent-sender", "resent-to", "resent-cc", "disposition-notification-to",
    }
)  # fmt: skip
_STRUCTURED = ("content-", "received", "message-id", "references", "in-reply-to", "dkim-signature", "arc-", "authentication-results", "mime-version")


class Field(NamedTuple):
    """A header field. name: lower case. line: as it came, folds and last CR LF included."""

    name: str
    line: bytes


class Kind(NamedTuple):
    """A Content-Type. name: `type/subtype` in lower case. parameters: names in lower case."""

    name: str
    parameters: Mapping[str, str]


_PLAIN = Kind("text/plain", {})


def split_fields(octets: bytes, start: int = 0, end: int | None = None) -> tuple[list[Field], int, bool]:
    """Return the header fields from `start`, where the body begins, and whether the header was whole (ended by an empty line).

    The first line that is no field ends the header, as in Postfix and in the standard library, so that nothing hides behind it. A "From " line of an
    mbox file in front is dropped.
    """
    end = len(octets) if end is None else end
    fields: list[Field] = []
    at = start
    mbox = _MBOX.match(octets, at, end)
    if mbox:
        at = mbox.end()
    while found := _FIELD.match(octets, at, end):
        fields.append(Field(found[1].decode().lower(), found[0]))
        at = found.end()
    if octets.startswith(b"\r\n", at) and at <= end:
        return fields, min(at + 2, len(octets)), True
    return fields, at, False


def _value(field: Field) -> str:
    return field.line.decode("latin-1").partition(":")[2].replace("\r\n", "").strip(" \t")


def find_field(fields: Sequence[Field], name: str) -> str | None:
    """Return the unfolded value of a field in lower case, None when it is absent. Of repeated ones the first."""
    for field in fields:
        if field.name == name:
            return _value(field).lower()
    return None


def content_kind(fields: Sequence[Field]) -> Kind | None:
    """Return the Content-Type; text/plain when absent (RFC 2045 5.2), None when it is repeated or unreadable."""
    found = [field for field in fields if field.name == "content-type"]
    if not found:
        return _PLAIN
    value = _value(found[0])
    kind = _KIND.match(value) if len(found) == 1 and len(value) <= 2000 else None
    if kind is None:
        return None
    parameters: dict[str, str] = {}
    for name, quoted, bare in _PARAMETER.findall(value):
        # Two boundaries are read differently by different programs: then nothing is read.
        if name.lower() in parameters:
            return None
        parameters[name.lower()] = re.sub(r"\\(.)", r"\1", quoted) if quoted else bare
    return Kind(kind[1].lower(), parameters)


def repair_field(field: Field) -> bytes:
    """Return the field's line fit to leave: no blank folds, lines of at most 998 octets, and ASCII wherever the field can be said in ASCII.

    What stays outside ASCII is a local part or a structured field; then the message needs SMTPUTF8 (RFC 6532).
    """
    line = field.line if field.line.isascii() else _to_ascii(field)
    # White space before the colon (obsolete syntax) is a field to one program and the end of the header to the next.
    line = _SPACED_NAME.sub(rb"\1:", line, count=1)
    line = _BLANK_FOLD.sub(b"", line)
    return line if longest_line(line) <= MAX_LINE else break_long_lines(_fold(line))


def _fold(line: bytes) -> bytes:
    """Fold at spaces, their runs made one, so that no fold holds nothing but white space."""
    folded: list[bytes] = []
    for part in _SPACES.sub(b" ", line).split(b"\r\n"):
        while len(part) > MAX_LINE and (cut := part.rfind(b" ", 1, MAX_LINE)) > 0:
            folded.append(part[:cut])
            part = part[cut:]
        folded.append(part)
    return b"\r\n".join(folded)


def _to_ascii(field: Field) -> bytes:
    name, _, rest = field.line.partition(b":")
    try:
        value = rest.decode()
    except UnicodeDecodeError:
        value = rest.decode("latin-1")
    value = value.replace("\r\n", "").strip(" \t")
    label = name.decode().strip(" \t")
    if field.name in _ADDRESS_FIELDS:
        return f"{label}: {_ascii_addresses(value)}\r\n".encode()
    if field.name.startswith(_STRUCTURED):
        return field.line
    return headers.unstructured(label, value)


def _ascii_addresses(value: str) -> str:
    """Display names as encoded words, domains as A-labels; local parts stay."""

    def phrase(found: re.Match[str]) -> str:
        name = found[1].strip()
        if name.isascii():
            return found[0]
        if name.startswith('"'):
            name = re.sub(r"\\(.)", r"\1", name[1:-1])
        return f"\r\n {headers.encode_words(name)} "

    def domain(found: re.Match[str]) -> str:
        try:
            return headers.ascii_domain(found[0])
        except ContentError:
            return found[0]

    return _PHRASE.sub(phrase, _DOMAIN.sub(domain, value)).strip()
