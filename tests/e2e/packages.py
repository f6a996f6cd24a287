"""Browser and mail libraries from the npm registry, fetched when a test runs: none of them is part of the project."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

_SECONDS = 60
_fetched: dict[str, Path | str] = {}


def node_modules(factory: pytest.TempPathFactory, package: str) -> Path:
    """The `node_modules` folder with a package in it. Skips the test, saying why, where npm cannot fetch it."""
    if package not in _fetched:
        _fetched[package] = _fetch(factory, package)
    found = _fetched[package]
    if isinstance(found, str):
        pytest.skip(found)
    return found


def _fetch(factory: pytest.TempPathFactory, package: str) -> Path | str:
    if shutil.which("npm") is None:
        return f"npm is not on this machine, so {package} cannot be fetched"
    folder = factory.mktemp("npm")
    argv = ["npm", "install", "--no-save", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(folder), package]
    try:
        done = subprocess.run(argv, cwd=folder, env=dict(os.environ), capture_output=True, text=True, timeout=_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return f"npm did not fetch {package} within {_SECONDS} s"
    if done.returncode != 0:
        return f"npm cannot fetch {package}: {(done.stderr.strip().splitlines() or ['no reason given'])[0][:200]}"
    return folder / "node_modules"
