"""F51: reports of providers: closed without a secret, proven in each one's own way, bounded in time, applied once, and only to the tenant's own mail."""

from __future__ import annotations

import base64
import hmac
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID
from flask import Flask

from tests.fixtures import Cast, Person
from tests.webhooks_in.test_postfix import rows_of, send  # noqa: F401
from webapp.messages.types import Accepted
from webapp.webhooks.providers import sns
from webapp.webhooks.service.signing import key_of, sign
from worker.jobs.reports import apply

ANNA = "Anna@dest.example"
TOPIC = "arn:aws:sns:eu-west-1:123456789012:bounces"
Sent = tuple[bytes, dict[str, str]]
Make = Callable[..., Sent]


class Hooks:
    """Opens hooks over the API as a tenant does, and posts to them as a provider does."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.stranger = app.test_client(use_cookies=False)

    def open(self, person: Person, provider: str, secret: str | None = None) -> dict[str, Any]:
        api = person.api(self.app)
        made = api.post("/api/v1/providers", json={"name": provider, "host": "93.184.216.34"})
        answer = api.put(f"/api/v1/providers/{(made.json or {})['data']['id']}/reports", json={"provider": provider, "secret": secret})
        assert answer.status_code == 200, answer.json
        return {**(answer.json or {})["data"], "account": (made.json or {})["data"]["id"]}

    def post(self, hook: dict[str, Any], body: bytes, headers: dict[str, str]) -> Any:
        path = "/api" + hook["url"].partition("/api")[2]
        return self.stranger.post(path, data=body, headers=headers, content_type="application/json")


@pytest.fixture
def hooks(app: Flask, cast: Cast) -> Hooks:
    return Hooks(app)


# One maker a provider: (accepted, secret, seconds ago, key) -> body and headers of a bounce, rightly proven.

_EC = ec.generate_private_key(ec.SECP256R1())
_RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC_PUBLIC = base64.b64encode(_EC.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)).decode()


def sendgrid(accepted: Accepted, secret: str, ago: int = 0) -> Sent:
    event = {"event": "bounce", "type": "bounce", "email": ANNA, "smtp-id": accepted.message_id, "reason": "550 5.1.1 No such user", "sg_event_id": "e1"}
    body, stamp = json.dumps([event]).encode(), str(int(time.time()) - ago)
    signature = base64.b64encode(_EC.sign(stamp.encode() + body, ec.ECDSA(hashes.SHA256()))).decode()
    return body, {"X-Twilio-Email-Event-Webhook-Signature": signature, "X-Twilio-Email-Event-Webhook-Timestamp": stamp}


def mailgun(accepted: Accepted, secret: str, ago: int = 0) -> Sent:
    stamp, token = str(int(time.time()) - ago), "t" * 50
    signature = hmac.new(secret.encode(), f"{stamp}{token}".encode(), "sha256").hexdigest()
    data = {
        "event": "failed", "severity": "permanent", "id": "m1", "recipient": ANNA, "message": {"headers": {"message-id": accepted.message_id.strip("<>")}},
        "delivery-status": {"code": 550, "message": "5.1.1 No such user", "enhanced-code": "5.1.1"},
    }  # fmt: skip
    return json.dumps({"signature": {"timestamp": stamp, "token": token, "signature": signature}, "event-data": data}).encode(), {}


def postmark(accepted: Accepted, secret: str, ago: int = 0) -> Sent:
    said = {"RecordType": "Bounce", "Type": "HardBounce", "ID": 7, "Email": ANNA, "MessageID": accepted.message_id, "Details": "smtp;550 5.1.1 No such user"}
    return json.dumps(said).encode(), {"Authorization": "Basic " + base64.b64encode(f"postmark:{secret}".encode()).decode()}


def brevo(accepted: Accepted, secret: str, ago: int = 0) -> Sent:
    said = {"event": "hard_bounce", "email": ANNA, "id": 5, "message-id": accepted.message_id, "ts_event": 1, "reason": "550 5.1.1 No such user"}
    return json.dumps(said).encode(), {"Authorization": f"Bearer {secret}"}


def generic(accepted: Accepted, secret: str, ago: int = 0) -> Sent:
    report = {"event": "bounce", "recipient": ANNA, "message_id": accepted.message_id, "reason": "550 5.1.1 No such user", "id": "g1"}
    body = json.dumps({"reports": [report]}).encode()
    stamp = int(time.time()) - ago
    return body, {"webhook-id": "w1", "webhook-timestamp": str(stamp), "webhook-signature": sign([key_of(secret)], "w1", stamp, body)}


def ses(accepted: Accepted, secret: str, ago: int = 0, **changes: Any) -> Sent:
    bounce = {"bounceType": "Permanent", "bouncedRecipients": [{"emailAddress": ANNA, "status": "5.1.1", "diagnosticCode": "smtp; 550 5.1.1 No such user"}]}
    mail = {"messageId": "0101019a-ses", "source": "shop@acme.example", "headers": [{"name": "Message-ID", "value": accepted.message_id}]}
    envelope = {
        "Type": "Notification", "MessageId": "n1", "TopicArn": TOPIC, "Message": json.dumps({"notificationType": "Bounce", "bounce": bounce, "mail": mail}),
        "Timestamp": (datetime.now(UTC) - timedelta(seconds=ago)).strftime("%Y-%m-%dT%H:%M:%S.000Z"), "SignatureVersion": "2",
        "SigningCertURL": "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem", **changes,
    }  # fmt: skip
    said = "".join(f"{name}\n{envelope[name]}\n" for name in ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type") if name in envelope)
    envelope["Signature"] = base64.b64encode(_RSA.sign(said.encode(), padding.PKCS1v15(), hashes.SHA256())).decode()
    return json.dumps(envelope).encode(), {}


PROVIDERS: dict[str, tuple[Make, str | None]] = {
    "ses": (ses, TOPIC), "sendgrid": (sendgrid, EC_PUBLIC), "mailgun": (mailgun, "key-" + "a" * 32), "postmark": (postmark, None), "brevo": (brevo, None),
    "generic": (generic, None),
}  # fmt: skip
TIMED = ("ses", "sendgrid", "mailgun", "generic")


@pytest.fixture(autouse=True)
def certificate(monkeypatch: pytest.MonkeyPatch) -> None:
    """Amazon's certificate: ours, for there is no Amazon here. Only the fetching is replaced; where from is still judged."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(_RSA.public_key()).serial_number(1)
    made = made.not_valid_before(datetime(2020, 1, 1, tzinfo=UTC)).not_valid_after(datetime(2040, 1, 1, tzinfo=UTC))
    pem = made.sign(_RSA, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    sns._certificates.clear()
    monkeypatch.setattr(sns, "fetch", lambda url: pem)


def reports() -> int:
    return int(rows_of("select count(*) from inbound_reports")[0][0])


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_bounce_is_stored_applied_and_applied_once(hooks: Hooks, cast: Cast, send: Callable[..., Accepted], provider: str) -> None:  # noqa: F811
    make, secret = PROVIDERS[provider]
    accepted, hook = send(), hooks.open(cast.owner, provider, secret)
    body, headers = make(accepted, secret or hook["secret"])
    answers = [hooks.post(hook, body, headers) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 200], answers[0].json
    assert [(answer.json["data"]["stored"], answer.json["data"]["replayed"]) for answer in answers] == [(1, 0), (0, 1), (0, 1)]
    apply(0)
    apply(0)
    assert rows_of("select state from recipients where message_id = :m", m=accepted.id) == [("bounced",)]
    assert rows_of("select count(*) from events where type = 'email.bounced'") == [(1,)]
    assert rows_of("select reason from suppressions") == [("hard_bounce",)]


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("fault", ["none", "wrong", "truncated", "empty", "body"])
def test_without_proof_nothing_is_stored(hooks: Hooks, cast: Cast, send: Callable[..., Accepted], provider: str, fault: str) -> None:  # noqa: F811
    make, secret = PROVIDERS[provider]
    accepted, hook = send(), hooks.open(cast.owner, provider, secret)
    body, headers = make(accepted, secret or hook["secret"])
    if fault == "body":
        if provider in ("postmark", "brevo", "mailgun"):
            pytest.skip("the proof is not over the body")
        body = body.replace(b"No such user", b"No such xser")
    elif headers:
        name = list(headers)[-1] if provider == "generic" else next(iter(headers))
        changed = {"none": None, "wrong": headers[name][:-6] + "AAAAA=", "truncated": headers[name][:-8], "empty": ""}[fault]
        headers = {key: value for key, value in {**headers, name: changed}.items() if value is not None}
    else:
        said = json.loads(body)
        place = said["signature"] if provider == "mailgun" else said
        field = "signature" if provider == "mailgun" else "Signature"
        place[field] = {"none": None, "wrong": place[field][:-6] + "AAAAA=", "truncated": place[field][:-8], "empty": ""}[fault]
        body = json.dumps(said).encode()
    answer = hooks.post(hook, body, headers)
    assert answer.status_code == 401 and reports() == 0
    assert (hook.get("secret") or "no-secret") not in answer.get_data(as_text=True)


@pytest.mark.parametrize("provider", TIMED)
@pytest.mark.parametrize("ago", [90_000, -1000])
def test_old_and_early_ones_are_refused(hooks: Hooks, cast: Cast, send: Callable[..., Accepted], provider: str, ago: int) -> None:  # noqa: F811
    make, secret = PROVIDERS[provider]
    hook = hooks.open(cast.owner, provider, secret)
    body, headers = make(send(), secret or hook["secret"], ago)
    assert hooks.post(hook, body, headers).status_code == 401 and reports() == 0


@pytest.mark.parametrize("provider", PROVIDERS)
def test_mail_of_another_tenant_is_not_found(hooks: Hooks, cast: Cast, send: Callable[..., Accepted], provider: str) -> None:  # noqa: F811
    make, secret = PROVIDERS[provider]
    theirs, hook = send(by_stranger=True), hooks.open(cast.owner, provider, secret)
    answer = hooks.post(hook, *make(theirs, secret or hook["secret"]))
    assert answer.status_code == 200 and answer.json["data"] == {"received": 1, "stored": 0, "replayed": 0, "ignored": 1}
    assert reports() == 0


def test_without_a_secret_or_hook_there_is_no_door(hooks: Hooks, cast: Cast, send: Callable[..., Accepted]) -> None:  # noqa: F811
    hook = hooks.open(cast.owner, "brevo")
    body, headers = brevo(send(), hook["secret"])
    assert hooks.post({"url": hook["url"].replace("/brevo/", "/mailgun/")}, body, headers).status_code == 404
    assert hooks.post({"url": hook["url"].replace("/brevo/", "/nobody/")}, body, headers).status_code == 404
    rows_of("update inbound_hooks set secret = null returning id")
    assert hooks.post(hook, body, headers).status_code == 404
    assert cast.owner.api(hooks.app).delete(f"/api/v1/providers/{hook['account']}/reports").status_code == 200
    assert hooks.post(hook, body, headers).status_code == 404 and reports() == 0


@pytest.mark.parametrize("changes", [
    {"SigningCertURL": "https://sns.eu-west-1.amazonaws.com.evil.example/x.pem"},
    {"SigningCertURL": "http://sns.eu-west-1.amazonaws.com/x.pem"},
    {"SigningCertURL": "https://evil.example/sns.eu-west-1.amazonaws.com/x.pem"},
    {"SigningCertURL": "https://sns.eu-west-1.amazonaws.com:8443/x.pem"},
    {"TopicArn": TOPIC + "2"},
    {"SignatureVersion": "3"},
    {"Type": "Other"},
])  # fmt: skip
def test_messages_of_sns_that_are_not_amazons(hooks: Hooks, cast: Cast, send: Callable[..., Accepted], changes: dict[str, str]) -> None:  # noqa: F811
    hook = hooks.open(cast.owner, "ses", TOPIC)
    assert hooks.post(hook, *ses(send(), TOPIC, **changes)).status_code == 401 and reports() == 0


@pytest.mark.parametrize("provider", ["postmark", "brevo"])
def test_proven_rubbish_is_no_error_of_ours(hooks: Hooks, cast: Cast, provider: str) -> None:
    hook = hooks.open(cast.owner, provider)
    for body in (b"", b"[]", b"{}", b"null", b"[[[[", b"\xff\xfe", b'{"event-data": 7}', b'[1, "x", null]', b'{"reports": [{"event": "bounce"}]}'):
        answer = hooks.post(hook, body, {"Authorization": f"Bearer {hook['secret']}"})
        assert answer.status_code in (200, 400) and reports() == 0, body


def test_a_wrong_secret_is_refused_where_it_is_given(hooks: Hooks, cast: Cast) -> None:
    api = cast.owner.api(hooks.app)
    account = (api.post("/api/v1/providers", json={"name": "x", "host": "93.184.216.34"}).json or {})["data"]["id"]
    for provider, secret in (("ses", "bounces"), ("ses", None), ("sendgrid", "!!"), ("mailgun", "short"), ("generic", "whsec_x")):
        answer = api.put(f"/api/v1/providers/{account}/reports", json={"provider": provider, "secret": secret})
        assert answer.status_code == 422 and (answer.json or {})["error"]["param"] == "secret", (provider, answer.json)
