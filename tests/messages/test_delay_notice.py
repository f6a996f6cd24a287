"""`email.delayed`: once, as soon as it is certain that some hours will pass without delivery."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.messages.conftest import House
from webapp.kernel.clock import now
from webapp.kernel.db import raw_of, unscoped
from webapp.kernel.ids import uuid7
from webapp.messages.service import outcomes
from webapp.messages.service.claim import claim
from webapp.messages.service.outcomes import LATE, Outcome, record_outcomes
from webapp.messages.types import RecipientState
from webapp.settings import get_settings

START = now().replace(microsecond=0)


def attempt(house: House, after: timedelta, wait: timedelta | None) -> None:
    """One attempt, so long after the first, that ends in a deferral of ``wait``; None: in delivery."""
    house.change("update queue_entries set due_at = now() - interval '1 second'")
    with unscoped("test") as session:
        (claimed,) = claim(raw_of(session), owner="w", batch=5, lease_seconds=60)
        finished: datetime = START + after
        state = RecipientState.DELIVERED if wait is None else RecipientState.DEFERRED
        record_outcomes(raw_of(session), [Outcome(
            recipient_id=claimed.recipient_id, attempt_id=uuid7(), attempt=claimed.attempt, state=state, next_due=finished + wait if wait else None,
            dialled=True, code=451, enhanced="4.7.1", reply="4.7.1 come back", reply_class="greylist", blame="remote", stage="rcpt", member_id=None,
            remote_host="mx.dest.example", remote_ip="192.0.2.1", tls=None, duplicate_possible=False, started_at=finished, finished_at=finished,
            transcript=None,
        )])  # fmt: skip


def notices(house: House) -> list[Any]:
    return [row[0] for row in house.rows("select data from events where type = 'email.delayed'")]


def hours(number: float) -> timedelta:
    return timedelta(hours=number)


def test_told_once_when_the_next_attempt_is_past_four_hours(house: House) -> None:
    house.accept()
    for after, wait in ((0, 0.1), (0.1, 1), (1.1, 2), (3.1, 0.5)):
        attempt(house, hours(after), hours(wait))
    assert notices(house) == []
    attempt(house, hours(3.6), hours(4))
    (told,) = notices(house)
    assert (told["class"], told["code"]) == ("greylist", 451)
    assert datetime.fromisoformat(told["since"]) == START and datetime.fromisoformat(told["next_attempt_at"]) == START + hours(7.6)
    assert house.rows("select state, state_reason from recipients") == [("deferred", LATE)]
    for after in (7.6, 15.6):
        attempt(house, hours(after), hours(8))
    assert len(notices(house)) == 1
    attempt(house, hours(23.6), None)
    assert house.rows("select state, state_reason from recipients") == [("delivered", None)]
    assert len(notices(house)) == 1


def test_mail_that_waited_in_between_is_told_at_its_next_attempt(house: House) -> None:
    """A paused pool or a busy destination moves the time along without an attempt."""
    house.accept()
    attempt(house, hours(0), hours(1))
    attempt(house, hours(6), hours(1))
    attempt(house, hours(7), hours(1))
    assert len(notices(house)) == 1


def test_mail_that_is_delivered_in_time_tells_nothing(house: House) -> None:
    house.accept()
    attempt(house, hours(0), hours(1))
    attempt(house, hours(1), None)
    assert notices(house) == []


def test_the_hours_are_a_setting_and_scale_with_the_gaps(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = dataclasses.replace(get_settings(), delay_notice_hours=2.0, retry_scale=0.001)
    monkeypatch.setattr(outcomes, "get_settings", lambda: settings)
    house.accept()
    attempt(house, timedelta(0), timedelta(seconds=6))
    assert notices(house) == []
    attempt(house, timedelta(seconds=6), timedelta(seconds=2))
    assert len(notices(house)) == 1


def test_how_long_mail_is_tried(make_house: Any) -> None:
    """Its own wish, else by its stream."""
    house = make_house()
    house.accept()
    house.accept(expires_in=7200)
    house.change("update bridges set stream = 'bulk' where id = :bridge", bridge=house.bridge_id)
    house.accept(sender=house.sender(bridge=True))
    assert [row[0] for row in house.rows("select expires_at - due_at from queue_entries order by recipient_id")] == [hours(24), hours(2), hours(48)]
