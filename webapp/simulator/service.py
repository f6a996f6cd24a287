"""Keeping and reading what the simulator took in."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import psycopg
import sqlalchemy as sa

from webapp.kernel.errors import NotFound
from webapp.kernel.ids import uuid7
from webapp.kernel.pagination import Page, page_of
from webapp.kernel.scope import Scope
from webapp.simulator.models import SimulatedMail

_STORE = """
insert into simulated_mails (id, tenant_id, recipient_id, message_id, address, return_path, raw)
select %s, tenant_id, id, message_id, %s, %s, %s from recipients where id = %s
"""


def store_mail(connection: psycopg.Connection[Any], recipient_id: UUID, address: str, return_path: str, raw: bytes) -> bool:
    """Keep a mail for the tenant whose recipient its return path names. False when there is no such recipient.

    The connection must see all tenants and be inside a transaction.
    """
    return connection.execute(_STORE, (uuid7(), address, return_path, raw, recipient_id)).rowcount == 1


def list_mails(scope: Scope, *, cursor: str | None = None) -> Page[SimulatedMail]:
    """Newest first."""
    return page_of(scope.session, sa.select(SimulatedMail), SimulatedMail.id, limit=50, cursor=cursor)


def get_mail(scope: Scope, mail_id: UUID) -> SimulatedMail:
    """Raises ``NotFound``."""
    mail = scope.session.scalar(sa.select(SimulatedMail).where(SimulatedMail.id == mail_id))
    if mail is None:
        raise NotFound("mail")
    return mail
