"""`postbridge queue`: over mail that really waits, for the reasons it really has."""

from __future__ import annotations

import json
from datetime import timedelta

from click.testing import CliRunner, Result

from tests.fixtures_sending import Sending
from webapp.bridges.service import pause_bridge
from webapp.cli import main
from webapp.kernel.clock import now
from worker.jobs.guard import settle


def run(*words: str) -> Result:
    return CliRunner().invoke(main, ["queue", *words])


def counts(by: str) -> dict[str, int]:
    return {row["what"]: row["recipients"] for row in json.loads(run("--by", by, "--json").output)}


def test_by_state_domain_tenant_bridge_pool_and_provider(sending: Sending) -> None:
    sending.send(sending.bridge, "grey-1", "grey-2")
    sending.dispatcher.drain(10)
    sending.send(sending.bridge, "later", send_at=now() + timedelta(hours=1))
    sending.send(sending.sibling, "now")
    assert counts("state") == {"deferred": 2, "queued": 1, "scheduled": 1}
    assert counts("domain") == {"example.net": 4}
    assert counts("tenant") == {"acme": 4}
    assert counts("bridge") == {"shop": 3, "alerts": 1}
    assert counts("pool") == {"Shared": 4}
    assert counts("provider") == {"the relay itself": 4}


def test_the_oldest_with_their_reasons(sending: Sending) -> None:
    sending.send(sending.bridge, "grey")
    sending.dispatcher.drain(10)
    held = sending.send(sending.sibling, "held")
    with sending.cast.owner.scope() as scope:
        pause_bridge(scope, sending.sibling, "moving house")
    settle(0)
    found = json.loads(run("--json").output)
    assert [(row["address"], row["state"], row["reason"]) for row in found["oldest"]] == [
        ("grey@example.net", "deferred", "greylist: 450 4.2.0 greylisted, come back in 300 seconds"),
        ("held@example.net", "held", "The bridge is paused."),
    ]
    assert found["oldest"][1]["message"] == str(held)
    shown = run("--oldest", "1").output
    assert "grey@example.net" in shown and "held@example.net" not in shown and "The bridge is paused." in shown


def test_an_empty_queue_says_so(sending: Sending) -> None:
    assert run().output == "The queue is empty.\n"
    assert run("--by", "provider").output == "The queue is empty.\n"


def test_what_servers_said_steers_no_terminal(sending: Sending) -> None:
    sending.send(sending.bridge, "ada")
    sending.rows("update recipients set state_reason = E'\\x1b[2Jgone' returning 1")
    assert "\x1b" not in run().output


def test_held_mail_is_released(sending: Sending) -> None:
    sending.send(sending.bridge, "ada")
    sending.rows("update queue_entries set held = 'parked' returning 1")
    paused = sending.send(sending.sibling, "ben")
    with sending.cast.owner.scope() as scope:
        pause_bridge(scope, sending.sibling)
    settle(0)
    assert run("release").output == "Released 1 recipients.\n"
    assert counts("state") == {"held": 1, "queued": 1}
    assert sending.states(paused) == {"ben": "held"}  # goes with its bridge
