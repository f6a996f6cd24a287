"""The examples of the services whose API we speak, run by curl as printed there: only host, key and addresses are changed."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.calls import arrived, call, states, to, wait_delivered
from tests.e2e.conftest import Demo
from webapp.kernel.clock import now, rfc3339

pytestmark = [
    pytest.mark.skipif(shutil.which("curl") is None or shutil.which("bash") is None, reason="curl or bash is not on this machine"),
]

ONE_SEND = """
curl -X POST https://api.mumara.com/v1/send \\
  -H "Authorization: Bearer BRIDGE_TOKEN" \\
  -H "Content-Type: application/json" \\
  -d '{
  "from": "SENDER",
  "to": "RECIPIENT",
  "subject": "Order confirmed",
  "html": "<h1>Thanks!</h1>"
}'
"""

MATIC_SEND = """
curl -X POST https://app.mailmatic.cc/api/send \\
  -H "Authorization: Bearer mm_your_api_key_here" \\
  -H "Content-Type: application/json" \\
  -d '{
    "from": "SENDER",
    "to": "RECIPIENT",
    "subject": "Hello from Mailmatic",
    "html": "<h1>Welcome!</h1><p>This is a test email.</p>"
  }'
"""

MATIC_BATCH = """
curl -X POST https://app.mailmatic.cc/api/send/batch \\
  -H "Authorization: Bearer mm_your_api_key_here" \\
  -H "Content-Type: application/json" \\
  -d '{
    "emails": [
      {
        "to": "RECIPIENT",
        "subject": "Welcome",
        "html": "<p>Hi User 1</p>"
      },
      {
        "to": "RECIPIENT",
        "subject": "Welcome",
        "html": "<p>Hi User 2</p>"
      }
    ]
  }'
"""

MATIC_SCHEDULED = """
curl -X POST https://app.mailmatic.cc/api/send \\
  -H "Authorization: Bearer mm_your_api_key_here" \\
  -H "Content-Type: application/json" \\
  -d '{
    "from": "SENDER",
    "to": "RECIPIENT",
    "subject": "Scheduled message",
    "html": "<p>This was scheduled!</p>",
    "send_at": "SEND_AT"
  }'
"""

MATIC_IDEMPOTENT = """
curl -X POST https://app.mailmatic.cc/api/send \\
  -H "Authorization: Bearer mm_your_api_key_here" \\
  -H "Idempotency-Key: unique-request-id-12345" \\
  -H "Content-Type: application/json" \\
  -d '{
    "from": "SENDER",
    "to": "RECIPIENT",
    "subject": "Important notification",
    "html": "<p>Only sent once!</p>"
  }'
"""

NEXT_SEND = """
curl -X POST "https://nextmailer.kumulant.com/api/v1/email/send" \\
  -H "Authorization: Bearer mp_test_YOUR_API_KEY" \\
  -H "Content-Type: application/json" \\
  -H "Idempotency-Key: order-1048-confirmation" \\
  -d '{
    "from": "SENDER",
    "from_name": "Your Application",
    "reply_to": "support@your-domain.com",
    "to": ["RECIPIENT"],
    "subject": "Your order is confirmed",
    "html": "<h1>Thank you</h1><p>Your order is ready.</p>",
    "text": "Thank you. Your order is ready."
  }'
"""

NEXT_READ = """
curl "https://nextmailer.kumulant.com/api/v1/email/MESSAGE_UUID" \\
  -H "Authorization: Bearer mp_live_YOUR_API_KEY"
"""


def run(demo: Demo, tmp_path: Path, example: str, **words: str) -> tuple[int, dict[str, Any]]:
    """The example in bash, with our host and key: status and JSON."""
    known = demo.credentials
    text = re.sub(r"https://[a-z.]+", known["web_url"], example)
    keys = {"BRIDGE_TOKEN": known["bridge"]["token"], "mm_your_api_key_here": known["api_key_live"]}
    keys |= {"mp_test_YOUR_API_KEY": known["api_key_test"], "mp_live_YOUR_API_KEY": known["api_key_live"]}
    for name, value in {**keys, "SENDER": known["from"], "RECIPIENT": to(demo, "delivered"), **words}.items():
        text = text.replace(name, value)
    script = tmp_path / "example.sh"
    script.write_text(text.strip() + ' --silent --show-error --write-out "\\n%{http_code}"\n')
    done = subprocess.run(["bash", str(script)], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    body, _, status = done.stdout.rpartition("\n")
    return int(status), json.loads(body)


def test_the_bridge_page_of_one(demo: Demo, tmp_path: Path) -> None:
    status, body = run(demo, tmp_path, ONE_SEND)
    assert (status, body["status"]) == (202, "queued")
    wait_delivered(demo, body["id"])
    assert arrived(demo, body["id"])["Subject"] == "Order confirmed"


def test_matic_single(demo: Demo, tmp_path: Path) -> None:
    status, body = run(demo, tmp_path, MATIC_SEND)
    assert status == 202
    assert {"id", "message_id", "status", "message"} <= body.keys()
    assert body["message_id"].startswith("<") and body["message_id"].endswith(">")
    wait_delivered(demo, body["id"])


def test_matic_with_the_other_header(demo: Demo, tmp_path: Path) -> None:
    status, body = run(demo, tmp_path, MATIC_SEND.replace("Authorization: Bearer ", "X-API-Key: "))
    assert status == 202, body


def test_matic_batch_takes_from_of_the_credential(demo: Demo, tmp_path: Path) -> None:
    made = call(demo, "POST", "/api/v1/bridges", {"name": "batch", "allowed_from": [demo.credentials["from"]]})[1]["data"]
    status, body = run(demo, tmp_path, MATIC_BATCH.replace("mm_your_api_key_here", made["credentials"]["api"]["token"]))
    assert status == 202
    assert [sorted(result)[:1] for result in body["results"]] == [["id"], ["id"]]
    for result in body["results"]:
        wait_delivered(demo, result["id"])
    assert [str(arrived(demo, result["id"])["From"]) for result in body["results"]] == [demo.credentials["from"]] * 2


def test_matic_batch_answers_each_on_its_own(demo: Demo, tmp_path: Path) -> None:
    status, body = run(demo, tmp_path, MATIC_BATCH.replace('"to": "RECIPIENT",', '"from": "SENDER", "to": "RECIPIENT",', 1))
    assert status == 202
    good, bad = body["results"]
    assert good["status"] == "queued"
    assert (bad["status"], bad["error"]["param"]) == ("rejected", "from")


def test_matic_scheduled(demo: Demo, tmp_path: Path) -> None:
    moment = rfc3339(now().replace(microsecond=0) + timedelta(days=1)) or ""
    status, body = run(demo, tmp_path, MATIC_SCHEDULED, SEND_AT=moment)
    assert (status, body["status"], body["send_at"]) == (202, "scheduled", moment)
    assert states(demo, body["id"]) == ["scheduled"]
    for past in ("2020-06-01T09:00:00Z", "tomorrow"):
        status, body = run(demo, tmp_path, MATIC_SCHEDULED, SEND_AT=past)
        assert (status, body["error"]["param"]) == (422, "send_at")


@pytest.mark.parametrize("header", ["Idempotency-Key", "X-Idempotency-Key"])
def test_matic_idempotent(demo: Demo, tmp_path: Path, header: str) -> None:
    example = MATIC_IDEMPOTENT.replace("Idempotency-Key: unique", f"{header}: {header}-unique")
    (first, body), (second, again) = run(demo, tmp_path, example), run(demo, tmp_path, example)
    assert (first, second) == (202, 200)
    assert body == again


def test_next_send_and_read(demo: Demo, tmp_path: Path) -> None:
    status, body = run(demo, tmp_path, NEXT_SEND)
    assert (status, body["status"], body["sandbox"]) == (202, "sandboxed", True)
    assert run(demo, tmp_path, NEXT_SEND) == (200, body)
    live = NEXT_SEND.replace("mp_test_", "mp_live_").replace("order-1048", "live-1048")
    status, body = run(demo, tmp_path, live)
    assert (status, body["status"], body["sandbox"]) == (202, "queued", False)
    wait_delivered(demo, body["id"])
    status, read = run(demo, tmp_path, NEXT_READ, MESSAGE_UUID=body["id"])
    assert (status, read["id"]) == (200, body["id"])
    assert read["recipients"][0]["status"] == "delivered"
    assert {"email.queued", "email.delivered"} <= {event["type"] for event in read["events"]}
    mail = arrived(demo, body["id"])
    assert (mail["From"].addresses[0].display_name, str(mail["Reply-To"])) == ("Your Application", "support@your-domain.com")


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        (("mm_your_api_key_here", "mp_live_unknown"), 401, "authentication_required"),
        (("Authorization: Bearer mm_your_api_key_here", "X-Nothing: x"), 401, "authentication_required"),
        (('"to": "RECIPIENT",', '"to": "nobody",'), 422, "validation_error"),
        (('"subject": "Hello from Mailmatic",', ""), 422, "missing_parameter"),
        (('"from": "SENDER"', '"from": "boss@bank.example"'), 422, "validation_error"),
        (('"html": "<h1>Welcome!</h1><p>This is a test email.</p>"', '"template": "no-such"'), 404, "not_found"),
    ],
)
def test_refusals(demo: Demo, tmp_path: Path, change: tuple[str, str], status: int, code: str) -> None:
    answer = run(demo, tmp_path, MATIC_SEND.replace(*change))
    assert answer[0] == status, answer
    assert answer[1]["ok"] is False
    assert {"code", "message", "param", "doc_url", "retryable"} <= answer[1]["error"].keys()
    assert answer[1]["meta"]["request_id"]
    assert code in (answer[1]["error"]["code"], *(problem["code"] for problem in answer[1].get("errors", ())))


def test_a_form_brings_its_file_unchanged(demo: Demo, tmp_path: Path) -> None:
    data = bytes(range(256)) * 40 + b"\r\n.\r\n--boundary\r\n\x00"
    (tmp_path / "report.bin").write_bytes(data)
    known = demo.credentials
    fields = {"from": known["from"], "to": to(demo, "delivered"), "subject": "With a file", "text": "See the file."}
    argv = ["curl", "--silent", "--show-error", f"{known['web_url']}/api/v1/email/send", "-H", f"Authorization: Bearer {known['bridge']['token']}"]
    for name, value in fields.items():
        argv += ["-F", f"{name}={value}"]
    done = subprocess.run([*argv, "-F", f"attachments=@{tmp_path / 'report.bin'}"], capture_output=True, text=True, timeout=30, check=False)
    answer = json.loads(done.stdout)
    assert answer.get("status") == "queued", answer
    files = list(arrived(demo, answer["id"]).iter_attachments())
    assert [file.get_filename() for file in files] == ["report.bin"]
    assert files[0].get_payload(decode=True) == data
