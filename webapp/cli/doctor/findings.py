"""What a check of `postbridge doctor` says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from webapp.settings import Settings
from webapp.stack.home import Addresses


class Level(StrEnum):
    """``warn``: mail flows, but somebody should look; ``wrong``: mail does not flow, or is lost when a machine stops."""

    OK = "ok"
    WARN = "warn"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was looked at, and what was found; when something is amiss, with what to do."""

    level: Level
    check: str
    text: str


@dataclass(frozen=True, slots=True)
class Place:
    """The installation looked at. ``running``: engines of our own that are up; the addresses are empty when there is nothing to ask.

    ``outbound``: a host to dial on the delivery port, ``ntp``: a time server to ask; both None: not asked for.
    """

    settings: Settings
    running: Addresses | None
    outbound: str | None = None
    ntp: str | None = None

    @property
    def database_url(self) -> str:
        """Of the server in use; empty when none runs."""
        return self.settings.database_url or (self.running.database_url if self.running else "")

    @property
    def redis_url(self) -> str:
        """Of the server in use; empty when none runs."""
        return self.settings.redis_url or (self.running.redis_url if self.running else "")


Check = Callable[[Place], Iterator[Finding]]


def ok(check: str, text: str) -> Finding:
    """All is well."""
    return Finding(Level.OK, check, text)


def warn(check: str, text: str) -> Finding:
    """Somebody should look."""
    return Finding(Level.WARN, check, text)


def wrong(check: str, text: str) -> Finding:
    """Something must be done."""
    return Finding(Level.WRONG, check, text)
