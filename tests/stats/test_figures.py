"""Figures are exact at any moment: before, while and after deltas are folded."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import sqlalchemy as sa

from tests.fixtures import Cast, Person
from webapp.kernel.db import raw_of, tenant_session, unscoped
from webapp.kernel.ids import uuid7
from webapp.kernel.scope import Mode
from webapp.stats.figures import Figures
from webapp.stats.periods import last_days
from webapp.stats.queries import figures_by_bridge, get_figures, series
from webapp.stats.service import fold_deltas

BRIDGE = uuid7()
UTC = ZoneInfo("UTC")


def add(person: Person, *, hours_ago: int = 0, mode: str = "live", **counts: int) -> None:
    assert person.tenant_id is not None
    columns = ", ".join(counts)
    values = ", ".join(str(n) for n in counts.values())
    with tenant_session(person.tenant_id) as rows:
        rows.execute(
            sa.text(
                f"insert into stats_deltas (tenant_id, hour, mode, bridge_id, {columns}) "
                f"values (:t, date_trunc('hour', now()) - make_interval(hours => :h), :m, :b, {values})"
            ),
            {"t": person.tenant_id, "m": mode, "b": BRIDGE, "h": hours_ago},
        )


def fold() -> int:
    with unscoped("test") as rows:
        return fold_deltas(raw_of(rows))


def test_sums_are_the_same_before_and_after_folding(cast: Cast) -> None:
    add(cast.owner, sent=10, delivered=8, bounced=1)
    add(cast.owner, sent=5, delivered=5, unique_opened=2, opened=3)
    with cast.owner.scope() as scope:
        before = get_figures(scope)
    assert fold() == 2
    add(cast.owner, sent=1, delivered=1)
    with cast.owner.scope() as scope:
        after = get_figures(scope)
        assert figures_by_bridge(scope, [BRIDGE, uuid7()]).keys() == {BRIDGE}
    assert (before.sent, before.delivered, before.bounced, before.opened) == (15, 13, 1, 3)
    assert (after.sent, after.delivered) == (16, 14)
    assert after.bounce_rate == 0.0625
    assert fold() == 1
    assert fold() == 0


def test_the_stranger_and_the_other_mode_see_nothing(cast: Cast) -> None:
    add(cast.owner, sent=10)
    fold()
    with cast.stranger.scope() as scope:
        assert get_figures(scope) == Figures()
    with cast.owner.scope(Mode.SANDBOX) as scope:
        assert get_figures(scope) == Figures()


def test_a_series_has_no_gaps(cast: Cast) -> None:
    add(cast.owner, sent=3)
    add(cast.owner, sent=4, hours_ago=5)
    fold()
    with cast.owner.scope() as scope:
        hours, days = series(scope, last_days(1, UTC)), series(scope, last_days(30, UTC))
    assert len(hours) == 24
    assert sum(point.figures.sent for point in hours) == 7
    assert hours[-1].figures.sent == 3
    assert len(days) == 30
    assert sum(point.figures.sent for point in days) == 7
