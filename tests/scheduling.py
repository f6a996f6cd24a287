"""How a parallel run hands out tests: one by one, but all that share a live stack to the same process."""

from __future__ import annotations

from xdist.scheduler import LoadScopeScheduling

#: Folders whose tests share something that takes long to start.
TOGETHER = ("tests/e2e/",)


class Together(LoadScopeScheduling):
    """The largest group first, so that nobody waits for it at the end; then single tests to whoever is free.

    The mark `xdist_group` does not do it: with pytest 9.2 it has no effect.
    """

    def _split_scope(self, nodeid: str) -> str:
        return next((folder for folder in TOGETHER if nodeid.startswith(folder)), nodeid)
