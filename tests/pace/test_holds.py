"""Held mail waits over restarts and goes at once when released; what is drained takes nothing new and empties itself."""

from __future__ import annotations

from uuid import UUID

import pytest
from click.testing import CliRunner

from tests.fixtures import Cast
from tests.worker.dispatch.conftest import OpenSink
from tests.worker.dispatch.yard import Yard, drain, make_yard, rows_of, states
from webapp.cli.pace import drain as drain_command
from webapp.cli.pace import hold as hold_command
from webapp.cli.pace import release as release_command
from webapp.cli.pace import throttle as throttle_command
from webapp.kernel.errors import Conflict
from webapp.messages.service import forget_facts
from webapp.pace.service import HoldWish, hold_back, release_hold
from webapp.pace.types import HoldKind, Subject
from worker.dispatch.dispatcher import Dispatcher


def hold(yard: Yard, subject: Subject, subject_id: UUID | None = None, kind: HoldKind = HoldKind.HOLD) -> UUID:
    with yard.person.scope() as scope:
        return hold_back(scope, HoldWish(kind, subject, "a wrong price", subject_id)).id


@pytest.mark.parametrize("subject", [Subject.TENANT, Subject.BRIDGE, Subject.POOL])
def test_held_mail_waits_with_its_reason_and_others_go_on(cast: Cast, yard: Yard, open_sink: OpenSink, dispatcher: Dispatcher, subject: Subject) -> None:
    sink = open_sink()
    yard.relay(sink.port)
    other = make_yard(cast, cast.stranger, "other.test")
    other.relay(sink.port)
    made = hold(yard, subject, {Subject.BRIDGE: yard.bridge, Subject.POOL: yard.pool}.get(subject))
    mine, theirs = yard.send("ada@example.net"), other.send("ben@example.net")
    drain(dispatcher)
    assert states(mine) == {"ada@example.net": "queued"} and states(theirs) == {"ben@example.net": "delivered"}
    assert rows_of("select state_reason from recipients where message_id = :m", m=mine) == [f"The {subject} is held back: a wrong price"]
    assert rows_of("select due_at > now() + interval '5 minutes', attempt from queue_entries") == [(True, 0)]
    dispatcher.stop()
    successor = Dispatcher()
    drain(successor)
    assert states(mine) == {"ada@example.net": "queued"}
    with yard.person.scope() as scope:
        release_hold(scope, made)
    drain(successor)
    successor.stop()
    assert states(mine) == {"ada@example.net": "delivered"}


@pytest.mark.parametrize("subject", [Subject.TENANT, Subject.BRIDGE, Subject.POOL])
def test_what_is_drained_takes_nothing_new_and_sends_what_it_has(yard: Yard, open_sink: OpenSink, dispatcher: Dispatcher, subject: Subject) -> None:
    yard.relay(open_sink().port)
    before = yard.send("ada@example.net")
    hold(yard, subject, {Subject.BRIDGE: yard.bridge, Subject.POOL: yard.pool}.get(subject), HoldKind.DRAIN)
    forget_facts()
    with pytest.raises(Conflict, match="Nothing new is taken here"):
        yard.send("ben@example.net")
    drain(dispatcher)
    assert states(before) == {"ada@example.net": "delivered"}


def test_the_operator_holds_a_tenant_who_cannot_release_it(yard: Yard, cast: Cast, open_sink: OpenSink, dispatcher: Dispatcher) -> None:
    yard.relay(open_sink().port)
    run = CliRunner()
    assert run.invoke(hold_command, ["tenant", "acme", "--reason", "abuse"]).output == "Acme (tenant) is on hold: abuse\n"
    made = rows_of("select id from sending_holds")[0]
    with cast.owner.scope() as scope, pytest.raises(Conflict, match="operator"):
        release_hold(scope, made)
    message = yard.send("ada@example.net")
    drain(dispatcher)
    assert states(message) == {"ada@example.net": "queued"}
    assert run.invoke(release_command, ["tenant", "acme"]).output == "Released 1: Acme.\n"
    drain(dispatcher)
    assert states(message) == {"ada@example.net": "delivered"}
    assert "Nothing of this" in run.invoke(release_command, ["tenant", "acme"]).output


def test_the_operator_throttles_a_provider_by_hand(yard: Yard, dispatcher: Dispatcher, mx: dict[str, object]) -> None:
    yard.address("127.0.0.21")
    run = CliRunner()
    assert "paused until" in run.invoke(throttle_command, ["set", "google", "--minutes", "30", "--reason", "they called"]).output
    message = yard.send("ada@workspace.test", "ben@small.test")
    drain(dispatcher)
    assert states(message) == {"ada@workspace.test": "queued", "ben@small.test": "delivered"}
    listed = run.invoke(throttle_command, []).output
    assert "Google on every address: pause until" in listed and "they called" in listed
    assert run.invoke(throttle_command, ["lift", listed.split()[0]]).output == "Lifted.\n"
    assert run.invoke(throttle_command, []).output == "Nothing is throttled.\n"


def test_a_provider_cannot_be_drained(cast: Cast) -> None:
    assert CliRunner().invoke(drain_command, ["provider", "google", "--reason", "x"]).exit_code == 2
