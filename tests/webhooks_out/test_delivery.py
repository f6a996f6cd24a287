"""From an event to a signed request, and what follows when it goes wrong."""

from __future__ import annotations

import json
import time

from standardwebhooks.webhooks import Webhook

from tests.fixtures import Cast
from tests.webhooks_out.conftest import deliver, happen, make_endpoint, rows
from tests.webhooks_out.receiver import closes, receiving, says
from webapp.webhooks.service import open_secret, rotate_secret
from worker.webhooks.engine import Engine


def test_an_event_arrives_signed_and_whole(cast: Cast, engine_of_webhooks: Engine) -> None:
    with receiving() as receiver:
        endpoint = make_endpoint(cast.owner, receiver.url)
        [event] = happen(cast.owner, "email.bounced", {"attempt": 1, "code": 550, "reply": "550 No", "class": "hard.address", "blame": "recipient"})
        assert deliver(engine_of_webhooks) == 1
        [call] = receiver.calls
    said = Webhook(open_secret(endpoint)).verify(call.body, call.headers)
    assert call.headers["webhook-id"] == str(event) == said["id"]
    assert said["type"] == "email.bounced" and said["mode"] == "live"
    assert said["data"]["recipient"] == "jo@customer.example" and said["data"]["code"] == 550 and said["data"]["metadata"] == {"n": "7"}
    [(state, attempts, log)] = rows("select state, attempts, log from webhook_deliveries")
    assert (state, attempts, log[0]["status"], log[0]["response_body"]) == ("delivered", 1, 200, "thanks")
    assert call.headers["webhook-signature"] not in json.dumps(log)
    assert rows("select 1 from webhook_queue") == rows("select 1 from event_outbox") == []


def test_a_failure_is_tried_again_under_the_same_id(cast: Cast, engine_of_webhooks: Engine) -> None:
    with receiving(says(500, b"oh"), closes, says(204, b"")) as receiver:
        make_endpoint(cast.owner, receiver.url)
        happen(cast.owner, "email.delivered", {"attempt": 1})
        deliver(engine_of_webhooks)
        for _ in range(40):
            engine_of_webhooks.drain(1)
            if not rows("select 1 from webhook_queue"):
                break
            time.sleep(0.05)
    ids = {call.headers["webhook-id"] for call in receiver.calls}
    assert len(ids) == 2  # email.sent and email.delivered
    assert {row[0] for row in rows("select state from webhook_deliveries")} == {"delivered"}


def test_two_secrets_are_valid_during_a_rotation(cast: Cast, engine_of_webhooks: Engine) -> None:
    with receiving() as receiver:
        endpoint = make_endpoint(cast.owner, receiver.url)
        old = open_secret(endpoint)
        with cast.owner.scope() as scope:
            new = open_secret(rotate_secret(scope, endpoint.id, 1))
        happen(cast.owner, "email.opened", {"user_agent": "x", "address": "198.51.100.77"})
        deliver(engine_of_webhooks)
    assert old != new
    for secret in (old, new):
        said = Webhook(secret).verify(receiver.calls[0].body, receiver.calls[0].headers)
        assert said["data"]["network"] == "198.51.100.0/24" and "address" not in said["data"]
