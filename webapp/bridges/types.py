"""Values of bridges that other slices use."""

from __future__ import annotations

from enum import StrEnum


class Stream(StrEnum):
    """Transactional mail goes first and is not stopped by unsubscribes; bulk mail carries one-click unsubscribe."""

    TRANSACTIONAL = "transactional"
    BULK = "bulk"
