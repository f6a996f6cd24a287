"""Choosing without a database: shares by weight, providers by MX, budgets by the most particular row, tokens."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from webapp.pace.service import budget_of
from webapp.pace.service.rules import find_rule
from webapp.pace.service.signals import shown
from webapp.pace.types import DEFAULT_BUDGETS, Action, Budget, PaceState, Signal, ThrottleState
from worker.delivery.resolver import Destination
from worker.delivery.types import Member, MemberKind, TlsMode
from worker.dispatch.buckets import Bucket
from worker.dispatch.pacer import Pacer, Wait
from worker.dispatch.providers import Providers, provider_of
from worker.dispatch.routes import Route, Source

TENANT = uuid4()


class Clock:
    """Seconds that pass when told to."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def source(weight: int = 100, kind: MemberKind = MemberKind.IP) -> Source:
    member = Member(uuid4(), kind, weight, "relay.example", 25, TlsMode.NONE, None, None, None, "me.example", 20, source_id=uuid4())
    return Source(member, None, "192.0.2.1")


def throttle(of: Source, action: Action, seconds: float = 3600, **values: object) -> ThrottleState:
    about = {"provider": "google", "rate": None, "reason": "TSS04", "until": datetime.now(UTC) + timedelta(seconds=seconds)}
    return ThrottleState(uuid4(), of.member.source_id, action=action, **{**about, **values})  # type: ignore[arg-type]


def shares(pacer: Pacer, route: Route, count: int = 4000) -> Counter[UUID]:
    """Who is first, for so many recipients."""
    found: Counter[UUID] = Counter()
    for _ in range(count):
        members = pacer.admit(route, "google", TENANT, uuid4().bytes)
        assert not isinstance(members, Wait)
        found[members[0].id] += 1
    return found


def freely(**values: object) -> PaceState:
    """A state in which rates bound nothing."""
    return PaceState(budgets={(None, None, "google"): Budget(rate=1e9)}, **values)  # type: ignore[arg-type]


def test_shares_follow_weights_and_a_retry_goes_the_same_way() -> None:
    heavy, light = source(300), source(100)
    pacer, route = Pacer(), Route(False, (heavy, light))
    pacer.renew(freely(), {})
    found = shares(pacer, route)
    assert 0.71 < found[heavy.member.id] / 4000 < 0.79
    key = uuid4().bytes
    first = [pacer.admit(route, "google", TENANT, key)[0].id for _ in range(5)]  # type: ignore[index]
    assert len(set(first)) == 1


def test_a_slowed_way_gets_less_and_a_paused_one_nothing() -> None:
    slow, well, paused = source(), source(), source()
    route, pacer = Route(False, (slow, well, paused)), Pacer()
    pacer.renew(freely(throttles=(throttle(slow, Action.SLOW, rate=1e8), throttle(paused, Action.PAUSE))), {})
    found = shares(pacer, route)
    assert paused.member.id not in found and 0 < found[slow.member.id] < found[well.member.id]
    assert {m.id for m in pacer.admit(route, "google", TENANT, b"k")} == {slow.member.id, well.member.id}  # type: ignore[union-attr]
    assert paused.member.id in {m.id for m in pacer.admit(route, "yahoo", TENANT, b"k")}, "only Google is paused"  # type: ignore[union-attr]


def test_when_all_are_out_the_wait_names_them_and_the_first_to_come_back() -> None:
    one, two = source(), source()
    pacer = Pacer()
    pacer.renew(freely(throttles=(throttle(one, Action.OUT, 50, provider="*"), throttle(two, Action.MOVE, 500))), {})
    wait = pacer.admit(Route(False, (one, two)), "google", TENANT, b"k")
    assert isinstance(wait, Wait) and 50 <= wait.seconds < 60
    assert "192.0.2.1 is left out until" in wait.reason and "Google on 192.0.2.1 is paused until" in wait.reason


def test_a_way_on_probation_gets_one_message_at_a_time() -> None:
    only, clock = source(), Clock()
    pacer, route = Pacer(clock), Route(False, (only,))
    pacer.renew(freely(throttles=(throttle(only, Action.PAUSE, -1),)), {})
    assert [isinstance(pacer.admit(route, "google", TENANT, b"k"), Wait) for _ in range(3)] == [False, True, True]
    clock.now += 5.1
    assert not isinstance(pacer.admit(route, "google", TENANT, b"k"), Wait)


def test_google_gets_the_connections_of_its_budget_and_a_relay_those_of_its_account() -> None:
    ip, relay = source(), source(kind=MemberKind.RELAY)
    pacer = Pacer()
    pacer.renew(PaceState(workers=2, place=1), {})
    (member,) = pacer.admit(Route(False, (ip,)), "google", TENANT, b"k")  # type: ignore[misc]
    assert (member.max_connections, member.messages_per_connection, member.provider) == (2, 50, "google")
    (member,) = pacer.admit(Route(False, (relay,)), "", TENANT, b"k")  # type: ignore[misc]
    assert (member.max_connections, member.messages_per_connection, member.provider) == (10, None, "relay")


def test_a_worker_without_a_connection_leaves_the_mail_to_the_others() -> None:
    pacer = Pacer()
    pacer.renew(PaceState(workers=8, place=7), {})
    wait = pacer.admit(Route(False, (source(),)), "google", TENANT, b"k")
    assert isinstance(wait, Wait) and "other delivery processes" in wait.reason and wait.seconds < 2


def test_the_most_particular_budget_wins_value_by_value() -> None:
    address, owner = uuid4(), uuid4()
    rows = {
        (None, None, "*"): Budget(connections=7, rate=9.0),
        (None, None, "google"): Budget(connections=3, total_connections=4),
        (owner, None, "google"): Budget(connections=2, total_connections=99),
        (None, address, "google"): Budget(rate=5.0),
    }
    found = budget_of(rows, owner, address, "google")
    assert (found.connections, found.rate, found.messages_per_connection, found.total_connections) == (2, 5.0, 50, 4)
    assert budget_of(rows, None, uuid4(), "google").connections == 3
    assert budget_of(rows, None, uuid4(), "small.example").connections == 7
    assert budget_of({}, None, uuid4(), "nobody.example") == DEFAULT_BUDGETS["*"]


def test_a_bucket_gives_its_rate_and_books_a_moment_for_each_that_waits() -> None:
    clock = Clock()
    bucket = Bucket(2.0, clock)
    assert [bucket.take() for _ in range(6)] == [True] * 4 + [False] * 2
    assert [bucket.book() for _ in range(3)] == [0.5, 1.0, 1.5]
    clock.now += 1.0
    assert [bucket.take() for _ in range(3)] == [True, True, False]
    slow = Bucket(0.001, clock)
    assert slow.take() and 240 <= slow.book() <= 300


@pytest.mark.parametrize(
    ("domain", "hosts", "provider"),
    [
        ("gmail.com", ["gmail-smtp-in.l.google.com"], "google"),
        ("shop.example", ["aspmx.l.google.com", "mx.old-relay.example"], "google"),
        ("shop.example", ["shop-example.mail.protection.outlook.com"], "microsoft"),
        ("yahoo.de", ["mx-eu.mail.am0.yahoodns.net"], "yahoo"),
        ("icloud.com", ["mx01.mail.icloud.com"], "apple"),
        ("small.example", ["mx1.mailhost.co.uk"], "mailhost.co.uk"),
        ("notgoogle.example", ["mx.evilgoogle.com"], "evilgoogle.com"),
        ("small.example", [], "small.example"),
        ("[192.0.2.1]", ["192.0.2.1"], "192.0.2.1"),
    ],
)
def test_providers_by_mx(domain: str, hosts: list[str], provider: str) -> None:
    destinations = tuple(Destination(host, 10 * place) for place, host in enumerate(hosts))
    assert provider_of(domain, destinations) == provider
    known = Providers()
    assert known.of(domain, destinations) == known.of(domain, destinations) == provider


def signal(reply: str, reply_class: str, kind: str = "ip", stage: str = "rcpt", provider: str = "google") -> Signal:
    return Signal(uuid4(), None, "192.0.2.1", kind, provider, reply_class, stage, 421, reply)


@pytest.mark.parametrize(
    ("said", "rule"),
    [
        (signal("421 4.7.0 [TSS04] Messages from 1.2.3.4 temporarily deferred", "throttle", provider="yahoo"), "yahoo.tss04"),
        (signal("421 4.7.0 [TSS04] not by Yahoo", "throttle"), "ip.slow"),
        (signal("553 5.7.1 [BL21] blocked by Spamhaus", "block.reputation", provider="yahoo"), "ip.block"),
        (signal("450 4.2.1 receiving mail at a rate", "throttle"), None),
        (signal("535 5.7.8 bad credentials", "relay", "relay", "auth"), "relay.login"),
        (signal("454 4.7.0 quota exceeded", "temporary", "relay", "mail"), "relay.quota"),
        (signal("Daily user sending limit exceeded", "throttle", "relay"), "relay.quota"),
        (signal("connection refused", "net", "relay", "connect"), "relay.away"),
        (signal("connection refused", "net", "ip", "connect"), None),
        (signal("554 blocked by the recipient's own server", "block.reputation", "relay"), None),
        (signal("554 5.7.1 not from your address", "block.reputation", "relay", "banner"), "relay.block"),
    ],
)
def test_rules(said: Signal, rule: str | None) -> None:
    found = find_rule(said)
    assert (found.name if found else None) == rule


def test_addresses_in_replies_are_not_shown() -> None:
    assert shown("550 <ada.l@private.example>: blocked, see http://x/?q=ada.l@private.example") == "550 <(address)>: blocked, see (address)"
