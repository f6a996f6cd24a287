"""The gaps between attempts."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.delivery.schedule import FLOORS, GAPS, JITTER, retry_delay, wish_of
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

@pytest.mark.parametrize(
    ("reply", "seconds"),
    [
        ("4.7.0 Try again in 30 minutes.", 1800),
        ("please try again in 1 hour", 3600),
        ("4.7.1 Greylisted, retry in 300s", 300),
        ("Greylisted, please come back in 00:04:58", 298),
        ("4.7.0 Please retry after 60 seconds (or in 15 min)", 900),
        ("resend in 5m", 300),
        ("wait at least 10 minutes", 600),
        ("Try again later", None),
        ("delayed for 3 days", None),
        ("try again in 900 hours", None),
        ("try again in 0 seconds", None),
        ("421 too many messages from 10 hosts", None),
        ("retry in 5 months", None),
        ("", None),
    ],
)
def test_times_in_replies(reply: str, seconds: float | None) -> None:
    assert wish_of(reply) == seconds


@given(st.integers(1, 12), st.integers(1, 720), st.sampled_from([ReplyClass.THROTTLE, ReplyClass.GREYLIST, ReplyClass.TEMPORARY]), st.integers())
def test_a_wish_is_a_floor_and_never_shortens(attempt: int, minutes: int, reply_class: ReplyClass, seed: int) -> None:
    asked = retry_delay(attempt, reply_class, random.Random(seed), reply=f"4.7.0 try again in {minutes} minutes")
    plain = retry_delay(attempt, reply_class, random.Random(seed))
    assert asked is not None and plain is not None
    assert asked >= plain
    assert asked.total_seconds() >= minutes * 60
    assert asked == plain or asked.total_seconds() <= (minutes * 60 + 10) * (1 + JITTER)


def test_a_wish_is_scaled_like_every_gap() -> None:
    assert retry_delay(1, ReplyClass.THROTTLE, _Half(), factor=0.01, reply="try again in 30 minutes") == timedelta(seconds=(1800 + 10) * 1.1 / 100)


@given(st.text(max_size=3000))
def test_any_words_give_a_bounded_wish(reply: str) -> None:
    wish = wish_of(reply)
    assert wish is None or 0 < wish <= 12 * 3600
