"""Letters to a tenant's owners: a row in the transaction of the act, mailed by a job."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.accounts.models import owner_addresses
from webapp.backoffice.models import TenantNotice
from webapp.backoffice.types import NoticeKind
from webapp.kernel import clock
from webapp.kernel.ids import uuid7
from webapp.kernel.jobs import QueueName, enqueue_after_commit
from webapp.kernel.letters import render_letter
from webapp.kernel.scope import Scope
from webapp.settings import get_settings
from webapp.tenants.models import Tenant

_SEND = "worker.jobs.backoffice.send_letters"
_BATCH = 100

#: Subject, and the page of the dashboard it leads to with the button's label. ``{...}`` are the notice's data.
_FRAMES = {
    NoticeKind.REQUEST_DECIDED: ("{title}", "/production", "Open the request"),
    NoticeKind.SUSPENDED: ("{tenant} is suspended on Postbridge", "/production", "Read why, and answer"),
    NoticeKind.RESUMED: ("{tenant} may send again", "/usage", "See your limits"),
    NoticeKind.LIMITS_CHANGED: ("The limits of {tenant} have changed", "/usage", "See your limits"),
    NoticeKind.SUPPORT_STARTED: ("Support staff is looking at {tenant}", "/support-access", "Watch or stop the session"),
    NoticeKind.SUPPORT_ENDED: ("What support staff did at {tenant}", "/support-access", "See every action"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Unmailed:
    """A notice with everything its letter says, and the owners it goes to."""

    id: UUID
    kind: NoticeKind
    tenant: str
    data: dict[str, Any]
    to: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TenantLetter:
    """A letter, ready to be sent."""

    to: str
    kind: NoticeKind
    subject: str
    text: str
    html: str


def notify(scope: Scope, kind: NoticeKind, paragraphs: Sequence[str], facts: Sequence[tuple[str, str]] = (), **more: str) -> None:
    """Have the owners told, once the transaction is committed. ``paragraphs`` and ``facts`` are plain text; ``more`` fills the subject."""
    data = {"paragraphs": list(paragraphs), "facts": [list(fact) for fact in facts], **more}
    scope.session.add(TenantNotice(id=uuid7(), tenant_id=scope.tenant_id, kind=kind.value, data=data))
    enqueue_after_commit(scope.session, QueueName.DEFAULT, _SEND, 0)


def list_unmailed(session: Session) -> list[Unmailed]:
    """The letters that wait, oldest first. Needs an unscoped session."""
    wanted = sa.select(TenantNotice, Tenant.name).join(Tenant, Tenant.id == TenantNotice.tenant_id).where(TenantNotice.mailed_at.is_(None))
    rows = session.execute(wanted.order_by(TenantNotice.id).limit(_BATCH)).all()
    return [Unmailed(row.id, NoticeKind(row.kind), name, row.data, owner_addresses(session, row.tenant_id)) for row, name in rows]


def mark_mailed(session: Session, notice_id: UUID) -> None:
    """Its letters were handed over."""
    session.execute(sa.update(TenantNotice).where(TenantNotice.id == notice_id).values(mailed_at=clock.now()))


def write_letter(notice: Unmailed, address: str) -> TenantLetter:
    """The letter to one owner."""
    subject, path, label = _FRAMES[notice.kind]
    title = " ".join(subject.format(**{"title": "", **notice.data, "tenant": notice.tenant}).split())
    base = get_settings().public_url.rstrip("/")
    values = {"subject": title, "paragraphs": notice.data["paragraphs"], "facts": notice.data["facts"], "link": base + path, "label": label}
    text, html = render_letter("tenant_notice", **values, to=address, base=base)
    return TenantLetter(address, notice.kind, title, text, html)
