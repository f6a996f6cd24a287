"""What checks found over time: one row a stretch with the same result, so that a year of daily checks is a line and not a book."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from webapp.domains.models import Domain, RecordCheck
from webapp.domains.types import DnsRecord, RecordState
from webapp.kernel.clock import now


def note_checks(session: Session, domain: Domain, records: Iterable[DnsRecord]) -> None:
    """Lengthen each record's last stretch, or begin a new one when the result differs."""
    wanted = sa.select(RecordCheck).where(RecordCheck.domain_id == domain.id).ext(distinct_on(RecordCheck.key))
    last = {row.key: row for row in session.scalars(wanted.order_by(RecordCheck.key, RecordCheck.last_at.desc()))}
    for record in records:
        if record.state is RecordState.UNCHECKED:
            continue
        before = last.get(record.key)
        if before is not None and _result(before) == (record.name, record.value, record.state.value, sorted(record.found)):
            before.last_at, before.times = now(), before.times + 1
            continue
        session.add(
            RecordCheck(
                tenant_id=domain.tenant_id, domain_id=domain.id, key=record.key, type=record.type, name=record.name, expected=record.value,
                state=record.state, found=list(record.found), todo=record.todo, first_at=now(), last_at=now(), times=1,
            )
        )  # fmt: skip


def _result(row: RecordCheck) -> tuple[str, str, str, list[str]]:
    return row.name, row.expected, row.state, sorted(row.found)
