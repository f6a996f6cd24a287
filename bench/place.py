"""Where measurements keep what they need, and how they speak while they run."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from webapp.settings import get_settings

VAR: Path = get_settings().var_dir / "bench"
"""Logs, the peers' environment, and the folders of single runs."""

_START = time.monotonic()


def say(text: str) -> None:
    """A line of progress on standard error; standard output is the table's alone."""
    print(f"[{time.monotonic() - _START:6.1f} s] {text}", file=sys.stderr, flush=True)
