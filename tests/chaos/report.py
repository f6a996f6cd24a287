"""The table at the end of a run."""

from __future__ import annotations

from collections.abc import Sequence

from tests.chaos.ledger import Figures

_HEAD = ("scenario", "what happens", "accepted", "delivered", "lost", "duplicated", "inside", "stuck", "recovery s", "verdict")


def table(results: Sequence[Figures]) -> str:
    """Markdown, with what failed and what was noticed below it."""
    lines = [_HEAD, *(_row(figures) for figures in results)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(_HEAD))]
    text = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in lines]
    text.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    for figures in results:
        text += [f"{figures.scenario} BROKEN: {fault}" for fault in figures.faults]
    for figures in results:
        text += [f"{figures.scenario}: {note}" for note in figures.notes]
    return "\n".join(text)


def line(figures: Figures) -> str:
    """One scenario in one line, for the progress of a run."""
    return "  ".join(_row(figures))


def _row(figures: Figures) -> tuple[str, ...]:
    if figures.skipped:
        return (figures.scenario, figures.title, *("-" for _ in range(7)), f"skipped: {figures.skipped}")
    numbers = (figures.accepted, figures.delivered, figures.lost, figures.duplicated, figures.inside, figures.stuck)
    recovery = "-" if figures.recovery is None else f"{figures.recovery:.1f}"
    return (figures.scenario, figures.title, *(str(number) for number in numbers), recovery, "pass" if figures.passed else "FAIL")
