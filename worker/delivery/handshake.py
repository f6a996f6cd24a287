"""From an address to a connection that takes mail: connect, banner, EHLO or HELO, TLS, AUTH. Fails with a DialFailure."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime

from worker.delivery.dane import matches, presented_chain
from worker.delivery.login import Login, LoginImpossible, choose_login
from worker.delivery.replies import clean_text
from worker.delivery.smtp_client import Connection
from worker.delivery.tls_policy import Check, Protection, plain_protection
from worker.delivery.tls_report import TlsResult, result_of
from worker.delivery.transaction import Failure, shown_reply
from worker.delivery.types import Limits, Member, MemberKind, ReplyClass, Stage, TlsMode
from worker.delivery.wire import Reply


class DialFailure(Exception):
    """The connection could not be made ready.

    `tls_broken`: a TLS handshake failed that was not required, so less may be tried. `is_loop`: the host is this system itself.
    """

    def __init__(self, failure: Failure, *, tls_broken: bool = False, is_loop: bool = False) -> None:
        super().__init__(failure.text)
        self.failure = failure
        self.tls_broken = tls_broken
        self.is_loop = is_loop


@dataclass(frozen=True, slots=True)
class TlsContexts:
    """The two ways we speak TLS: verifying chain and name, or only encrypting (opportunistic)."""

    verified: ssl.SSLContext
    unverified: ssl.SSLContext

    @classmethod
    def load(cls, ca_file: str | None) -> TlsContexts:
        """Contexts of TLS 1.2 and above, trusting `ca_file` or the system's roots. Raises OSError for an unreadable file."""
        verified = ssl.create_default_context(cafile=ca_file)
        unverified = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        unverified.check_hostname = False
        unverified.verify_mode = ssl.CERT_NONE
        for context in (verified, unverified):
            context.minimum_version = ssl.TLSVersion.TLSv1_2
        return cls(verified, unverified)


class Dialer:
    """One attempt to make one connection; `log` becomes the head of every transcript of that connection.

    `protection`: what a policy of the destination demands; None: what `tls` alone means. `tls_result` tells reports how TLS went.
    """

    def __init__(
        self,
        member: Member,
        tls: TlsMode,
        host: str,
        ip: str,
        port: int,
        limits: Limits,
        contexts: TlsContexts,
        protection: Protection | None = None,
    ) -> None:
        self.member, self.tls, self.host, self.ip, self.port = member, tls, host, ip, port
        self.limits, self.contexts = limits, contexts
        self.protection = protection or plain_protection(tls, host)
        self.log: list[str] = []
        self.stage = Stage.CONNECT
        self.tls_result: TlsResult | None = None
        self.loop_is_fine = False  # the mail is for a domain that this system takes mail for
        self._login: Login | None = None

    async def dial(self) -> Connection:
        """The connection, ready for `begin`. Raises DialFailure; nothing is left open then."""
        conn: Connection | None = None
        try:
            conn = await self._connect()
            await self._greet(conn)
            if self.tls in (TlsMode.OPPORTUNISTIC, TlsMode.REQUIRED):
                await self._secure(conn)
            self._refuse_ourselves(conn)
            if self.member.username is not None:
                await self._authenticate(conn, self.member.username, self.member.password or "")
            conn.preamble = "\n".join(self.log)
            return conn
        except DialFailure:
            if conn is not None:
                conn.quit()
            raise
        except (OSError, TimeoutError, ConnectionError, asyncio.CancelledError) as error:
            if conn is not None:
                conn.abort(str(error))
            if isinstance(error, asyncio.CancelledError):
                raise
            raise self._broken(error) from None

    # -- steps ---------------------------------------------------------------------------------------------------

    async def _connect(self) -> Connection:
        member, timeouts = self.member, self.limits.timeouts
        implicit = self.tls is TlsMode.IMPLICIT
        source = f" from {member.source_ip}" if member.source_ip else ""
        self.log.append(f"* connecting to {self.host} [{self.ip}]:{self.port}{source}{' with TLS' if implicit else ''}")
        local = (member.source_ip, 0) if member.source_ip else None
        async with asyncio.timeout(timeouts.connect):
            _, conn = await asyncio.get_running_loop().create_connection(
                lambda: Connection(timeouts, self.host, self.ip),
                self.ip,
                self.port,
                local_addr=local,
                ssl=self.contexts.verified if implicit else None,
                server_hostname=self.host if implicit else None,
            )
        if implicit:
            conn.note_tls()
            self.log.append(f"* {conn.tls}")
        return conn

    async def _greet(self, conn: Connection) -> None:
        self.stage = Stage.BANNER
        banner = await self._ask(conn, None, self.limits.timeouts.banner)
        if banner.code != 220:
            raise self._refused(banner)
        await self._hello(conn)

    async def _hello(self, conn: Connection) -> None:
        """EHLO, or HELO towards servers that do not know it (RFC 5321 3.2)."""
        self.stage = Stage.EHLO
        name, seconds = self.member.helo_name, self.limits.timeouts.ehlo
        reply = await self._ask(conn, f"EHLO {name}", seconds)
        if reply.code == 250:
            first, *rest_of_lines = clean_lines(reply)
            conn.greets_as = first.partition(" ")[0].lower().rstrip(".")
            for line in rest_of_lines:
                word, _, rest = line.partition(" ")
                word, equals, more = word.partition("=")  # "AUTH=LOGIN" of very old servers
                conn.extensions[word.upper()] = f"{more} {rest}".strip() if equals else rest
            return
        if reply.code >= 500:
            reply = await self._ask(conn, f"HELO {name}", seconds)
            if reply.code == 250:
                return
        raise self._refused(reply)

    async def _secure(self, conn: Connection) -> None:
        """STARTTLS. What the server said in the clear is forgotten; required TLS that cannot be had ends the connection."""
        self.stage = Stage.STARTTLS
        required = self.protection.required
        if "STARTTLS" not in conn.extensions:
            self.tls_result = TlsResult.STARTTLS_NOT_SUPPORTED
            if required:
                raise self._failure("the server does not offer TLS, which is required here", ReplyClass.TLS)
            return
        seconds = self.limits.timeouts.starttls
        reply = await self._ask(conn, "STARTTLS", seconds)
        if reply.code != 220:
            self.tls_result = TlsResult.STARTTLS_NOT_SUPPORTED
            if required or reply.code == 421:
                raise self._refused(reply, ReplyClass.TLS)
            return
        if conn.unread():
            raise self._failure("the server sent data in the clear behind its answer to STARTTLS", ReplyClass.TLS)
        await self._handshake(conn, seconds)
        await self._hello(conn)

    async def _handshake(self, conn: Connection, seconds: float) -> None:
        """TLS on a connection whose server is ready for it, with the check that the destination's policy or our mode asks for."""
        wanted = self.protection
        context = self.contexts.verified if wanted.check is Check.ROOTS else self.contexts.unverified
        try:
            await conn.start_tls(context, wanted.server_name, seconds)
        except (OSError, TimeoutError, ConnectionError) as error:
            conn.abort(str(error))
            text = f"the TLS handshake failed: {_describe(error)}"
            self.log.append(f"* {text}")
            self.tls_result = result_of(error)
            raise DialFailure(self._make(None, text, ReplyClass.TLS), tls_broken=not wanted.required) from None
        if wanted.check is Check.TLSA and not self._matches_tlsa(conn):
            conn.abort("the certificate matches no TLSA record")
            self.tls_result = TlsResult.VALIDATION_FAILURE
            raise self._failure(f"no TLSA record of {wanted.server_name} matches the server's certificate", ReplyClass.TLS)
        self.tls_result = TlsResult.SUCCESSFUL
        self.log.append(f"* {conn.tls}{_CHECKED[wanted.check]}")

    def _matches_tlsa(self, conn: Connection) -> bool:
        tls = conn.tls_object()
        return tls is not None and matches(self.protection.tlsa, presented_chain(tls), self.protection.names, datetime.now(UTC))

    def _refuse_ourselves(self, conn: Connection) -> None:
        """An MX host that greets with a name of ours is we ourselves: mail for a domain that we do not take would go round (RFC 5321 5.1)."""
        if not self.loop_is_fine and self.member.kind is MemberKind.IP and conn.greets_as in self.limits.own_names:
            text = f"554 5.4.6 {self.host} is this system itself: mail for the domain loops back"
            self.log.append(f"* {text}")
            raise DialFailure(self._make(554, text, ReplyClass.REJECTED), is_loop=True)

    async def _authenticate(self, conn: Connection, username: str, password: str) -> None:
        """AUTH (RFC 4954), under TLS only, but for loopback when the settings say so."""
        self.stage = Stage.AUTH
        seconds = self.limits.timeouts.auth
        try:
            login = self._login = choose_login(self.member.auth, conn, username, password, plain_on_loopback=self.limits.plain_auth_on_loopback)
        except LoginImpossible as error:
            raise self._failure(str(error), ReplyClass.RELAY) from None
        reply = await self._ask(conn, login.first, seconds, shown=login.shown)
        for answer in login.answers:
            if reply.code != 334:
                break
            reply = await self._ask(conn, answer(clean_text(reply.raw)[4:]), seconds, shown="[hidden]")
        if reply.code != 235:
            raise self._refused(reply, None if reply.code == 421 else ReplyClass.RELAY)

    # -- words ---------------------------------------------------------------------------------------------------

    async def _ask(self, conn: Connection, command: str | None, seconds: float, shown: str | None = None) -> Reply:
        if command is not None:
            self.log.append(f"> {shown or command}")
        reply = await conn.ask(f"{command}\r\n".encode() if command is not None else b"", seconds)
        self.log.append(f"< {self._redact(shown_reply(reply.raw))}")
        return reply

    def _redact(self, text: str) -> str:
        return self._login.redact(text) if self._login is not None else text

    def _refused(self, reply: Reply, reply_class: ReplyClass | None = None) -> DialFailure:
        return DialFailure(self._make(reply.code, self._redact(clean_text(reply.raw)), reply_class))

    def _failure(self, text: str, reply_class: ReplyClass) -> DialFailure:
        self.log.append(f"* {text}")
        return DialFailure(self._make(None, text, reply_class))

    def _broken(self, error: BaseException) -> DialFailure:
        if isinstance(error, OSError) and error.errno == errno.EADDRNOTAVAIL and self.member.source_ip:
            return self._failure(f"this machine has no address {self.member.source_ip} to send from", ReplyClass.RELAY)
        certificate = isinstance(error, ssl.SSLError)
        text = f"{'the TLS handshake failed' if certificate else _STEP[self.stage]}: {_describe(error)}"
        return self._failure(text, ReplyClass.TLS if certificate else ReplyClass.NET)

    def _make(self, code: int | None, text: str, reply_class: ReplyClass | None) -> Failure:
        return Failure(self.stage, code, text, reply_class, self.host, self.ip, "\n".join(self.log))


_CHECKED = {Check.NOTHING: "", Check.ROOTS: " (verified)", Check.TLSA: " (verified by DANE)"}
_STEP = {
    Stage.CONNECT: "could not connect",
    Stage.BANNER: "no greeting",
    Stage.EHLO: "no answer to EHLO",
    Stage.STARTTLS: "no answer to STARTTLS",
    Stage.AUTH: "no answer to AUTH",
}


def _describe(error: BaseException) -> str:
    if isinstance(error, TimeoutError) and not str(error):
        return "timed out"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate not accepted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return str(error.reason or error)
    if isinstance(error, OSError) and error.errno is not None and not isinstance(error, socket.gaierror):
        return os.strerror(error.errno).lower()
    return str(error) or type(error).__name__


def clean_lines(reply: Reply) -> list[str]:
    """The lines of a reply without their codes, as printable text."""
    return [clean_text(line)[4:] for line in reply.raw.split(b"\n")]
