"""Each kind of process loads what it runs, and not what another one needs."""

from __future__ import annotations

import gc
import os
import subprocess
import sys

import pytest

from webapp.loading import loading
from webapp.settings import ROOT

#: Kind -> packages its process must not load at its start. Templates, look-ups and pages are loaded when they are asked for, or by others.
UNWANTED = {
    "submission": {"flask", "marshmallow", "dns", "liquid", "rich", "obstore", "pygments"},
    "inbound": {"flask", "marshmallow", "liquid", "rich", "obstore", "pygments"},
    "ticker": {"flask", "marshmallow", "dns", "liquid", "rich", "obstore", "pygments"},
    "delivery": {"flask", "marshmallow", "liquid", "rich", "obstore", "pygments"},
    "default": {"flask", "marshmallow", "liquid", "rich", "obstore", "pygments"},
    "webhooks": {"flask", "marshmallow", "liquid", "rich", "obstore", "pygments", "dkim"},
}


@pytest.mark.parametrize("kind", UNWANTED)
def test_a_worker_loads_nothing_it_does_not_run(kind: str, database_url: str) -> None:
    words = ("jobs", kind) if kind in ("delivery", "default", "webhooks") else (kind, "")
    code = (
        "import sys; from webapp.loading import loading; from worker.__main__ import _load\n"
        f"with loading(): _load({words[0]!r}, {words[1]!r})\n"
        "print(' '.join(sorted(name for name, module in sys.modules.items() if module is not None and '.' not in name)))"
    )
    done = subprocess.run([sys.executable, "-c", code], env=dict(os.environ), cwd=ROOT, capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) & UNWANTED[kind] == set()


def test_what_is_loaded_is_no_garbage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gc, "freeze", lambda: frozen.append(gc.isenabled()))
    monkeypatch.setitem(sys.modules, "rich", sys.modules.get("rich", gc))
    frozen: list[bool] = []
    with loading():
        assert not gc.isenabled()
    assert frozen == [True]
    assert sys.modules["rich"] is not None, "what somebody has loaded before stays"
