"""What a handler sees of one SMTP conversation, and the interface a handler implements.

The three servers (submission, inbound, simulator) differ only in their handler. A handler method may answer at once
(plain value) or later (awaitable); the first costs no task, which matters at thousands of RCPT a second.
"""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import Protocol

from worker.smtp.parsing import MailParameters
from worker.smtp.replies import Reply


@dataclass(frozen=True, slots=True)
class TlsInfo:
    """The encryption of a session, as the TLS library names it ("TLSv1.3", "TLS_AES_256_GCM_SHA384")."""

    version: str
    cipher: str


@dataclass(frozen=True, slots=True)
class Login:
    """A successful login. identity: whatever the handler wants to find again in `session.login.identity`."""

    username: str
    identity: object


@dataclass(slots=True)
class Session:
    """One connection. Changed only by the protocol; handlers read it and may keep their own value in `state`.

    id: unique within the process and hard to confuse between processes; helo: name given in EHLO/HELO;
    errors and commands count since the last accepted message.
    """

    id: str
    peer: str
    peer_port: int
    connected_at: float
    helo: str = ""
    esmtp: bool = False
    tls: TlsInfo | None = None
    login: Login | None = None
    commands: int = 0
    errors: int = 0
    auth_failures: int = 0
    messages: int = 0
    state: object = None


@dataclass(frozen=True, slots=True)
class Envelope:
    """One mail transaction: sender ("" for the null sender), recipients in the order given, MAIL parameters."""

    sender: str
    recipients: tuple[str, ...]
    parameters: MailParameters = field(default_factory=MailParameters)


Answer = Reply | None
"""None means yes, with the server's usual words."""


class Handler(Protocol):
    """What a server does with logins, addresses and messages.

    An exception out of any method is logged and answered 451 4.3.0; it never ends the server.
    """

    async def authenticate(self, session: Session, username: str, password: str) -> Login | Reply:
        """Check a login. A Reply refuses it: 5xx counts as a wrong password, 4xx as a temporary trouble."""
        ...

    def sender(self, session: Session, address: str, parameters: MailParameters) -> Answer | Awaitable[Answer]:
        """May `address` ("" = null sender) be the envelope sender?"""
        ...

    def recipient(self, session: Session, address: str, envelope_sender: str) -> Answer | Awaitable[Answer]:
        """May mail go to `address`?"""
        ...

    def message(self, session: Session, envelope: Envelope, data: bytes) -> Reply | Awaitable[Reply]:
        """Take the message; a 2xx reply only once it is stored for good.

        data: octets between DATA and the final dot, dot-stuffing undone, otherwise as sent: a bare CR or LF may be in
        it, NUL cannot. `DROP` as reply closes the connection without an answer.
        """
        ...


DROP = Reply(421, "4.0.0", "connection dropped")
"""Given as the answer to a message, closes the connection without a word (used by the simulator)."""
