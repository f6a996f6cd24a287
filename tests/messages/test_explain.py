"""Why a message is where it is, told from what really happened to it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask

from tests.fixtures_sending import Sending
from webapp.bridges.service import pause_bridge, resume_bridge
from webapp.kernel.clock import now
from webapp.kernel.db import raw_of, unscoped
from webapp.kernel.scope import Mode
from webapp.messages.service import cancel_message, resend_failed
from webapp.messages.service.claim import claim, sweep
from webapp.pace.service import set_throttle
from webapp.pace.types import RELAY
from webapp.settings import get_settings
from webapp.suppressions.service import add
from worker.jobs.guard import settle, watch


def steps_of(place: Sending, app: Flask, message: UUID, recipient: str | None = None) -> list[dict[str, Any]]:
    """As the API tells them."""
    answer = place.cast.owner.api(app).get(f"/api/v1/email/{message}/explain", query_string={"recipient": recipient} if recipient else {})
    assert answer.status_code == 200, answer.json
    return list(answer.json["steps"])


def names(steps: list[dict[str, Any]]) -> list[str]:
    """Their decisions; that about the domain's records has tests of its own."""
    return [step["step"] for step in steps if step["step"] != "authentication"]


def test_delivered_mail_tells_each_decision_in_order(sending: Sending, app: Flask) -> None:
    message = sending.send(sending.bridge, "ada")
    sending.dispatcher.drain(10)
    steps = [step for step in steps_of(sending, app, message) if step["step"] != "authentication"]
    assert names(steps) == ["accepted", "route", "suppressions", "queued", "delivered"]
    assert [step["at"] for step in steps] == sorted(step["at"] for step in steps)
    accepted, route, suppressions, _, delivered = steps
    assert accepted["text"].startswith("Over the API, 1 recipient, ") and accepted["data"]["mode"] == "live"
    assert route["text"] == "Through the bridge shop and the pool Shared, as transactional mail: it goes before bulk mail."
    assert route["data"]["bridge"] == str(sending.bridge)
    assert suppressions["data"] == {"checked": 1, "suppressed": 0}
    assert "through the relay sink to 127.0.0.1, not encrypted" in delivered["text"]
    assert delivered["data"]["attempt"] == 1 and delivered["data"]["way"] == "through the relay sink"
    assert delivered["detail"].startswith("250")


def test_a_deferral_says_class_blame_and_when_it_goes_on(sending: Sending, app: Flask) -> None:
    message = sending.send(sending.bridge, "grey")
    sending.dispatcher.drain(10)
    steps = steps_of(sending, app, message)
    deferred, waiting = next(s for s in steps if s["step"] == "deferred"), steps[-1]
    assert "asks new senders to come back" in deferred["text"] and "Next attempt at " in deferred["text"]
    assert deferred["data"]["class"] == "greylist" and deferred["data"]["next_attempt_at"]
    assert deferred["detail"].startswith("450 4.2.0 greylisted")
    assert waiting["step"] == "waiting" and waiting["text"].startswith("Number 2, to example.net, not before ") and "given up on" in waiting["text"]


def test_a_bounce_and_the_suppression_it_leaves(sending: Sending, app: Flask) -> None:
    first = sending.send(sending.bridge, "r550")
    sending.dispatcher.drain(10)
    bounced = steps_of(sending, app, first)[-1]
    assert (bounced["step"], bounced["data"]["class"], bounced["data"]["blame"]) == ("bounced", "hard.unknown_user", "recipient")
    assert "It is about the recipient's address." in bounced["text"]
    second = sending.send(sending.bridge, "r550", "ada")
    steps = steps_of(sending, app, second)
    assert next(s for s in steps if s["step"] == "suppressions")["text"].startswith("1 of 2 recipients stood on a suppression list")
    stopped = next(s for s in steps if s["step"] == "suppressed")
    assert stopped["recipients"] == ["r550@example.net"] and stopped["data"]["scope"] == "all" and "for all mail" in stopped["text"]
    assert "550 5.1.1 user unknown" in stopped["text"]


def test_a_suppression_made_after_acceptance(sending: Sending, app: Flask) -> None:
    message = sending.send(sending.bridge, "ada")
    with sending.cast.owner.scope() as scope:
        add(scope, "ada@example.net")
    sending.dispatcher.drain(10)
    steps = steps_of(sending, app, message)
    assert next(s for s in steps if s["step"] == "suppressions")["data"]["suppressed"] == 0
    assert steps[-1]["step"] == "suppressed" and "(manual)" in steps[-1]["text"]


def test_scheduled_then_cancelled(sending: Sending, app: Flask) -> None:
    message = sending.send(sending.bridge, "ada", send_at=now() + timedelta(hours=1))
    waiting = steps_of(sending, app, message)[-1]
    assert (waiting["step"], waiting["state"]) == ("waiting", "scheduled")
    with sending.cast.owner.scope() as scope:
        cancel_message(scope, message)
    assert steps_of(sending, app, message)[-1]["step"] == "cancelled"


def test_sandboxed_mail_is_captured_and_nothing_else_is_claimed(sending: Sending, app: Flask) -> None:
    api = sending.cast.owner.api(app, Mode.SANDBOX)
    sent = api.post("/api/v1/email/send", json={"from": "shop@acme.test", "to": "ada@example.net", "subject": "Hi", "text": "Hi"})
    steps = api.get(f"/api/v1/email/{sent.json['id']}/explain").json["steps"]
    assert names(steps) == ["accepted", "route", "sandboxed"]
    assert steps[-1]["text"] == "Captured: sandbox mail is never sent."


def test_held_by_the_guard_and_let_go_by_a_person(sending: Sending, app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTBRIDGE_GUARD_MINIMUM_SENT", "5")
    get_settings.cache_clear()
    sending.bounce(sending.bridge, 6)
    message = sending.send(sending.bridge, "ada")
    watch(0)
    steps = steps_of(sending, app, message)
    held, waiting = steps[-2:]
    assert held["step"] == "held" and "the guard paused its bridge" in held["text"] and "6 of 6 recipients" in held["text"]
    assert held["data"]["rule"] == "bounces"
    assert waiting["title"] == "Waits for a person" and "6 of 6 recipients" in waiting["text"]
    with sending.cast.owner.scope() as scope:
        resume_bridge(scope, sending.bridge, "The list was cleaned.")
    settle(0)
    sending.dispatcher.drain(10)
    assert names(steps_of(sending, app, message))[-3:] == ["held", "queued", "delivered"]
    monkeypatch.undo()
    get_settings.cache_clear()


def test_a_pause_says_what_it_waits_for(sending: Sending, app: Flask) -> None:
    message = sending.send(sending.bridge, "ada")
    with sending.cast.owner.scope() as scope:
        pause_bridge(scope, sending.bridge, "moving house")
    sending.dispatcher.drain(3)
    waiting = steps_of(sending, app, message)[-1]
    assert waiting["text"].startswith("The bridge is paused. Looked at again at ")
    settle(0)
    assert "moving house" in steps_of(sending, app, message)[-1]["text"] or steps_of(sending, app, message)[-1]["step"] == "waiting"


def test_a_throttle_that_holds_it_is_named_with_its_end(sending: Sending, app: Flask) -> None:
    with unscoped("test") as session:
        set_throttle(session, provider=RELAY, minutes=10, reason="too many complaints", rate=None, who="Sue Staff")
    message = sending.send(sending.bridge, "ada")
    sending.dispatcher.drain(5)
    waiting = steps_of(sending, app, message)[-1]
    assert waiting["step"] == "waiting" and waiting["state"] == "queued"
    assert "paused until " in waiting["text"] and "too many complaints" in waiting["text"] and "Looked at again at " in waiting["text"]
    assert "too many complaints" in waiting["data"]["reason"]


def test_how_long_it_stood_by(sending: Sending, app: Flask) -> None:
    message = sending.send(sending.bridge, "ada")
    sending.rows("update events set at = at - interval '125 seconds' returning 1")
    sending.dispatcher.drain(10)
    delivered = next(s for s in steps_of(sending, app, message) if s["step"] == "delivered")
    assert "It was due for 2 min " in delivered["text"] and delivered["data"]["waited_seconds"] >= 125


def test_a_lost_answer_may_arrive_twice(sending: Sending, app: Flask) -> None:
    message = sending.send(sending.bridge, "dropdot")
    sending.dispatcher.drain(10)
    deferred = next(s for s in steps_of(sending, app, message) if s["step"] == "deferred")
    assert deferred["data"]["duplicate_possible"] is True and "may arrive twice" in deferred["text"]


def test_a_lost_worker(sending: Sending, app: Flask) -> None:
    message = sending.send(sending.bridge, "ada")
    with unscoped("test") as rows:
        claim(raw_of(rows), owner="nobody@nowhere#1", batch=5, lease_seconds=600)
    with unscoped("test") as rows:
        sweep(raw_of(rows), max_claims=3, silent_seconds=0)
    assert "lost" in names(steps_of(sending, app, message))


def test_expired_then_sent_again(sending: Sending, app: Flask) -> None:
    message = sending.send(sending.bridge, "ada")
    sending.rows("update queue_entries set expires_at = now() - interval '1 minute' returning 1")
    sending.dispatcher.drain(10)
    failed = steps_of(sending, app, message)[-1]
    assert (failed["step"], failed["data"]["class"]) == ("failed", "expired") and "before it expired" in failed["text"]
    with sending.cast.owner.scope() as scope:
        resend_failed(scope, message)
    sending.dispatcher.drain(10)
    steps = steps_of(sending, app, message)
    assert names(steps)[-2:] == ["queued", "delivered"]
    assert "Sent again, on somebody's request." in [step["text"] for step in steps]


def test_one_recipient_of_many(sending: Sending, app: Flask) -> None:
    message = sending.send(sending.bridge, *(f"ok-{i}" for i in range(120)))
    sending.dispatcher.drain(20)
    api = sending.cast.owner.api(app)
    whole = api.get(f"/api/v1/email/{message}/explain").json
    assert (whole["recipients"], whole["recipients_told"]) == (120, 100)
    delivered = [address for step in whole["steps"] if step["step"] == "delivered" for address in step["recipients"]]
    assert len(delivered) == 100
    one = api.get(f"/api/v1/email/{message}/explain?recipient=ok-119@example.net").json
    assert one["recipients_told"] == 1 and one["steps"][-1]["step"] == "delivered" and one["steps"][-1]["recipients"] == []
    assert api.get(f"/api/v1/email/{message}/explain?recipient=nobody@example.net").status_code == 404


def test_the_page_tells_the_same(sending: Sending, app: Flask) -> None:
    message = sending.send(sending.bridge, "grey")
    sending.dispatcher.drain(10)
    page = sending.cast.owner.browser(app).get(f"/messages/{message}").text
    assert "Through the bridge shop and the pool Shared" in page and "asks new senders to come back" in page


def test_the_stranger_is_told_nothing(sending: Sending, app: Flask) -> None:
    message = sending.send(sending.bridge, "ada")
    assert sending.cast.stranger.api(app).get(f"/api/v1/email/{message}/explain").status_code == 404
    assert sending.cast.stranger.api(app).get(f"/api/v1/email/{message}/explain?recipient=ada@example.net").status_code == 404
