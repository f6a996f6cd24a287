"""`postbridge send`, `tail`, `keys` and `domains` against a server elsewhere, as a developer types them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.docs.world import World
from webapp.cli import main
from webapp.kernel.scope import Mode


@pytest.fixture
def here(world: World, address: str, monkeypatch: pytest.MonkeyPatch) -> World:
    """The environment points at the server, with the owner's sandbox key."""
    monkeypatch.setenv("POSTBRIDGE_URL", address)
    monkeypatch.setenv("POSTBRIDGE_API_KEY", world.cast.owner.keys[Mode.SANDBOX])
    return world


@dataclass
class Ran:
    """How a command ended. ``output``: without the log of the server, which runs in this process too."""

    exit_code: int
    output: str


def run(*words: str, given: str | None = None) -> Ran:
    done = CliRunner().invoke(main, list(words), input=given)
    lines = [line for line in done.output.splitlines(keepends=True) if '"timestamp": "' not in line]
    return Ran(done.exit_code, "".join(lines))


_MAIL = ("--from", "shop@your-domain.com", "--to", "jo@example.net", "--subject", "Hello")


def test_send_prints_the_id(here: World) -> None:
    sent = run("send", *_MAIL, "--text", "It works")
    assert sent.exit_code == 0, sent.output
    assert "sandboxed" in sent.output and "nothing is dialled" in sent.output


def test_send_takes_files_variables_and_standard_input(here: World, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("<h1>Hi</h1>")
    (tmp_path / "note.txt").write_text("A note")
    words = ("--text", "-", "--html", f"@{tmp_path}/page.html", "--attach", f"{tmp_path}/note.txt", "--tag", "one", "--json", "--idempotency-key", "k-1")
    sent = run("send", *_MAIL, *words, given="From a pipe")
    assert sent.exit_code == 0, sent.output
    again = run("send", *_MAIL, *words, given="From a pipe")
    assert json.loads(again.output)["id"] == json.loads(sent.output)["id"]
    content = here.client("sandbox").get(f"/api/v1/email/{json.loads(sent.output)['id']}/content").json
    assert content is not None
    assert (content["text"].strip(), content["html"].strip(), content["attachments"][0]["filename"]) == ("From a pipe", "<h1>Hi</h1>", "note.txt")


def test_a_refusal_names_each_field_and_where_to_read_more(here: World) -> None:
    refused = run("send", "--from", "nobody", "--to", "no address", "--subject", "Hi", "--text", "Hi")
    assert refused.exit_code == 1
    assert "from:" in refused.output and "to[0]:" in refused.output and "/docs/errors#validation_error" in refused.output
    assert "Traceback" not in refused.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("send", *_MAIL), "nothing to send"),
        (("send", *_MAIL, "--template", "x", "--variable", "novalue"), "NAME=VALUE"),
        (("send", *_MAIL, "--html", "@/no/such/file"), "cannot be read"),
        (("send", "--subject", "x", "--text", "x"), "--to"),
        (("domains", "verify", "nowhere.example"), "There is no domain"),
        (("keys", "list", "--url", "mail.example.com"), "https://"),
    ],
)
def test_mistakes_are_one_sentence(here: World, words: tuple[str, ...], said: str) -> None:
    refused = run(*words)
    assert refused.exit_code in (1, 2) and said in refused.output and "Traceback" not in refused.output


def test_server_and_key_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("POSTBRIDGE_URL", raising=False)
    monkeypatch.delenv("POSTBRIDGE_API_KEY", raising=False)
    refused = run("keys", "list")
    assert refused.exit_code == 2 and "POSTBRIDGE_URL" in refused.output and "POSTBRIDGE_API_KEY" in refused.output


def test_keys_are_made_listed_rolled_and_revoked(here: World) -> None:
    made = run("keys", "create", "--name", "Shop", "--role", "root:sending", "--network", "192.0.2.0/24", "--rate-limit", "30", "--days", "9")
    assert made.exit_code == 0, made.output
    assert made.output.startswith("mp_test_")
    line = next(line for line in run("keys", "list").output.splitlines() if line.endswith("Shop"))
    key_id = line.split()[0]
    assert "root:sending" in line and "active" in line and made.output.strip()[-4:] in line
    rolled = run("keys", "roll", key_id, "--hours", "1")
    assert rolled.exit_code == 0 and rolled.output.startswith("mp_test_") and rolled.output != made.output
    assert run("keys", "revoke", key_id).exit_code == 0
    assert "revoked" in next(line for line in run("keys", "list").output.splitlines() if line.startswith(key_id))


def test_domains_are_added_and_verified(here: World) -> None:
    added = run("domains", "add", "your-domain.com")
    assert added.exit_code == 0, added.output
    assert "_postbridge.your-domain.com" in added.output
    early = run("domains", "verify", "your-domain.com")
    assert early.exit_code == 1 and "missing" in early.output
    here.known["domain"] = run("domains", "list").output.split()[0]
    here.happen("publish")
    assert "IN TXT" in run("domains", "records", "your-domain.com", "--zone-file").output
    from webapp.kernel.dns import resolver

    resolver.cache_clear()
    verified = run("domains", "verify", "your-domain.com")
    assert verified.exit_code == 0 and "is verified" in verified.output, verified.output


def test_tail_shows_each_thing_once(here: World) -> None:
    run("send", *_MAIL, "--text", "One")
    run("send", *_MAIL, "--text", "Two", "--tag", "two")
    shown = run("tail", "--once").output.splitlines()
    assert len(shown) == 2 and all("sandboxed" in line and "jo@example.net" in line for line in shown)
    tagged = [json.loads(line) for line in run("tail", "--once", "--json", "--tag", "two").output.splitlines()]
    assert [row["event"] for row in tagged] == ["sandboxed"]
