"""Letters to the owners of a tenant about an endpoint: noted with what they tell of, written and handed over by a job."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.accounts.models import owner_addresses
from webapp.kernel.clock import now
from webapp.kernel.letters import render_letter
from webapp.settings import get_settings
from webapp.webhooks.models import WebhookEndpoint, WebhookNotice
from webapp.webhooks.types import NoticeKind


@dataclass(frozen=True, slots=True)
class WaitingNotice:
    """A notice that was not mailed yet. ``to``: the addresses of the tenant's owners."""

    id: UUID
    endpoint_id: UUID
    url: str
    kind: NoticeKind
    text: str
    to: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter to one owner, ready to be handed to ``messages.service.accept``."""

    to: str
    subject: str
    text: str
    html: str


def list_unmailed(session: Session, limit: int = 50) -> list[WaitingNotice]:
    """Notices of all tenants that wait for their letters, oldest first. The session must see all tenants."""
    rows = session.execute(
        sa.select(WebhookNotice, WebhookEndpoint.url).join(WebhookEndpoint, WebhookEndpoint.id == WebhookNotice.endpoint_id)
        .where(WebhookNotice.mailed_at.is_(None)).order_by(WebhookNotice.created_at).limit(limit)
    ).all()  # fmt: skip
    return [
        WaitingNotice(notice.id, notice.endpoint_id, url, NoticeKind(notice.kind), notice.text, owner_addresses(session, notice.tenant_id))
        for notice, url in rows
    ]


def mark_mailed(session: Session, notice_id: UUID) -> None:
    """The letters of one notice were handed over."""
    session.execute(sa.update(WebhookNotice).where(WebhookNotice.id == notice_id).values(mailed_at=now()))


def write_letter(notice: WaitingNotice, to: str) -> Letter:
    """Render the letter of one notice to one address."""
    base = get_settings().public_url.rstrip("/")
    off = notice.kind is NoticeKind.DISABLED
    subject = "A webhook endpoint is switched off" if off else "A webhook endpoint has been failing for a day"
    after = (
        "Nothing more is sent to it. When it works again, switch it on, and replay what happened meanwhile on its page."
        if off
        else "Events wait and are tried again. An endpoint that fails for five days is switched off."
    )
    values = {"to": to, "base": base, "link": f"{base}/webhooks/{notice.endpoint_id}", "paragraphs": [notice.url, notice.text, after], "subject": subject}
    text, html = render_letter("webhook_notice", **values)
    return Letter(to, subject, text, html)
