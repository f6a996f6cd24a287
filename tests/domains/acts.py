"""What people do with domains in these tests."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa

from tests.dns_server import DnsServer
from tests.fixtures import Person
from webapp.domains import service
from webapp.domains.models import DkimKey, Domain
from webapp.domains.types import DnsRecord
from webapp.kernel.db import unscoped


def add(person: Person, name: str = "example.com", covers: bool = False) -> UUID:
    """A committed pending domain."""
    with person.scope() as scope:
        return service.add_domain(scope, name, covers).id


def records(person: Person, domain_id: UUID) -> list[DnsRecord]:
    """What to publish."""
    with person.scope() as scope:
        return service.records_for(scope, service.get_domain(scope.session, domain_id))


def record(person: Person, domain_id: UUID, key: str) -> DnsRecord:
    """The record of that key, or the first of that purpose."""
    return next(r for r in records(person, domain_id) if key in (r.key, r.purpose))


def publish(zone: DnsServer, wanted: list[DnsRecord]) -> None:
    """Put the records into the zone as a provider would, long values in strings of 255."""
    for one in wanted:
        line = service.zone_line(one)
        zone.zone[one.name, one.type] = [line.partition(f" IN {one.type} ")[2]]


def verify(person: Person, domain_id: UUID) -> str:
    """Verify now; the status after it."""
    with person.scope() as scope:
        return service.verify_domain(scope, domain_id).status


def read(person: Person, domain_id: UUID) -> Domain:
    """The row as it stands."""
    with person.scope() as scope:
        return service.get_domain(scope.session, domain_id)


def keys(domain_id: UUID) -> list[DkimKey]:
    """All keys there ever were, the oldest first."""
    with unscoped("test") as session:
        return list(session.scalars(sa.select(DkimKey).where(DkimKey.domain_id == domain_id).order_by(DkimKey.number, DkimKey.algorithm.desc())))


def move_back(domain_id: UUID, column: str, by: timedelta, table: str = "domains") -> None:
    """As if what ``column`` notes had happened that much earlier."""
    where = "id" if table == "domains" else "domain_id"
    with unscoped("test") as session:
        session.execute(sa.text(f"update {table} set {column} = {column} - :by where {where} = :id"), {"by": by, "id": domain_id})


def standing(person: Person, zone: DnsServer, name: str = "example.com", covers: bool = False) -> UUID:
    """A domain with everything published and verified."""
    domain_id = add(person, name, covers)
    publish(zone, records(person, domain_id))
    assert verify(person, domain_id) == "verified"
    return domain_id
