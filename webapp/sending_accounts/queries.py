"""Reads of sending accounts."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.kernel.errors import NotFound
from webapp.kernel.pagination import Page, page_of
from webapp.sending_accounts.models import SendingAccount


def get_account(session: Session, account_id: UUID) -> SendingAccount:
    """One of the tenant's own or the shared accounts. Raises ``NotFound``."""
    account = session.scalar(sa.select(SendingAccount).where(SendingAccount.id == account_id))
    if account is None:
        raise NotFound("sending account")
    return account


def list_accounts(
    session: Session, *, search: str | None = None, active: bool | None = None, limit: int = 50, cursor: str | None = None
) -> Page[SendingAccount]:
    """Own and shared accounts, newest first. ``search``: part of name or host."""
    statement = sa.select(SendingAccount)
    if search:
        text = search.strip()
        statement = statement.where(
            sa.or_(SendingAccount.name.icontains(text, autoescape=True), SendingAccount.host.icontains(text, autoescape=True))
        )
    if active is not None:
        statement = statement.where(SendingAccount.active.is_(active))
    return page_of(session, statement, SendingAccount.id, limit=limit, cursor=cursor)
