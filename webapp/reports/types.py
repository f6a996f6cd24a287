"""Values of reports."""

from __future__ import annotations

from enum import StrEnum


class ReportKind(StrEnum):
    """``figures``: sums by time and dimension. ``log``: one row a recipient."""

    FIGURES = "figures"
    LOG = "log"


class ReportStatus(StrEnum):
    """Where a report stands."""

    WAITING = "waiting"
    RUNNING = "running"
    READY = "ready"
    FAILED = "failed"

    @property
    def is_open(self) -> bool:
        """Whether a worker has still to do something."""
        return self in (ReportStatus.WAITING, ReportStatus.RUNNING)
