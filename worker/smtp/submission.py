"""The submission server (ports 587 and 465): mail of applications, logged in as a bridge, into `messages.service.accept`.

250 is said after the commit only. Messages of many sessions share one transaction per tenant (`worker.smtp.committer`).
"""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import ssl
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID

import psycopg
import sqlalchemy.exc
import structlog
from psycopg import errors as pg

from webapp import metrics
from webapp.bridges.service import find_login, note_uses, valid_credentials
from webapp.bridges.types import BridgeLogin
from webapp.kernel.addresses import BadAddress, parse_address
from webapp.kernel.errors import DomainError, ValidationFailed
from webapp.kernel.jobs import wake_delivery
from webapp.messages.mime_intake import IntakeError
from webapp.messages.service import Sender, accept_many
from webapp.messages.types import Accepted, MessageSubmission, RecipientState
from webapp.settings import Settings, get_settings
from worker.smtp import replies
from worker.smtp.accepting import build_submission, reply_to, reply_to_intake_error
from worker.smtp.committer import GroupCommitter
from worker.smtp.guard import FailureCounter
from worker.smtp.limits import Limits
from worker.smtp.parsing import MailParameters
from worker.smtp.received import Tracer
from worker.smtp.replies import Reply
from worker.smtp.serve import Listener, make_tls_context, run, serve_until_signal
from worker.smtp.server import SmtpServer
from worker.smtp.session import Answer, Envelope, Login, Session
from worker.smtp.shared_failures import SharedFailures
from worker.smtp.storage import DiskGuard, ThreadConnections, reply_to_failure

log = structlog.get_logger()

REVOCATION_SECONDS = 2.0
"""How often open sessions are checked. With the life of remembered logins it stays under the five seconds promised."""
LOGIN_LIFE = 2.0
USE_SECONDS = 60.0
"""How often the credentials of sessions that send are stamped as used; a login stamps its own."""
_REMEMBERED_LOGINS = 10_000
_WAKE_PAUSE = 0.1
"""Seconds between two rings for delivery. The first of a row comes at once."""
_INLINE_OCTETS = 64 * 1024
"""Messages up to this size are parsed in the event loop (well under a millisecond); larger ones in a thread."""

BRIDGE_PAUSED = Reply(454, "4.7.0", "This bridge is paused; resume it, then try again")


class Waker:
    """Rings for the delivery workers from a thread of its own: a broker that is away must not hold up anybody's 250."""

    def __init__(self, wake: Callable[[], None] = wake_delivery) -> None:
        self._wake = wake
        self._rung = threading.Event()
        threading.Thread(target=self._serve, name="waker", daemon=True).start()

    def ring(self) -> None:
        """Wake soon; many rings in a row become one."""
        self._rung.set()

    def _serve(self) -> None:
        while self._rung.wait():
            self._rung.clear()
            try:
                self._wake()
            except Exception as error:
                log.warning("wake_failed", error=str(error))
            time.sleep(_WAKE_PAUSE)


class Submission:
    """Handler of the submission server."""

    def __init__(self, settings: Settings, waker: Waker | None = None) -> None:
        self._disk = DiskGuard(settings.var_dir, settings.disk_minimum_bytes)
        self._tracer = Tracer(settings.mail_hostname, show_client=settings.smtp_show_client)
        self._connections = ThreadConnections()
        self._committer: GroupCommitter[UUID, tuple[Sender, MessageSubmission], Accepted | DomainError] = GroupCommitter(
            "accept", self._commit
        )
        self._threads = ThreadPoolExecutor(4, "submission")
        self._waker = waker or Waker()
        self._logins: OrderedDict[tuple[str, bytes], tuple[float, BridgeLogin]] = OrderedDict()
        self._used: set[UUID] = set()

    # --- Handler ------------------------------------------------------------------------------------------------

    async def authenticate(self, session: Session, username: str, password: str) -> Login | Reply:
        """Log in as a bridge. What was right a moment ago is believed for two seconds."""
        key = (username, hashlib.sha256(password.encode()).digest())
        known = self._logins.get(key)
        if known is None or time.monotonic() - known[0] > LOGIN_LIFE:
            try:
                found = await asyncio.get_running_loop().run_in_executor(self._threads, find_login, username, password)
            except (sqlalchemy.exc.SQLAlchemyError, OSError) as error:
                log.warning("database_away", error=str(error).splitlines()[0])
                return replies.LOGIN_UNAVAILABLE
            metrics.SMTP_LOGINS.labels("ok" if found else "failed").inc()
            if found is None:
                self._logins.pop(key, None)
                return replies.LOGIN_FAILED
            known = self._remember(key, found)
        login = known[1]
        return BRIDGE_PAUSED if login.is_paused else Login(username, login)

    def sender(self, session: Session, address: str, parameters: MailParameters) -> Answer:
        """Whether the address may send is judged with the From header, behind the message; here only whether it is one."""
        full = self._disk.refusal()
        if full is not None:
            return full
        if not address:
            return None
        return _judge(address, 501, "5.1.7")

    def recipient(self, session: Session, address: str, envelope_sender: str) -> Answer:
        """Anything that can be written to."""
        return _judge(address, 501, "5.1.3")

    async def message(self, session: Session, envelope: Envelope, data: bytes) -> Reply:
        """Accept it, and answer once it is committed."""
        assert session.login is not None
        login = session.login.identity
        assert isinstance(login, BridgeLogin)
        try:
            submission = await self._read(login, envelope, data, self._tracer.received(session, envelope))
        except IntakeError as error:
            return reply_to_intake_error(error)
        sender = Sender(login.tenant_id, login.mode, bridge_id=login.bridge_id)
        try:
            result = await self._committer.submit(login.tenant_id, (sender, submission))
        except (psycopg.Error, OSError) as error:
            log.warning("accept_failed", error=str(error).splitlines()[0], bridge_id=str(login.bridge_id))
            return reply_to_failure(error)
        self._used.add(login.credential_id)
        return reply_to(result)

    # --- for the process ----------------------------------------------------------------------------------------

    def close(self) -> None:
        """Give threads and connections back; to be called when the server has stopped."""
        self._committer.close()
        self._threads.shutdown(wait=True)
        self._connections.close()

    async def watch_revocation(self, server: SmtpServer, every: float = REVOCATION_SECONDS) -> None:
        """End sessions whose credentials are deleted, expired or paused. Runs for ever; a database that is away is waited for."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(every)
            held = {login.credential_id for session in server.open_sessions if (login := _login_of(session))}
            if not held:
                continue
            try:
                valid = await loop.run_in_executor(self._threads, valid_credentials, held)
            except (sqlalchemy.exc.SQLAlchemyError, OSError) as error:
                log.warning("database_away", error=str(error).splitlines()[0])
                continue
            self.end_sessions(server, held - valid)

    async def watch_uses(self, every: float = USE_SECONDS) -> None:
        """Stamp what sessions have sent with as used, for those that stay open for hours. Runs for ever; a stamp that fails is made with the next."""
        while True:
            await asyncio.sleep(every)
            used, self._used = self._used, set()
            try:
                await asyncio.get_running_loop().run_in_executor(self._threads, note_uses, used)
            except (sqlalchemy.exc.SQLAlchemyError, OSError) as error:
                self._used |= used
                log.warning("database_away", error=str(error).splitlines()[0])

    def end_sessions(self, server: SmtpServer, credential_ids: set[UUID]) -> int:
        """End the open sessions of these credentials; returns how many there were."""
        if not credential_ids:
            return 0
        for key in [key for key, (_, login) in self._logins.items() if login.credential_id in credential_ids]:
            del self._logins[key]
        ended = server.close_sessions(lambda session: (login := _login_of(session)) is not None and login.credential_id in credential_ids)
        log.info("sessions_ended", sessions=ended, credentials=[str(identity) for identity in credential_ids])
        return ended

    # --- inside -------------------------------------------------------------------------------------------------

    def _remember(self, key: tuple[str, bytes], login: BridgeLogin) -> tuple[float, BridgeLogin]:
        entry = self._logins[key] = (time.monotonic(), login)
        self._logins.move_to_end(key)
        while len(self._logins) > _REMEMBERED_LOGINS:
            self._logins.popitem(last=False)
        return entry

    async def _read(self, login: BridgeLogin, envelope: Envelope, data: bytes, received: bytes) -> MessageSubmission:
        sender = parse_address(envelope.sender) if envelope.sender else None
        recipients = [parse_address(address) for address in envelope.recipients]
        if len(data) <= _INLINE_OCTETS:
            return build_submission(data, sender, recipients, login.bridge_id, received)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, build_submission, data, sender, recipients, login.bridge_id, received)

    def _commit(self, tenant_id: UUID, group: Sequence[tuple[Sender, MessageSubmission]]) -> Sequence[Accepted | DomainError]:
        """Accept a group in one transaction. Runs in a thread.

        A message that the database itself refuses must not take its neighbours down: the group is tried again one by one.
        """
        try:
            with self._connections.tenant(tenant_id) as connection:
                results = accept_many(connection, group)
        except (pg.DataError, pg.IntegrityError, pg.ProgrammingError):
            if len(group) == 1:
                raise
            return [result for item in group for result in self._commit_alone(tenant_id, item)]
        self._count(results)
        return results

    def _count(self, results: Sequence[Accepted | DomainError]) -> None:
        fresh = [result for result in results if isinstance(result, Accepted) and not result.replayed]
        if any(result.status is RecipientState.QUEUED for result in fresh):
            self._waker.ring()
        for mode in {result.mode for result in fresh}:
            metrics.ACCEPTED.labels("smtp", mode.value).inc(sum(result.mode is mode for result in fresh))

    def _commit_alone(self, tenant_id: UUID, item: tuple[Sender, MessageSubmission]) -> Sequence[Accepted | DomainError]:
        try:
            return self._commit(tenant_id, [item])
        except psycopg.Error as error:
            log.error("message_refused_by_database", error=str(error).splitlines()[0], bridge_id=str(item[0].bridge_id))
            return [UNSTORABLE]


UNSTORABLE = ValidationFailed("The message holds something that cannot be stored, such as a NUL in its metadata.")


def _judge(address: str, code: int, status: str) -> Answer:
    try:
        parse_address(address)
    except BadAddress as error:
        return Reply(code, status, f"Cannot write to this address: {error}")
    return None


def _login_of(session: Session) -> BridgeLogin | None:
    identity = session.login.identity if session.login is not None else None
    return identity if isinstance(identity, BridgeLogin) else None


def limits_of(settings: Settings) -> Limits:
    """The limits of the submission server under these settings."""
    return Limits(
        message_octets=settings.max_message_bytes,
        recipients=settings.max_recipients,
        connections_per_address=settings.smtp_connections_per_address,
    )


def make_server(
    settings: Settings, handler: Submission, tls_context: ssl.SSLContext | None, failures: FailureCounter | None = None, *, allow_plain_login: bool = False
) -> SmtpServer:
    """The submission server. failures: counts failed logins; allow_plain_login: AUTH without TLS, for measurements on loopback only."""
    return SmtpServer(
        "submission", settings.mail_hostname, handler, limits_of(settings),
        tls_context=tls_context, login_required=True, allow_plain_login=allow_plain_login,
        plain_login_networks=settings.smtp_plain_auth_networks, failure_counter=failures,
    )  # fmt: skip


def certificate_of(settings: Settings) -> tuple[Path, Path]:
    """Certificate and key of the SMTP servers: the operator's, or the generated one under `var_dir`."""
    from webapp.stack.certificates import ensure_certificate

    return ensure_certificate(settings.var_dir, settings.mail_hostname, settings.tls_cert, settings.tls_key)


async def serve(settings: Settings, *, allow_plain_login: bool = False) -> None:
    """Serve both submission ports until a signal."""
    handler = Submission(settings)
    failures = SharedFailures(limits_of(settings).auth_window)
    failures.start()
    tls = make_tls_context(*certificate_of(settings))
    server = note_server(make_server(settings, handler, tls, failures, allow_plain_login=allow_plain_login))
    listeners = [
        Listener(server, settings.smtp_host, settings.submission_port),
        Listener(server, settings.smtp_host, settings.submission_tls_port, implicit_tls=True),
    ]
    try:
        await serve_until_signal(listeners, [lambda: handler.watch_revocation(server), handler.watch_uses])
    finally:
        handler.close()


_servers: list[SmtpServer] = []


def note_server(server: SmtpServer) -> SmtpServer:
    """Count this server in what `seen` reports; returns it."""
    _servers.append(server)
    return server


def seen() -> dict[str, int]:
    """Counters of this process, for its heartbeat and the metrics page."""
    totals: dict[str, int] = {"sessions": sum(len(server.open_sessions) for server in _servers)}
    for server in _servers:
        for name, value in dataclasses.asdict(server.counters).items():
            totals[name] = totals.get(name, 0) + value
    return totals


def main() -> None:
    """Entry of `python -m worker submission`."""
    from worker.runtime import start_process

    start_process("submission", seen)
    try:
        run(serve(get_settings()))
    except OSError as error:
        log.error("cannot_serve", error=str(error))
        sys.exit(1)
