"""The guard of a bridge, with real mail to a server that refuses what it is told to."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from uuid import UUID

import pytest
from flask import Flask

from tests.fixtures_sending import Sending
from webapp.bridges.guard_view import GuardView, view_of
from webapp.bridges.service import end_exemption, exempt, get_bridge, pause_bridge, resume_bridge, set_limits
from webapp.bridges.types import GuardAction, GuardRule, GuardState
from webapp.kernel.clock import now
from webapp.kernel.errors import Conflict, Forbidden, ValidationFailed
from webapp.settings import get_settings
from worker.jobs.guard import send_letters, settle, watch


@pytest.fixture
def place(sending: Sending, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sending]:
    """With limits that a few mails reach."""
    for name, value in (("MINIMUM_SENT", "20"), ("MINIMUM_DELIVERED", "10"), ("SPIKE_MINIMUM", "10")):
        monkeypatch.setenv(f"POSTBRIDGE_GUARD_{name}", value)
    get_settings.cache_clear()
    yield sending
    monkeypatch.undo()
    get_settings.cache_clear()


def guard_of(place: Sending, bridge: UUID | None = None) -> GuardView:
    """What the owner sees."""
    with place.cast.owner.scope() as scope:
        return view_of(scope, get_bridge(scope, bridge or place.bridge))


def resume(place: Sending, note: str = "The list was cleaned.") -> None:
    """As the owner."""
    with place.cast.owner.scope() as scope:
        resume_bridge(scope, place.bridge, note)


def test_one_bounce_of_two_stops_nobody(place: Sending) -> None:
    place.bounce(place.bridge, 1, good=1)
    assert watch(0) == 0
    assert guard_of(place).state is GuardState.WATCHING
    assert (guard_of(place).figures.sent, guard_of(place).figures.hard_bounced) == (2, 1)


def test_too_many_bounces_pause_this_bridge_alone_and_hold_its_queue(place: Sending) -> None:
    place.bounce(place.bridge, 6, good=24)
    place.send(place.sibling, "before")
    waiting = place.send(place.bridge, "waits")
    assert watch(0) == 1
    guard = guard_of(place)
    assert guard.state is GuardState.TRIPPED
    assert guard.reason and "20 %" in guard.reason and "6 of 30 recipients" in guard.reason and "10 %" in guard.reason
    assert (guard_of(place, place.sibling).state, guard_of(place, place.sibling).tripped) == (GuardState.WATCHING, None)
    with pytest.raises(Conflict, match="6 of 30 recipients"):
        place.send(place.bridge, "late")
    place.send(place.sibling, "after")
    place.dispatcher.drain(10)
    assert place.states(waiting) == {"waits": "held"}
    assert {"before", "after"} <= {mail.recipient.partition("@")[0] for mail in place.sink.received}
    assert "waits" not in {mail.recipient.partition("@")[0] for mail in place.sink.received}


def test_the_owner_is_told_why_by_mail_and_in_the_activity_log(place: Sending) -> None:
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
    told = "select action, actor_kind, changes->>'rule', changes->>'counted', changes->>'limit' from activity_entries where action like 'bridge.t%'"
    assert place.rows(told) == [("bridge.tripped", "system", "bounces", "30", "0.1")]


def test_resuming_needs_a_note_lets_the_queue_flow_and_begins_to_count_anew(place: Sending) -> None:
    place.bounce(place.bridge, 30)
    waiting = place.send(place.bridge, "waits")
    place.rows("update queue_entries set expires_at = now() + interval '1 minute', due_at = now() - interval '1 hour' returning 1")
    watch(0)
    assert place.states(waiting) == {"waits": "held"}
    with pytest.raises(ValidationFailed) as refused, place.cast.owner.scope() as scope:
        resume_bridge(scope, place.bridge)
    assert refused.value.param == "note"
    resume(place)
    assert settle(0) == 1
    assert place.rows("select expires_at > now() + interval '50 minutes' from queue_entries") == [(True,)]  # the hour it was held does not count
    assert watch(0) == 0  # the figures of before trip nothing
    place.dispatcher.drain(10)
    assert place.states(waiting) == {"waits": "delivered"}
    watch(0)
    assert (guard_of(place).state, guard_of(place).figures.hard_bounced) == (GuardState.WATCHING, 0)
    assert [(a.ended_by, a.note) for a in guard_of(place).alarms] == [(place.cast.owner.name, "The list was cleaned.")]
    place.bounce(place.bridge, 25)
    assert watch(0) == 1  # and new ones do
    assert guard_of(place).figures.hard_bounced == 25


def test_a_finding_from_before_the_resume_is_void(place: Sending) -> None:
    from worker.jobs import guard as job

    place.bounce(place.bridge, 30)
    stale = job._judge()
    watch(0)
    resume(place)
    for finding in stale:
        with place.cast.owner.scope() as scope:
            assert job._raise(scope, finding) == 0
    assert guard_of(place).state is GuardState.WATCHING


def test_two_workers_at_once_trip_once(place: Sending) -> None:
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


def test_warns_once_below_the_limit_and_takes_the_warning_back(place: Sending) -> None:
    place.bounce(place.bridge, 2, good=28)
    assert watch(0) == 1
    assert (watch(0), guard_of(place).state) == (0, GuardState.WARNED)
    place.bounce(place.bridge, 0, good=40)
    assert (watch(0), guard_of(place).state) == (0, GuardState.WATCHING)
    assert [a.ended_by for a in guard_of(place).alarms] == ["Postbridge"]


def test_complaints_pause(place: Sending) -> None:
    place.bounce(place.bridge, 0, good=30)
    place.rows(
        "insert into stats_deltas (tenant_id, hour, mode, bridge_id, complained) "
        f"select tenant_id, date_trunc('hour', now(), 'UTC'), 'live', id, 3 from bridges where id = '{place.bridge}' returning 1"
    )
    assert watch(0) == 1
    assert guard_of(place).tripped is not None and guard_of(place).alarms[0].rule == GuardRule.COMPLAINTS


def test_a_spike_against_its_own_busiest_hour(place: Sending) -> None:
    hours = "insert into stats_hours (tenant_id, hour, mode, bridge_id, pool_id, member_id, accepted) select tenant_id, date_trunc('hour', now(), 'UTC') - "
    nil = "'00000000-0000-0000-0000-000000000000', '00000000-0000-0000-0000-000000000000'"
    place.rows(f"{hours} make_interval(hours => h), 'live', id, {nil}, h % 3 + 1 from bridges, generate_series(1, 200) h where name = 'shop' returning 1")
    place.send(place.bridge, *(f"ok-{i}" for i in range(31)))
    place.send(place.sibling, *(f"ok-{i}" for i in range(31)))  # without a past, nothing to deviate from
    assert watch(0) == 1
    trip = guard_of(place).tripped
    assert trip is not None and trip.rule == GuardRule.SPIKE and "busiest hour of the last 14 days had 3" in trip.text
    assert guard_of(place, place.sibling).state is GuardState.WATCHING


def test_thirty_times_is_no_spike_when_the_bridge_allows_more(place: Sending) -> None:
    hours = "insert into stats_hours (tenant_id, hour, mode, bridge_id, pool_id, member_id, accepted) select tenant_id, date_trunc('hour', now(), 'UTC') - "
    nil = "'00000000-0000-0000-0000-000000000000', '00000000-0000-0000-0000-000000000000'"
    place.rows(f"{hours} make_interval(hours => 100), 'live', id, {nil}, 1 from bridges where name = 'shop' returning 1")
    with place.cast.owner.scope() as scope:
        set_limits(scope, place.bridge, {"spike_factor": 50.0})
    place.send(place.bridge, *(f"ok-{i}" for i in range(31)))
    assert watch(0) == 0


@pytest.mark.parametrize(("chosen", "state"), [("warn", GuardState.WARNED), ("pause", GuardState.TRIPPED), ("off", GuardState.WATCHING)])
def test_a_from_domain_it_never_used(place: Sending, chosen: str, state: GuardState) -> None:
    place.send(place.bridge, "ok")
    watch(0)
    with place.cast.owner.scope() as scope:
        set_limits(scope, place.bridge, {"sender_action": GuardAction(chosen)})
    place.send(place.bridge, "ok", sender="shop@news.acme.test")
    assert watch(0) == 0  # still learning
    place.rows("update bridge_senders set first_seen_at = now() - interval '10 days' where domain = 'acme.test' returning 1")
    place.rows("delete from bridge_senders where domain = 'news.acme.test' returning 1")
    assert watch(0) == int(chosen != "off")
    assert guard_of(place).state is state
    if chosen != "off":
        assert guard_of(place).reason == (
            "Mail came from news.acme.test, a domain from which this bridge never sent before. Until now it sent from acme.test."
        )
    if chosen == "pause":
        resume(place, "It is our newsletter.")
    assert watch(0) == 0


def test_limits_are_bounded_and_in_order(place: Sending) -> None:
    with place.cast.owner.scope() as scope, pytest.raises(ValidationFailed) as refused:
        set_limits(scope, place.bridge, {"bounce_pause": 0.5, "complaint_pause": 0.0, "spike_factor": 1.0})
    assert [p.param for p in refused.value.problems] == ["bounce_pause", "complaint_pause", "spike_factor"]
    with place.cast.owner.scope() as scope, pytest.raises(ValidationFailed, match="before the pause"):
        set_limits(scope, place.bridge, {"bounce_pause": 0.02})
    with place.cast.owner.scope() as scope:
        set_limits(scope, place.bridge, {"bounce_pause": 0.02, "bounce_warn": 0.01})
    place.bounce(place.bridge, 1, good=30)
    assert watch(0) == 1
    assert guard_of(place).state is GuardState.TRIPPED
    with place.cast.teammate.scope() as scope, pytest.raises(Forbidden):
        set_limits(scope, place.bridge, {"bounce_pause": None})


def test_only_staff_exempts_and_an_exempt_bridge_is_warned_all_the_same(place: Sending, operator: Callable[..., object]) -> None:
    with place.cast.owner.scope() as scope, pytest.raises(Forbidden):
        exempt(scope, place.bridge, now().replace(year=now().year + 1), "please let me")
    operator(exempt, place.bridge, days=5)
    place.bounce(place.bridge, 30)
    assert watch(0) == 1
    assert guard_of(place).state is GuardState.EXEMPT
    place.send(place.bridge, "ok")
    operator(end_exemption, place.bridge)
    assert watch(0) == 1
    assert guard_of(place).state is GuardState.TRIPPED


def test_a_pause_by_a_person_is_held_too_and_resumes_without_a_note(place: Sending) -> None:
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


def test_a_long_queue_is_held_and_let_go_in_batches(place: Sending, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.jobs.guard._BATCH", 2)
    message = place.send(place.bridge, *(f"ok-{i}" for i in range(7)))
    later = place.send(place.bridge, "later", send_at=now() + timedelta(hours=1))
    with place.cast.owner.scope() as scope:
        pause_bridge(scope, place.bridge)
    settle(0)
    assert set(place.states(message).values()) == {"held"}
    assert place.states(later) == {"later": "scheduled"}  # held when its time comes
    assert place.rows("select count(*) from events where type = 'email.held'") == [(7,)]
    with place.cast.owner.scope() as scope:
        resume_bridge(scope, place.bridge)
    assert settle(0) == 7
    assert settle(0) == 0
    place.dispatcher.drain(10)
    assert set(place.states(message).values()) == {"delivered"}


def test_parked_mail_of_a_resumed_bridge_still_waits_for_a_person(place: Sending) -> None:
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


def test_the_api_shows_state_figures_limits_and_why(place: Sending, app: Flask) -> None:
    api = place.cast.owner.api(app)
    place.bounce(place.bridge, 30)
    watch(0)
    answer = api.get(f"/api/v1/bridges/{place.bridge}")
    assert answer.status_code == 200, answer.json
    guard = answer.json["data"]["guard"]
    assert (guard["state"], guard["figures"]["sent"], guard["figures"]["bounce_rate"], guard["limits"]["bounce_pause"]) == ("tripped", 30, 1.0, 0.1)
    assert "30 of 30 recipients" in guard["reason"] and guard["alarms"][0]["rule"] == "bounces"
    refused = api.post(f"/api/v1/bridges/{place.bridge}/resume", json={})
    assert (refused.status_code, refused.json["error"]["param"]) == (422, "note")
    assert api.post(f"/api/v1/bridges/{place.bridge}/resume", json={"note": "The list was cleaned."}).json["data"]["status"] == "active"
    alarm = api.get(f"/api/v1/bridges/{place.bridge}/guard").json["data"]["alarms"][0]
    assert (alarm["note"], bool(alarm["ended_at"])) == ("The list was cleaned.", True)


def test_limits_over_the_api(place: Sending, app: Flask) -> None:
    api, url = place.cast.owner.api(app), f"/api/v1/bridges/{place.bridge}/guard"
    changed = api.patch(url, json={"complaint_pause": 0.003, "sender_action": "pause"}).json["data"]["limits"]
    assert (changed["complaint_pause"], changed["sender_action"], changed["bounce_pause"]) == (0.003, "pause", 0.1)
    assert api.patch(url, json={"complaint_pause": None}).json["data"]["limits"]["complaint_pause"] == 0.005
    for wrong, param in (({"bounce_pause": 0.9}, "bounce_pause"), ({"bounce_pause": "NaN"}, "bounce_pause"), ({"spike_action": "stop"}, "spike_action")):
        refused = api.patch(url, json=wrong)
        assert (refused.status_code, refused.json["error"]["param"]) == (422, param)


def test_the_page_says_why_and_resumes_with_a_note(place: Sending, app: Flask) -> None:
    browser, url = place.cast.owner.browser(app), f"/bridges/{place.bridge}"
    place.bounce(place.bridge, 30)
    watch(0)
    page = browser.get(url).text
    assert "The guard paused this bridge" in page and "30 of 30 recipients" in page
    assert "What was found and done" in place.cast.owner.browser(app).get(url).text
    assert "What was found and done" not in place.cast.teammate.browser(app).get(url).text
    refused = browser.post(f"{url}/resume", data={"note": "ok"})
    assert refused.status_code == 422 and "say in a few words" in refused.text
    assert browser.post(f"{url}/resume", data={"note": "The list was cleaned."}).status_code == 303
    page = browser.get(url).text
    assert "The guard paused this bridge" not in page and "The list was cleaned." in page


def test_the_form_of_the_limits(place: Sending, app: Flask) -> None:
    browser, url = place.cast.owner.browser(app), f"/bridges/{place.bridge}"
    form = {"bounce_warn": "2,5", "bounce_pause": "4 %", "complaint_warn": "", "spike_factor": "", "spike_action": "warn", "sender_action": "pause"}
    assert browser.post(f"{url}/guard", data=form).status_code == 303
    limits = guard_of(place).limits
    assert (limits.bounce_warn, limits.bounce_pause, limits.complaint_warn, limits.spike_action) == (0.025, 0.04, 0.001, GuardAction.WARN)
    refused = browser.post(f"{url}/guard", data={**form, "bounce_pause": "90"})
    assert refused.status_code == 422 and 'value="90"' in refused.text and "Choose between" in refused.text
    assert place.cast.teammate.browser(app).post(f"{url}/guard", data=form).status_code == 403


def test_the_stranger_sees_and_changes_nothing(place: Sending, app: Flask) -> None:
    place.bounce(place.bridge, 30)
    watch(0)
    api, browser = place.cast.stranger.api(app), place.cast.stranger.browser(app)
    absent = api.get(f"/api/v1/bridges/{place.cast.owner.user_id}/guard")
    for answer in (
        api.get(f"/api/v1/bridges/{place.bridge}/guard"), api.patch(f"/api/v1/bridges/{place.bridge}/guard", json={"bounce_pause": 0.15}),
        api.post(f"/api/v1/bridges/{place.bridge}/resume", json={"note": "let me in"}),
    ):  # fmt: skip
        assert (answer.status_code, answer.json["error"]) == (404, absent.json["error"])
    assert browser.post(f"/bridges/{place.bridge}/resume", data={"note": "let me in"}).status_code == 404
    assert browser.post(f"/bridges/{place.bridge}/guard", data={"spike_action": "off", "sender_action": "off"}).status_code == 404
    assert guard_of(place).state is GuardState.TRIPPED
