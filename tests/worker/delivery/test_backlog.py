"""How much may wait for one destination, and when what is too much comes back."""

from __future__ import annotations

from worker.delivery.backlog import Backlog


def settle(backlog: Backlog, count: int) -> None:
    for _ in range(count):
        backlog.count()


def test_nothing_is_judged_before_its_time() -> None:
    backlog = Backlog()
    backlog.begin(100.0)
    assert backlog.bound(10, 100.2, 0.25) is None
    assert backlog.bound(10, 100.3, 0.25) == 10


def test_the_bound_follows_the_speed() -> None:
    backlog = Backlog()
    backlog.begin(0.0)
    settle(backlog, 500)
    assert backlog.bound(10, 1.0, 0.25) == 750
    settle(backlog, 50)
    assert backlog.bound(10, 1.1, 0.25) == 750, "measured anew, and not judged yet"
    assert backlog.bound(10, 2.0, 0.25) == 412, "half of what was, half of what is"


def test_a_server_whose_answers_come_in_bursts_is_not_taken_for_one_that_stands_still() -> None:
    backlog = Backlog()
    backlog.begin(0.0)
    bounds = set()
    for tenth in range(1, 101):
        settle(backlog, 20 if tenth % 5 == 0 else 0)
        bound = backlog.bound(1, tenth / 10, 0.25)
        if tenth > 10:
            bounds.add(bound)
    assert min(bound or 0 for bound in bounds) >= 30, "forty a second, in two bursts"
    backlog.bound(1, 15.0, 0.25)
    assert backlog.bound(1, 60.0, 0.25) == 1, "and then none any more"


def test_what_stands_still_is_asked_less_and_less_often() -> None:
    backlog = Backlog()
    backlog.begin(0.0)
    assert backlog.bound(10, 1.0, 0.25) == 10
    pauses = [backlog.clog(now) for now in (1.0, 3.0, 10.0, 25.0, 1000.0)]
    for pause, middle in zip(pauses, (1.0, 4.0, 18.0, 48.0, 60.0), strict=True):
        assert 0.8 * middle <= pause <= 1.2 * middle


def test_what_is_slow_comes_back_when_the_rest_has_left() -> None:
    backlog = Backlog()
    backlog.begin(0.0)
    settle(backlog, 20)
    assert backlog.bound(100, 1.0, 0.25) == 100
    backlog.clog(1.0)
    assert 4.0 <= backlog.clog(50.0) <= 6.0


def test_the_quick_are_measured_anew_and_the_slow_stay_slow_until_nothing_waits() -> None:
    backlog = Backlog()
    backlog.begin(0.0)
    assert backlog.bound(10, 0.5, 0.25) == 10
    backlog.clog(0.5)
    backlog.begin(0.6)
    assert backlog.is_clogged and backlog.bound(10, 0.7, 0.25) == 10
    backlog.clear()
    assert not backlog.is_clogged and backlog.bound(10, 0.8, 10.0) is None
