"""Spans in anybody's time zone: days are as long as the clocks there make them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from webapp.kernel.errors import ValidationFailed
from webapp.stats.periods import between, find_zone, last_days, zone_of
from webapp.stats.types import Step

BERLIN = ZoneInfo("Europe/Berlin")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_a_day_begins_at_the_zones_midnight() -> None:
    period = between(at("2026-06-01T00:00"), at("2026-06-03T12:00"), BERLIN, Step.DAY)
    assert period.since == at("2026-05-31T22:00")
    assert [f"{start:%d %H:%M}" for start in period.starts()] == ["01 00:00", "02 00:00", "03 00:00"]
    assert period.until == at("2026-06-03T22:00")


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-07-01", 24)])
def test_the_days_on_which_clocks_change(day: str, hours: int) -> None:
    noon = at(f"{day}T12:00")
    period = between(noon, noon + timedelta(minutes=1), BERLIN, Step.DAY)
    assert period.until - period.since == timedelta(hours=hours)
    assert len(between(period.since, period.until, BERLIN, Step.HOUR).starts()) == hours


def test_weeks_and_months_begin_where_they_do() -> None:
    week = between(at("2026-11-25T10:00"), at("2026-11-26T10:00"), BERLIN, Step.WEEK)
    assert [f"{start:%a %d}" for start in week.starts()] == ["Mon 23"]
    months = between(at("2025-12-15T00:00"), at("2026-02-01T00:00"), ZoneInfo("UTC"), Step.MONTH)
    assert [f"{start:%Y-%m}" for start in months.starts()] == ["2025-12", "2026-01"]
    assert [f"{start:%Y-%m}" for start in months.before.starts()] == ["2025-10", "2025-11"]


def test_the_period_before_has_as_many_steps_and_ends_where_this_begins() -> None:
    for days in (1, 7, 30):
        period = last_days(days, BERLIN)
        assert len(period.before.starts()) == len(period.starts())
        assert period.before.until == period.since


def test_hours_by_default_for_short_spans() -> None:
    assert last_days(1, BERLIN).step is Step.HOUR and len(last_days(1, BERLIN).starts()) == 24
    assert last_days(30, BERLIN).step is Step.DAY and len(last_days(30, BERLIN).starts()) == 30


def test_what_makes_no_sense_is_refused_by_name() -> None:
    with pytest.raises(ValidationFailed) as error:
        between(at("2026-01-02T00:00"), at("2026-01-01T00:00"), BERLIN)
    assert error.value.param == "to"
    with pytest.raises(ValidationFailed) as error:
        between(at("2000-01-01T00:00"), at("2026-01-01T00:00"), BERLIN, Step.HOUR)
    assert error.value.param == "interval"
    for name in ("Mars/Olympus", "../../etc/passwd", "/etc/passwd", "x" * 100, "Europe", "a\0b"):
        assert find_zone(name) is None, name
        with pytest.raises(ValidationFailed):
            zone_of(name)
