"""Letters of the guard to the owners of a tenant: noted with the alarm, written and handed over by a job."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.accounts.models import owner_addresses
from webapp.bridges.models import Bridge, GuardAlarm
from webapp.bridges.types import GuardAction, GuardRule
from webapp.kernel.clock import now
from webapp.kernel.letters import render_letter
from webapp.settings import get_settings

_ADVICE = {
    GuardRule.BOUNCES: "Look at the addresses that bounced and where they came from; write only to addresses that were confirmed.",
    GuardRule.COMPLAINTS: "Look at whom you wrote to and whether they asked for it, and make leaving easy.",
    GuardRule.SPIKE: "If this was not meant, the bridge's credentials may be in other hands: rotate them before you resume it.",
    GuardRule.SENDER: "If nobody of yours set up this sender, the bridge's credentials may be in other hands: rotate them.",
}


@dataclass(frozen=True, slots=True)
class WaitingAlarm:
    """An alarm nobody was written to about yet. ``to``: the addresses of the tenant's owners."""

    id: UUID
    bridge_id: UUID
    bridge: str
    rule: GuardRule
    action: GuardAction
    text: str
    to: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AlarmLetter:
    """A letter to one owner, ready to be handed to ``messages.service.accept``."""

    to: str
    subject: str
    text: str
    html: str


def list_unmailed(session: Session, limit: int = 50) -> list[WaitingAlarm]:
    """Alarms of all tenants that wait for their letters, oldest first. The session must see all tenants."""
    rows = session.execute(
        sa.select(GuardAlarm, Bridge.name).join(Bridge, sa.and_(Bridge.id == GuardAlarm.bridge_id, Bridge.tenant_id == GuardAlarm.tenant_id))
        .where(GuardAlarm.mailed_at.is_(None)).order_by(GuardAlarm.created_at).limit(limit)
    ).all()  # fmt: skip
    return [
        WaitingAlarm(alarm.id, alarm.bridge_id, name, GuardRule(alarm.rule), GuardAction(alarm.action), alarm.text, owner_addresses(session, alarm.tenant_id))
        for alarm, name in rows
    ]


def mark_mailed(session: Session, alarm_id: UUID) -> None:
    """The letters of one alarm were handed over."""
    session.execute(sa.update(GuardAlarm).where(GuardAlarm.id == alarm_id).values(mailed_at=now()))


def write_letter(alarm: WaitingAlarm, to: str) -> AlarmLetter:
    """Render the letter of one alarm to one address."""
    base = get_settings().public_url.rstrip("/")
    stopped = alarm.action is GuardAction.PAUSE
    subject = f"{alarm.bridge} is paused" if stopped else f"{alarm.bridge} needs a look"
    held = "It takes no mail until somebody resumes it on its page. What it took already is held, not lost; your other bridges go on sending."
    paragraphs = [alarm.text, held if stopped else "Mail still leaves.", _ADVICE[alarm.rule]]
    values = {"to": to, "base": base, "link": f"{base}/bridges/{alarm.bridge_id}", "paragraphs": paragraphs, "subject": subject}
    text, html = render_letter("bridge_alarm", **values)
    return AlarmLetter(to, subject, text, html)
