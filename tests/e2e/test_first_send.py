"""What a newcomer does with the printed credentials alone: send over API and SMTP, watch it arrive, be opened, bounce."""

from __future__ import annotations

import urllib.request

from tests.e2e.calls import call, events, letter, login_smtp, message, send_over, states, wait_delivered
from tests.e2e.conftest import Demo
from tests.live import wait_for


def test_a_live_message_is_delivered_over_real_smtp(demo: Demo) -> None:
    status, body = call(demo, "POST", "/api/v1/email/send", message(demo, "delivered"))
    assert (status, body["status"], body["sandbox"]) == (202, "queued", False)
    wait_for(lambda: states(demo, body["id"]) == ["delivered"], what="delivery")


def test_the_same_key_sends_once(demo: Demo) -> None:
    first = call(demo, "POST", "/v1/send", message(demo, "delivered"), **{"Idempotency-Key": "order-1"})
    again = call(demo, "POST", "/api/send", message(demo, "delivered"), **{"X-Idempotency-Key": "order-1"})
    other = call(demo, "POST", "/api/send", message(demo, "delivered", subject="Other"), **{"Idempotency-Key": "order-1"})
    assert (first[0], again[0], other[0]) == (202, 200, 409)
    assert first[1] == again[1]
    assert other[1]["error"]["code"] == "idempotency_conflict"


def test_bounces_bounce_and_complaints_complain(demo: Demo) -> None:
    bounced = call(demo, "POST", "/api/v1/email/send", message(demo, "bounce"))[1]["id"]
    complained = call(demo, "POST", "/api/v1/email/send", message(demo, "complaint"))[1]["id"]
    wait_for(lambda: states(demo, bounced) == ["bounced"], what="the bounce")

    def kinds() -> list[str]:
        return [event["type"] for event in call(demo, "GET", f"/api/v1/email/{complained}")[1]["events"]]

    wait_for(lambda: "email.complained" in kinds(), what="the complaint")
    status, refused = call(demo, "POST", "/api/v1/email/send", message(demo, "bounce"))
    assert (status, refused["error"]["code"]) == (422, "validation_error")


def test_a_sandbox_key_captures_and_never_dials(demo: Demo) -> None:
    status, body = call(demo, "POST", "/api/v1/email/send", message(demo, "delivered"), key="api_key_test")
    assert (status, body["status"], body["sandbox"]) == (202, "sandboxed", True)
    assert states(demo, body["id"], "api_key_test") == ["sandboxed"]


def test_smtp_through_the_bridge_is_tracked_opened_and_clicked(demo: Demo) -> None:
    with login_smtp(demo, demo.credentials["bridge"]["smtp"]) as client:
        message_id = send_over(client, letter(demo, "open+click"))
    wait_delivered(demo, message_id)

    def opened() -> bool:
        return "email.opened" in events(demo, message_id)

    wait_for(opened, what="the open")
    figures = call(demo, "GET", f"/api/v1/bridges/{demo.credentials['bridge']['id']}/stats")[1]["data"]["totals"]
    assert figures["sent"] >= 1
    assert figures["unique_opened"] >= 1


def test_health_readiness_and_metrics(demo: Demo) -> None:
    assert call(demo, "GET", "/healthz")[1]["status"] == "ok"
    wait_for(lambda: call(demo, "GET", "/readyz")[0] == 200, what="readiness")
    with urllib.request.urlopen(f"{demo.credentials['web_url']}/metrics", timeout=10) as response:
        text = response.read().decode()
    assert "esp_queue_depth" in text
    assert "esp_attempts_total" in text
