"""The API and the pages of webhooks: made, read, changed, tested, replayed; each payload as its schema promises; the guide's samples."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from tests.fixtures import Cast
from tests.webhooks_out.conftest import deliver, happen, make_endpoint, rows
from tests.webhooks_out.receiver import receiving, says
from webapp.announcements.service import announce_once
from webapp.announcements.types import Announcement
from webapp.kernel.clock import now, rfc3339
from webapp.kernel.scope import Mode
from webapp.webhooks.catalogue import KINDS, SUBSCRIBABLE
from webapp.webhooks.samples import NODE, PHP, PYTHON
from webapp.webhooks.service import open_secret
from webapp.webhooks.service.signing import key_of, make_secret, sign
from worker.jobs.webhooks import replay as work_replays
from worker.webhooks.engine import Engine

URL = "https://93.184.216.34/hooks"
_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,), "integer": (int,), "boolean": (bool,), "array": (list,), "object": (dict,), "null": (type(None),),
}  # fmt: skip


def fits(schema: dict[str, Any], value: Any) -> bool:
    """Whether ``value`` is what the part of JSON Schema that the catalogue uses says."""
    if "const" in schema or "enum" in schema:
        return value == schema["const"] if "const" in schema else value in schema["enum"]
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    if not any(isinstance(value, _TYPES[kind]) for kind in kinds):
        return False
    if isinstance(value, dict) and "properties" in schema:
        return set(value) == set(schema["properties"]) and all(fits(schema["properties"][name], inner) for name, inner in value.items())
    return True


def test_an_endpoint_is_made_read_changed_and_removed(app: Flask, cast: Cast) -> None:
    api = cast.owner.api(app)
    made = api.post("/api/v1/webhooks", json={"url": URL, "events": ["email.bounced"]}, headers={"Idempotency-Key": "one"})
    again = api.post("/api/v1/webhooks", json={"url": URL, "events": ["email.bounced"]}, headers={"Idempotency-Key": "one"})
    data = (made.json or {})["data"]
    assert made.status_code == 201 and data["secret"].startswith("whsec_") and again.json["data"]["id"] == data["id"] and data["modes"] == ["live"]
    path = f"/api/v1/webhooks/{data['id']}"
    read = api.get(path)
    assert "secret" not in read.json["data"] and api.get(path, headers={"If-None-Match": read.headers["ETag"]}).status_code == 304
    changed = api.patch(path, json={"enabled": False, "events": None}, headers={"If-Match": read.headers["ETag"]})
    assert changed.json["data"]["state"] == "disabled" and changed.json["data"]["events"] is None
    assert api.patch(path, json={"url": URL + "2"}, headers={"If-Match": read.headers["ETag"]}).status_code == 409
    assert api.post(f"{path}/test").status_code == 409
    rotated = api.post(f"{path}/rotate-secret", json={"overlap_hours": 1})
    assert rotated.json["data"]["secret"] != data["secret"] and rotated.json["data"]["previous_secret_until"]
    assert api.post(f"{path}/rotate-secret", json={}).status_code == 409
    assert api.delete(path).status_code == 200 and api.get(path).status_code == 404
    wrong = api.post("/api/v1/webhooks", json={"url": URL, "events": ["email.nothing"]})
    assert wrong.status_code == 422 and wrong.json["error"]["param"] == "events"


def test_the_catalogue_keeps_its_promise(app: Flask, cast: Cast, engine_of_webhooks: Engine) -> None:
    listed = (cast.owner.api(app).get("/api/v1/webhooks/events").json or {})["data"]
    assert [kind["type"] for kind in listed] == list(SUBSCRIBABLE)
    assert all(fits(kind["schema"], kind["example"]) for kind in listed)
    with receiving() as receiver:
        make_endpoint(cast.owner, receiver.url)
        for name in SUBSCRIBABLE:
            if KINDS[name].about_mail and name != "email.sent":
                happen(cast.owner, name, {"attempt": 1, "code": 250, "unknown": "hidden", "address": "2001:db8:1:2::3"})
        deliver(engine_of_webhooks)
        bodies = [json.loads(call.body) for call in receiver.calls]
    assert {body["type"] for body in bodies} == {name for name in SUBSCRIBABLE if KINDS[name].about_mail}
    assert all(fits(KINDS[body["type"]].as_schema(), body) for body in bodies)
    assert "hidden" not in json.dumps(bodies)


def test_filters_by_type_mode_and_tenant(cast: Cast, engine_of_webhooks: Engine) -> None:
    with receiving() as mine, receiving() as sandbox, receiving() as theirs:
        make_endpoint(cast.owner, mine.url, events=["email.opened"], modes=[Mode.LIVE])
        make_endpoint(cast.owner, sandbox.url, modes=[Mode.SANDBOX])
        make_endpoint(cast.stranger, theirs.url)
        happen(cast.owner, "email.opened")
        happen(cast.owner, "email.clicked")
        happen(cast.owner, "email.sandboxed", mode=Mode.SANDBOX)
        deliver(engine_of_webhooks)
        assert [json.loads(call.body)["type"] for call in mine.calls] == ["email.opened"]
        assert [json.loads(call.body)["type"] for call in sandbox.calls] == ["email.sandboxed"]
        assert theirs.calls == []


def test_who_does_not_listen_leaves_nothing_behind(cast: Cast) -> None:
    happen(cast.owner, "email.opened", count=3)
    assert rows("select 1 from event_outbox") == []


def test_a_test_event_a_replay_and_the_log(app: Flask, cast: Cast, engine_of_webhooks: Engine) -> None:
    api = cast.owner.api(app)
    with receiving(says(410), says(200, b"<script>alert(1)</script>", Set_Cookie="secret=1")) as receiver:
        path = f"/api/v1/webhooks/{make_endpoint(cast.owner, receiver.url).id}"
        made = api.post(f"{path}/test")
        assert made.status_code == 202 and made.json["data"]["state"] == "pending"
        engine_of_webhooks.drain(1)
        failed = api.get(f"{path}/deliveries?state=failed").json["data"]
        assert [row["id"] for row in failed] == [made.json["data"]["id"]]
        assert api.post(f"{path}/deliveries/{failed[0]['id']}/replay").status_code == 202
        deadline = time.monotonic() + 10
        while rows("select 1 from webhook_queue") and time.monotonic() < deadline:
            engine_of_webhooks.drain(0.5)
        assert len({call.headers["webhook-id"] for call in receiver.calls}) == 1 and len(receiver.calls) == 2
    log = api.get(f"{path}/deliveries/{failed[0]['id']}").json["data"]
    assert log["state"] == "delivered" and [one["status"] for one in log["attempt_log"]] == [410, 200]
    assert "secret=1" not in json.dumps(log) and "v1," not in json.dumps(log["attempt_log"])
    page = cast.owner.browser(app).get(f"/webhooks/{log['endpoint_id']}/deliveries/{log['id']}").get_data(as_text=True)
    assert "&lt;script&gt;alert(1)" in page and "<script>alert(1)" not in page


def test_a_replay_brings_what_was_missed_once(app: Flask, cast: Cast, engine_of_webhooks: Engine) -> None:
    with receiving() as receiver:
        endpoint, api = make_endpoint(cast.owner, receiver.url, events=["email.opened"]), cast.owner.api(app)
        path = f"/api/v1/webhooks/{endpoint.id}"
        seen = happen(cast.owner, "email.opened")
        deliver(engine_of_webhooks)
        api.patch(path, json={"enabled": False})
        missed = happen(cast.owner, "email.opened", count=3)
        api.patch(path, json={"enabled": True})
        since = rfc3339(now() - timedelta(hours=1))
        assert api.post(f"{path}/replay?since={since}").status_code == 202
        assert api.post(f"{path}/replay?since={since}").status_code == 409
        work_replays(0)
        engine_of_webhooks.drain(1)
        assert [call.headers["webhook-id"] for call in receiver.calls][1:] == [str(event) for event in missed] or len(receiver.calls) == 4
        assert api.post(f"{path}/replay?since={since}&what=all").status_code == 202
        work_replays(0)
        engine_of_webhooks.drain(1)
        assert len(receiver.calls) == 8 and {call.headers["webhook-id"] for call in receiver.calls} == {str(event) for event in [*seen, *missed]}
        assert api.post(f"{path}/replay?since=2020-01-01T00:00:00Z").status_code == 422


def test_announcements_arrive_and_limits_once(cast: Cast, engine_of_webhooks: Engine) -> None:
    with receiving() as receiver:
        make_endpoint(cast.owner, receiver.url, events=["limit.reached"])
        for _ in range(2):
            with cast.owner.scope() as scope:
                announce_once(scope.session, scope.tenant_id, Announcement.LIMIT_REACHED, "day", timedelta(days=1), {"limit": "daily", "value": 5})
        deliver(engine_of_webhooks)
        [call] = receiver.calls
    assert fits(KINDS["limit.reached"].as_schema(), json.loads(call.body))


def test_pages_and_the_secret(app: Flask, cast: Cast) -> None:
    endpoint, browser = make_endpoint(cast.owner, URL), cast.owner.browser(app)
    for path in ("/webhooks/", "/webhooks/new", f"/webhooks/{endpoint.id}", f"/webhooks/{endpoint.id}/deliveries", "/webhooks/endpoints.csv", "/docs/webhooks"):
        assert browser.get(path).status_code == 200, path
    assert open_secret(endpoint) in browser.get(f"/webhooks/{endpoint.id}/secret").get_data(as_text=True)
    assert open_secret(endpoint) not in browser.get(f"/webhooks/{endpoint.id}").get_data(as_text=True)
    assert cast.teammate.browser(app).get(f"/webhooks/{endpoint.id}/secret").status_code == 403
    assert browser.post("/webhooks/new", data={"url": "https://127.0.0.1/"}).status_code == 422
    assert browser.post("/webhooks/new", data={"url": URL, "events": ["email.opened"], "modes": ["live"]}).status_code == 303


@pytest.mark.parametrize(("program", "text", "call"), [
    ("node", NODE, "console.log(verify({secret}, {headers}, Buffer.from({body})))"),
    ("php", PHP, "var_export(verify({secret}, json_decode('{headers}', true), {body}));"),
])  # fmt: skip
def test_samples_of_other_languages(program: str, text: str, call: str) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    secret, stamp = make_secret(), int(time.time())
    headers = {"webhook-id": "a", "webhook-timestamp": str(stamp), "webhook-signature": "v1,AAAA " + sign([key_of(secret)], "a", stamp, b"{}")}
    for body, expected in (("{}", "true"), ("{ }", "false")):
        values = {"secret": json.dumps(secret), "headers": json.dumps(headers), "body": json.dumps(body)}
        line = call
        for name, value in values.items():
            line = line.replace("{" + name + "}", value)
        done = subprocess.run([program], input=f"{text}\n{line}", capture_output=True, text=True, check=True, timeout=60)
        assert done.stdout.strip() == expected


def test_the_python_sample() -> None:
    space: dict[str, Any] = {}
    exec(compile(PYTHON, "sample", "exec"), space)  # noqa: S102  # our own words, as a reader would paste them
    secret, stamp = make_secret(), int(time.time())
    headers = {"webhook-id": "a", "webhook-timestamp": str(stamp), "webhook-signature": "v1,AAAA " + sign([key_of(secret)], "a", stamp, b"{}")}
    assert space["verify"](secret, headers, b"{}") and not space["verify"](secret, headers, b"{ }")
    assert not space["verify"](secret, {**headers, "webhook-timestamp": str(stamp - 600)}, b"{}")
