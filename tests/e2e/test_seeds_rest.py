"""All other examples of those services, run by curl as printed. One whose address this server does not answer yet is skipped, which the OpenAPI document
tells: there is no list of what is missing that could grow old."""

from __future__ import annotations

import csv
import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.calls import arrived, call, mails_to, send, states, to, wait_delivered
from tests.e2e.conftest import Demo
from tests.live import wait_for

pytestmark = pytest.mark.skipif(shutil.which("curl") is None or shutil.which("bash") is None, reason="curl or bash is not on this machine")

_KEY = '-H "Authorization: Bearer mm_your_api_key_here"'
_JSON = '-H "Content-Type: application/json"'
_MATIC = "https://app.mailmatic.cc/api"

VALIDATE = f"""
curl -X POST {_MATIC}/validate \\
  {_KEY} \\
  {_JSON} \\
  -d '{{"email": "ADDRESS"}}'
"""
DOMAIN_ADD = f"""
curl -X POST {_MATIC}/domains \\
  {_KEY} \\
  {_JSON} \\
  -d '{{"domain": "example.com"}}'
"""
DOMAIN_VERIFY = f"""
curl -X POST {_MATIC}/domains/DOMAIN_ID/verify \\
  {_KEY}
"""
DOMAIN_SCORE = f"""
curl {_MATIC}/domains/DOMAIN_ID/score \\
  {_KEY}
"""
CREDENTIALS = f"""
curl -X POST {_MATIC}/credentials \\
  {_KEY} \\
  {_JSON} \\
  -d '{{"domain_id": "UUID", "username": "noreply", "display_name": "My App"}}'
"""
LIST_CREATE = f"""
curl -X POST {_MATIC}/lists \\
  {_KEY} \\
  {_JSON} \\
  -d '{{"name": "Newsletter Subscribers", "description": "Weekly newsletter list"}}'
"""
LIST_ADD = f"""
curl -X POST {_MATIC}/lists/LIST_ID/contacts \\
  {_KEY} \\
  {_JSON} \\
  -d '{{"email": "ADDRESS", "first_name": "John", "last_name": "Doe"}}'
"""
LIST_IMPORT = f"""
curl -X POST {_MATIC}/lists/LIST_ID/import \\
  {_KEY} \\
  -F "file=@contacts.csv"
"""
CAMPAIGN_CREATE = f"""
curl -X POST {_MATIC}/campaigns \\
  {_KEY} \\
  {_JSON} \\
  -d '{{
    "name": "Welcome Series",
    "subject": "Welcome to our platform",
    "from_email": "SENDER",
    "from_name": "Your Brand",
    "list_id": "LIST_ID",
    "content_html": "<h1>Welcome {{{{first_name}}}}!</h1>",
    "content_text": "Welcome {{{{first_name}}}}!"
  }}'
"""
CAMPAIGN_SEND = f"""
curl -X POST {_MATIC}/campaigns/CAMPAIGN_ID/send \\
  {_KEY}
"""
CAMPAIGN_CLONE = f"""
curl -X POST {_MATIC}/campaigns/CAMPAIGN_ID/clone \\
  {_KEY}
"""
CAMPAIGN_STREAM = f"""
curl -N {_MATIC}/campaigns/CAMPAIGN_ID/stream \\
  {_KEY}
"""
TAG = f"""
curl -X POST {_MATIC}/tags \\
  {_KEY} \\
  {_JSON} \\
  -d '{{"name": "VIP", "color": "#3B82F6"}}'
"""
SEGMENT = f"""
curl -X POST {_MATIC}/segments \\
  {_KEY} \\
  {_JSON} \\
  -d '{{"name": "Active Users", "rules": {{"field": "email", "operator": "contains", "value": "@"}}}}'
"""
SUPPRESSIONS = f"""
curl {_MATIC}/suppressions \\
  {_KEY}
"""
UNSUPPRESS = f"""
curl -X DELETE {_MATIC}/suppressions/ADDRESS \\
  {_KEY}
"""
LOGS = f"""
curl "{_MATIC}/logs?page=1&limit=50&search=SIMULATOR&status=sent" \\
  {_KEY}
"""
STATS = f"""
curl {_MATIC}/stats \\
  {_KEY}
"""
REPORT = f"""
curl "{_MATIC}/reports?export=csv" \\
  {_KEY} \\
  -o report.csv
"""
POSTFIX = f"""
curl -X POST {_MATIC}/webhooks/postfix \\
  -H "X-Webhook-Secret: your_webhook_secret" \\
  {_JSON} \\
  -d '{{
    "event": "bounce",
    "recipient": "ADDRESS",
    "message_id": "MESSAGE_ID",
    "reason": "550 User not found"
  }}'
"""
PROVIDERS = """
curl https://app.sendmux.ai/api/v1/providers \\
  -H "Authorization: Bearer smx_root_your_key_here"
"""
OPENAPI = """
curl https://app.sendmux.ai/api/v1/openapi.json
"""


@dataclass(frozen=True)
class Answer:
    """Status and body of one example."""

    status: int
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def data(self) -> Any:
        """Of an envelope."""
        assert self.status < 300, self.body
        assert self.json["ok"] is True
        return self.json["data"]


@pytest.fixture(scope="module")
def known_routes(demo: Demo) -> set[tuple[str, str]]:
    """Method and pattern of every address of the API."""
    document = json.loads(call_raw(demo, "/api/v1/openapi.json"))
    return {(method.upper(), "^" + re.sub(r"\{[^}]+\}", "[^/]+", path) + "$") for path, item in document["paths"].items() for method in item}


def call_raw(demo: Demo, path: str) -> bytes:
    return subprocess.run(["curl", "--silent", demo.credentials["web_url"] + path], capture_output=True, timeout=30, check=True).stdout


@pytest.fixture
def run(demo: Demo, tmp_path: Path, known_routes: set[tuple[str, str]]) -> Any:
    """Runs an example in bash, with host, key and placeholders changed. Skips the test when the server has no such address."""

    def runs(example: str, **words: str) -> Answer:
        _skip_unless_known(example, known_routes)
        text = re.sub(r"https://[a-z.]+", demo.credentials["web_url"], example)
        keys = {"mm_your_api_key_here": demo.credentials["api_key_live"], "smx_root_your_key_here": demo.credentials["api_key_live"]}
        for name, value in {**keys, "SENDER": demo.credentials["from"], **words}.items():
            text = text.replace(name, value)
        (tmp_path / "example.sh").write_text(text.strip() + ' --silent --show-error --max-time 20 --write-out "\\n%{http_code}"\n')
        done = subprocess.run(["bash", "example.sh"], cwd=tmp_path, capture_output=True, timeout=60, check=False)
        assert done.returncode in (0, 28), done.stderr
        body, _, status = done.stdout.rpartition(b"\n")
        saved = tmp_path / "report.csv"
        return Answer(int(status), saved.read_bytes() if saved.exists() else body)

    return runs


def _skip_unless_known(example: str, known: set[tuple[str, str]]) -> None:
    found = re.search(r"https://[a-z.]+/api(?:/v1)?(/[^\s\"?]*)", example)
    assert found is not None
    method = next(iter(re.findall(r"-X ([A-Z]+)", example)), "GET")
    path = "/api/v1" + found[1]
    if path != "/api/v1/openapi.json" and not any(method == verb and re.match(pattern, path) for verb, pattern in known):
        pytest.skip(f"{method} {path} is not there yet")


def test_validate(demo: Demo, run: Any) -> None:
    demo.zone.zone["validate.example", "MX"] = ["10 mx.validate.example."]
    answer = run(VALIDATE, ADDRESS="jo@validate.example")
    assert (answer.status, answer.json["valid"], answer.json["verdict"]) == (200, True, "valid")
    assert run(VALIDATE, ADDRESS="jo@no-such-domain.example").json["valid"] is False


def test_domains(run: Any) -> None:
    added = run(DOMAIN_ADD)
    assert added.status == 201
    domain = added.data
    assert (domain["domain"], {record["type"] for record in domain["records"]} >= {"TXT"}) == ("example.com", True)
    assert run(DOMAIN_VERIFY, DOMAIN_ID=domain["id"]).data["status"] == "pending"
    score = run(DOMAIN_SCORE, DOMAIN_ID=domain["id"]).data
    assert 0 <= score["score"] <= 100
    made = run(CREDENTIALS, UUID=domain["id"]).data
    assert {"api_key", "smtp"} <= made.keys()
    assert (made["email"], made["display_name"]) == ("noreply@example.com", "My App")


def test_suppressions(demo: Demo, run: Any) -> None:
    call(demo, "POST", "/api/v1/suppressions", {"email": "seed@customer.example"})
    assert "seed@customer.example" in {row["email"] for row in run(SUPPRESSIONS).data}
    assert run(UNSUPPRESS, ADDRESS="seed@customer.example").status == 200
    assert "seed@customer.example" not in {row["email"] for row in run(SUPPRESSIONS).data}
    assert run(UNSUPPRESS, ADDRESS="seed@customer.example").status == 404


def test_logs(demo: Demo, run: Any) -> None:
    message_id = send(demo, "delivered", subject="Found in the log")
    wait_delivered(demo, message_id)
    answer = run(LOGS, SIMULATOR=demo.credentials["simulator_domain"])
    assert answer.status == 200, answer.body
    assert message_id in answer.body.decode()


def test_stats_and_report(demo: Demo, run: Any) -> None:
    wait_delivered(demo, send(demo, "delivered"))
    assert run(STATS).data["totals"]
    report = run(REPORT)
    assert report.status == 200
    rows = list(csv.reader(report.body.decode().splitlines()))
    assert len(rows) > 1 and len(set(map(len, rows))) == 1


def test_postfix_reports_a_bounce(demo: Demo, run: Any) -> None:
    message_id = send(demo, "delivered")
    wait_delivered(demo, message_id)
    header = call(demo, "GET", f"/api/v1/email/{message_id}")[1]["message_id"]
    answer = run(POSTFIX, ADDRESS=to(demo, "delivered"), MESSAGE_ID=header, your_webhook_secret="a shared secret of the tests")
    assert answer.status in (200, 202), answer.body
    wait_for(lambda: states(demo, message_id) == ["bounced"], what="the bounce")
    call(demo, "DELETE", f"/api/v1/suppressions/{to(demo, 'delivered')}")
    assert run(POSTFIX, ADDRESS="x@y.example", MESSAGE_ID="<a@b>", your_webhook_secret="wrong").status == 401


def test_providers(run: Any) -> None:
    answer = run(PROVIDERS)
    assert answer.data
    assert answer.json["pagination"] == {"has_more": False, "next_cursor": None}
    assert answer.json["meta"]["request_id"].startswith("req_")


def test_the_openapi_document(run: Any) -> None:
    assert run(OPENAPI).json["openapi"].startswith("3.1")


def test_tags_and_segments(run: Any) -> None:
    assert run(TAG).data["name"] == "VIP"
    assert run(SEGMENT).data["name"] == "Active Users"


def test_lists_and_campaigns(demo: Demo, tmp_path: Path, run: Any) -> None:
    person = f"delivered+seed@{demo.credentials['simulator_domain']}"
    made = run(LIST_CREATE).data
    run(LIST_ADD, LIST_ID=made["id"], ADDRESS=person)
    (tmp_path / "contacts.csv").write_text(f"email,first_name,last_name\ndelivered+csv@{demo.credentials['simulator_domain']},Jane,Roe\n")
    assert run(LIST_IMPORT, LIST_ID=made["id"]).status in (200, 201, 202)
    campaign = run(CAMPAIGN_CREATE, LIST_ID=made["id"]).data
    clone = run(CAMPAIGN_CLONE, CAMPAIGN_ID=campaign["id"]).data
    assert clone["id"] != campaign["id"]
    assert run(CAMPAIGN_SEND, CAMPAIGN_ID=campaign["id"]).status in (200, 202)
    wait_for(lambda: len(mails_to(demo, person)) == 1, seconds=60, what="the campaign's mail")
    assert mails_to(demo, person)[0]["Subject"] == "Welcome to our platform"
    assert run(CAMPAIGN_STREAM, CAMPAIGN_ID=campaign["id"]).status == 200


def test_what_is_sent_by_credentials_of_a_seed_arrives(demo: Demo, run: Any) -> None:
    """The seed's promise for credentials: a key of their own for sending, and an SMTP login."""
    domain = next(row for row in call(demo, "GET", "/api/v1/domains")[1]["data"] if row["domain"] == demo.credentials["from"].partition("@")[2])
    made = run(CREDENTIALS.replace("noreply", "seedcred").replace("My App", "Another App"), UUID=domain["id"]).data
    sent = call(demo, "POST", "/api/send", {"to": to(demo, "delivered"), "subject": "By its key", "text": "Hi"}, key=made["api_key"])
    assert sent[0] == 202, sent
    assert arrived(demo, sent[1]["id"])["From"] == made["email"]
