"""Parsers of SMTP command arguments and of the message octets after DATA.

Pure functions over bytes; none keeps state, none recurses, each is linear in its input.
Sources: RFC 5321 (grammar 4.1.2, lengths 4.5.3.1), RFC 1870 SIZE, RFC 6152 8BITMIME, RFC 6531 SMTPUTF8, RFC 4616 PLAIN.
"""

from __future__ import annotations

import binascii
import re
from dataclasses import dataclass

from worker.smtp import replies
from worker.smtp.replies import Reply

MAX_LOCAL_PART = 64
MAX_DOMAIN = 255
MAX_PATH = 256
"""Octets, RFC 5321 4.5.3.1.1 to 4.5.3.1.3; the path is counted with its angle brackets."""

_ATEXT = rb"A-Za-z0-9!#$%&'*+/=?^_`{|}~\-"
_LDH = rb"[A-Za-z0-9](?:[A-Za-z0-9\-]{0,61}[A-Za-z0-9])?"
_UTF8_ATEXT = _ATEXT + rb"\x80-\xff"
_ASCII_MAILBOX = re.compile(
    rb"([" + _ATEXT + rb"]+(?:\.[" + _ATEXT + rb"]+)*)@(" + _LDH + rb"(?:\." + _LDH + rb")*)"
)
_UTF8_MAILBOX = re.compile(
    rb"([" + _UTF8_ATEXT + rb"]+(?:\.[" + _UTF8_ATEXT + rb"]+)*)@"
    rb"([A-Za-z0-9\-\x80-\xff]+(?:\.[A-Za-z0-9\-\x80-\xff]+)*)"
)
_SIZE = re.compile(rb"[0-9]{1,20}")
_PLAIN_MAIL = re.compile(rb"[Ff][Rr][Oo][Mm]: ?<([^<>\s]*)>")
_PLAIN_RCPT = re.compile(rb"[Tt][Oo]: ?<([^<>\s]*)>")
_FORBIDDEN = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")


class CommandError(Exception):
    """A command that cannot be obeyed; `reply` is the answer to give."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(str(reply))
        self.reply = reply


@dataclass(frozen=True, slots=True)
class MailParameters:
    """What the client said beside the address in MAIL FROM. size: octets or None; body: "7BIT" or "8BITMIME"."""

    size: int | None = None
    body: str = "7BIT"
    smtputf8: bool = False


NO_PARAMETERS = MailParameters()


def has_forbidden_octets(line: bytes) -> bool:
    """True when a command line holds NUL, CR, LF or another control character but TAB."""
    return _FORBIDDEN.search(line) is not None


def parse_mail(argument: bytes) -> tuple[str, MailParameters]:
    """Read the argument of MAIL: `FROM:<address> [parameters]`; the null sender is "".

    Raises CommandError with 501, 553 or 555.
    """
    match = _PLAIN_MAIL.match(argument)
    if match is None:
        raise CommandError(replies.MAIL_SYNTAX if b'"' not in argument else replies.QUOTED_LOCAL_PART)
    parameters = NO_PARAMETERS
    if match.end() != len(argument):
        parameters = _parse_mail_parameters(argument[match.end() :])
    path = match[1]
    address = parse_address(path, parameters.smtputf8, replies.BAD_SENDER) if path else ""
    return address, parameters


def parse_rcpt(argument: bytes, *, smtputf8: bool) -> str:
    """Read the argument of RCPT: `TO:<address>`. "postmaster" alone is allowed (RFC 5321 4.5.1).

    Raises CommandError with 501, 553 or 555 (no RCPT parameter is offered).
    """
    match = _PLAIN_RCPT.match(argument)
    if match is None:
        raise CommandError(replies.RCPT_SYNTAX if b'"' not in argument else replies.QUOTED_LOCAL_PART)
    rest = argument[match.end() :]
    if rest and not rest.isspace():
        raise CommandError(replies.UNKNOWN_PARAMETER if rest[:1].isspace() else replies.RCPT_SYNTAX)
    path = match[1]
    if path.lower() == b"postmaster":
        return "postmaster"
    return parse_address(path, smtputf8, replies.BAD_RECIPIENT)


def parse_address(path: bytes, smtputf8: bool, bad: Reply) -> str:
    """Check one address (without angle brackets) and return it as text, unchanged.

    smtputf8: whether non-ASCII octets are allowed; bad: the reply for broken syntax. Raises CommandError.
    """
    match = _ASCII_MAILBOX.fullmatch(path)
    if match is None:
        match = _explain_or_match_utf8(path, smtputf8, bad)
    if len(path) + 2 > MAX_PATH or len(match[1]) > MAX_LOCAL_PART or len(match[2]) > MAX_DOMAIN:
        raise CommandError(replies.ADDRESS_TOO_LONG)
    try:
        return path.decode("utf-8")
    except UnicodeDecodeError:
        raise CommandError(bad) from None


def _explain_or_match_utf8(path: bytes, smtputf8: bool, bad: Reply) -> re.Match[bytes]:
    """Match a UTF-8 address, or raise CommandError with the reason why the path is not taken."""
    if path.startswith(b"@"):
        raise CommandError(replies.SOURCE_ROUTE)
    if b'"' in path:
        raise CommandError(replies.QUOTED_LOCAL_PART)
    if path.endswith(b"]"):
        raise CommandError(replies.ADDRESS_LITERAL)
    if path.isascii():
        raise CommandError(bad)
    if not smtputf8:
        raise CommandError(replies.UTF8_NOT_ANNOUNCED)
    match = _UTF8_MAILBOX.fullmatch(path)
    if match is None:
        raise CommandError(bad)
    return match


def _parse_mail_parameters(text: bytes) -> MailParameters:
    if not text[:1].isspace():
        raise CommandError(replies.MAIL_SYNTAX)
    size: int | None = None
    body = "7BIT"
    smtputf8 = False
    for word in text.split():
        name, _, value = word.partition(b"=")
        match name.upper():
            case b"SIZE" if _SIZE.fullmatch(value):
                size = int(value)
            case b"BODY" if value.upper() in (b"7BIT", b"8BITMIME"):
                body = value.upper().decode("ascii")
            case b"SMTPUTF8" if word.upper() == b"SMTPUTF8":
                smtputf8 = True
            case b"AUTH":
                pass  # RFC 4954 section 5: must be taken; we are no trusted relay, so it is not looked at.
            case b"SIZE" | b"BODY" | b"SMTPUTF8":
                raise CommandError(replies.BAD_PARAMETER)
            case _:
                raise CommandError(replies.UNKNOWN_PARAMETER)
    return MailParameters(size, body, smtputf8)


def decode_base64(text: bytes) -> bytes:
    """Decode one SASL response ("=" alone is the empty response, RFC 4954 section 4). Raises CommandError 501."""
    if text == b"=":
        return b""
    try:
        return binascii.a2b_base64(text, strict_mode=True) if text else b""
    except binascii.Error:
        raise CommandError(replies.LOGIN_BAD_ENCODING) from None


def decode_credential(raw: bytes) -> str:
    """Turn the octets of a user name or password into text; NUL and broken UTF-8 raise CommandError 501."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise CommandError(replies.LOGIN_BAD_ENCODING) from None
    if "\0" in text:
        raise CommandError(replies.LOGIN_BAD_ENCODING)
    return text


def decode_plain(response: bytes) -> tuple[str, str]:
    """Read a decoded PLAIN response `authzid NUL authcid NUL password` into (user name, password).

    An authorisation id other than empty or equal to the user name is a failed login, never a way to act for
    somebody else (CVE-2023-27582). Raises CommandError 501 or 535.
    """
    fields = response.split(b"\0")
    if len(fields) != 3:
        raise CommandError(replies.LOGIN_BAD_ENCODING)
    authzid, username, password = (decode_credential(item) for item in fields)
    if authzid and authzid != username:
        raise CommandError(replies.LOGIN_FAILED)
    return username, password


def find_end_of_data(buffer: bytearray, start: int, *, at_start: bool) -> int:
    """Index just behind the CRLF that ends the last line of a message, or -1 when `CRLF . CRLF` is not there yet.

    The terminator itself is the three octets `. CR LF` behind that index. Only the exact five octets end a message
    (RFC 5321 4.1.1.4); LF.LF, CR.CR, LF.CRLF and their kin are content (SMTP smuggling, CVE-2023-51764 to -51766).
    start: octets already searched; at_start: whether the buffer begins with the message's first octet, where a lone dot
    ends an empty message.
    """
    if at_start and buffer.startswith(b".\r\n"):
        return 0
    index = buffer.find(b"\r\n.\r\n", max(0, start - 4))
    return index + 2 if index >= 0 else -1


def unstuff_dots(data: bytes) -> bytes:
    """Undo dot-stuffing (RFC 5321 4.5.2): one leading dot goes from every line that starts with one.

    Lines here are what CRLF ends; a dot after a bare CR or LF is content and stays.
    """
    if data.startswith(b"."):
        data = data[1:]
    if b"\r\n." in data:
        data = data.replace(b"\r\n.", b"\r\n")
    return data


def has_long_line(data: bytes, limit: int = 998) -> bool:
    """True when a line of the message has more than `limit` octets without its CRLF."""
    if len(data) <= limit:
        return False
    return max(map(len, data.split(b"\r\n"))) > limit
