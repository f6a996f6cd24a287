"""The AUTH command: SASL PLAIN (RFC 4616) and LOGIN, with the brake on guessing."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from worker.smtp import parsing, replies
from worker.smtp.parsing import CommandError
from worker.smtp.replies import Reply
from worker.smtp.session import Login, Session

if TYPE_CHECKING:
    from worker.smtp.server import SmtpServer


class Authentication:
    """One SASL exchange: collects user name and password, then has them checked."""

    __slots__ = ("_initial", "_mechanism", "_password", "_username")

    def __init__(self, mechanism: bytes, initial: bytes | None) -> None:
        self._mechanism = mechanism
        self._initial = initial
        self._username: str | None = None
        self._password: str | None = None

    @classmethod
    def start(cls, argument: bytes) -> Authentication:
        """Begin with the argument of AUTH: `mechanism [initial response]`. Raises CommandError 501 or 504."""
        words = argument.split()
        if not 1 <= len(words) <= 2:
            raise CommandError(replies.SYNTAX)
        mechanism = words[0].upper()
        if mechanism not in (b"PLAIN", b"LOGIN"):
            raise CommandError(replies.LOGIN_MECHANISM)
        return cls(mechanism, words[1] if len(words) == 2 else None)

    def begin(self) -> Reply | None:
        """The first challenge, or None when the initial response said all."""
        if self._initial is not None:
            return self.respond(self._initial)
        return replies.ASK_PLAIN if self._mechanism == b"PLAIN" else replies.ASK_USERNAME

    def respond(self, line: bytes) -> Reply | None:
        """Take one response; returns the next challenge or None when complete. Raises CommandError 501 or 535."""
        if line == b"*":
            raise CommandError(replies.LOGIN_CANCELLED)
        decoded = parsing.decode_base64(line.strip())
        if self._mechanism == b"PLAIN":
            self._username, self._password = parsing.decode_plain(decoded)
            return None
        if self._username is None:
            self._username = parsing.decode_credential(decoded)
            return replies.ASK_PASSWORD
        self._password = parsing.decode_credential(decoded)
        return None

    async def check(self, server: SmtpServer, session: Session) -> Reply:
        """Ask the handler, with the brake on before and behind it.

        On success the login stands in the session and the answer is `replies.LOGIN_OK` itself.
        """
        assert self._username is not None and self._password is not None
        guard = server.guard
        if await guard.is_blocked(session.peer):
            return replies.LOGIN_TOO_MANY
        wait = await guard.delay_before(self._username)
        if wait:
            await asyncio.sleep(wait)
        answer: Login | Reply = replies.LOGIN_FAILED
        if self._username and self._password:
            answer = await server.handler.authenticate(session, self._username, self._password)
        if isinstance(answer, Login):
            session.login = answer
            return replies.LOGIN_OK
        if answer.code >= 500:
            await asyncio.sleep(await guard.record_failure(session.peer, self._username))
        return answer
