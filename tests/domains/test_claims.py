"""Several tenants want one name: who gets it, who loses it, and who is told."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa

from tests.dns_server import DnsServer
from tests.domains.acts import add, keys, move_back, publish, read, record, records, standing, verify
from tests.fixtures import Cast, Person
from webapp.activity.models import ActivityEntry
from webapp.bootstrap import ensure_verified_domain
from webapp.domains import service
from webapp.domains.models import DomainNotice
from webapp.domains.types import DomainStatus, NoticeKind, OffReason
from webapp.kernel.db import unscoped
from webapp.kernel.errors import Conflict


def challenge_of(person: Person, domain_id: UUID) -> str:
    """The TXT value as a zone holds it."""
    return f'"{record(person, domain_id, "challenge").value}"'


def test_a_fresh_proof_takes_over_once_the_old_one_is_gone(cast: Cast, zone: DnsServer) -> None:
    mine = standing(cast.owner, zone)
    theirs = add(cast.stranger)
    zone.zone["_postbridge.example.com", "TXT"].append(challenge_of(cast.stranger, theirs))
    assert verify(cast.stranger, theirs) == DomainStatus.PENDING
    assert "still stands" in (read(cast.stranger, theirs).problem or "")
    assert read(cast.owner, mine).status == DomainStatus.VERIFIED

    old = read(cast.owner, mine).challenge
    zone.zone["_postbridge.example.com", "TXT"] = [challenge_of(cast.stranger, theirs)]
    assert verify(cast.stranger, theirs) == DomainStatus.VERIFIED
    lost = read(cast.owner, mine)
    assert (lost.status, lost.off_reason, lost.verified_at) == (DomainStatus.OFF, OffReason.TAKEN_OVER, None)
    assert lost.challenge != old and lost.return_path_verified_at is None and lost.tracking_verified_at is None
    assert all(key.active_at is None for key in keys(mine))
    with unscoped("test") as session:
        assert session.scalars(sa.select(DomainNotice.kind).where(DomainNotice.domain_id == mine)).all() == [NoticeKind.TAKEN_OVER]
        assert "domain.taken_over" in session.scalars(sa.select(ActivityEntry.action).where(ActivityEntry.tenant_id == cast.owner.tenant_id)).all()
    with cast.owner.scope() as scope:
        assert service.sending_identity(scope.session, scope.tenant_id, "example.com") is None


def test_a_text_left_behind_does_not_take_the_domain_back(cast: Cast, zone: DnsServer) -> None:
    mine = standing(cast.owner, zone)
    left_behind = challenge_of(cast.owner, mine)
    theirs = add(cast.stranger)
    zone.zone["_postbridge.example.com", "TXT"] = [challenge_of(cast.stranger, theirs)]
    verify(cast.stranger, theirs)
    zone.zone["_postbridge.example.com", "TXT"] = [left_behind]
    assert verify(cast.owner, mine) == DomainStatus.OFF
    assert verify(cast.stranger, theirs) == DomainStatus.FAILING


def test_a_challenge_older_than_the_other_s_verification_proves_nothing(cast: Cast, zone: DnsServer) -> None:
    theirs = add(cast.stranger)
    move_back(theirs, "challenge_at", timedelta(days=30))
    mine = standing(cast.owner, zone)
    zone.zone["_postbridge.example.com", "TXT"] = [challenge_of(cast.stranger, theirs)]
    assert verify(cast.stranger, theirs) == DomainStatus.PENDING
    assert "new challenge" in (read(cast.stranger, theirs).problem or "")
    with cast.stranger.scope() as scope:
        service.renew_challenge(scope, theirs)
    assert verify(cast.stranger, theirs) == DomainStatus.PENDING  # the new one is not published yet
    zone.zone["_postbridge.example.com", "TXT"] = [challenge_of(cast.stranger, theirs)]
    assert verify(cast.stranger, theirs) == DomainStatus.VERIFIED
    assert read(cast.owner, mine).status == DomainStatus.OFF


def test_nobody_takes_over_while_name_servers_are_silent(cast: Cast, zone: DnsServer) -> None:
    mine, theirs = standing(cast.owner, zone), add(cast.stranger)
    zone.failing.add("_postbridge.example.com")
    assert verify(cast.stranger, theirs) == DomainStatus.PENDING
    assert read(cast.owner, mine).status == DomainStatus.VERIFIED


def test_a_domain_the_operator_answers_for_is_never_taken(cast: Cast, zone: DnsServer) -> None:
    with cast.owner.scope() as scope:
        ensure_verified_domain(scope, "example.com")
    theirs = add(cast.stranger)
    publish(zone, records(cast.stranger, theirs))
    assert verify(cast.stranger, theirs) == DomainStatus.PENDING


def test_a_sub_domain_of_a_covered_domain_is_proven_at_the_parent(cast: Cast, zone: DnsServer) -> None:
    standing(cast.owner, zone, covers=True)
    theirs = add(cast.stranger, "shop.example.com")
    wanted = record(cast.stranger, theirs, "challenge")
    assert wanted.name == "_postbridge.example.com" and "owner must agree" in (wanted.note or "")
    zone.zone["_postbridge.shop.example.com", "TXT"] = [challenge_of(cast.stranger, theirs)]
    assert verify(cast.stranger, theirs) == DomainStatus.PENDING
    zone.zone["_postbridge.example.com", "TXT"].append(challenge_of(cast.stranger, theirs))
    assert verify(cast.stranger, theirs) == DomainStatus.VERIFIED


def test_a_sub_domain_of_a_domain_that_covers_nothing_is_its_own(cast: Cast, zone: DnsServer) -> None:
    standing(cast.owner, zone)
    theirs = standing(cast.stranger, zone, "shop.example.com")
    assert read(cast.stranger, theirs).status == DomainStatus.VERIFIED


def test_a_parent_cannot_cover_another_tenant_s_sub_domain(cast: Cast, zone: DnsServer) -> None:
    standing(cast.stranger, zone, "shop.example.com")
    mine = add(cast.owner, covers=True)
    publish(zone, records(cast.owner, mine))
    assert verify(cast.owner, mine) == DomainStatus.PENDING
    assert "sub-domain is verified by another tenant" in (read(cast.owner, mine).problem or "")
    with cast.owner.scope() as scope:
        service.update_domain(scope, mine, {"covers_subdomains": False})
    assert verify(cast.owner, mine) == DomainStatus.VERIFIED
    with cast.owner.scope() as scope, pytest.raises(Conflict, match="another tenant"):
        service.update_domain(scope, mine, {"covers_subdomains": True})


def test_the_name_of_a_neighbour_is_no_sub_domain(cast: Cast, zone: DnsServer) -> None:
    standing(cast.stranger, zone, "notexample.com")
    mine = standing(cast.owner, zone, covers=True)
    assert read(cast.owner, mine).covers_subdomains


def test_a_verified_domain_keeps_its_challenge(cast: Cast, zone: DnsServer) -> None:
    mine = standing(cast.owner, zone)
    with cast.owner.scope() as scope, pytest.raises(Conflict):
        service.renew_challenge(scope, mine)
