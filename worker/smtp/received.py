"""The trace header of a message taken by submission (RFC 5321 section 4.4).

Every recipient can read it, so by default it says nothing about the sender's network: neither address nor EHLO name.
"""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from email.utils import format_datetime

from worker.smtp.session import Envelope, Session

_HIDDEN = "authenticated-client.invalid"
"""Stands where RFC 5321 wants the client's name: the FROM clause must be there, and .invalid is nobody's (RFC 2606)."""
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.\-]{0,253}[A-Za-z0-9])?|\[[A-Za-z0-9:.]{2,60}\]")


class Tracer:
    """Writes Received headers of one server."""

    def __init__(self, hostname: str, *, show_client: bool) -> None:
        """hostname: the name the server greets with; show_client: name the client's EHLO name and address."""
        self._hostname = hostname
        self._show_client = show_client
        self._second = 0
        self._date = ""

    def received(self, session: Session, envelope: Envelope) -> bytes:
        """The header of the message now taken, with its CRLF. Its id is that of the session and the message's number in it."""
        by = f"by {self._hostname} (Postbridge) with {_protocol(session, envelope)} id {session.id}.{session.messages + 1:x}"
        return f"Received: from {self._client(session)}\r\n\t{by};\r\n\t{self._now()}\r\n".encode()

    def _client(self, session: Session) -> str:
        if not self._show_client:
            return _HIDDEN
        name = session.helo if _NAME.fullmatch(session.helo) else "unknown"
        peer = session.peer.partition("%")[0]
        return f"{name} ([{'IPv6:' if ':' in peer else ''}{peer}])"

    def _now(self) -> str:
        second = int(time.time())
        if second != self._second:
            self._second, self._date = second, format_datetime(datetime.fromtimestamp(second, UTC))
        return self._date


def _protocol(session: Session, envelope: Envelope) -> str:
    """The keyword behind WITH (RFC 3848, RFC 6531 section 4.3): S for TLS, A for a login."""
    base = "UTF8SMTP" if envelope.parameters.smtputf8 else "ESMTP" if session.esmtp else "SMTP"
    # HELO has no registered keyword for TLS or a login; AUTH and STARTTLS make it ESMTP in all but name.
    if base == "SMTP" and (session.tls is not None or session.login is not None):
        base = "ESMTP"
    return f"{base}{'S' * (session.tls is not None)}{'A' * (session.login is not None)}"
