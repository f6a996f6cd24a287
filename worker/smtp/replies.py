"""Every answer our SMTP servers give, as named constants.

A reply is rendered to its wire form once, when it is made, so that answering costs no formatting.
Codes follow RFC 5321 section 4.2, enhanced status codes RFC 3463 and the IANA registry (RFC 5248).
"""

from __future__ import annotations

from dataclasses import dataclass, field

_MAX_TEXT = 480
"""Octets of text per reply line; RFC 5321 4.5.3.1.5 allows 512 with code, status and CRLF."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One SMTP reply.

    code: three-digit SMTP code; status: enhanced status code ("2.1.0") or "" where none belongs (220 greeting,
    EHLO, 354, 334); text: human text, where a line feed starts a continuation line. Characters that are not
    printable ASCII become "?" so that text from elsewhere can never add a line to the conversation.
    """

    code: int
    status: str
    text: str
    wire: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        lines = self.text.split("\n") or [""]
        status = f"{self.status} " if self.status else ""
        last = len(lines) - 1
        out = "".join(
            f"{self.code}{' ' if number == last else '-'}{status}{_printable(line)}\r\n"
            for number, line in enumerate(lines)
        )
        object.__setattr__(self, "wire", out.encode("ascii"))

    @property
    def is_positive(self) -> bool:
        """True for 2xx and 3xx: the command worked."""
        return self.code < 400

    def __str__(self) -> str:
        return f"{self.code} {self.status} {self.text}".replace("\n", " ")


def _printable(text: str) -> str:
    clean = text if text.isascii() and text.isprintable() else "".join(
        char if " " <= char <= "~" else "?" for char in text
    )
    return clean[:_MAX_TEXT]


# Greeting and plain success
BYE = Reply(221, "2.0.0", "Bye")
OK = Reply(250, "2.0.0", "Ok")
SENDER_OK = Reply(250, "2.1.0", "Sender ok")
RECIPIENT_OK = Reply(250, "2.1.5", "Recipient ok")
ACCEPTED = Reply(250, "2.0.0", "Ok: message accepted")
START_DATA = Reply(354, "", "End data with <CR><LF>.<CR><LF>")
VRFY = Reply(252, "2.0.0", "Cannot verify, but will take mail for it and try")
HELP = Reply(214, "2.0.0", "EHLO HELO STARTTLS AUTH MAIL RCPT DATA RSET NOOP VRFY HELP QUIT; see RFC 5321")

# TLS and login
READY_FOR_TLS = Reply(220, "2.0.0", "Ready to start TLS")
TLS_ACTIVE = Reply(503, "5.5.1", "TLS is already active")
TLS_NOT_OFFERED = Reply(502, "5.5.1", "STARTTLS is not offered here")
TLS_REQUIRED = Reply(530, "5.7.0", "Must issue STARTTLS first")
LOGIN_REQUIRED = Reply(530, "5.7.0", "Authentication required")
LOGIN_NEEDS_TLS = Reply(538, "5.7.11", "Encryption required: issue STARTTLS before AUTH")
LOGIN_OK = Reply(235, "2.7.0", "Authentication succeeded")
LOGIN_FAILED = Reply(535, "5.7.8", "Username or password is wrong, or the bridge is paused or deleted")
LOGIN_CANCELLED = Reply(501, "5.7.0", "Authentication cancelled")
LOGIN_BAD_ENCODING = Reply(501, "5.5.2", "Cannot decode the response: base64 expected")
LOGIN_TWICE = Reply(503, "5.5.1", "Already authenticated")
LOGIN_IN_TRANSACTION = Reply(503, "5.5.1", "AUTH is not allowed within a mail transaction")
LOGIN_MECHANISM = Reply(504, "5.5.4", "Unknown mechanism: use PLAIN or LOGIN")
LOGIN_NOT_OFFERED = Reply(503, "5.5.1", "AUTH is not offered here")
LOGIN_TOO_MANY = Reply(421, "4.7.0", "Too many failed logins; try again later")
LOGIN_UNAVAILABLE = Reply(454, "4.7.0", "Temporary authentication failure; try again later")
ASK_USERNAME = Reply(334, "", "VXNlcm5hbWU6")
ASK_PASSWORD = Reply(334, "", "UGFzc3dvcmQ6")
ASK_PLAIN = Reply(334, "", "")

# Syntax and order
UNKNOWN_COMMAND = Reply(500, "5.5.2", "Unknown command; see HELP")
LINE_TOO_LONG = Reply(500, "5.5.2", "Line too long")
BARE_LINE_FEED = Reply(500, "5.5.2", "Lines must end with CR LF")
BAD_CHARACTER = Reply(500, "5.5.2", "Control characters are not allowed in commands")
SYNTAX = Reply(501, "5.5.4", "Syntax error in arguments")
NO_ARGUMENTS = Reply(501, "5.5.4", "This command takes no arguments")
HELLO_SYNTAX = Reply(501, "5.5.4", "Give the name of your host: EHLO host.example")
MAIL_SYNTAX = Reply(501, "5.5.4", "Syntax: MAIL FROM:<address> [SIZE=n] [BODY=8BITMIME] [SMTPUTF8]")
RCPT_SYNTAX = Reply(501, "5.5.4", "Syntax: RCPT TO:<address>")
BAD_SENDER = Reply(501, "5.1.7", "Bad sender address syntax")
BAD_RECIPIENT = Reply(501, "5.1.3", "Bad recipient address syntax")
ADDRESS_TOO_LONG = Reply(501, "5.1.3", "Address too long: local part 64, domain 255, path 256 octets at most")
QUOTED_LOCAL_PART = Reply(553, "5.1.3", "Quoted local parts are not supported")
SOURCE_ROUTE = Reply(553, "5.1.3", "Source routes are not supported")
ADDRESS_LITERAL = Reply(553, "5.1.3", "Addresses at an IP number are not supported")
UTF8_NOT_ANNOUNCED = Reply(553, "5.6.7", "Non-ASCII address: say SMTPUTF8 in MAIL FROM")
BAD_PARAMETER = Reply(501, "5.5.4", "Bad value of a parameter")
UNKNOWN_PARAMETER = Reply(555, "5.5.4", "Parameter not recognised or not offered")
HELLO_FIRST = Reply(503, "5.5.1", "Say EHLO first")
MAIL_FIRST = Reply(503, "5.5.1", "Need MAIL first")
RCPT_FIRST = Reply(503, "5.5.1", "Need RCPT first")
NO_VALID_RECIPIENTS = Reply(554, "5.5.1", "No valid recipients")
NESTED_MAIL = Reply(503, "5.5.1", "Nested MAIL command; say RSET first")
PIPELINING = Reply(554, "5.5.0", "SMTP protocol synchronisation error: wait for the reply before sending on")

# Limits
TOO_MANY_RECIPIENTS = Reply(452, "4.5.3", "Too many recipients in one transaction; send the rest in another")
TOO_BIG = Reply(552, "5.3.4", "Message is larger than this server takes")
NUL_IN_MESSAGE = Reply(550, "5.6.0", "Message contains a NUL octet; encode binary content as base64")
LONG_LINE = Reply(550, "5.6.0", "Message has a line of more than 998 octets; encode it as quoted-printable or base64")
TOO_MANY_ERRORS = Reply(421, "4.7.0", "Too many errors")
TOO_MANY_COMMANDS = Reply(421, "4.7.0", "Too many commands without mail")
TOO_MANY_CONNECTIONS = Reply(421, "4.7.0", "Too many connections from your address")
SERVER_FULL = Reply(421, "4.3.2", "Too many connections; try again later")
NO_MEMORY = Reply(452, "4.3.1", "Too much mail in flight; try again later")
IDLE_TIMEOUT = Reply(421, "4.4.2", "Idle for too long")
DATA_TIMEOUT = Reply(421, "4.4.2", "Message took too long to arrive")
LOGIN_TIMEOUT = Reply(421, "4.4.2", "Login took too long")

# Our side
INTERNAL = Reply(451, "4.3.0", "Local error; try again later")
UNAVAILABLE = Reply(451, "4.3.0", "Storage is away; try again later")
NO_SPACE = Reply(452, "4.3.1", "Insufficient storage; try again later")
SHUTTING_DOWN = Reply(421, "4.3.2", "Server is shutting down; try again")
REVOKED = Reply(421, "4.7.0", "These credentials are no longer valid")
UNKNOWN_RECIPIENT = Reply(550, "5.1.1", "No such address here")
