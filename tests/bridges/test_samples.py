"""The code samples: readable by their languages here, and executed against a running server in tests/e2e."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from webapp.bridges.connection import ApiAccess, Connection, SmtpAccess
from webapp.bridges.samples import Letter, payload_samples, samples

#: How each language only reads a file. Node wants the ending of a module.
CHECKS = {
    "curl": ("c.sh", ["bash", "-n"]),
    "bash": ("b.sh", ["bash", "-n"]),
    "php": ("p.php", ["php", "-l"]),
    "node": ("n.mjs", ["node", "--check"]),
    "python": ("p.py", ["python3", "-m", "py_compile"]),
}
AWKWARD = Letter("o'brien+$HOME`id`@example.com", "delivered@example.net", 'Say "hi" \\ $1 ${x}', "<p>It's \"fine\" & good</p>\n")


def connection(endpoint: str = "http://127.0.0.1:1/api/v1/email/send", token: str = "bmA-secret-1") -> Connection:
    """A credential with the given address."""
    return Connection(1, SmtpAccess("localhost", 2587, 2465, "STARTTLS", "bmA", "pw"), ApiAccess(endpoint, token), None, None)


def test_five_languages_carry_endpoint_and_token() -> None:
    made = samples(connection(), AWKWARD)
    assert [sample.label for sample in made] == ["cURL", "PHP", "NodeJS", "Python", "Bash"]
    assert all("http://127.0.0.1:1/api/v1/email/send" in sample.text and "bmA-secret-1" in sample.text for sample in made)


@pytest.mark.parametrize("name", CHECKS)
def test_each_language_reads_its_sample(name: str, tmp_path: Path) -> None:
    filename, command = CHECKS[name]
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not on this machine")
    text = next(sample.text for sample in samples(connection(), AWKWARD) if sample.name == name)
    (tmp_path / filename).write_text(text)
    done = subprocess.run([*command, filename], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def test_highlighting_escapes() -> None:
    for sample in (*samples(connection(), AWKWARD), *payload_samples(connection(), AWKWARD)):
        assert "<p>" not in sample.html and "<span" in sample.html


def test_the_json_payload_is_what_the_samples_send() -> None:
    as_json, multipart = payload_samples(connection(), AWKWARD)
    assert json.loads(as_json.text) == AWKWARD.payload
    assert "attachments=@" in multipart.text
