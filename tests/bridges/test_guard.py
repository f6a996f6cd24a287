"""The guard of a bridge, with real mail to a server that refuses what it is told to."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from uuid import UUID

import pytest
import sqlalchemy as sa

from tests.fixtures import Cast
from tests.sinks import SmtpSink, sink_in_thread
from webapp.bridges.guard_view import GuardView, view_of
from webapp.bridges.service import BridgeInput, create_bridge, end_exemption, exempt, get_bridge, pause_bridge, resume_bridge, set_limits
from webapp.bridges.types import GuardAction, GuardRule, GuardState
from webapp.kernel.addresses import parse_address
from webapp.kernel.clock import now
from webapp.kernel.db import unscoped
from webapp.kernel.errors import Conflict, Forbidden, ValidationFailed
from webapp.messages.service import accept, forget_facts
from webapp.messages.types import Door, MessageSubmission, RecipientInput
from webapp.settings import get_settings
from worker.dispatch.dispatcher import Dispatcher
from worker.jobs.guard import send_letters, settle, watch


@dataclass
class Place:
    """The owner's tenant with two bridges on one pool that relays to a sink."""

    cast: Cast
    sink: SmtpSink
    dispatcher: Dispatcher
    bridge: UUID
    sibling: UUID
    rounds: int = 0

    def send(self, bridge: UUID, *names: str, sender: str = "shop@acme.test") -> UUID:
        """Accept one message to these local parts."""
        forget_facts()
        with self.cast.owner.scope() as scope:
            to = tuple(RecipientInput(parse_address(f"{name}@example.net")) for name in names)
            wanted = MessageSubmission(from_address=parse_address(sender), recipients=to, subject="Hi", text="Hi", door=Door.API, bridge_id=bridge)
            return accept(scope, wanted).id

    def bounce(self, bridge: UUID, count: int, good: int = 0) -> None:
        """Send to ``count`` addresses that do not exist and to ``good`` ones that do, and deliver."""
        self.rounds += 1  # those who bounced are suppressed
        self.send(bridge, *(f"r550-{self.rounds}-{i}" for i in range(count)), *(f"ok-{i}" for i in range(good)))
        self.dispatcher.drain(20)

    def guard(self, bridge: UUID | None = None) -> GuardView:
        """What the owner sees."""
        with self.cast.owner.scope() as scope:
            return view_of(scope, get_bridge(scope, bridge or self.bridge))

    def resume(self, note: str = "The list was cleaned.") -> None:
        """As the owner."""
        with self.cast.owner.scope() as scope:
            resume_bridge(scope, self.bridge, note)

    def rows(self, statement: str) -> list[tuple[object, ...]]:
        """Of all tenants."""
        with unscoped("test") as session:
            return [tuple(row) for row in session.execute(sa.text(statement))]

    def states(self, message: UUID) -> dict[str, str]:
        """State by local part."""
        return {str(a).partition("@")[0]: str(s) for a, s in self.rows(f"select address, state from recipients where message_id = '{message}'")}


@pytest.fixture
def place(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    for name, value in (("MINIMUM_SENT", "20"), ("MINIMUM_DELIVERED", "10"), ("SPIKE_MINIMUM", "10")):
        monkeypatch.setenv(f"POSTBRIDGE_GUARD_{name}", value)
    get_settings.cache_clear()
    forget_facts()
    with sink_in_thread() as sink:
        with unscoped("test") as rows:
            made = "insert into sending_accounts (name, host, port, tls, active) values ('sink', '127.0.0.1', :port, 'none', true) returning id"
            account = rows.execute(sa.text(made), {"port": sink.port}).scalar_one()
            pool = rows.execute(sa.text("insert into pools (name, is_default) values ('Shared', true) returning id")).scalar_one()
            rows.execute(sa.text("insert into pool_members (pool_id, sending_account_id) values (:p, :a)"), {"p": pool, "a": account})
            for domain in ("acme.test", "news.acme.test"):
                verified = "insert into domains (tenant_id, name, status, challenge, verified_at) values (:t, :d, 'verified', 'x', now())"
                rows.execute(sa.text(verified), {"t": cast.owner.tenant_id, "d": domain})
        with cast.owner.scope() as scope:
            bridge, sibling = (create_bridge(scope, BridgeInput(name))[0].id for name in ("shop", "alerts"))
        dispatcher = Dispatcher()
        yield Place(cast, sink, dispatcher, bridge, sibling)
        dispatcher.stop()
    monkeypatch.undo()
    get_settings.cache_clear()
    forget_facts()


def test_one_bounce_of_two_stops_nobody(place: Place) -> None:
    place.bounce(place.bridge, 1, good=1)
    assert watch(0) == 0
    assert place.guard().state is GuardState.WATCHING
    assert (place.guard().figures.sent, place.guard().figures.hard_bounced) == (2, 1)


def test_too_many_bounces_pause_this_bridge_alone_and_hold_its_queue(place: Place) -> None:
    place.bounce(place.bridge, 6, good=24)
    place.send(place.sibling, "before")
    waiting = place.send(place.bridge, "waits")
    assert watch(0) == 1
    guard = place.guard()
    assert guard.state is GuardState.TRIPPED
    assert guard.reason and "20 %" in guard.reason and "6 of 30 recipients" in guard.reason and "10 %" in guard.reason
    assert (place.guard(place.sibling).state, place.guard(place.sibling).tripped) == (GuardState.WATCHING, None)
    with pytest.raises(Conflict, match="6 of 30 recipients"):
        place.send(place.bridge, "late")
    place.send(place.sibling, "after")
    place.dispatcher.drain(10)
    assert place.states(waiting) == {"waits": "held"}
    assert {"before", "after"} <= {mail.recipient.partition("@")[0] for mail in place.sink.received}
    assert "waits" not in {mail.recipient.partition("@")[0] for mail in place.sink.received}


def test_the_owner_is_told_why_by_mail_and_in_the_activity_log(place: Place) -> None:
    place.bounce(place.bridge, 30)
    watch(0)
    assert send_letters(0) == 1
    assert send_letters(0) == 0
    letters = place.rows(
        "select m.subject, r.address, c.text from messages m join recipients r on r.message_id = m.id join message_contents c on c.id = m.id "
        "where m.tags = array['bridge-alarm']"
    )
    assert [(subject, to) for subject, to, _ in letters] == [("shop is paused", place.cast.owner.email)]
    assert "30 of 30 recipients" in " ".join(str(letters[0][2]).split()) and f"/bridges/{place.bridge}" in str(letters[0][2])
    entry = place.rows("select action, actor_kind, changes->>'rule', changes->>'counted', changes->>'limit' from activity_entries where action like 'bridge.t%'")
    assert entry == [("bridge.tripped", "system", "bounces", "30", "0.1")]


def test_resuming_needs_a_note_lets_the_queue_flow_and_begins_to_count_anew(place: Place) -> None:
    place.bounce(place.bridge, 30)
    waiting = place.send(place.bridge, "waits")
    place.rows("update queue_entries set expires_at = now() + interval '1 minute', due_at = now() - interval '1 hour' returning 1")
    watch(0)
    assert place.states(waiting) == {"waits": "held"}
    with pytest.raises(ValidationFailed) as refused, place.cast.owner.scope() as scope:
        resume_bridge(scope, place.bridge)
    assert refused.value.param == "note"
    place.resume()
    assert settle(0) == 1
    assert place.rows("select expires_at > now() + interval '50 minutes' from queue_entries") == [(True,)]  # the hour it was held does not count
    assert watch(0) == 0  # the figures of before trip nothing
    place.dispatcher.drain(10)
    assert place.states(waiting) == {"waits": "delivered"}
    watch(0)
    assert (place.guard().state, place.guard().figures.hard_bounced) == (GuardState.WATCHING, 0)
    assert [(a.ended_by, a.note) for a in place.guard().alarms] == [(place.cast.owner.name, "The list was cleaned.")]
    place.bounce(place.bridge, 25)
    assert watch(0) == 1  # and new ones do
    assert place.guard().figures.hard_bounced == 25


def test_a_finding_from_before_the_resume_is_void(place: Place) -> None:
    from worker.jobs import guard as job

    place.bounce(place.bridge, 30)
    stale = job._judge()
    watch(0)
    place.resume()
    for finding in stale:
        with place.cast.owner.scope() as scope:
            assert job._raise(scope, finding) == 0
    assert place.guard().state is GuardState.WATCHING


def test_two_workers_at_once_trip_once(place: Place) -> None:
    place.bounce(place.bridge, 30)
    raised: list[int] = []
    start = threading.Barrier(3)

    def work() -> None:
        start.wait()
        raised.append(watch(0))

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(raised) == 1
    assert place.rows("select rule, action from guard_alarms") == [("bounces", "pause")]


def test_warns_once_below_the_limit_and_takes_the_warning_back(place: Place) -> None:
    place.bounce(place.bridge, 2, good=28)
    assert watch(0) == 1
    assert (watch(0), place.guard().state) == (0, GuardState.WARNED)
    place.bounce(place.bridge, 0, good=40)
    assert (watch(0), place.guard().state) == (0, GuardState.WATCHING)
    assert [a.ended_by for a in place.guard().alarms] == ["Postbridge"]


def test_complaints_pause(place: Place) -> None:
    place.bounce(place.bridge, 0, good=30)
    place.rows(
        "insert into stats_deltas (tenant_id, hour, mode, bridge_id, complained) "
        f"select tenant_id, date_trunc('hour', now(), 'UTC'), 'live', id, 3 from bridges where id = '{place.bridge}' returning 1"
    )
    assert watch(0) == 1
    assert place.guard().tripped is not None and place.guard().alarms[0].rule == GuardRule.COMPLAINTS


def test_a_spike_against_its_own_busiest_hour(place: Place) -> None:
    hours = "insert into stats_hours (tenant_id, hour, mode, bridge_id, pool_id, member_id, accepted) select tenant_id, date_trunc('hour', now(), 'UTC') - "
    nil = "'00000000-0000-0000-0000-000000000000', '00000000-0000-0000-0000-000000000000'"
    place.rows(f"{hours} make_interval(hours => h), 'live', id, {nil}, h % 3 + 1 from bridges, generate_series(1, 200) h where name = 'shop' returning 1")
    place.send(place.bridge, *(f"ok-{i}" for i in range(31)))
    place.send(place.sibling, *(f"ok-{i}" for i in range(31)))  # without a past, nothing to deviate from
    assert watch(0) == 1
    trip = place.guard().tripped
    assert trip is not None and trip.rule == GuardRule.SPIKE and "busiest hour of the last 14 days had 3" in trip.text
    assert place.guard(place.sibling).state is GuardState.WATCHING


def test_thirty_times_is_no_spike_when_the_bridge_allows_more(place: Place) -> None:
    hours = "insert into stats_hours (tenant_id, hour, mode, bridge_id, pool_id, member_id, accepted) select tenant_id, date_trunc('hour', now(), 'UTC') - "
    nil = "'00000000-0000-0000-0000-000000000000', '00000000-0000-0000-0000-000000000000'"
    place.rows(f"{hours} make_interval(hours => 100), 'live', id, {nil}, 1 from bridges where name = 'shop' returning 1")
    with place.cast.owner.scope() as scope:
        set_limits(scope, place.bridge, {"spike_factor": 50.0})
    place.send(place.bridge, *(f"ok-{i}" for i in range(31)))
    assert watch(0) == 0


@pytest.mark.parametrize(("chosen", "state"), [("warn", GuardState.WARNED), ("pause", GuardState.TRIPPED), ("off", GuardState.WATCHING)])
def test_a_from_domain_it_never_used(place: Place, chosen: str, state: GuardState) -> None:
    place.send(place.bridge, "ok")
    watch(0)
    with place.cast.owner.scope() as scope:
        set_limits(scope, place.bridge, {"sender_action": GuardAction(chosen)})
    place.send(place.bridge, "ok", sender="shop@news.acme.test")
    assert watch(0) == 0  # still learning
    place.rows("update bridge_senders set first_seen_at = now() - interval '10 days' where domain = 'acme.test' returning 1")
    place.rows("delete from bridge_senders where domain = 'news.acme.test' returning 1")
    assert watch(0) == int(chosen != "off")
    assert place.guard().state is state
    if chosen != "off":
        assert place.guard().reason == (
            "Mail came from news.acme.test, a domain from which this bridge never sent before. Until now it sent from acme.test."
        )
    if chosen == "pause":
        place.resume("It is our newsletter.")
    assert watch(0) == 0


def test_limits_are_bounded_and_in_order(place: Place) -> None:
    with place.cast.owner.scope() as scope, pytest.raises(ValidationFailed) as refused:
        set_limits(scope, place.bridge, {"bounce_pause": 0.5, "complaint_pause": 0.0, "spike_factor": 1.0})
    assert [p.param for p in refused.value.problems] == ["bounce_pause", "complaint_pause", "spike_factor"]
    with place.cast.owner.scope() as scope, pytest.raises(ValidationFailed, match="before the pause"):
        set_limits(scope, place.bridge, {"bounce_pause": 0.02})
    with place.cast.owner.scope() as scope:
        set_limits(scope, place.bridge, {"bounce_pause": 0.02, "bounce_warn": 0.01})
    place.bounce(place.bridge, 1, good=30)
    assert watch(0) == 1
    assert place.guard().state is GuardState.TRIPPED
    with place.cast.teammate.scope() as scope, pytest.raises(Forbidden):
        set_limits(scope, place.bridge, {"bounce_pause": None})


def test_only_staff_exempts_and_an_exempt_bridge_is_warned_all_the_same(place: Place, operator: Callable[..., object]) -> None:
    with place.cast.owner.scope() as scope, pytest.raises(Forbidden):
        exempt(scope, place.bridge, now().replace(year=now().year + 1), "please let me")
    operator(exempt, place.bridge, days=5)
    place.bounce(place.bridge, 30)
    assert watch(0) == 1
    assert place.guard().state is GuardState.EXEMPT
    place.send(place.bridge, "ok")
    operator(end_exemption, place.bridge)
    assert watch(0) == 1
    assert place.guard().state is GuardState.TRIPPED


def test_a_pause_by_a_person_is_held_too_and_resumes_without_a_note(place: Place) -> None:
    message = place.send(place.bridge, "waits")
    with place.cast.owner.scope() as scope:
        pause_bridge(scope, place.bridge, "moving house")
    settle(0)
    assert place.states(message) == {"waits": "held"}
    with place.cast.owner.scope() as scope:
        resume_bridge(scope, place.bridge)
    settle(0)
    place.dispatcher.drain(10)
    assert place.states(message) == {"waits": "delivered"}
    assert place.rows("select queue_held_at from bridges where name = 'shop'") == [(None,)]


def test_parked_mail_of_a_resumed_bridge_still_waits_for_a_person(place: Place) -> None:
    message = place.send(place.bridge, "waits", "parked")
    place.rows(
        "update queue_entries set held = 'parked after 5 attempts that ended without a result' where recipient_id in "
        "(select id from recipients where address like 'parked@%') returning 1"
    )
    with place.cast.owner.scope() as scope:
        pause_bridge(scope, place.bridge)
    settle(0)
    with place.cast.owner.scope() as scope:
        resume_bridge(scope, place.bridge)
    settle(0)
    place.dispatcher.drain(10)
    assert place.states(message)["waits"] == "delivered"
    assert place.rows("select held from queue_entries") == [("parked after 5 attempts that ended without a result",)]
