"""The inbound server (port 25): bounces to our signed return paths, complaints, unsubscribe mail, and beside it the simulator.

Unknown addresses are refused at RCPT, so nothing is ever bounced by us. What a report says is believed only for the recipient
whose return path it came to, or whose token stands in the mail it encloses.
"""

from __future__ import annotations

import asyncio
import re
import sys
from collections import OrderedDict
from collections.abc import Awaitable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID

import psycopg
import sqlalchemy.exc
import structlog
from sqlalchemy.orm import Session as DatabaseSession

from webapp.kernel import clock
from webapp.kernel.db import unscoped
from webapp.kernel.errors import first_line
from webapp.kernel.ids import uuid7_time
from webapp.messages.mime_headers import find_header
from webapp.messages.reports import AutoReply, BounceReport, ComplaintReport, Report, parse_report
from webapp.messages.service.feedback import LateBounce, find_address, find_message, record_bounce, record_complaint
from webapp.messages.verp import find_recipient, find_unsubscriber
from webapp.settings import Settings, get_settings
from webapp.tracking.hosts import bound_host
from webapp.tracking.service import unsubscribe
from webapp.tracking.tokens import Purpose, Who, read_recipient_token
from worker.delivery.replies import classify
from worker.delivery.types import Stage
from worker.smtp import replies
from worker.smtp.limits import Limits
from worker.smtp.parsing import MailParameters
from worker.smtp.replies import Reply
from worker.smtp.return_hosts import takes_returns
from worker.smtp.serve import Listener, make_tls_context, run, serve_until_signal
from worker.smtp.server import SmtpServer
from worker.smtp.session import Answer, Envelope, Login, Session
from worker.smtp.simulated_mailbox import SimulatedMailbox, make_simulator_server
from worker.smtp.submission import certificate_of, note_server, seen

log = structlog.get_logger()

TOKEN_LIFE = timedelta(days=45)
"""How long a return path takes reports; receivers give up within days."""
REPORTS_A_DAY = 10
"""Reports taken per return path and day; more is a loop."""
ROLES = frozenset({"postmaster", "abuse", "fbl"})
"""Addresses of the bounce domain that complaints may be sent to (RFC 2142)."""
_MAX_TRACKED = 100_000
_TOKEN = re.compile(r"\b([bu][a-z2-7]{42})\b", re.IGNORECASE)
_LINK = re.compile(r"//([A-Za-z0-9.:\[\]\-]+)/api/unsub/([A-Za-z0-9_\-]{40,80})")
_ENCLOSED_HEADERS = 200


class Inbound:
    """Handler of the inbound server."""

    def __init__(self, settings: Settings) -> None:
        self._domain = settings.bounce_domain.lower()
        self._threads = ThreadPoolExecutor(2, "inbound")
        self._seen_today: OrderedDict[UUID, list[float]] = OrderedDict()

    async def authenticate(self, session: Session, username: str, password: str) -> Login | Reply:
        """Nobody logs in here."""
        return replies.LOGIN_NOT_OFFERED

    def sender(self, session: Session, address: str, parameters: MailParameters) -> Answer:
        """Reports come from anywhere, mostly from the null sender."""
        return None

    def recipient(self, session: Session, address: str, envelope_sender: str) -> Answer | Awaitable[Answer]:
        """Return paths and unsubscribe addresses with a valid signature, and the role addresses; anything else does not exist."""
        local, _, domain = address.rpartition("@")
        if address.lower() == "postmaster" or (domain.lower() == self._domain and local.lower() in ROLES):
            return None
        identity = find_unsubscriber(local)  # of any age: people unsubscribe from old mail, and the recipient's row is the limit
        if identity is None:
            identity = find_recipient(local)
            if identity is None or uuid7_time(identity) < clock.now() - TOKEN_LIFE:
                return replies.UNKNOWN_RECIPIENT
        return None if domain.lower() == self._domain else self._at_tenants_host(domain, identity)

    async def _at_tenants_host(self, domain: str, identity: UUID) -> Answer:
        try:
            taken = await asyncio.get_running_loop().run_in_executor(self._threads, takes_returns, domain, identity)
        except (sqlalchemy.exc.SQLAlchemyError, psycopg.Error) as error:
            log.warning("database_away", error=first_line(error))
            return replies.UNAVAILABLE
        return None if taken else replies.UNKNOWN_RECIPIENT

    async def message(self, session: Session, envelope: Envelope, data: bytes) -> Reply:
        """Read the report and write down what it means, before the answer."""
        try:
            await asyncio.get_running_loop().run_in_executor(self._threads, self._take, envelope, data)
        except (sqlalchemy.exc.SQLAlchemyError, psycopg.Error, OSError) as error:
            log.warning("database_away", error=first_line(error))
            return replies.UNAVAILABLE
        return replies.ACCEPTED

    def close(self) -> None:
        """Give the threads back; to be called when the server has stopped."""
        self._threads.shutdown(wait=True)

    def _take(self, envelope: Envelope, data: bytes) -> None:
        reports = parse_report(data)
        leaving = [identity for address in envelope.recipients if (identity := find_unsubscriber(address.rpartition("@")[0]))]
        if leaving:
            self._unsubscribe(leaving, wanted=bool(envelope.sender) and all(map(_asks_to_unsubscribe, reports)))
            return
        named = [identity for address in envelope.recipients if (identity := find_recipient(address.rpartition("@")[0]))]
        for identity in named or _enclosed_recipients(reports):
            if self._is_loop(identity):
                log.warning("too_many_reports", recipient_id=str(identity))
                continue
            with unscoped("a return path names its recipient, not its tenant") as rows:
                outcome = apply_reports(rows, identity, reports, from_null_sender=not envelope.sender)
            self._note(identity)
            log.info("report_taken", recipient_id=str(identity), outcome=outcome)
        if not named:
            log.info("role_mail_taken", to=envelope.recipients, sender=envelope.sender, reports=len(reports))

    def _unsubscribe(self, leaving: Sequence[UUID], *, wanted: bool) -> None:
        """Mail to an unsubscribe address acts whatever it says, unless a machine wrote it that was not asked to."""
        for identity in dict.fromkeys(leaving):
            done = None
            if wanted and not self._is_loop(identity):
                with unscoped("an unsubscribe address names its recipient, not its tenant") as rows:
                    message_id = find_message(rows, identity)
                    done = unsubscribe(rows, Who(message_id, identity), "mail") if message_id else None
                self._note(identity)
            outcome = "ignored" if done is None else "unsubscribed" if done.first else "repeated"
            log.info("unsubscribe_mail_taken", recipient_id=str(identity), outcome=outcome)

    def _is_loop(self, identity: UUID) -> bool:
        """Whether enough was taken today. Only what was written down counts: mail that comes again because the database was away is no loop."""
        since = clock.now().timestamp() - 86400
        return sum(moment > since for moment in self._seen_today.get(identity, ())) >= REPORTS_A_DAY

    def _note(self, identity: UUID) -> None:
        moment = clock.now().timestamp()
        self._seen_today[identity] = [*self._seen_today.pop(identity, ()), moment][-REPORTS_A_DAY:]
        while len(self._seen_today) > _MAX_TRACKED:
            self._seen_today.popitem(last=False)


def _asks_to_unsubscribe(report: Report) -> bool:
    """Mail programs that unsubscribe for their user may say that they wrote by themselves; bounces and holiday notes are nobody's wish."""
    return isinstance(report, AutoReply) and "unsubscribe" in report.subject.lower()


def apply_reports(rows: DatabaseSession, recipient_id: UUID, reports: Sequence[Report], *, from_null_sender: bool) -> str:
    """Write down what reports mean for one recipient; returns a word for the log.

    Bounces count only from the null sender (RFC 3464 section 2): a person forwarding one is not a mail system.
    """
    for report in reports:
        if isinstance(report, ComplaintReport):
            if not report.is_complaint:
                return report.feedback_type
            return "complaint" if record_complaint(rows, recipient_id, report.feedback_type, report.user_agent) else "repeated"
    bounces = [report for report in reports if isinstance(report, BounceReport) and not _is_about_a_report(report)]
    if not bounces or not from_null_sender:
        return "ignored"
    bounce = _decisive(bounces, find_address(rows, recipient_id))
    if bounce is None:
        return "no bounce"
    return "bounce" if record_bounce(rows, late_bounce_of(recipient_id, bounce)) else "repeated"


def _is_about_a_report(report: BounceReport) -> bool:
    """A bounce of a bounce: we send none, so it is a loop of others, or somebody's play with our address."""
    kind = find_header(report.original.headers, "Content-Type") or ""
    automatic = find_header(report.original.headers, "Auto-Submitted") or "no"
    return kind.lower().startswith("multipart/report") and not automatic.lower().startswith("no")


def late_bounce_of(recipient_id: UUID, report: BounceReport) -> LateBounce:
    """A bounce report classified like a reply in the conversation."""
    code = report.code or (int(report.status[0]) * 100 + 50 if report.status else None)
    verdict = classify(code, report.status, report.diagnostic, Stage.DSN)
    words = report.diagnostic or f"Bounced with status {report.status or 'unknown'}"
    return LateBounce(recipient_id, report.code, report.status, words[:1000], verdict.reply_class.value, verdict.blame.value, verdict.suppress)


def _decisive(bounces: Sequence[BounceReport], address: str | None) -> BounceReport | None:
    """The report that says that our recipient failed.

    One that names our address counts alone; when none does (the mail was forwarded), all must be failures: a list address
    that reached some of its members did not bounce.
    """
    if address is None:
        return None
    wanted = address.casefold()
    ours = [report for report in bounces if wanted in {(report.recipient or "").casefold(), (report.original_recipient or "").casefold()}]
    if ours:
        return next((report for report in ours if report.is_bounce), None)
    return bounces[0] if all(report.is_bounce for report in bounces) else None


def _enclosed_recipients(reports: Iterable[Report]) -> list[UUID]:
    """The recipient whose signed token stands in a complaint or in the mail it encloses: feedback loops write to one address for
    all mail, and often redact the rest. Return-Path, X-Postbridge-Id and both forms of List-Unsubscribe hold one."""
    for report in reports:
        if not isinstance(report, ComplaintReport):
            continue
        for text in (report.mail_from or "", *(header.value for header in report.original.headers[:_ENCLOSED_HEADERS])):
            identity = next(_signed_in(text), None)
            if identity is not None:
                return [identity]
    return []


def _signed_in(text: str) -> Iterator[UUID]:
    for match in _TOKEN.finditer(text):
        identity = find_recipient(match[1]) or find_unsubscriber(match[1])
        if identity is not None:
            yield identity
    for match in _LINK.finditer(text):
        who = read_recipient_token(match[2], Purpose.UNSUBSCRIBE, bound_host(match[1]))
        if who is not None:
            yield who.recipient_id


def make_server(settings: Settings, handler: Inbound) -> SmtpServer:
    """The inbound server; STARTTLS with the same certificate as submission."""
    limits = Limits(
        # A bounce may enclose the whole message that it is about.
        message_octets=settings.max_message_bytes + 1024 * 1024,
        recipients=100,
        connections_per_address=settings.smtp_connections_per_address,
        idle_seconds=120.0,
    )
    return SmtpServer("inbound", settings.mail_hostname, handler, limits, tls_context=make_tls_context(*certificate_of(settings)))


async def serve(settings: Settings) -> None:
    """Serve the inbound port, and the simulator's when it is switched on, until a signal."""
    handler = Inbound(settings)
    server = note_server(make_server(settings, handler))
    listeners = [Listener(server, settings.smtp_host, settings.inbound_port)]
    mailbox = SimulatedMailbox()
    if settings.simulator_enabled:
        simulator = note_server(make_simulator_server(settings, mailbox))
        listeners.append(Listener(simulator, settings.smtp_host, settings.simulator_port))
    try:
        await serve_until_signal(listeners)
    finally:
        handler.close()
        mailbox.close()


def main() -> None:
    """Entry of `python -m worker inbound`."""
    from worker.runtime import start_process

    start_process("inbound", seen)
    try:
        run(serve(get_settings()))
    except OSError as error:
        log.error("cannot_serve", error=str(error))
        sys.exit(1)
