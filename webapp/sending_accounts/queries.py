"""Reads of sending accounts."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.kernel.clock import now
from webapp.kernel.errors import NotFound
from webapp.kernel.pagination import SORTS, Page, page_of
from webapp.sending_accounts.models import SendingAccount
from webapp.sending_accounts.usage import list_hours, usage_of

_WEEK = timedelta(days=7)


def get_account(session: Session, account_id: UUID) -> SendingAccount:
    """One of the tenant's own or the shared accounts. Raises ``NotFound``."""
    account = session.scalar(sa.select(SendingAccount).where(SendingAccount.id == account_id))
    if account is None:
        raise NotFound("sending account")
    return account


def list_accounts(
    session: Session,
    *,
    search: str | None = None,
    active: bool | None = None,
    shared: bool | None = None,
    sort: str = SORTS[0],
    limit: int = 50,
    cursor: str | None = None,
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
    if shared is not None:
        statement = statement.where(SendingAccount.tenant_id.is_(None) if shared else SendingAccount.tenant_id.is_not(None))
    return page_of(session, statement, SendingAccount.id, limit=limit, cursor=cursor, sort=sort, name=SendingAccount.name)


def read_usage(session: Session, account_id: UUID) -> dict[str, Any]:
    """What an account took: this hour, today, and by the hour for a week. Raises ``NotFound``."""
    account = get_account(session, account_id)
    moment = now()
    usage = usage_of(session, [account], moment)[account.id]
    quotas = {} if account.tenant_id is not None else {"hourly_quota": None, "daily_quota": None, "left": None, "resets_at": None}
    fields = ("this_hour", "today", "hourly_quota", "daily_quota", "left", "resets_at")
    return {**{name: getattr(usage, name) for name in fields}, **quotas, "hours": list_hours(session, account.id, moment - _WEEK)}
