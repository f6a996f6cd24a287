"""Bad input: each answer names the field and what to do, nothing is kept, and it comes quickly."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import pytest
from flask import Flask

from tests.fixtures import ApiClient, Cast
from tests.messages.conftest import House, mail
from webapp.kernel.scope import Mode
from webapp.messages.service import forget_facts
from webapp.tenants.types import TenantStatus

SEND = "/api/v1/email/send"
TABLES = ("messages", "message_contents", "recipients", "events", "queue_entries", "stats_deltas", "idempotency_keys")


def refused(client: ApiClient, shop: House, status: int, **request: Any) -> dict[str, Any]:
    """The envelope of a refusal, after a look that nothing was written and it took less than two seconds."""
    start = time.monotonic()
    answer = client.post(request.pop("path", SEND), **request)
    assert time.monotonic() - start < 5
    assert answer.status_code == status, answer.get_data(as_text=True)[:500]
    body: dict[str, Any] = answer.json
    assert body["ok"] is False and body["meta"]["request_id"] == answer.headers["X-Request-Id"]
    assert body["error"].keys() == {"code", "message", "param", "doc_url", "retryable"}
    assert body["error"]["doc_url"].endswith("/docs/errors#" + body["error"]["code"])
    assert answer.headers["Cache-Control"] == "no-store" and answer.headers["X-RateLimit-Limit"]
    for table in TABLES:
        assert shop.rows(f"select 1 from {table}") == [], table
    return body


FILE = {"filename": "a.txt", "content": "YQ=="}
BAD_FIELDS: list[tuple[dict[str, Any], str]] = [
    ({"from": None}, "from"),
    ({"from": 7}, "from"),
    ({"from": "nobody"}, "from"),
    ({"from": "a@acme.example, b@acme.example"}, "from"),
    ({"from": ["shop@acme.example"]}, "from"),
    ({"from_name": "a\r\nBcc: x@y.example"}, "from_name"),
    ({"from_name": "x" * 201}, "from_name"),
    ({"to": None}, "to"),
    ({"to": []}, "to"),
    ({"to": ""}, "to"),
    ({"to": 5}, "to"),
    ({"to": {"address": "a@b.example"}}, "to"),
    ({"to": ["a@dest.example", "bad"]}, "to[1]"),
    ({"to": ["a@dest.example", None]}, "to[1]"),
    ({"cc": ["a@dest.example", "b@"]}, "cc[1]"),
    ({"bcc": "x"}, "bcc"),
    ({"reply_to": ["ok@acme.example", "x y@z"]}, "reply_to[1]"),
    ({"subject": None}, "subject"),
    ({"subject": "  "}, "subject"),
    ({"subject": 5}, "subject"),
    ({"subject": "x" * 999}, "subject"),
    ({"subject": "a\nBcc: x@y.example"}, "subject"),
    ({"subject": "a\u2028b"}, "subject"),
    ({"text": None}, "html"),
    ({"text": ""}, "html"),
    ({"text": ["a"]}, "text"),
    ({"text": "a\x00b"}, "text"),
    ({"html": "a\x00b"}, "html"),
    ({"template": "welcome"}, "text"),
    ({"variables": {"a": 1}}, "variables"),
    ({"variables": [1], "text": None, "template": "x"}, "variables"),
    ({"variables": {"a": "\x00"}, "text": None, "template": "x"}, "variables"),
    ({"headers": [["X-A", "b"]]}, "headers"),
    ({"headers": {f"X-{n}": "v" for n in range(31)}}, "headers"),
    ({"headers": {"X-A": 5}}, "headers.X-A"),
    ({"headers": {"X-A": "1", "x-a": "2"}}, "headers"),
    ({"attachments": [FILE] * 11}, "attachments"),
    ({"attachments": FILE}, "attachments"),
    ({"attachments": [5]}, "attachments[0]"),
    ({"attachments": [{"content": "YQ=="}]}, "attachments[0].filename"),
    ({"attachments": [FILE, {"filename": "b"}]}, "attachments[1].content"),
    ({"attachments": [{"filename": "b", "content": "no base64!"}]}, "attachments[0].content"),
    ({"attachments": [{"filename": "../b", "content": "YQ=="}]}, "attachments[0].filename"),
    ({"attachments": [{"filename": "a\r\nb", "content": "YQ=="}]}, "attachments[0].filename"),
    ({"attachments": [{**FILE, "content_type": "text"}]}, "attachments[0].content_type"),
    ({"attachments": [{**FILE, "content_id": "a b"}]}, "attachments[0].content_id"),
    ({"attachments": [{**FILE, "size": 1}]}, "attachments[0].size"),
    ({"attachments": [{"filename": "big", "content": base64.b64encode(bytes(10 * 1024 * 1024 + 1)).decode()}]}, "attachments[0]"),
    ({"send_at": "tomorrow"}, "send_at"),
    ({"send_at": ""}, "send_at"),
    ({"send_at": 1767225600}, "send_at"),
    ({"send_at": "2026-13-45T00:00:00Z"}, "send_at"),
    ({"send_at": "2030-01-01T00:00:00"}, "send_at"),
    ({"send_at": "0001-01-01T00:00:00+14:00"}, "send_at"),
    ({"send_at": "2020-01-01T00:00:00Z"}, "send_at"),
    ({"send_at": "2099-01-01T00:00:00Z"}, "send_at"),
    ({"expires_in": "3600"}, "expires_in"),
    ({"expires_in": True}, "expires_in"),
    ({"expires_in": 5}, "expires_in"),
    ({"tags": {}}, "tags"),
    ({"tags": [f"t{n}" for n in range(11)]}, "tags"),
    ({"tags": ["ok", "a\nb"]}, "tags[1]"),
    ({"tags": [""]}, "tags[0]"),
    ({"metadata": ["a"]}, "metadata"),
    ({"metadata": {f"k{n}": "v" for n in range(51)}}, "metadata"),
    ({"metadata": {"k": 5}}, "metadata.k"),
    ({"metadata": {"k": "a\x00"}}, "metadata.k"),
    ({"bridge": "what"}, "bridge"),
    ({"form": "typing mistake"}, "form"),
    ({"to": [f"u{n}@dest.example" for n in range(100_000)]}, "to"),
    ({"to": [f"u{n}@dest.example" for n in range(1001)]}, "to"),
    ({"to": "a@" + "b" * 300 + ".example"}, "to"),
    ({"to": "x" * 70 + "@dest.example"}, "to"),
    ({"to": '"a b"@dest.example'}, "to"),
    ({"to": "a@[127.0.0.1]"}, "to"),
    ({"to": "@relay.example:a@dest.example"}, "to"),
    ({"to": "a@dest.example)b@evil.example"}, "to"),
    ({"to": "a@dest"}, "to"),
    ({"to": "a\x00@dest.example"}, "to"),
    ({"to": "a@dest.example\r\nBcc: b@c.example"}, "to"),
]


@pytest.mark.parametrize(("changes", "param"), BAD_FIELDS, ids=[f"{n}-{param}" for n, (_, param) in enumerate(BAD_FIELDS)])
def test_bad_fields(client: ApiClient, shop: House, changes: dict[str, Any], param: str) -> None:
    body = refused(client, shop, 422, json=mail(**changes))
    named = {problem["param"] for problem in body.get("errors", [])} | {body["error"]["param"]}
    assert param in named, named
    assert body["error"]["code"] in ("validation_error", "missing_parameter")


def test_every_problem_is_named(client: ApiClient, shop: House) -> None:
    body = refused(client, shop, 422, json={"from": "x", "to": ["a@dest.example", "b"], "subjct": "x", "send_at": "soon", "attachments": [{}]})
    params = {problem["param"] for problem in body["errors"]}
    assert {"from", "to[1]", "subjct", "send_at", "subject", "html", "attachments[0].content"} <= params


BAD_HEADERS = [
    *(dict.fromkeys([name], "v") for name in (
        "From", "sender", "To", "CC", "Bcc", "Date", "Message-ID", "Received", "Return-Path", "DKIM-Signature", "ARC-Seal", "ARC-Authentication-Results",
        "Authentication-Results", "List-Unsubscribe", "List-Unsubscribe-Post", "Content-Type", "Content-Transfer-Encoding", "MIME-Version", "Feedback-ID",
        "X-Postbridge-Tag", "Subject", "Reply-To", "Resent-From", "Evil", "Errors-To", "", "X Y", "X:Y", "X-Ä", "X-A\r\nBcc", "X-A\r\nBcc: a@b.example\r\nX",
        "X-A\x00", "X-A\n", " X-A", "X-A ", "X_A", "X-" + "a" * 75, "X-A:", "X-A\t", "x\u2028",
    )),
    *({"X-A": value} for value in (
        "a\r\nBcc: x@y.example", "a\nb", "a\rb", "a\x00b", "a\x0bb", "a\x0cb", "a\x1cb", "a\x85b", "a\u2028b", "a\u2029b", "a\x7fb", "x" * 999, "ä" * 500,
        "=?utf-8?b?" + base64.b64encode(b"a\r\nBcc: x@y.example").decode() + "?=", "=?utf-8?q?a=0D=0AB?=", "=?utf-8?q?a=00?=", "=?utf-8?q?=E2=80=A8?=",
        "=?iso-8859-1?q?=85?=",
    )),
]  # fmt: skip


@pytest.mark.parametrize("headers", BAD_HEADERS, ids=[str(n) for n in range(len(BAD_HEADERS))])
def test_header_names_and_values(client: ApiClient, shop: House, headers: dict[str, str]) -> None:
    """F38: none of them gets near a message."""
    body = refused(client, shop, 422, json=mail(headers={"X-Good": "yes", **headers}))
    assert body["error"]["param"].startswith("headers.")


BAD_BODIES = [
    (b"", 400), (b"{", 400), (b"nonsense", 400), (b"{'from': 1}", 400), (b'{"a": "\xff"}', 400), (b'{"a": "\\ud800"}', 400), (b'{"a": 1e999}', 400),
    (b'{"a": ' + b"9" * 5000 + b"}", 400), (b"[" * 100_000, 400), (b'{"a":' * 50_000 + b"1" + b"}" * 50_000, 400), (b'{"a": NaN}', 400),
    (b'{"a": "\x01"}', 400), (b"\xff\xfe{\x00}\x00", 400), (b"null", 422), (b"[]", 422), (b'"text"', 422), (b"5", 422), (b"{}", 422),
]  # fmt: skip


@pytest.mark.parametrize(("body", "status"), BAD_BODIES, ids=[str(n) for n in range(len(BAD_BODIES))])
@pytest.mark.parametrize("path", [SEND, SEND + "/batch"])
def test_bodies_that_are_no_message(client: ApiClient, shop: House, body: bytes, status: int, path: str) -> None:
    refused(client, shop, status, path=path, data=body, content_type="application/json")


@pytest.mark.parametrize("emails", [[], {}, {"emails": []}, {"emails": "x"}, {"emails": [mail()] * 101}, {"emails": [mail()], "from": "x"}])
def test_batches_that_are_none(client: ApiClient, shop: House, emails: Any) -> None:
    refused(client, shop, 422, path=SEND + "/batch", json=emails)


def test_other_content_types(client: ApiClient, shop: House) -> None:
    for kind in ("application/x-www-form-urlencoded", "text/plain", "application/xml"):
        refused(client, shop, 415, data=json.dumps(mail()), content_type=kind)
        refused(client, shop, 415, path=SEND + "/batch", data="x", content_type=kind)


def test_a_body_over_the_limit(client: ApiClient, shop: House) -> None:
    body = refused(client, shop, 413, data=b"x" * (40 * 1024 * 1024 + 1), content_type="application/json")
    assert body["error"]["code"] == "payload_too_large"


def test_attachments_over_25_mb_together(client: ApiClient, shop: House) -> None:
    content = base64.b64encode(bytes(9 * 1024 * 1024)).decode()
    files = [{"filename": f"{n}.bin", "content": content} for n in range(3)]
    assert refused(client, shop, 422, json=mail(attachments=files))["error"]["param"] == "attachments"


@pytest.mark.parametrize(
    ("form", "param"),
    [
        ({"payload": "{"}, None),
        ({"payload": json.dumps(mail()), "to": "x@y.example"}, "to"),
        ({**mail(), "metadata": "no json"}, "metadata"),
        ({**mail(), "subject": ["a", "b"]}, "subject"),
        ({**mail(), "headers[Bcc]": "x"}, "headers.Bcc"),
        ({**mail(), "expires_in": "soon"}, "expires_in"),
        ({**mail(), "unknown": "x"}, "unknown"),
        ({**mail(), "attachments": '[{"filename": "absent.txt"}]'}, "attachments[0].content"),
    ],
)
def test_bad_forms(client: ApiClient, shop: House, form: dict[str, Any], param: str | None) -> None:
    answer = client.post(SEND, data=form, content_type="multipart/form-data")
    assert answer.status_code in (400, 422) and answer.json["error"]["param"] == param, answer.json
    assert shop.rows("select 1 from messages") == []


@pytest.mark.parametrize(("headers", "status"), [({"Idempotency-Key": "x" * 256}, 400), ({"Idempotency-Key": ""}, 400),
                                                 ({"Idempotency-Key": "a", "X-Idempotency-Key": "b"}, 400)])  # fmt: skip
def test_bad_idempotency_keys(client: ApiClient, shop: House, headers: dict[str, str], status: int) -> None:
    assert refused(client, shop, status, json=mail(), headers=headers)["error"]["param"] == "Idempotency-Key"


def test_absent_things_are_404(client: ApiClient, shop: House) -> None:
    assert refused(client, shop, 404, json=mail(text=None, subject=None, template="absent"))["error"]["param"] == "template"
    assert refused(client, shop, 404, json=mail(bridge=str(shop.tenant_id)))["error"]["param"] == "bridge"


@pytest.mark.parametrize("path", [SEND, SEND + "/batch", SEND + "/raw"])
def test_credentials(app: Flask, client: ApiClient, shop: House, path: str) -> None:
    """F34: no key, a wrong one, a key in the address."""
    plain = app.test_client()
    good, flipped = client.key, client.key[:-1] + ("a" if client.key[-1] != "a" else "b")
    for headers in ({}, {"Authorization": "Bearer"}, {"Authorization": f"Basic {good}"}, {"X-API-Key": ""}, {"Authorization": f"Bearer {flipped}"},
                    {"Authorization": "Bearer " + "x" * 5000}, {"Authorization": f"Bearer {good} {good}"}, {"X-API-Key": "mp_live_" + "0" * 33}):  # fmt: skip
        answer = plain.post(path, json=mail(), headers=headers)
        assert answer.status_code == 401 and answer.json["error"]["code"] == "authentication_required", headers
        assert answer.headers["WWW-Authenticate"].startswith("Bearer") and answer.headers["X-Request-Id"]
    assert plain.post(f"{path}?api_key={good}", json=mail()).status_code == 401
    assert shop.rows("select 1 from messages") == []


@pytest.mark.parametrize("path", [SEND, SEND + "/batch", SEND + "/raw"])
def test_a_key_without_the_right(app: Flask, cast: Cast, shop: House, path: str) -> None:
    from webapp.access.service import KeyWish, create_key

    with cast.owner.scope() as scope:
        key = create_key(scope, KeyWish("reader", Mode.LIVE, "root:readonly")).plain
    answer = app.test_client().post(path, json=mail(), headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code == 403 and answer.json["error"]["code"] == "insufficient_permissions"


def test_tenants_that_may_not_send(client: ApiClient, app: Flask, cast: Cast, shop: House) -> None:
    for status, allowed in ((TenantStatus.SANDBOX, Mode.SANDBOX), (TenantStatus.SUSPENDED, None)):
        cast.set_status(cast.owner, status)
        forget_facts()
        for mode in Mode:
            answer = cast.owner.api(app, mode).post(SEND, json=mail())
            assert answer.status_code == (202 if mode is allowed else 403), (status, mode)
    assert shop.rows("select 1 from queue_entries") == []


def test_over_the_rate(client: ApiClient, app: Flask, cast: Cast, shop: House) -> None:
    from webapp.access.service import KeyWish, create_key

    with cast.owner.scope() as scope:
        client.key = create_key(scope, KeyWish("slow", Mode.LIVE, "root:full", rate_limit=5)).plain
    statuses = [client.post(SEND, json=mail()).status_code for _ in range(7)]
    assert statuses == [202] * 5 + [429] * 2
    for body in (mail(), mail(to="bad")):
        limited = client.post(SEND, json=body)
        assert limited.status_code == 429 and limited.json["error"]["retryable"] is True
        assert 1 <= int(limited.headers["Retry-After"]) <= 60 and limited.headers["X-RateLimit-Remaining"] == "0"
    assert shop.rows("select count(*) from messages")[0][0] == 5


def test_suppressed_for_all(client: ApiClient, shop: House) -> None:
    shop.change("insert into suppressions (tenant_id, address, scope, reason, source) values (:tenant, 'anna@dest.example', 'all', 'complaint', 'test')")
    body = client.post(SEND, json=mail(to=["anna@dest.example"])).json
    assert body["error"]["code"] == "validation_error" and body["error"]["param"] == "to[0]"
