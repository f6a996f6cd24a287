"""From a filter of the log to conditions: which index the rows are walked by, and what is looked at on the way."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from webapp.kernel.ids import parse_uuid
from webapp.kernel.scope import Scope
from webapp.messages.log.types import BAD_ENDS, UNDER_WAY, LogFilter, LogStatus
from webapp.messages.models import Message, MessageTag, QueueEntry, Recipient

Condition = sa.ColumnElement[bool]
_ADDRESS = re.compile(r"[^@\s<>]+@[^@\s<>]+\.[^@\s<>.]{2,}")
_HAPPENED: dict[LogStatus, Any] = {
    LogStatus.SENT: Recipient.sent_at, LogStatus.OPENED: Recipient.first_opened_at, LogStatus.CLICKED: Recipient.first_clicked_at,
    LogStatus.COMPLAINED: Recipient.complained_at, LogStatus.UNSUBSCRIBED: Recipient.unsubscribed_at,
}  # fmt: skip


@dataclass(slots=True)
class Plan:
    """How a list is read.

    ``walk``: conditions that one index answers in the order of the list; every row it yields is looked at. ``on_recipient``, ``on_message``: what is
    looked at. ``walked``: whose index that is. ``queued``: rows that have left the newest part of the list are found in the queue. ``exact``: ids that
    leave only a handful of rows.
    """

    walked: Any = Recipient
    walk: list[Condition] = field(default_factory=list)
    on_recipient: list[Condition] = field(default_factory=list)
    on_message: list[Condition] = field(default_factory=list)
    queued: Condition | None = None
    exact: Condition | None = None

    @property
    def by_message(self) -> bool:
        """Whether the list goes by message, then recipient."""
        return self.walked is not Recipient

    @property
    def is_walk_enough(self) -> bool:
        """Whether every row of the walk is a row of the list."""
        return not (self.on_recipient or self.on_message)


def plan_of(scope: Scope, wanted: LogFilter) -> Plan:
    """The plan of a filter. A bridge's token sees its own bridge's mail only."""
    plan = Plan()
    bridge_id = scope.bridge_id or wanted.bridge_id
    search = (wanted.search or "").strip()
    if search:
        _search(plan, search)
    recipient = (wanted.recipient or "").strip().lower()
    if recipient:
        _recipient(plan, recipient)
    _of_message(plan, wanted)
    _of_recipient(scope, plan, wanted, bridge_id)
    plan.walk += [plan.walked.tenant_id == scope.tenant_id, plan.walked.mode == scope.mode.value]
    return plan


def _search(plan: Plan, text: str) -> None:
    named = parse_uuid(text.removeprefix("<").partition("@")[0].removesuffix(">"))
    if named:
        plan.exact = sa.or_(Recipient.id == named, Recipient.message_id == named)
    elif text.startswith("<"):
        plan.on_message.append(Message.message_id_header == text)
    elif _ADDRESS.fullmatch(text):
        plan.walk = [Recipient.address == text.lower()]
    elif "@" in text:
        plan.on_recipient.append(Recipient.address.ilike(_part(text)))
    else:
        plan.on_message.append(sa.or_(Message.subject.ilike(_part(text)), Recipient.address.ilike(_part(text))))


def _recipient(plan: Plan, text: str) -> None:
    if _ADDRESS.fullmatch(text) and not plan.walk:
        plan.walk = [Recipient.address == text]
    elif _ADDRESS.fullmatch(text):
        plan.on_recipient.append(Recipient.address == text)
    else:
        plan.on_recipient.append(Recipient.address.ilike("%" + _escape(text) if text.startswith("@") else _part(text)))


def _of_message(plan: Plan, wanted: LogFilter) -> None:
    """What messages say: the first that an index knows is walked by, unless an address is, which is rarer."""
    known: list[tuple[Any, Any, list[Condition]]] = []
    if wanted.tag:
        tagged = sa.exists().where(MessageTag.tenant_id == Message.tenant_id, MessageTag.mode == Message.mode, MessageTag.tag == wanted.tag)
        looked_at = tagged.where(MessageTag.message_id == Message.id)
        known.append((MessageTag, [MessageTag.tag == wanted.tag], [looked_at]))
    if wanted.template:
        known.append((Message, [Message.template_slug == wanted.template], [Message.template_slug == wanted.template]))
    if wanted.sender:
        known.append((Message, [Message.from_address == wanted.sender.lower()], [Message.from_address == wanted.sender.lower()]))
    if wanted.domain:
        known.append((Message, [Message.sender_domain == wanted.domain.lower()], [Message.sender_domain == wanted.domain.lower()]))
    for table, walk, otherwise in known:
        if not plan.walk:
            plan.walked, plan.walk = table, walk
        else:
            plan.on_message += otherwise
    if wanted.subject:
        plan.on_message.append(Message.subject.ilike(_part(wanted.subject.strip())))


def _of_recipient(scope: Scope, plan: Plan, wanted: LogFilter, bridge_id: UUID | None) -> None:
    """What recipients say. Without a walk so far, the one that yields the fewest rows is taken."""
    looked_at: list[tuple[str, Condition]] = []
    if wanted.error_class:
        looked_at.append(("error_class", Recipient.error_class == wanted.error_class))
    if wanted.status:
        looked_at.append(("status", _status(wanted.status)))
    if bridge_id:
        looked_at.append(("bridge", Recipient.bridge_id == bridge_id))
    if wanted.provider:
        looked_at.append(("provider", Recipient.provider == wanted.provider))
    taken = set() if plan.walk else _walk_of_recipient(plan, wanted, bridge_id)
    plan.on_recipient += [condition for name, condition in looked_at if name not in taken]
    if wanted.status in UNDER_WAY:
        plan.queued = Recipient.id.in_(sa.select(QueueEntry.recipient_id).where(QueueEntry.tenant_id == scope.tenant_id))


def _walk_of_recipient(plan: Plan, wanted: LogFilter, bridge_id: UUID | None) -> set[str]:
    """Chooses the walk; returns which conditions it answers."""
    if wanted.error_class:
        plan.walk = [Recipient.error_class == wanted.error_class]
        return {"error_class"}
    if wanted.status in BAD_ENDS:
        ended = Recipient.bad_end == str(wanted.status)
        plan.walk = [ended, Recipient.bridge_id == bridge_id] if bridge_id else [ended]
        return {"status", "bridge"} if bridge_id else {"status"}
    if wanted.status in (LogStatus.COMPLAINED, LogStatus.UNSUBSCRIBED):
        plan.walk = [sa.or_(Recipient.complained_at.is_not(None), Recipient.unsubscribed_at.is_not(None))]
        return set()
    if bridge_id:
        plan.walk = [Recipient.bridge_id == bridge_id]
        return {"bridge"}
    return set()


def _status(status: LogStatus) -> Condition:
    stamp = _HAPPENED.get(status)
    return Recipient.state == str(status) if stamp is None else stamp.is_not(None)


def _part(text: str) -> str:
    return f"%{_escape(text)}%"


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
