"""The gaps between attempts."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.delivery.schedule import FLOORS, GAPS, JITTER, retry_delay
from worker.delivery.types import ReplyClass


@given(st.integers(1, 30), st.integers())
def test_gap_is_the_scheduled_one_within_a_fifth(attempt: int, seed: int) -> None:
    gap = retry_delay(attempt, ReplyClass.NET, random.Random(seed))
    wanted = GAPS[min(attempt, len(GAPS)) - 1]
    assert gap is not None
    assert wanted * (1 - JITTER) <= gap.total_seconds() <= wanted * (1 + JITTER)


@given(st.sampled_from(sorted(FLOORS)), st.integers(1, 12), st.integers())
def test_floors_hold(reply_class: ReplyClass, attempt: int, seed: int) -> None:
    gap = retry_delay(attempt, reply_class, random.Random(seed))
    assert gap is not None and gap.total_seconds() >= FLOORS[reply_class]


def test_greylist_waits_five_minutes_first() -> None:
    gaps = [retry_delay(1, ReplyClass.GREYLIST, random.Random(seed)) for seed in range(200)]
    assert all(gap is not None and timedelta(minutes=5) <= gap <= timedelta(minutes=6) for gap in gaps)


def test_block_rests_one_to_two_hours() -> None:
    gaps = [retry_delay(1, ReplyClass.BLOCK, random.Random(seed)) for seed in range(200)]
    assert all(gap is not None and timedelta(hours=1) <= gap <= timedelta(hours=2) for gap in gaps)
    assert max(gaps, key=lambda gap: gap or timedelta()) > timedelta(minutes=100)  # type: ignore[operator]


def test_schedule_reaches_three_days_in_steps_of_twelve_hours() -> None:
    assert [gap / 60 for gap in GAPS] == [1, 5, 15, 30, 60, 120, 240, 480, 720]
    middle = [retry_delay(attempt, ReplyClass.NET, _Half()) for attempt in (1, 9, 10, 50)]
    assert middle == [timedelta(minutes=1), timedelta(hours=12), timedelta(hours=12), timedelta(hours=12)]


def test_factor_scales_everything() -> None:
    assert retry_delay(1, ReplyClass.GREYLIST, _Half(), factor=0.01) == timedelta(seconds=3.3)


@pytest.mark.parametrize("reply_class", [ReplyClass.DELIVERED, ReplyClass.EXPIRED])
def test_nothing_after_the_end(reply_class: ReplyClass) -> None:
    assert retry_delay(1, reply_class) is None


def test_attempts_count_from_one() -> None:
    with pytest.raises(ValueError, match="attempt must be 1 or more"):
        retry_delay(0, ReplyClass.NET)


class _Half(random.Random):
    """The middle of every range."""

    def random(self) -> float:
        return 0.5
