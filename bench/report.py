"""Rows of the one table: what was measured, beside whom, and whether the goal is reached.

A figure is the median of its rounds. A ratio is the median of ours over the median of the peer's, both of the same run: the rounds of both
alternate, so that whatever the machine does besides hits both alike.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

HEAD = ("work", "ours", "peer", "ratio", "goal", "")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. ``ok`` None: nothing was compared, ``ratio`` then holds the reason."""

    work: str
    ours: str
    peer: str
    ratio: str
    goal: str
    ok: bool | None

    @property
    def verdict(self) -> str:
        """The last column."""
        return {True: "ok", False: "below", None: "skipped"}[self.ok]


def figure(values: Sequence[float], unit: str) -> str:
    """Median with the extremes behind it, such as ``2,100/s (1,950-2,210)``."""
    middle = statistics.median(values)
    digits = 0 if middle >= 100 else 1 if middle >= 10 else 2
    text = f"{middle:,.{digits}f}{unit}"
    return text if len(values) < 2 else f"{text} ({min(values):,.{digits}f}-{max(values):,.{digits}f})"


def at_least(work: str, ours: Sequence[float], peer: Sequence[float], goal: float, *, unit: str = "/s", name: str) -> Row:
    """Ours divided by the peer's must reach the goal. ``name``: who the peer is."""
    ratio = statistics.median(ours) / statistics.median(peer)
    return Row(work, figure(ours, unit), f"{figure(peer, unit)} {name}", f"{ratio:.2f} x", f">= {goal} x", ratio >= goal)


def at_most(work: str, ours: Sequence[float], peer: Sequence[float], goal: float, *, unit: str, name: str) -> Row:
    """The same for what should be little (CPU)."""
    ratio = statistics.median(ours) / statistics.median(peer)
    return Row(work, figure(ours, unit), f"{figure(peer, unit)} {name}", f"{ratio:.2f} x", f"<= {goal} x", ratio <= goal)


def below(work: str, ours: Sequence[float], goal: float, *, unit: str) -> Row:
    """A bound without a peer."""
    return Row(work, figure(ours, unit), "-", "-", f"<= {goal:g}{unit}", statistics.median(ours) <= goal)


def kept(work: str, found: int, answered: int, *, slack: int = 0) -> Row:
    """Nothing may be lost. ``slack``: requests that may have been under way, unanswered yet done, when the load ended."""
    return Row(work, f"{found:,}", f"{answered:,} answered", "-", "none lost", answered <= found <= answered + slack)


def skipped(work: str, why: str) -> Row:
    """A row that could not be measured, and why."""
    return Row(work, "-", "-", why, "", None)


def table(rows: Sequence[Row]) -> str:
    """The table, columns aligned, readable as Markdown too."""
    lines = [HEAD, *((row.work, row.ours, row.peer, row.ratio, row.goal, row.verdict) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
    text = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in lines]
    return "\n".join([text[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *text[1:]])
