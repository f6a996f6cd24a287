"""Figures as lines of a table: for CSV files at once and for those that a job makes."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from webapp.kernel.clock import rfc3339
from webapp.kernel.scope import Scope
from webapp.kernel.spreadsheet import inert
from webapp.stats.service import COUNTERS, RATES, Cut, Period, Point, answer, groups

#: Keys of a split in one file.
MOST_KEYS = 1_000
_FIGURES = (*COUNTERS, *RATES)


def header_of(cut: Cut) -> list[str]:
    """Names of the columns."""
    split = [cut.split.value, "name"] if cut.split else []
    return ["from", *split, *_FIGURES]


def lines_of(scope: Scope, cut: Cut) -> Iterator[list[object]]:
    """A line for each step, or for each step of each key that has any mail."""
    if cut.split is None:
        yield from (_line(point) for point in answer(scope, cut))
        return
    for group in groups(scope, cut, "accepted", MOST_KEYS) or groups(scope, cut, "sent", MOST_KEYS):
        yield from (_line(point, group.key, group.name) for point in group.points if any(getattr(point.figures, name) for name in COUNTERS))


def with_period(cut: Cut, period: Period) -> Cut:
    """The same question about another time."""
    return replace(cut, period=period)


def _line(point: Point, *key: str) -> list[object]:
    return [rfc3339(point.at), *key, *(point.figures.get(name) for name in _FIGURES)]


def csv_bytes(lines: Iterable[Sequence[object]]) -> bytes:
    """Lines as CSV (RFC 4180) in UTF-8, none of which a spreadsheet would run."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows([inert(cell) for cell in line] for line in lines)
    return out.getvalue().encode()
