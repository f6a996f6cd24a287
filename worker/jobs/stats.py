"""Figures: fold deltas into hours."""

from __future__ import annotations

from webapp.kernel.db import connect_raw, unscoped_raw
from webapp.kernel.jobs import answer_wake
from webapp.stats.service import fold_deltas


def fold(slot: int) -> None:
    """Fold until nothing is left."""
    answer_wake("worker.jobs.stats.fold", slot)
    with connect_raw() as connection:
        folded = 1
        while folded:
            with unscoped_raw(connection, "deltas of all tenants are folded together"):
                folded = fold_deltas(connection)
