"""One delivery on its way through the engine, and how each ending becomes an AttemptResult."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple

from worker.delivery.replies import MAX_REPLY_TEXT, classify, clean_text, parse_enhanced, verdict_of
from worker.delivery.types import AttemptResult, Delivery, Fault, Limits, Member, Outcome, ReplyClass, Stage, Verdict
from worker.delivery.wire import Reply

if TYPE_CHECKING:
    from worker.delivery.smtp_client import Connection

MAX_TRANSCRIPT = 8000

# No control characters, no angle brackets; blanks only inside a quoted local part: nothing that could end the command.
_SAFE_ADDRESS = re.compile(r'(?:"[^\x00-\x1f\x7f<>]*"|[^\x00-\x20\x7f<>"]+)@[^\x00-\x20\x7f<>"@]+')


class Failure(NamedTuple):
    """Why a destination could not be used. `code` and `text` are those of a reply, or None and our own words."""

    stage: Stage
    code: int | None
    text: str
    reply_class: ReplyClass | None = None
    host: str | None = None
    ip: str | None = None
    transcript: str = ""


class Transaction:
    """A delivery, the member in use, what was answered so far, and the notes of tries that came to nothing."""

    __slots__ = ("at", "body", "broken_hosts", "data", "delivery", "faults", "mail", "members", "notes", "position", "queued_at", "rcpt", "redials", "started")

    def __init__(self, delivery: Delivery, members: tuple[Member, ...], started: float) -> None:
        self.delivery = delivery
        self.members = members
        self.position = 0
        self.started = started
        self.queued_at = 0.0
        self.at = Stage.WAITING
        self.body: bytes | None = None
        self.mail: Reply | None = None
        self.rcpt: Reply | None = None
        self.data: Reply | None = None
        self.redials = 0
        self.notes = ""
        self.broken_hosts: frozenset[str] = frozenset()
        self.faults: tuple[Fault, ...] = ()

    @property
    def member(self) -> Member:
        """The member that this delivery is to leave through now."""
        return self.members[self.position]

    @property
    def sender(self) -> str:
        """The envelope sender through the member in use; the null sender stays what it is."""
        return self.delivery.sender and (self.members[self.position].return_path or self.delivery.sender)

    def forget_replies(self) -> None:
        """Before the envelope is sent again elsewhere. The rendered body is kept: it is the same message."""
        self.mail = self.rcpt = self.data = None
        self.at = Stage.WAITING

    def note(self, text: str) -> None:
        """Keep the record of a try that failed before this one; bounded."""
        if text and len(self.notes) < MAX_TRANSCRIPT // 2:
            self.notes += text[: MAX_TRANSCRIPT // 2] + "\n"


def order_members(members: tuple[Member, ...], key: bytes) -> tuple[Member, ...]:
    """The order in which to use pool members for the recipient `key`: by weight, and the same on every retry.

    Weighted rendezvous hashing. Greylisting hosts want the retry from the same address, and a member that is added or
    taken away moves only its own share. Members of weight 0 come last.
    """
    if len(members) < 2:
        return members

    def score(member: Member) -> float:
        draw = (int.from_bytes(blake2b(member.id.bytes + key, digest_size=8).digest(), "big") + 1) / 2**64
        return -math.log(draw) / member.weight if member.weight > 0 else math.inf

    return tuple(sorted(members, key=score))


def address_problem(delivery: Delivery, sender: str) -> str | None:
    """Why the envelope may not be put on the wire (it would break the command line), or None when it is sound."""
    if _SAFE_ADDRESS.fullmatch(delivery.address) is None:
        return "the recipient address holds characters that may not be sent"
    if sender and _SAFE_ADDRESS.fullmatch(sender) is None:
        return "the return path holds characters that may not be sent"
    if len(delivery.address) > 254 or len(sender) > 254:
        return "an address is longer than 254 characters"
    return None


def utc(seconds: float) -> datetime:
    """Seconds since the epoch as an aware UTC time."""
    return datetime.fromtimestamp(seconds, UTC)


class Reporter:
    """Builds results. Holds the wall clock, so that tests can set it."""

    def __init__(self, clock: Callable[[], float], limits: Limits) -> None:
        self.clock = clock
        self.limits = limits

    def replied(self, tx: Transaction, conn: Connection, stage: Stage, reply: Reply) -> AttemptResult:
        """The result of a reply that settles the delivery: the one after the final dot, or the first refusal."""
        code = reply.code
        text = clean_text(reply.raw)
        enhanced = parse_enhanced(text[4:])
        verdict = _DELIVERED if code < 300 else classify(code, enhanced, _words(text), stage)
        transcript = f"{tx.notes}{conn.preamble}\n{_dialogue(tx, reply)}" if tx.notes else f"{conn.preamble}\n{_dialogue(tx, reply)}"
        return self._result(tx, verdict, stage, code, enhanced, text, transcript, conn.host, conn.ip, conn.tls)

    def fault_of(self, tx: Transaction, failure: Failure) -> Fault:
        """What a member that could not be used is remembered by when another one takes over."""
        enhanced = parse_enhanced(failure.text[4:]) if failure.code is not None else None
        reply_class = failure.reply_class or classify(failure.code, enhanced, _words(failure.text), failure.stage).reply_class
        return Fault(tx.member, failure.stage, reply_class, failure.code, failure.text[:MAX_REPLY_TEXT])

    def lost(self, tx: Transaction, conn: Connection, stage: Stage, why: str) -> AttemptResult:
        """The result of a connection that ended before the delivery was settled, the final dot not having been sent."""
        transcript = f"{tx.notes}{conn.preamble}\n{_dialogue(tx, None)}* {why}\n"
        return self._result(tx, verdict_of(ReplyClass.NET), stage, None, None, why, transcript, conn.host, conn.ip, conn.tls)

    def unknown(self, tx: Transaction, conn: Connection, why: str) -> AttemptResult:
        """The result when no readable reply followed the final dot: the mail may have arrived."""
        transcript = f"{tx.notes}{conn.preamble}\n{_dialogue(tx, None)}* {why}; the message may have been accepted\n"
        verdict = verdict_of(ReplyClass.UNKNOWN_AFTER_DATA)
        return self._result(tx, verdict, Stage.END_OF_DATA, None, None, why, transcript, conn.host, conn.ip, conn.tls, duplicate=True)

    def failed(self, tx: Transaction, failure: Failure) -> AttemptResult:
        """The result of a destination that could not be reached or that refused us before the envelope."""
        enhanced = parse_enhanced(failure.text[4:]) if failure.code is not None else None
        verdict = verdict_of(failure.reply_class) if failure.reply_class else classify(failure.code, enhanced, _words(failure.text), failure.stage)
        if failure.reply_class is ReplyClass.BAD_DOMAIN:
            verdict, enhanced = self._bad_domain(tx, failure)
        transcript = f"{tx.notes}{failure.transcript or '* ' + failure.text}\n"
        return self._result(tx, verdict, failure.stage, failure.code, enhanced, failure.text, transcript, failure.host, failure.ip, None)

    def _bad_domain(self, tx: Transaction, failure: Failure) -> tuple[Verdict, str]:
        """A null MX is final at once; a domain that does not exist only when found so twice, an hour apart."""
        final = verdict_of(ReplyClass.BAD_DOMAIN)
        if failure.code == 556:
            return final, "5.1.10"
        since = tx.delivery.bad_domain_since
        if since is not None and self.clock() - since.timestamp() >= self.limits.bad_domain_confirm_seconds:
            return final, "5.1.2"
        return Verdict(ReplyClass.BAD_DOMAIN, final.blame, True, False), "4.1.2"

    def impossible(self, tx: Transaction, stage: Stage, code: int | None, enhanced: str | None, text: str, reply_class: ReplyClass) -> AttemptResult:
        """The result of a mail that we cannot send as it is, whoever the remote server may be. Never retried."""
        found = verdict_of(reply_class)
        verdict = Verdict(reply_class, found.blame, False, False)
        outcome = Outcome.FAILED if reply_class is ReplyClass.PROTOCOL else None
        return self._result(tx, verdict, stage, code, enhanced, text, f"{tx.notes}* {text}\n", None, None, None, outcome=outcome)

    def broken_render(self, tx: Transaction, error: Exception) -> AttemptResult:
        """The content would not render: our fault, worth another try after a repair, and never the recipient's."""
        text = f"the message could not be rendered: {type(error).__name__}"
        found = verdict_of(ReplyClass.PROTOCOL)
        verdict = Verdict(ReplyClass.PROTOCOL, found.blame, True, False)
        return self._result(tx, verdict, Stage.RENDER, None, None, text, f"{tx.notes}* {text}\n", None, None, None)

    def released(self, tx: Transaction, why: str, pause: float) -> AttemptResult:
        """Nothing was tried: the claim goes back, not counted, to be made again after `pause` seconds."""
        verdict = verdict_of(ReplyClass.NOT_TRIED)
        return self._result(tx, verdict, Stage.WAITING, None, None, why, f"{tx.notes}* {why}\n", None, None, None, outcome=Outcome.RELEASED, pause=pause)

    def _result(
        self,
        tx: Transaction,
        verdict: Verdict,
        stage: Stage,
        code: int | None,
        enhanced: str | None,
        text: str,
        transcript: str,
        host: str | None,
        ip: str | None,
        tls: str | None,
        duplicate: bool = False,
        outcome: Outcome | None = None,
        pause: float = 0.0,
    ) -> AttemptResult:
        if outcome is None:
            if verdict is _DELIVERED:
                outcome = Outcome.DELIVERED
            else:
                outcome = Outcome.DEFERRED if verdict.retry else Outcome.BOUNCED
        delivery = tx.delivery
        return AttemptResult(
            delivery.recipient_id,
            delivery.attempt,
            outcome,
            code,
            enhanced,
            text[:MAX_REPLY_TEXT],
            verdict.reply_class,
            verdict.blame,
            verdict.retry,
            verdict.suppress,
            tx.member.id if tx.members else None,
            host,
            ip,
            tls,
            datetime.fromtimestamp(tx.started, UTC),
            datetime.fromtimestamp(self.clock(), UTC),
            transcript[:MAX_TRANSCRIPT],
            duplicate,
            stage,
            tx.member if tx.members else None,
            tx.faults,
            pause,
        )


_DELIVERED = verdict_of(ReplyClass.DELIVERED)
# The code at the start of every line of a reply, also of the continued ones that follow a line end turned into a blank.
_CODES = re.compile(r"(?:^|(?<=\s))[2-5]\d\d[- ](?:[245]\.\d{1,3}\.\d{1,3}[ ])?")


def _words(text: str) -> str:
    """A reply without the codes at the start of its lines, so that a phrase folded over two lines reads as one."""
    return _CODES.sub("", text) if text[:1] in "2345" and text[:3].isdigit() and text[3:4] in " -" else text


def _dialogue(tx: Transaction, last: Reply | None) -> str:
    """The envelope and the replies of one transaction, a line each. The message itself is given as its size."""
    delivery = tx.delivery
    lines = f"> MAIL FROM:<{tx.sender}>\n"
    if tx.mail is not None:
        lines += f"< {shown_reply(tx.mail.raw)}\n"
    if tx.at is Stage.MAIL and last is not None and last is tx.mail:
        return lines
    lines += f"> RCPT TO:<{delivery.address}>\n"
    if tx.rcpt is not None:
        lines += f"< {shown_reply(tx.rcpt.raw)}\n"
    if tx.data is not None:
        lines += f"> DATA\n< {shown_reply(tx.data.raw)}\n"
    if tx.at is Stage.END_OF_DATA:
        lines += f"> [message of {len(tx.body or b'')} octets]\n"
    if last is not None and last is not tx.mail and last is not tx.rcpt and last is not tx.data:
        lines += f"< {shown_reply(last.raw)}\n"
    return lines


def shown_reply(raw: bytes) -> str:
    """A reply as transcript lines behind the first "< "."""
    if b"\n" not in raw:
        return clean_text(raw)
    return "\n< ".join(clean_text(line) for line in raw[:MAX_REPLY_TEXT].split(b"\n"))
