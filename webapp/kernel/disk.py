"""The guard against a full disk: new mail is refused while there is still room to finish what was taken (Postfix's queue_minfree)."""

from __future__ import annotations

import functools
import shutil
import time
from pathlib import Path

from webapp.kernel.errors import Unavailable
from webapp.settings import get_settings

_SECONDS = 2.0


class FreeSpace:
    """Whether ``folder`` has less than ``minimum`` octets free; looks at the disk every two seconds at most."""

    def __init__(self, folder: Path, minimum: int) -> None:
        self._folder = folder
        self._minimum = minimum
        self._looked_at = float("-inf")
        self._short = False

    def is_short(self) -> bool:
        """True while space is short. A folder that cannot be looked at is not: storing will tell."""
        now = time.monotonic()
        if now - self._looked_at > _SECONDS:
            self._looked_at = now
            try:
                self._short = shutil.disk_usage(self._folder).free < self._minimum
            except OSError:
                self._short = False
        return self._short


@functools.cache
def free_space() -> FreeSpace:
    """That of this installation's data folder."""
    settings = get_settings()
    return FreeSpace(settings.var_dir, settings.disk_minimum_bytes)


def check_disk() -> None:
    """Raise ``Unavailable`` while space is short."""
    if free_space().is_short():
        raise Unavailable("The server is short of disk space; nothing was stored. Try again later.", retry_after=30)
