"""The platform's own mail in tests: let the job write it, then read it as its receiver would."""

from __future__ import annotations

import re
from dataclasses import dataclass

import sqlalchemy as sa

from webapp.kernel.db import unscoped
from webapp.messages.models import Message, MessageContent, Recipient
from webapp.tenants.models import Tenant
from webapp.tenants.service import SYSTEM_SLUG
from worker.jobs.mail import send_waiting


@dataclass(frozen=True)
class Received:
    """One letter."""

    to: str
    subject: str
    text: str
    html: str

    @property
    def token(self) -> str:
        """The token of the link in it."""
        found = re.search(r"\?token=([0-9A-Za-z]+)", self.text)
        assert found, self.text
        assert found[1] in self.html
        return found[1]


def receive() -> list[Received]:
    """Run the job and give every letter that the platform ever accepted, oldest first."""
    send_waiting(0)
    with unscoped("test") as rows:
        wanted = (
            sa.select(Recipient.address, Message.subject, MessageContent.text, MessageContent.html)
            .join(Message, Message.id == Recipient.message_id)
            .join(MessageContent, MessageContent.id == Message.id)
            .join(Tenant, Tenant.id == Message.tenant_id)
            .where(Tenant.slug == SYSTEM_SLUG)
            .order_by(Message.id)
        )
        return [Received(*row) for row in rows.execute(wanted)]
