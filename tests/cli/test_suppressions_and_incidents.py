"""`postbridge suppressions` and `incidents`, as an operator types them."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

from click.testing import CliRunner, Result

from tests.fixtures import Cast
from tests.fixtures_post import GONE, Post, rows
from webapp.cli import main
from webapp.kernel.clock import now, rfc3339
from webapp.suppressions import service
from worker.jobs import suppressions as jobs


def run(*words: str) -> Result:
    return CliRunner().invoke(main, list(words))


def test_the_platforms_list_is_kept(cast: Cast, tmp_path: Path) -> None:
    assert "No address" in run("suppressions", "list").output
    assert run("suppressions", "add", "Trap@example.net", "--note", "spam trap").exit_code == 0
    assert run("suppressions", "add", "nobody", "--note", "x").output.startswith("Error: ")
    file = tmp_path / "list.txt"
    file.write_text("a@example.net\n\nno address\nA@example.net\n")
    assert "1 addresses are on the list; 1 lines are no addresses." in run("suppressions", "import", str(file), "--note", "from the old house").output
    assert [row["address"] for row in json.loads(run("suppressions", "list", "--json", "--search", "TRAP").output)] == ["trap@example.net"]
    assert run("suppressions", "check", "TRAP@example.net").exit_code == 1
    assert run("suppressions", "remove", "trap@example.net").exit_code == 0
    assert run("suppressions", "check", "trap@example.net").exit_code == 0
    assert run("suppressions", "remove", "trap@example.net").exit_code == 1


def test_alarms_are_shown_and_settled(cast: Cast) -> None:
    assert "No alarms." in run("suppressions", "alarms").output
    emails = [f"u{n}@example.net" for n in range(21)]
    with cast.owner.scope() as scope:
        service.add_many(scope, emails)
        service.lift_many(scope, emails, "they asked")
    shown = run("suppressions", "alarms").output
    assert "acme" in shown and "21 addresses" in shown and "open" in shown
    assert run("suppressions", "settle", shown.split()[0]).exit_code == 0
    assert "No alarms." in run("suppressions", "alarms").output
    assert "settled by Command line" in run("suppressions", "alarms", "--all").output


def test_bounces_of_all_tenants_are_undone_once(post: Post) -> None:
    post.send("ada@example.net")
    post.answer(GONE)
    hours = ("--since", rfc3339(now() - timedelta(hours=1)) or "", "--until", rfc3339(now() + timedelta(minutes=1)) or "")
    looked = run("incidents", "preview", *hours, "--class", "hard.unknown_user")
    assert "1 bounces of 1 tenants; 1 would be sent again, 1 suppressions lifted." in looked.output and "ada@example.net" in looked.output
    assert "0 bounces" in run("incidents", "preview", *hours, "--tenant", "other").output
    for _ in range(2):
        done = run("incidents", "undo", *hours, "--note", "our DNS was broken", "--key", "k")
        assert done.exit_code == 0, done.output
    jobs.undo(0)
    assert post.states() == {"ada@example.net": "queued"}
    assert rows("select count(*) from incidents") == [(1,)]
    assert "1 bounces, 1 sent again, 1 suppressions lifted  Command line: our DNS was broken" in run("incidents", "list").output
    assert run("incidents", "undo", *hours, "--note", "no").output.startswith("Error: ")
    assert run("incidents", "preview", "--since", "yesterday", "--until", "now").exit_code == 2
