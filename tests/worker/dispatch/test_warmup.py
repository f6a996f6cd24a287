"""Warm-up: allowances that no number of workers exceeds, overflow to warm members, days that count only when clean."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa

from tests.sinks import SmtpSink
from tests.worker.dispatch.yard import Yard, drain, make_due, rows_of, states
from webapp.kernel.db import connect_raw, raw_of, unscoped, unscoped_raw
from webapp.kernel.ids import uuid7
from webapp.pace.models import WarmupDay, WarmupPlan
from webapp.pace.service import forecast_finish, give_back, reserve, start_days
from webapp.pace.service.warmup import judge_day
from worker.dispatch.dispatcher import Dispatcher

TODAY = datetime.now(UTC).date()


def make_plan(source: UUID, provider: str = "google", steps: tuple[int, ...] = (10, 20, 40), day: int = 1) -> UUID:
    with unscoped("test") as rows:
        plan = WarmupPlan(id=uuid7(), source_id=source, source_label="127.0.0.21", provider=provider, steps=list(steps), day=day, started_on=TODAY)
        rows.add(plan)
        return plan.id


def add_day(plan: UUID, on: date, **values: int) -> None:
    with unscoped("test") as rows:
        rows.add(WarmupDay(**{"plan_id": plan, "on_date": on, "day": 1, "allowance": 10, **values}))


@pytest.fixture
def whole_day(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if it were late: the whole allowance of the day may leave."""
    monkeypatch.setattr("webapp.pace.service.warmup.WARMUP_HOURLY", 1.0)
    monkeypatch.setattr("worker.dispatch.pacer.WARMUP_HOURLY", 1.0)


def test_a_new_address_sends_its_allowance_and_the_rest_leaves_by_warm_ones(
    yard: Yard, mx: dict[str, SmtpSink], dispatcher: Dispatcher, whole_day: None
) -> None:
    new, _ = yard.address("127.0.0.21", weight=1000), yard.address("127.0.0.22", weight=1)
    plan = make_plan(new)
    for part in range(4):
        message = yard.send(*(f"u{part}-{n}@workspace.test" for n in range(20)))
        drain(dispatcher)
        assert set(states(message).values()) == {"delivered"}
    peers = [mail.peer for mail in mx["google"].received]
    assert peers.count("127.0.0.21") == 10 and len(peers) == 80
    assert rows_of("select reserved, sent, bounced, blocked from warmup_days where plan_id = :p", p=plan) == [(10, 10, 0, 0)]
    # Another provider has no plan, and no bound.
    message = yard.send(*(f"u{n}@small.test" for n in range(20)))
    drain(dispatcher)
    assert [mail.peer for mail in mx["other"].received].count("127.0.0.21") >= 15


def test_without_a_warm_member_the_rest_waits(yard: Yard, mx: dict[str, SmtpSink], dispatcher: Dispatcher, whole_day: None) -> None:
    make_plan(yard.address("127.0.0.21"), provider="*")
    message = yard.send(*(f"u{n}@workspace.test" for n in range(15)))
    for _ in range(4):
        drain(dispatcher)
        make_due()
    drain(dispatcher)
    assert sorted(states(message).values()) == ["delivered"] * 10 + ["queued"] * 5
    reasons = rows_of("select distinct state_reason from recipients where state = 'queued'")
    assert len(reasons) == 1 and reasons[0].startswith("Today's warm-up allowance for Google is used up")
    assert rows_of("select min(due_at) > now() + interval '5 minutes' from queue_entries") == [True]


def test_an_allowance_is_given_out_once_over_all_workers(db_clean: sa.Engine) -> None:
    plan = make_plan(uuid7(), steps=(100, 200))
    add_day(plan, TODAY, allowance=100)
    late = datetime.combine(TODAY, datetime.min.time(), tzinfo=UTC) + timedelta(hours=23)
    with connect_raw() as one, connect_raw() as two:
        total = 0
        for connection in (one, two) * 10:
            with unscoped_raw(connection, "test"):
                total += reserve(connection, {plan: 7}, late).get(plan, 0)
        assert total == 100
        with unscoped_raw(one, "test"):
            give_back(one, {plan: 5}, TODAY)
        with unscoped_raw(two, "test"):
            assert reserve(two, {plan: 50}, late) == {plan: 5}


def test_an_hour_gets_a_part_of_the_day(db_clean: sa.Engine) -> None:
    plan = make_plan(uuid7())
    add_day(plan, TODAY, allowance=100)
    early = datetime.combine(TODAY, datetime.min.time(), tzinfo=UTC)
    with connect_raw() as connection:
        for hour, given in ((0, 10), (0, None), (1, 10), (5, 40), (23, 40)):
            with unscoped_raw(connection, "test"):
                assert reserve(connection, {plan: 1000}, early + timedelta(hours=hour)).get(plan) == given


@pytest.mark.parametrize(
    ("sent", "bounced", "blocked", "counts"),
    [(80, 0, 0, True), (79, 0, 0, False), (100, 5, 0, True), (100, 6, 0, False), (100, 0, 1, True), (100, 0, 2, False), (0, 0, 0, False)],
)
def test_a_day_counts_when_it_was_full_and_clean(sent: int, bounced: int, blocked: int, counts: bool) -> None:
    assert judge_day(100, sent, bounced, blocked)[0] is counts


def test_days_advance_repeat_and_end(db_clean: sa.Engine) -> None:
    good, poor, done = (make_plan(uuid7(), day=day) for day in (1, 1, 3))
    for plan, sent in ((good, 10), (poor, 3)):
        add_day(plan, TODAY - timedelta(days=1), sent=sent)
    add_day(done, TODAY - timedelta(days=1), day=3, allowance=40, sent=40)
    for expected in (3, 0):
        with unscoped("test") as rows:
            assert start_days(raw_of(rows), TODAY) == expected
    assert rows_of("select day, allowance from warmup_days where plan_id = :p and on_date = :d", p=good, d=TODAY) == [(2, 20)]
    assert rows_of("select day, allowance from warmup_days where plan_id = :p and on_date = :d", p=poor, d=TODAY) == [(1, 10)]
    assert rows_of("select state, finished_on from warmup_plans where id = :p", p=done) == [("finished", TODAY)]
    verdict = rows_of("select verdict from warmup_days where plan_id = :p and on_date < :d", p=poor, d=TODAY)[0]
    assert verdict == "Repeated: 3 of 10 were sent, and 80% are needed."


def test_the_forecast_goes_on_as_it_went_so_far() -> None:
    steps, start = (1, 2, 3, 4, 5), date(2026, 3, 1)
    assert forecast_finish(1, steps, start, start) == date(2026, 3, 6)
    assert forecast_finish(3, steps, start, date(2026, 3, 3)) == date(2026, 3, 6)
    assert forecast_finish(3, steps, start, date(2026, 3, 5)) == date(2026, 3, 11)  # two days a step
