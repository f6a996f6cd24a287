"""Reads of results of TLS."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.transport.models import TlsResultRow
from webapp.transport.types import ReportLine

_LIMIT = 500


def list_lines(session: Session, *, search: str = "", day: datetime.date | None = None) -> list[ReportLine]:
    """Domains by day, newest and worst first, at most 500. ``search``: part of the domain."""
    good = sa.func.coalesce(sa.func.sum(TlsResultRow.sessions).filter(TlsResultRow.result == "successful"), 0)
    bad = sa.func.coalesce(sa.func.sum(TlsResultRow.sessions).filter(TlsResultRow.result != "successful"), 0)
    statement = sa.select(TlsResultRow.day, TlsResultRow.domain, TlsResultRow.policy_type, good, bad).group_by(
        TlsResultRow.day, TlsResultRow.domain, TlsResultRow.policy_type
    )
    if search:
        statement = statement.where(TlsResultRow.domain.icontains(search.strip().lower(), autoescape=True))
    if day is not None:
        statement = statement.where(TlsResultRow.day == day)
    rows = session.execute(statement.order_by(TlsResultRow.day.desc(), bad.desc(), TlsResultRow.domain).limit(_LIMIT))
    return [ReportLine(*row) for row in rows]


def list_results(session: Session, domain: str, day: datetime.date) -> Sequence[TlsResultRow]:
    """Everything counted for a domain on a day."""
    statement = sa.select(TlsResultRow).where(TlsResultRow.domain == domain, TlsResultRow.day == day)
    return session.scalars(statement.order_by(TlsResultRow.policy_type, TlsResultRow.result, TlsResultRow.mx)).all()
