"""The short examples send, each in its language."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import pytest

from tests.docs.world import World
from webapp.kernel.scope import Mode
from webapp.settings import ROOT

_PROGRAMS = {"send.sh": ["sh"], "send.mjs": ["node"], "send.php": ["php"], "send.py": [sys.executable]}


@pytest.mark.parametrize("name", sorted(_PROGRAMS))
def test_a_short_example_sends(name: str, world: World, address: str) -> None:
    program = _PROGRAMS[name]
    needed = "curl" if name == "send.sh" else program[0]
    if shutil.which(needed) is None:
        pytest.skip(f"{needed} is not installed")
    env = {**os.environ, "POSTBRIDGE_URL": address, "POSTBRIDGE_API_KEY": world.cast.owner.keys[Mode.SANDBOX]}
    done = subprocess.run([*program, str(ROOT / "examples" / name)], env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["status"] == "sandboxed"
