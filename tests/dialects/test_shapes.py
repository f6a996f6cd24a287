"""What the clients' own tests of tests/e2e do not reach: strangers to an address, keys in the wrong place, and requests that want too much."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from tests.fixtures import ApiClient, Cast
from webapp.bootstrap import ensure_verified_domain
from webapp.dialects.call import LARGEST_EXPANSION, check_expansion, split_addresses
from webapp.kernel.errors import PayloadTooLarge
from webapp.kernel.scope import Mode
from webapp.messages.service import forget_facts

RESEND = "/compat/resend/emails"
POSTMARK = "/compat/postmark/email"
SENDGRID = "/compat/sendgrid/v3/mail/send"
MAILGUN = "/compat/mailgun/v3/acme.test/messages"


@pytest.fixture
def client(app: Flask, cast: Cast) -> ApiClient:
    forget_facts()
    with cast.owner.scope() as scope:
        ensure_verified_domain(scope, "acme.test")
    return cast.owner.api(app)


def grid(*people: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A request in SendGrid's form."""
    content = [{"type": "text/html", "value": "<p>Hi</p>"}]
    return {"personalizations": list(people), "from": {"email": "shop@acme.test", "name": "Acme"}, "subject": "Hi", "content": content, **more}


def person(email: str, **more: Any) -> dict[str, Any]:
    return {"to": [{"email": email}], **more}


def read(client: ApiClient, message_id: str) -> dict[str, Any]:
    """A message as our own API shows it."""
    return dict(client.get(f"/api/v1/email/{message_id}").json or {})


SHAPES: list[tuple[str, Callable[[Any], Any]]] = [
    ("/compat/resend/nothing", lambda body: (body["statusCode"], body["name"])),
    ("/compat/postmark/nothing", lambda body: body["ErrorCode"]),
    ("/compat/sendgrid/nothing", lambda body: body["errors"][0]["message"]),
    ("/compat/mailgun/nothing", lambda body: body["message"]),
]


@pytest.mark.parametrize(("path", "fields"), SHAPES)
def test_an_absent_address_is_told_in_the_dialect(client: ApiClient, path: str, fields: Callable[[Any], Any]) -> None:
    answer = client.post(path, json={})
    assert answer.status_code in (404, 422)
    assert fields(answer.json)
    assert "X-RateLimit-Limit" in answer.headers
    assert answer.headers["X-Request-Id"].startswith("req_")


@pytest.mark.parametrize(("path", "status", "field"), [
    (RESEND, 401, ("name", "missing_api_key")), (POSTMARK, 401, ("ErrorCode", 10)), (SENDGRID, 401, ("errors", None)), (MAILGUN, 401, ("message", None)),
])  # fmt: skip
def test_without_a_key(client: ApiClient, path: str, status: int, field: tuple[str, Any]) -> None:
    answer = client.post(path, json={}, headers={"Authorization": "", "X-Postmark-Server-Token": "", "X-API-Key": client.key})
    assert answer.status_code == status
    assert answer.json is not None
    assert answer.json[field[0]] == field[1] or field[1] is None


def test_a_key_may_do_no_more_here_than_elsewhere(app: Flask, client: ApiClient) -> None:
    made = client.post("/api/v1/keys", json={"name": "reader", "role": "root:readonly", "mode": "live"}).json
    assert made is not None
    reader = {"Authorization": f"Bearer {made['data']['key']}"}
    answer = client.post(RESEND, json={"from": "shop@acme.test", "to": "jo@customer.example", "subject": "x", "text": "x"}, headers=reader)
    assert (answer.status_code, (answer.json or {})["name"]) == (403, "invalid_permission")
    sent = client.post(RESEND, json={"from": "shop@acme.test", "to": "jo@customer.example", "subject": "x", "text": "x"}).json
    assert client.get(f"{RESEND}/{(sent or {})['id']}", headers=reader).status_code == 200


def test_postmark_is_known_by_its_header_at_the_root(client: ApiClient) -> None:
    body = {"From": "shop@acme.test", "To": '"Doe, Jo" <jo@customer.example>, ann@customer.example', "Subject": "Hi", "TextBody": "Hi"}
    answer = client.post("/email", json=body, headers={"X-Postmark-Server-Token": client.key})
    assert answer.status_code == 200
    assert answer.json is not None
    message = read(client, answer.json["MessageID"])
    assert [(entry["email"], entry["name"]) for entry in message["recipients"]] == [("jo@customer.example", "Doe, Jo"), ("ann@customer.example", None)]
    assert client.post("/email", json=body).status_code == 404


def test_sandbox_stays_sandbox(app: Flask, cast: Cast, client: ApiClient) -> None:
    sandbox = cast.owner.api(app, Mode.SANDBOX)
    answer = sandbox.post(POSTMARK, json={"From": "a@anywhere.example", "To": "jo@customer.example", "Subject": "x", "TextBody": "x"}).json
    assert answer is not None
    assert (answer["Message"], read(client, answer["MessageID"])["status"]) == ("Test job accepted", "sandboxed")


def test_a_list_unsubscribe_makes_bulk_mail_which_unsubscribes_stop(client: ApiClient) -> None:
    headers = {"List-Unsubscribe": "<https://acme.test/u>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click", "X-Order": "7"}
    body = {"from": "shop@acme.test", "to": "jo@customer.example", "subject": "x", "html": "<p>x</p>", "headers": headers}
    sent = client.post(RESEND, json=body).json
    assert sent is not None
    assert client.get(f"/api/v1/email/{sent['id']}/content").json["headers"]  # type: ignore[index]
    assert ["X-Order", "7"] in client.get(f"/api/v1/email/{sent['id']}/content").json["headers"]  # type: ignore[index]


def test_personalizations_are_all_or_none_but_for_the_suppressed(client: ApiClient) -> None:
    client.post("/api/v1/suppressions", json={"email": "gone@customer.example"})
    before = len((client.get("/api/v1/activity").json or {})["data"])
    answer = client.post(SENDGRID, json=grid(person("gone@customer.example"), person("jo@customer.example", subject="Only you")))
    assert answer.status_code == 202, answer.json
    assert read(client, answer.headers["X-Message-Id"])["subject"] == "Only you"
    refused = client.post(SENDGRID, json=grid(person("gone@customer.example")))
    assert refused.status_code == 400
    assert "suppression" in (refused.json or {})["errors"][0]["message"]
    bad = grid(person("jo@customer.example"), person("ann@customer.example", **{"from": {"email": "boss@bank.example"}}))
    answer = client.post(SENDGRID, json=bad)
    assert (answer.status_code, (answer.json or {})["errors"][0]["field"]) == (403, "from.email")
    assert before <= len((client.get("/api/v1/activity").json or {})["data"])


@pytest.mark.parametrize(("change", "field"), [
    ({"batch_id": "x"}, "batch_id"), ({"content": [{"type": "text/calendar", "value": "x"}]}, "content"), ({"send_at": "soon"}, "send_at"),
    ({"attachments": [{"filename": "a", "content": "***"}]}, "attachments.0.content"), ({"personalizations": []}, "personalizations"),
    ({"personalizations": [{"to": [{"email": "jo@customer.example"}], "cc": [{"email": "x"}]}]}, "personalizations.0.cc.0.email"),
    ({"headers": {"Bcc": "x@y.example"}}, "headers.Bcc"), ({"unheard_of": 1}, "unheard_of"),
])  # fmt: skip
def test_sendgrid_names_the_field(client: ApiClient, change: dict[str, Any], field: str) -> None:
    answer = client.post(SENDGRID, json={**grid(person("jo@customer.example")), **change})
    assert answer.status_code == 400
    assert (answer.json or {})["errors"][0]["field"] == field


def test_substitutions_are_put_in_once_and_no_more(client: ApiClient) -> None:
    values = {"-a-": "-b-", "-b-": "-a-"}
    body = grid(person("jo@customer.example", substitutions=values), subject="-a- -b-", sections={"-c-": "see"})
    sent = client.post(SENDGRID, json=body)
    assert read(client, sent.headers["X-Message-Id"])["subject"] in ("-a- -b-", "-b- -a-")


def test_mailgun_reads_urlencoded_forms_and_refuses_what_it_cannot_keep(client: ApiClient) -> None:
    good = {"from": "shop@acme.test", "to": "jo@customer.example", "subject": "Hi", "text": "Hi"}
    assert client.post(MAILGUN, data=good).status_code == 200
    for change in ({"recipient-variables": "[]"}, {"recipient-variables": "{"}, {"o:deliverytime": "tomorrow"}, {"amp-html": "x"}, {"h:From": "x@y.example"}):
        answer = client.post(MAILGUN, data={**good, **change})
        assert (answer.status_code, list(answer.json or {})) == (400, ["message"]), change


def test_recipient_variables_cannot_reach_headers_with_a_line_end(client: ApiClient) -> None:
    variables = json.dumps({"jo@customer.example": {"name": "x\r\nBcc: all@customer.example"}})
    form = {"from": "shop@acme.test", "to": "jo@customer.example", "subject": "Hey %recipient.name%", "text": "Hi", "recipient-variables": variables}
    assert client.post(MAILGUN, data=form).status_code == 400


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"null", b'"x"', b'{"to": {"a": []}}', b'{"personalizations": 7}', b"[" * 5000])
@pytest.mark.parametrize("path", [RESEND, RESEND + "/batch", POSTMARK, POSTMARK + "/batch", POSTMARK + "/batchWithTemplates", SENDGRID, MAILGUN])
def test_nonsense_is_refused_and_never_ours(client: ApiClient, path: str, body: bytes) -> None:
    answer = client.post(path, data=body, content_type="application/json")
    assert 400 <= answer.status_code < 500
    assert answer.is_json


@pytest.mark.parametrize("wrong", [
    {"tags": 7}, {"tags": [{"name": {}, "value": []}]}, {"headers": []}, {"attachments": [7]}, {"attachments": [{"filename": "a", "content": [300]}]},
    {"attachments": [{"filename": "a", "content": {"type": "Buffer"}}]}, {"template": "x"}, {"template": {"id": 7}}, {"scheduled_at": 7}, {"to": {}},
])  # fmt: skip
def test_fields_of_a_wrong_kind(client: ApiClient, wrong: dict[str, Any]) -> None:
    body = {"from": "shop@acme.test", "to": "jo@customer.example", "subject": "x", "text": "x", **wrong}
    answer = client.post(RESEND, json=body)
    assert (answer.status_code, (answer.json or {})["statusCode"]) == (422, 422)


def test_one_request_cannot_stand_for_gigabytes() -> None:
    check_expansion(1000, LARGEST_EXPANSION // 1000)
    with pytest.raises(PayloadTooLarge):
        check_expansion(1000, LARGEST_EXPANSION // 1000 + 1)


@pytest.mark.parametrize(("text", "found"), [
    ("a@b.example", ["a@b.example"]), ("a@b.example, c@d.example", ["a@b.example", "c@d.example"]), ('"A, B" <a@b.example>,c@d.example',
     ['"A, B" <a@b.example>', "c@d.example"]), (" , ", []), ('"A \\" , B" <a@b.example>', ['"A \\" , B" <a@b.example>']),
])  # fmt: skip
def test_commas_part_addresses_outside_of_quotes(text: str, found: list[str]) -> None:
    assert list(split_addresses(text)) == found


def test_basic_keys_that_are_none(client: ApiClient) -> None:
    for text in ("Basic", "Basic ***", "Basic " + base64.b64encode(b"api").decode(), f"Bearer {client.key}"):
        assert client.post(MAILGUN, data={}, headers={"Authorization": text}).status_code == 401
