"""A proof that vanishes: warned about, looked for, and only after days the end; and the letters that say so."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa

from tests.dns_server import DnsServer
from tests.domains.acts import add, keys, move_back, publish, read, record, records, standing, verify
from tests.fixtures import Cast
from webapp.activity.models import ActivityEntry
from webapp.bootstrap import ensure_platform, ensure_verified_domain
from webapp.domains import queries, service
from webapp.domains.models import Domain, DomainNotice
from webapp.domains.types import DomainStatus, NoticeKind, OffReason
from webapp.kernel.clock import now
from webapp.kernel.db import unscoped
from worker.jobs.domains import _check, check_due, send_notices


def notices(domain_id: UUID) -> list[str]:
    """Kinds of the notices, the oldest first."""
    with unscoped("test") as session:
        return list(session.scalars(sa.select(DomainNotice.kind).where(DomainNotice.domain_id == domain_id).order_by(DomainNotice.id)))


def unpublish_proof(zone: DnsServer, name: str = "example.com") -> None:
    """The TXT record is deleted at the provider."""
    zone.zone.pop(("_postbridge." + name, "TXT"))


def test_from_failing_to_off_with_two_warnings(cast: Cast, zone: DnsServer) -> None:
    domain_id = standing(cast.owner, zone)
    unpublish_proof(zone)
    assert verify(cast.owner, domain_id) == verify(cast.owner, domain_id) == DomainStatus.FAILING
    assert notices(domain_id) == [NoticeKind.FAILING]
    with cast.owner.scope() as scope:
        assert service.sending_identity(scope.session, scope.tenant_id, "example.com") is not None

    move_back(domain_id, "failing_since", timedelta(days=2, hours=1))
    move_back(domain_id, "created_at", timedelta(days=2, hours=1), "domain_notices")
    assert verify(cast.owner, domain_id) == verify(cast.owner, domain_id) == DomainStatus.FAILING
    assert notices(domain_id) == [NoticeKind.FAILING, NoticeKind.LAST_DAY]

    move_back(domain_id, "failing_since", timedelta(days=1))
    assert verify(cast.owner, domain_id) == DomainStatus.OFF
    assert notices(domain_id) == [NoticeKind.FAILING, NoticeKind.LAST_DAY, NoticeKind.SWITCHED_OFF]
    off = read(cast.owner, domain_id)
    assert (off.off_reason, off.verified_at, off.may_send) == (OffReason.LAPSED, None, False)
    assert off.next_check_at is not None and off.next_check_at - now() > timedelta(hours=23)
    with cast.owner.scope() as scope:
        assert service.sending_identity(scope.session, scope.tenant_id, "example.com") is None

    publish(zone, records(cast.owner, domain_id)[:1])
    assert verify(cast.owner, domain_id) == DomainStatus.VERIFIED
    back = read(cast.owner, domain_id)
    assert (back.failing_since, back.off_reason) == (None, None)


def test_a_proof_that_comes_back_in_time_changes_nothing(cast: Cast, zone: DnsServer) -> None:
    domain_id = standing(cast.owner, zone)
    first = read(cast.owner, domain_id).verified_at
    unpublish_proof(zone)
    verify(cast.owner, domain_id)
    publish(zone, records(cast.owner, domain_id))
    assert verify(cast.owner, domain_id) == DomainStatus.VERIFIED
    found = read(cast.owner, domain_id)
    assert (found.verified_at, found.failing_since) == (first, None)
    with unscoped("test") as session:
        actions = session.scalars(sa.select(ActivityEntry.action).where(ActivityEntry.object_id == domain_id).order_by(ActivityEntry.id)).all()
    assert list(actions)[-2:] == ["domain.failing", "domain.recovered"]


def test_silence_of_name_servers_is_no_reason_to_switch_off(cast: Cast, zone: DnsServer) -> None:
    domain_id = standing(cast.owner, zone)
    zone.failing.update(name for name, _ in zone.zone)
    assert verify(cast.owner, domain_id) == DomainStatus.VERIFIED
    found = read(cast.owner, domain_id)
    assert found.return_path_verified_at and found.tracking_verified_at
    assert all(key.active_at and not key.withdrawn_at for key in keys(domain_id))


def test_a_domain_the_operator_answers_for_needs_no_dns(cast: Cast, zone: DnsServer) -> None:
    with cast.owner.scope() as scope:
        ensure_verified_domain(scope, "vouched.example")
        domain_id = service.list_domains(scope.session).items[0].id
    assert verify(cast.owner, domain_id) == DomainStatus.VERIFIED
    assert all(not key.withdrawn_at for key in keys(domain_id)) and read(cast.owner, domain_id).next_check_at is None


@pytest.fixture
def platform(cast: Cast, zone: DnsServer) -> UUID:
    """The platform's own tenant, which writes letters."""
    return ensure_platform()


def test_the_owners_get_a_letter_once(cast: Cast, zone: DnsServer, platform: UUID) -> None:
    domain_id = standing(cast.owner, zone)
    unpublish_proof(zone)
    verify(cast.owner, domain_id)
    assert send_notices(0) == 1
    assert send_notices(0) == 0
    with unscoped("test") as session:
        letters = session.execute(sa.text("select r.address, m.subject, c.text from messages m join recipients r on r.message_id = m.id "
                                          "join message_contents c on c.id = m.id where m.tenant_id = :t"), {"t": platform}).all()  # fmt: skip
    assert [(letter.address, letter.subject) for letter in letters] == [("olivia@acme.test", "example.com: the proof in DNS is gone")]
    assert f"/domains/{domain_id}" in letters[0].text and "switched off on" in " ".join(letters[0].text.split())


def test_a_letter_that_was_handed_over_before_a_crash_is_not_sent_again(cast: Cast, zone: DnsServer, platform: UUID) -> None:
    domain_id = standing(cast.owner, zone)
    unpublish_proof(zone)
    verify(cast.owner, domain_id)
    send_notices(0)
    with unscoped("as if the worker was lost before it noted the hand-over") as session:
        session.execute(sa.update(DomainNotice).values(mailed_at=None))
    assert send_notices(0) == 1
    with unscoped("test") as session:
        assert session.scalar(sa.text("select count(*) from messages where tenant_id = :t"), {"t": platform}) == 1


def test_the_worker_checks_what_is_due_and_nothing_else(cast: Cast, zone: DnsServer) -> None:
    domain_id, theirs = add(cast.owner), add(cast.stranger, "other.example")
    publish(zone, records(cast.owner, domain_id))
    assert check_due(0) == 2
    checked, pending = read(cast.owner, domain_id), read(cast.stranger, theirs)
    assert (checked.status, pending.status) == (DomainStatus.VERIFIED, DomainStatus.PENDING)
    assert timedelta(hours=21) < checked.next_check_at - now() <= timedelta(hours=24)  # type: ignore[operator]
    assert pending.next_check_at is not None and pending.next_check_at - now() <= timedelta(minutes=1)
    assert check_due(0) == 0


@pytest.mark.parametrize(
    ("age", "least", "most"),
    [
        (timedelta(minutes=5), timedelta(seconds=50), timedelta(minutes=1)),
        (timedelta(hours=2), timedelta(minutes=4), timedelta(minutes=5)),
        (timedelta(days=3), timedelta(minutes=59), timedelta(hours=1)),
        (timedelta(days=15), None, None),
    ],
)
def test_pending_domains_are_looked_up_less_and_less(cast: Cast, zone: DnsServer, age: timedelta, least: timedelta | None, most: timedelta | None) -> None:
    domain_id = add(cast.owner)
    move_back(domain_id, "challenge_at", age)
    verify(cast.owner, domain_id)
    found = read(cast.owner, domain_id).next_check_at
    if least is None or most is None:
        assert found is None
    else:
        assert found is not None and least <= found - now() <= most


def test_a_domain_that_is_removed_while_it_is_checked_disturbs_nobody(cast: Cast, zone: DnsServer) -> None:
    domain_id, theirs = add(cast.owner), add(cast.stranger, "other.example")
    with unscoped("test") as session:
        due = service.take_due(session, 10)
        session.execute(sa.delete(Domain).where(Domain.id == domain_id))
    assert {domain for _, domain in due} == {domain_id, theirs}
    assert sorted(_check(one) for one in due) == [0, 1]


def test_history_tells_for_how_long_what_was_found(cast: Cast, zone: DnsServer) -> None:
    domain_id = standing(cast.owner, zone)
    verify(cast.owner, domain_id)
    zone.zone["_postbridge.example.com", "TXT"] = ['"something else"']
    verify(cast.owner, domain_id)
    with cast.owner.scope() as scope:
        found = [c for c in queries.list_checks(scope.session, domain_id).items if c.key == "challenge"]
    assert [(c.state, c.times, c.found) for c in found][1:] == [("ok", 2, [record(cast.owner, domain_id, "challenge").value])]
    assert (found[0].state, found[0].found, found[0].times) == ("different", ["something else"], 1) and found[0].todo
