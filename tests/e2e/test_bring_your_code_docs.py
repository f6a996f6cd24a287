"""The guide's own snippets, run as printed with this server's address, a key and addresses that exist."""

from __future__ import annotations

import html
import re
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.e2e.calls import mails_to
from tests.e2e.conftest import Demo
from tests.e2e.packages import node_modules
from tests.live import wait_for

_PACKAGES = {"resend": "resend@6", "postmark": "postmark@5", "sendgrid": "@sendgrid/mail@8", "mailgun": "mailgun.js@14"}


@pytest.fixture(scope="module")
def page(demo: Demo) -> str:
    with urllib.request.urlopen(f"{demo.credentials['web_url']}/docs/bring-your-code", timeout=20) as answer:
        return str(answer.read().decode())


def snippet(demo: Demo, page: str, name: str, recipient: str) -> str:
    found = re.search(rf'<code id="{name}">(.*?)</code>', page, re.DOTALL)
    assert found is not None, f"the guide has no {name}"
    known = demo.credentials
    text = html.unescape(re.sub(r"<[^>]+>", "", found[1]))
    assert known["web_url"] in text
    text = text.replace("mp_live_YOUR_API_KEY", known["api_key_live"]).replace("customer@example.net", recipient)
    return text.replace("notifications@your-domain.com", known["from"]).replace("your-domain.com", known["from"].partition("@")[2])


def check(demo: Demo, argv: list[str], folder: Path, recipient: str) -> None:
    done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    wait_for(lambda: len(mails_to(demo, recipient)) == 1, seconds=30, what=f"the mail of {argv}: {done.stdout} {done.stderr}")
    assert mails_to(demo, recipient)[0]["Subject"] == "Your order is confirmed"


@pytest.mark.parametrize("dialect", sorted(_PACKAGES))
def test_python(demo: Demo, page: str, tmp_path: Path, dialect: str) -> None:
    recipient = f"delivered+{dialect}-py@{demo.credentials['simulator_domain']}"
    (tmp_path / "snippet.py").write_text(snippet(demo, page, f"{dialect}-python-after", recipient))
    check(demo, [sys.executable, "snippet.py"], tmp_path, recipient)


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not on this machine")
@pytest.mark.parametrize("dialect", sorted(_PACKAGES))
def test_node(demo: Demo, page: str, tmp_path_factory: pytest.TempPathFactory, dialect: str) -> None:
    folder = node_modules(tmp_path_factory, _PACKAGES[dialect]).parent
    recipient = f"delivered+{dialect}-js@{demo.credentials['simulator_domain']}"
    (folder / "snippet.cjs").write_text(snippet(demo, page, f"{dialect}-node-after", recipient))
    check(demo, ["node", "snippet.cjs"], folder, recipient)
