"""Figures: fold deltas into hours."""

from __future__ import annotations

from webapp.kernel.db import raw_of, unscoped
from webapp.kernel.jobs import answer_wake
from webapp.stats.service import fold_deltas


def fold(slot: int) -> None:
    """Fold until nothing is left."""
    answer_wake("worker.jobs.stats.fold", slot)
    folded = 1
    while folded:
        with unscoped("deltas of all tenants are folded together") as session:
            folded = fold_deltas(raw_of(session))
