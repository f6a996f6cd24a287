"""The official Node clients of other services, with nothing changed but base URL, key and sender. Each prints what it was answered as JSON."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import Any

import pytest

from tests.e2e.calls import arrived, states, to, wait_delivered
from tests.e2e.conftest import Demo
from tests.e2e.packages import node_modules

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="node is not on this machine")

_PRELUDE = """
const { url, key, from, to } = JSON.parse(process.argv[2]);
const data = Buffer.from(Array.from({ length: 70000 }, (_, i) => i % 256));
const later = new Date(Date.now() + 7200e3);
const print = (answer) => console.log(JSON.stringify(answer));
const said = async (promise) => { try { return await promise; } catch (error) { return error; } };
"""
DATA = bytes(number % 256 for number in range(70000))

_RESEND = """
const { Resend } = require("resend");
const client = new Resend(key, { baseUrl: `${url}/compat/resend` });
(async () => {
  const one = { from, to, subject: "Node", html: "<p>Hi</p>", text: "Hi" };
  const attachments = [{ filename: "data.bin", content: data }];
  const sent = await client.emails.send({ ...one, replyTo: "reply@example.net", attachments }, { idempotencyKey: "node-1" });
  const batch = await client.batch.send([one, { ...one, subject: "Two" }]);
  const scheduled = await client.emails.send({ ...one, scheduledAt: later.toISOString() });
  const moved = await client.emails.update({ id: scheduled.data.id, scheduledAt: new Date(+later + 3600e3).toISOString() });
  const cancelled = await client.emails.cancel(scheduled.data.id);
  const read = await client.emails.get(scheduled.data.id);
  const bad = await client.emails.send({ ...one, to: "nobody" });
  const wrong = await new Resend("mp_live_unknown", { baseUrl: `${url}/compat/resend` }).emails.send(one);
  print({ sent, batch, moved, cancelled, read, bad, wrong });
})();
"""

_POSTMARK = """
const postmark = require("postmark");
const options = { useHttps: false, requestHost: `${new URL(url).host}/compat/postmark` };
const client = new postmark.ServerClient(key, options);
(async () => {
  const one = { From: from, To: to, Subject: "Node", HtmlBody: "<p>Hi</p>", TextBody: "Hi", MessageStream: "outbound" };
  const file = { Name: "data.bin", Content: data.toString("base64"), ContentType: "application/octet-stream" };
  const sent = await client.sendEmail({ ...one, Tag: "order", Metadata: { order: "7" }, Attachments: [file] });
  const batch = await client.sendEmailBatch([one, { ...one, To: "nobody" }]);
  const read = await client.getOutboundMessageDetails(sent.MessageID);
  const bad = await said(client.sendEmail({ ...one, From: "boss@bank.example" }));
  const wrong = await said(new postmark.ServerClient("mp_live_unknown", options).sendEmail(one));
  const kind = (error) => ({ name: error.name, code: error.code, statusCode: error.statusCode });
  print({ sent, batch, read, bad: kind(bad), wrong: kind(wrong) });
})();
"""

_SENDGRID = """
const mail = require("@sendgrid/mail");
const point = (secret) => { mail.setApiKey(secret); mail.client.setDefaultRequest("baseUrl", `${url}/compat/sendgrid`); };
(async () => {
  console.warn = () => {};
  point(key);
  const one = { from, to, subject: "Node", html: "<p>Hi</p>", text: "Hi" };
  const attachments = [{ filename: "data.bin", content: data.toString("base64"), type: "application/octet-stream", disposition: "attachment" }];
  const [sent] = await mail.send({ ...one, attachments, categories: ["order"] });
  const [each] = await mail.sendMultiple({ ...one, to: [to, to.replace("@", "+2@")] });
  const [scheduled] = await mail.send({ ...one, sendAt: Math.floor(later / 1000) });
  const id = sent.headers["x-message-id"];
  const [read] = await mail.client.request({ method: "GET", url: `/v3/messages/${id}` });
  const bad = await said(mail.send({ ...one, from: "boss@bank.example" }));
  point("mp_live_unknown");
  const wrong = await said(mail.send(one));
  print({ sent: [sent.statusCode, id], each: each.headers["x-message-id"], scheduled: scheduled.headers["x-message-id"], read: read.body,
          bad: [bad.code, bad.response.body], wrong: wrong.code });
})();
"""

_MAILGUN = """
const Mailgun = require("mailgun.js");
const mailgun = new Mailgun(FormData);
const client = mailgun.client({ username: "api", key, url: `${url}/compat/mailgun` });
const domain = from.split("@")[1];
(async () => {
  const one = { from, to: [to], subject: "Node", html: "<p>Hi</p>", text: "Hi" };
  const sent = await client.messages.create(domain, { ...one, "o:tag": ["order"], attachment: [{ filename: "data.bin", data }] });
  const scheduled = await client.messages.create(domain, { ...one, "o:deliverytime": later.toUTCString().replace("GMT", "+0000") });
  const events = await client.events.get(domain, { "message-id": sent.id });
  const later_events = await client.events.get(domain, { "message-id": scheduled.id });
  const stored = await client.messages.retrieveStoredEmail(domain, events.items[0].storage.key);
  const bad = await said(client.messages.create(domain, { ...one, to: "nobody" }));
  const wrong = await said(mailgun.client({ username: "api", key: "mp_live_unknown", url: `${url}/compat/mailgun` }).messages.create(domain, one));
  print({ sent, key: events.items[0].storage.key, scheduled: later_events.items[0].storage.key, stored, bad: [bad.status, bad.details], wrong: wrong.status });
})();
"""


def run(demo: Demo, factory: pytest.TempPathFactory, package: str, script: str, key: str = "") -> dict[str, Any]:
    """What the script printed."""
    folder = node_modules(factory, package).parent
    (folder / "run.cjs").write_text(_PRELUDE + script)
    known = demo.credentials
    words = {"url": known["web_url"], "key": key or known["api_key_live"], "from": known["from"], "to": to(demo, "delivered")}
    done = subprocess.run(["node", "run.cjs", json.dumps(words)], cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def check_file(demo: Demo, message_id: str) -> None:
    """The attachment arrives octet by octet."""
    wait_delivered(demo, message_id)
    assert [(file.get_filename(), file.get_payload(decode=True)) for file in arrived(demo, message_id).iter_attachments()] == [("data.bin", DATA)]


def test_resend(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> None:
    answers = run(demo, tmp_path_factory, "resend@6", _RESEND)
    check_file(demo, answers["sent"]["data"]["id"])
    assert [states(demo, entry["id"]) != [] for entry in answers["batch"]["data"]["data"]] == [True, True]
    assert answers["moved"]["data"]["id"] == answers["cancelled"]["data"]["id"] == answers["read"]["data"]["id"]
    assert answers["read"]["data"]["last_event"] == "canceled"
    assert (answers["bad"]["error"]["name"], answers["bad"]["error"]["statusCode"]) == ("validation_error", 422)
    assert (answers["wrong"]["error"]["name"], answers["wrong"]["data"]) == ("invalid_api_key", None)


def test_postmark(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> None:
    answers = run(demo, tmp_path_factory, "postmark@5", _POSTMARK, demo.credentials["bridge"]["token"])
    check_file(demo, answers["sent"]["MessageID"])
    assert [entry["ErrorCode"] for entry in answers["batch"]] == [0, 300]
    assert (answers["read"]["Tag"], answers["read"]["Metadata"]) == ("order", {"order": "7"})
    assert answers["bad"] == {"name": "ApiInputError", "code": 400, "statusCode": 422}
    assert answers["wrong"] == {"name": "InvalidAPIKeyError", "code": 10, "statusCode": 401}


def test_sendgrid(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> None:
    answers = run(demo, tmp_path_factory, "@sendgrid/mail@8", _SENDGRID)
    assert answers["sent"][0] == 202
    check_file(demo, answers["sent"][1])
    wait_delivered(demo, answers["each"])
    assert states(demo, answers["scheduled"]) == ["scheduled"]
    assert (answers["read"]["msg_id"], answers["read"]["categories"]) == (answers["sent"][1], ["order"])
    assert (answers["bad"][0], answers["bad"][1]["errors"][0]["field"], answers["wrong"]) == (403, "from.email", 401)


def test_mailgun(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> None:
    answers = run(demo, tmp_path_factory, "mailgun.js@14", _MAILGUN)
    assert answers["sent"]["message"] == "Queued. Thank you."
    check_file(demo, answers["key"])
    assert states(demo, answers["scheduled"]) == ["scheduled"]
    assert (answers["stored"]["subject"], answers["stored"]["body-plain"]) == ("Node", "Hi")
    assert (answers["bad"][0], "nobody" in answers["bad"][1], answers["wrong"]) == (400, True, 401)
