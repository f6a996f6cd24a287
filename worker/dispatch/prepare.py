"""Leased recipients become deliveries, or outcomes already: everything that is decided at the last moment before the dial stands here."""

from __future__ import annotations

import base64
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import structlog

from webapp.bridges.types import Stream
from webapp.kernel import blobs
from webapp.kernel.clock import now
from webapp.messages.feedback_id import feedback_id
from webapp.messages.service.claim import Claimed, Known, Permit
from webapp.messages.types import RecipientState
from webapp.messages.verp import make_local_part, make_unsubscribe_address
from webapp.settings import get_settings
from webapp.tenants.types import TenantStatus
from webapp.tracking.hosts import base_at
from webapp.tracking.tokens import Purpose, make_link_token, make_recipient_token
from worker.delivery.content import Attachment, ContentError, MessageContent, RecipientContent, TrackingPlan
from worker.delivery.mime import CompiledMessage
from worker.delivery.types import Delivery
from worker.dispatch.admission import Candidate, PutOff
from worker.dispatch.routes import Sender, route_for, sender_for

log = structlog.get_logger()
#: Bounds of the compiled messages kept: how many, and how many octets of body.
_KEPT_MESSAGES = 500
_KEPT_OCTETS = 64 * 2**20
#: How often mail of a paused bridge or pool is looked at.
POSTPONE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """A recipient that is never dialled: its final state, and why."""

    claimed: Claimed
    state: RecipientState
    reason: str
    reply_class: str | None = None


@dataclass(slots=True)
class Prepared:
    """What a claimed batch became."""

    candidates: list[Candidate] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    held: list[tuple[UUID, int, str]] = field(default_factory=list)
    postponed: list[PutOff] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How many recipients the batch had."""
        return len(self.candidates) + len(self.verdicts) + len(self.held) + len(self.postponed)


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A message ready to be rendered, and the tracking it was compiled for: opens, clicks, and the address that links begin with."""

    tracking: tuple[bool, bool, str]
    mail: CompiledMessage
    stream: str


class Preparer:
    """Keeps the last messages compiled: the million recipients of one message compile it once."""

    def __init__(self) -> None:
        self._compiled: OrderedDict[UUID, _Compiled] = OrderedDict()
        self._octets = 0

    def prepare(self, batch: Sequence[Claimed], known: Known) -> Prepared:
        """Sort a batch into deliveries, verdicts and holds."""
        prepared = Prepared()
        for claimed in batch:
            permit = known.permits.get(claimed.bridge_id) if claimed.bridge_id else None
            if reason := _reason_to_hold(claimed):
                prepared.held.append((claimed.recipient_id, claimed.attempt, reason))
            elif reason := _reason_to_wait(permit):
                prepared.postponed.append(PutOff(claimed.recipient_id, claimed.attempt, reason, POSTPONE_SECONDS))
            elif verdict := _verdict(claimed, known):
                prepared.verdicts.append(verdict)
            else:
                self._add(prepared, claimed, known.contents[claimed.message_id], permit)
        return prepared

    def _add(self, prepared: Prepared, claimed: Claimed, content: dict[str, Any], permit: Permit | None) -> None:
        route = route_for(claimed.pool_id) if claimed.pool_id else None
        if route is None or not route.sources or route.paused:
            reason = "The pool is paused." if route and route.paused else "The pool has no active member to send through."
            prepared.postponed.append(PutOff(claimed.recipient_id, claimed.attempt, reason, POSTPONE_SECONDS))
            return
        from_domain: str = content["from_address"].rpartition("@")[2]
        sender = sender_for((claimed.tenant_id, from_domain))
        if sender is None:
            prepared.postponed.append(PutOff(claimed.recipient_id, claimed.attempt, f"The domain {from_domain} is not verified any more.", POSTPONE_SECONDS))
            return
        try:
            token = make_recipient_token(claimed.message_id, claimed.recipient_id, host=sender.tracking_host or "")
            compiled = self._compile(content, permit, token, base_at(sender.tracking_host))
            named = make_local_part(claimed.recipient_id)
            render = partial(_render, claimed, compiled, token, named, sender)
        except (ContentError, FileNotFoundError, ValueError) as error:
            log.warning("message_not_rendered", message_id=str(claimed.message_id), error=str(error))
            prepared.verdicts.append(Verdict(claimed, RecipientState.FAILED, f"The message could not be put together: {error}", "content"))
            return
        delivery = Delivery(
            recipient_id=claimed.recipient_id,
            attempt=claimed.attempt,
            sender=f"{named}@{sender.return_path or get_settings().bounce_domain}",
            address=claimed.address,
            domain=claimed.domain,
            members=(),  # chosen at the last moment, by the pacer
            render=render,
            needs_smtputf8=compiled.mail.needs_smtputf8 or not claimed.address.isascii(),
            bad_domain_since=claimed.bad_domain_since,
        )
        prepared.candidates.append(Candidate(claimed, route, delivery))

    def _compile(self, content: dict[str, Any], permit: Permit | None, token: str, base: str) -> _Compiled:
        """The message, ready to be rendered. One with a single recipient is compiled for that one alone, and not kept."""
        message_id: UUID = content["id"]
        tracking = (permit.track_opens, permit.track_clicks, base) if permit else (False, False, base)
        found = self._compiled.get(message_id)
        if found is None or found.tracking != tracking:
            alone = content["recipient_count"] == 1
            link = partial(make_link_token, message_id)
            plan = TrackingPlan(*tracking, link, token if alone else None) if tracking[0] or tracking[1] else None
            mail = CompiledMessage.compile(_content(content), plan)
            found = _Compiled(tracking, mail, content["stream"])
            if not alone:
                self._keep(message_id, found)
        return found

    def _keep(self, message_id: UUID, compiled: _Compiled) -> None:
        if replaced := self._compiled.pop(message_id, None):
            self._octets -= replaced.mail.size
        self._compiled[message_id] = compiled
        self._octets += compiled.mail.size
        while len(self._compiled) > 1 and (len(self._compiled) > _KEPT_MESSAGES or self._octets > _KEPT_OCTETS):
            self._octets -= self._compiled.popitem(last=False)[1].mail.size


def _reason_to_wait(permit: Permit | None) -> str | None:
    if permit and permit.status == TenantStatus.SUSPENDED:
        return "The tenant is suspended."
    if permit and permit.paused:
        return "The bridge is paused."
    return None


def _reason_to_hold(claimed: Claimed) -> str | None:
    settings = get_settings()
    if claimed.fruitless > settings.max_claims:
        return f"parked after {claimed.fruitless - 1} attempts that ended without a result"
    if claimed.scheduled and now() - claimed.due_at > timedelta(hours=settings.late_hold_hours):
        return f"it is more than {settings.late_hold_hours} hours past its time"
    return None


def _verdict(claimed: Claimed, known: Known) -> Verdict | None:
    if claimed.message_id not in known.contents:
        return Verdict(claimed, RecipientState.FAILED, "The content is past its retention.", "expired")
    if claimed.expires_at < now():
        return Verdict(claimed, RecipientState.FAILED, "It could not be delivered before it expired.", "expired")
    if reason := known.suppressed.get(claimed.recipient_id):
        return Verdict(claimed, RecipientState.SUPPRESSED, reason)
    return None


def _render(claimed: Claimed, compiled: _Compiled, token: str, named: str, sender: Sender) -> bytes:
    """The message for one recipient. named: its signed name, in a header of its own: feedback loops cut out the return path and addresses."""
    unsubscribe = mailto = None
    if compiled.stream == Stream.BULK:
        unsubscribe_token = make_recipient_token(claimed.message_id, claimed.recipient_id, Purpose.UNSUBSCRIBE, sender.tracking_host or "")
        unsubscribe = f"{base_at(sender.tracking_host)}/api/unsub/{unsubscribe_token}"
        mailto = f"{make_unsubscribe_address(claimed.recipient_id, sender.return_path)}?subject=unsubscribe"
    variables = {key: str(value) for key, value in (claimed.variables or {}).items()}
    if unsubscribe:
        variables["unsubscribe_url"] = unsubscribe
    recipient = RecipientContent(
        recipient_id=claimed.recipient_id,
        recipient_token=token,
        unsubscribe_url=unsubscribe,
        unsubscribe_mailto=mailto,
        variables=variables,
        feedback_id=feedback_id(claimed.bridge_id, claimed.tenant_id, compiled.stream),
        extra_headers=(("X-Postbridge-Id", named),),
    )
    return compiled.mail.render(recipient, sender.signers, now())


def _content(row: dict[str, Any]) -> MessageContent:
    addresses: dict[str, list[list[str | None]]] = row["addresses"]

    def people(kind: str) -> tuple[tuple[str | None, str], ...]:
        return tuple((name, str(address)) for name, address in addresses.get(kind, ()))

    return MessageContent(
        message_id=row["id"],
        message_id_header=row["message_id_header"],
        from_address=row["from_address"],
        date=row["created_at"],
        from_name=row["from_name"],
        to=people("to"),
        cc=people("cc"),
        reply_to=people("reply_to"),
        subject=row["subject"],
        html=row["html"],
        text=row["text"],
        headers=tuple((name, value) for name, value in row["headers"] or ()),
        attachments=tuple(_attachment(entry) for entry in row["attachments"] or ()),
        raw=row["raw"],
    )


def _attachment(entry: dict[str, Any]) -> Attachment:
    data = blobs.get(entry["blob"]) if "blob" in entry else base64.b64decode(entry["data"])
    content_id = entry.get("content_id")
    return Attachment(entry["filename"], entry["content_type"], data, content_id, content_id is not None)
