"""What a scriptable SMTP server is told to do, and what it saw; see `sinks.py` for the list of behaviours."""

from __future__ import annotations

import ssl
from collections import Counter
from dataclasses import dataclass, field

REPLIES = {
    421: b"421 4.7.0 try again later",
    450: b"450 4.2.0 greylisted, come back in 300 seconds",
    451: b"451 4.3.0 local error in processing",
    452: b"452 4.3.1 insufficient system storage",
    550: b"550 5.1.1 user unknown",
    552: b"552 5.2.2 mailbox full",
    553: b"553 5.1.3 mailbox name not allowed",
    554: b"554 5.7.1 blocked using zen.dnsbl.example",
}
DATA_REPLIES = {
    **REPLIES,
    552: b"552 5.3.4 message too big",
    554: b"554 5.7.1 message looks like spam",
}


@dataclass(slots=True)
class Received:
    """One message as it came: `data` is un-stuffed, with CRLF line ends; `tls`, `user` and `helo` describe the session."""

    sender: str
    recipient: str
    data: bytes
    helo: str
    peer: str
    tls: bool
    user: str | None
    connection: int
    options: str


@dataclass(slots=True)
class SinkOptions:
    """How the server as a whole behaves.

    `banner`, `ehlo`: replies to send in place of the usual (an EHLO reply of 5xx makes clients fall back to HELO).
    `starttls`: context to offer it with; `starttls_reply`: a refusal instead; `inject`: octets sent in the clear right
    behind the 220. `tls`: context for implicit TLS. `auth`: the only user and password, required before MAIL.
    `max_connections`: further ones get 421. `messages_per_connection`: 421 after as many. `latency`: seconds before every
    answer. `always`: the behaviour of every recipient, whatever it is called. `keep`: whether `received` keeps messages (benchmarks only count).
    `rcpt_replies`: answers to the next RCPTs, in turn; when they are used up, the usual ones.
    """

    banner: bytes = b"220 sink.test ESMTP"
    ehlo: bytes | None = None
    pipelining: bool = True
    eight_bit: bool = True
    utf8: bool = True
    size: int | None = 50_000_000
    starttls: ssl.SSLContext | None = None
    starttls_reply: bytes | None = None
    inject: bytes = b""
    tls: ssl.SSLContext | None = None
    auth: tuple[str, str] | None = None
    auth_methods: str = "PLAIN LOGIN"
    max_connections: int | None = None
    messages_per_connection: int | None = None
    latency: float = 0.0
    slow_seconds: float = 0.3
    always: str = ""
    keep: bool = True
    rcpt_replies: list[bytes] = field(default_factory=list)


@dataclass(slots=True)
class SinkState:
    """What a sink saw. ``stalled``: messages whose end of data it left unanswered. ``refused``: connections turned away as too many.

    Set ``healed`` to have it take everything from then on.
    """

    received: list[Received] = field(default_factory=list)
    recipients: Counter[str] = field(default_factory=Counter)
    commands: list[str] = field(default_factory=list)
    messages: int = 0
    connections: int = 0
    open: int = 0
    peak: int = 0
    grey: set[str] = field(default_factory=set)
    stalled: int = 0
    refused: int = 0
    healed: bool = False


def behaviour_of(address: str) -> str:
    """The behaviour asked for by an address."""
    return address.partition("@")[0].partition("-")[0].partition("+")[0].lower()


def code_in(word: str, letter: str) -> int | None:
    """550 for "r550" when the letter is "r"."""
    return int(word[1:]) if len(word) == 4 and word[0] == letter and word[1:].isdigit() else None
