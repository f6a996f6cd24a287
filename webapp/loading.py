"""Loading the code of a long-lived process, so that it starts quickly and stays small."""

from __future__ import annotations

import contextlib
import gc
import sys
from collections.abc import Iterator

_UNWANTED = ("rich",)
"""Packages that others load when they find them, and that no process of ours has a use for: structlog takes rich, a tool of the tests, to paint
tracebacks on a terminal; our logs are JSON. With all that it brings it costs 0.2 s and 6 MB."""


@contextlib.contextmanager
def loading() -> Iterator[None]:
    """Import what the process needs inside. Nothing of it is garbage: the collector waits meanwhile, and never looks at it again."""
    for name in _UNWANTED:
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]  # None: "not there", as import itself reads it
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.collect()
        gc.freeze()
