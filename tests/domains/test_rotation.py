"""DKIM keys: taken into use when seen, out of use when DNS says something else, rotated without a gap."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from tests.dns_server import DnsServer
from tests.domains.acts import add, keys, move_back, publish, records, standing, verify
from tests.domains.test_decline import notices
from tests.fixtures import Cast
from webapp.domains import service
from webapp.domains.types import KeyState, NoticeKind
from webapp.kernel.errors import Conflict


def signing(cast: Cast) -> list[str]:
    """Selectors that mail is signed with now: the end of each, `r1` for the first RSA key."""
    with cast.owner.scope() as scope:
        identity = service.sending_identity(scope.session, scope.tenant_id, "example.com")
    assert identity is not None
    return [signer.selector[12:] for signer in identity.signers]


def rotate(cast: Cast, domain_id: UUID) -> None:
    """Begin a rotation."""
    with cast.owner.scope() as scope:
        service.rotate_dkim(scope, domain_id)


def states(domain_id: UUID) -> dict[str, KeyState]:
    """State by end of selector."""
    return {key.selector[12:]: key.state for key in keys(domain_id)}


def test_the_old_key_signs_until_the_new_one_is_seen(cast: Cast, zone: DnsServer) -> None:
    domain_id = standing(cast.owner, zone)
    assert signing(cast) == ["r1", "e1"]
    rotate(cast, domain_id)
    assert signing(cast) == ["r1", "e1"]
    verify(cast.owner, domain_id)
    assert signing(cast) == ["r1", "e1"]
    wanted = records(cast.owner, domain_id)
    assert [r.key[-2:] for r in wanted if r.purpose == "dkim"] == ["r2", "e2", "r1", "e1"]
    publish(zone, [r for r in wanted if r.key.endswith("r2")])
    verify(cast.owner, domain_id)
    assert signing(cast) == ["r2", "e1"]
    publish(zone, wanted)
    verify(cast.owner, domain_id)
    assert signing(cast) == ["r2", "e2"]
    assert states(domain_id) == {"r1": KeyState.REPLACED, "e1": KeyState.REPLACED, "r2": KeyState.SIGNING, "e2": KeyState.SIGNING}


def test_a_replaced_key_is_kept_for_days_and_then_destroyed(cast: Cast, zone: DnsServer) -> None:
    domain_id = standing(cast.owner, zone)
    rotate(cast, domain_id)
    publish(zone, records(cast.owner, domain_id))
    verify(cast.owner, domain_id)
    move_back(domain_id, "replaced_at", timedelta(days=6, hours=23), "dkim_keys")
    verify(cast.owner, domain_id)
    assert states(domain_id)["r1"] is KeyState.REPLACED
    move_back(domain_id, "replaced_at", timedelta(hours=1), "dkim_keys")
    verify(cast.owner, domain_id)
    assert states(domain_id) == {"r1": KeyState.RETIRED, "e1": KeyState.RETIRED, "r2": KeyState.SIGNING, "e2": KeyState.SIGNING}
    assert all(key.private_key == b"" for key in keys(domain_id) if key.state is KeyState.RETIRED)
    assert not [r for r in records(cast.owner, domain_id) if r.key.endswith(("r1", "e1"))]


def test_the_old_key_steps_in_when_the_new_record_vanishes(cast: Cast, zone: DnsServer) -> None:
    domain_id = standing(cast.owner, zone)
    rotate(cast, domain_id)
    publish(zone, records(cast.owner, domain_id))
    verify(cast.owner, domain_id)
    for name, kind in [entry for entry in zone.zone if "r2._domainkey" in entry[0]]:
        zone.zone.pop((name, kind))
    verify(cast.owner, domain_id)
    assert signing(cast) == ["r1", "e2"]


@pytest.mark.parametrize("published", ["v=DKIM1; k=rsa; p=AAAA", "v=DKIM1; p=", None])
def test_a_key_is_not_used_when_dns_holds_another_one_or_none(cast: Cast, zone: DnsServer, published: str | None) -> None:
    domain_id = standing(cast.owner, zone)
    for name, kind in [entry for entry in zone.zone if "_domainkey" in entry[0]]:
        zone.zone.pop((name, kind))
        if published is not None:
            zone.zone[name, kind] = [f'"{published}"']
    verify(cast.owner, domain_id)
    assert signing(cast) == [] and set(states(domain_id).values()) == {KeyState.WITHDRAWN}
    assert notices(domain_id) == [NoticeKind.DKIM_WITHDRAWN]
    publish(zone, records(cast.owner, domain_id))
    verify(cast.owner, domain_id)
    assert signing(cast) == ["r1", "e1"] and notices(domain_id) == [NoticeKind.DKIM_WITHDRAWN]


def test_one_rotation_at_a_time_and_it_can_be_given_up(cast: Cast, zone: DnsServer) -> None:
    domain_id = standing(cast.owner, zone)
    rotate(cast, domain_id)
    with pytest.raises(Conflict, match="under way already"):
        rotate(cast, domain_id)
    with cast.owner.scope() as scope:
        service.give_up_rotation(scope, domain_id)
    assert signing(cast) == ["r1", "e1"] and states(domain_id)["r2"] is KeyState.RETIRED
    with cast.owner.scope() as scope, pytest.raises(Conflict, match="No rotation"):
        service.give_up_rotation(scope, domain_id)
    rotate(cast, domain_id)
    assert states(domain_id)["r3"] is KeyState.WAITING  # a selector is never used twice


def test_keys_that_were_never_published_are_not_rotated(cast: Cast, zone: DnsServer) -> None:
    domain_id = add(cast.owner)
    with pytest.raises(Conflict, match="publish them first"):
        rotate(cast, domain_id)


def test_a_rotation_ends_the_half_that_never_came(cast: Cast, zone: DnsServer) -> None:
    domain_id = add(cast.owner)
    publish(zone, [r for r in records(cast.owner, domain_id) if not r.key.endswith("e1")])
    verify(cast.owner, domain_id)
    rotate(cast, domain_id)
    assert states(domain_id) == {"r1": KeyState.SIGNING, "e1": KeyState.RETIRED, "r2": KeyState.WAITING, "e2": KeyState.WAITING}
