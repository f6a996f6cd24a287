"""`postbridge guard`, as an operator types it."""

from __future__ import annotations

import json
from uuid import UUID

from click.testing import CliRunner, Result

from tests.fixtures_sending import Sending
from webapp.cli import main
from worker.jobs.guard import watch


def run(*words: str) -> Result:
    return CliRunner().invoke(main, ["guard", *words])


def trip(place: Sending) -> None:
    place.bounce(place.bridge, 200)
    watch(0)


def test_the_operator_sees_resumes_and_exempts(sending: Sending) -> None:
    trip(sending)
    bridge = str(sending.bridge)
    (row,) = json.loads(run("list", "--json").output)
    assert (row["tenant"], row["bridge_id"], row["alarm"]) == ("acme", bridge, "pause") and "200 of 200 recipients" in row["why"]
    assert "tripped" in run("show", bridge).output
    assert run("resume", bridge, "--note", "ok").exit_code == 1
    assert run("resume", bridge, "--note", "The list was cleaned.").exit_code == 0
    assert run("exempt", bridge, "--days", "3", "--note", "A campaign we know of.").exit_code == 0
    assert "exempt" in run("list").output
    assert run("end-exemption", bridge).exit_code == 0
    assert run("list").output == "No bridge is paused, warned or exempt.\n"
    unknown = run("resume", str(UUID(int=1)), "--note", "The list was cleaned.")
    assert unknown.exit_code == 1 and unknown.output.startswith("Error: ")
