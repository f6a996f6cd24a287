"""The code samples of a bridge's page, run by the languages of this machine against a running server."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import Demo
from webapp.bridges.connection import ApiAccess, Connection, SmtpAccess
from webapp.bridges.samples import Letter, Sample, payload_samples, samples

RUNS = {
    "curl": ("sample.sh", ["bash"]),
    "bash": ("sample.sh", ["bash"]),
    "php": ("sample.php", ["php"]),
    "node": ("sample.mjs", ["node"]),
    "python": ("sample.py", [sys.executable]),
    "multipart": ("sample.sh", ["bash"]),
}
NEEDS = {"curl": ("bash", "curl"), "bash": ("bash", "curl"), "multipart": ("bash", "curl")}


def _samples(demo: Demo) -> dict[str, Sample]:
    known = demo.credentials
    bridge = known["bridge"]
    smtp = SmtpAccess(bridge["smtp"]["host"], bridge["smtp"]["port"], 0, "STARTTLS", bridge["smtp"]["username"], bridge["smtp"]["password"])
    connection = Connection(1, smtp, ApiAccess(f"{known['api_url']}/email/send", bridge["token"]), None, None)
    letter = Letter(known["from"], f"delivered@{known['simulator_domain']}", "It's on its way")
    return {sample.name: sample for sample in (*samples(connection, letter), *payload_samples(connection, letter))}


@pytest.mark.parametrize("name", RUNS)
def test_the_sample_sends(demo: Demo, tmp_path: Path, name: str) -> None:
    filename, command = RUNS[name]
    missing = [tool for tool in NEEDS.get(name, (command[0],)) if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"{missing[0]} is not on this machine")
    (tmp_path / filename).write_text(_samples(demo)[name].text)
    (tmp_path / "invoice.pdf").write_bytes(b"%PDF-1.4 not really")
    done = subprocess.run([*command, filename], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    # The scripted ones print the id alone, the shell ones the whole answer.
    assert '"status": "queued"' in done.stdout.replace('":"', '": "') or len(done.stdout.strip()) == 36, done.stdout
