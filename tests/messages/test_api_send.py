"""The Sending API as applications call it: good requests, in every form and at every address."""

from __future__ import annotations

import base64
import io
import json
from typing import Any

import pytest
from flask import Flask

from tests.fixtures import ApiClient, Cast
from tests.messages.conftest import House, mail
from webapp.kernel.scope import Mode

SEND = "/api/v1/email/send"


def test_the_flat_answer(client: ApiClient, shop: House) -> None:
    answer = client.post(SEND, json=mail())
    assert answer.status_code == 202 and answer.content_type == "application/json"
    body = answer.json
    assert list(body) == ["id", "message_id", "status", "sandbox", "message"]
    assert body["status"] == "queued" and body["sandbox"] is False and body["message_id"] == f"<{body['id']}@acme.example>"
    assert answer.headers["Cache-Control"] == "no-store" and answer.headers["X-Request-Id"].startswith("req_")
    assert answer.headers["X-RateLimit-Limit"] == "1800" and answer.headers["X-RateLimit-Remaining"] == "1799" and answer.headers["X-RateLimit-Reset"]
    assert [tuple(row) for row in shop.rows("select state, kind from recipients")] == [("queued", "to")]
    assert shop.rows("select door, api_key_id is not null from messages")[0][:] == ("api", True)


@pytest.mark.parametrize("path", ["/api/v1/email/send", "/api/v1/send", "/v1/send", "/v1/email/send", "/api/send", "/api/email/send"])
@pytest.mark.parametrize("form", ["json", "multipart"])
def test_every_address(client: ApiClient, path: str, form: str) -> None:
    body: dict[str, Any] = {"json": mail()} if form == "json" else {"data": mail(), "content_type": "multipart/form-data"}
    assert client.post(path, **body).status_code == 202


def test_the_key_in_its_other_header(client: ApiClient, app: Flask) -> None:
    answer = app.test_client().post(SEND, json=mail(), headers={"X-API-Key": client.key})
    assert answer.status_code == 202


def test_sandbox(app: Flask, cast: Cast, shop: House) -> None:
    answer = cast.owner.api(app, Mode.SANDBOX).post(SEND, json=mail(**{"from": "me@nowhere.example"}))
    assert answer.status_code == 202 and answer.json["status"] == "sandboxed" and answer.json["sandbox"] is True
    assert shop.rows("select 1 from queue_entries") == []


def test_every_field(client: ApiClient, shop: House) -> None:
    body = mail(
        to=["Anna <anna@dest.example>", "ben@dest.example"], cc="cleo@dest.example", bcc=["dan@dest.example"], reply_to="help@acme.example",
        from_name="The Shop", html="<p>Hi</p>", headers={"X-Order": "7", "In-Reply-To": "<a@b>"}, tags=["order", "a, b"], metadata={"order": "7"},
        attachments=[{"filename": "é.pdf", "content": base64.b64encode(b"PDF").decode(), "content_id": "<c1>"}], bridge=str(shop.bridge_id),
        expires_in=3600,
    )  # fmt: skip
    answer = client.post(SEND, json=body)
    assert answer.status_code == 202, answer.json
    row = shop.rows("select * from messages join message_contents using (id)")[0]._mapping
    assert (row["from_name"], row["tags"], row["metadata"], row["bridge_id"]) == ("The Shop", ["order", "a, b"], {"order": "7"}, shop.bridge_id)
    assert sorted(row["headers"]) == [["In-Reply-To", "<a@b>"], ["X-Order", "7"]]
    assert row["attachments"] == [{"filename": "é.pdf", "content_type": "application/pdf", "size": 3, "content_id": "c1", "data": "UERG"}]
    assert {tuple(r) for r in shop.rows("select kind, address from recipients")} == {
        ("to", "anna@dest.example"), ("to", "ben@dest.example"), ("cc", "cleo@dest.example"), ("bcc", "dan@dest.example"),
    }  # fmt: skip


def test_a_scheduled_message_and_its_acts(client: ApiClient, shop: House) -> None:
    answer = client.post(SEND, json=mail(send_at="2026-12-24T10:00:00+01:00"))
    assert answer.status_code == 202 and answer.json["status"] == "scheduled" and answer.json["send_at"] == "2026-12-24T09:00:00Z"
    path = f"/api/v1/email/{answer.json['id']}"
    moved = client.patch(path, json={"send_at": "2026-12-25T09:00:00Z"})
    assert (moved.status_code, moved.json["send_at"]) == (200, "2026-12-25T09:00:00Z")
    assert client.patch(path, json={"send_at": "tomorrow"}).status_code == 422
    assert client.patch(path, json={"send_at": "2020-12-25T09:00:00Z"}).status_code == 422
    assert client.post(f"{path}/cancel").json["status"] == "cancelled"
    assert client.post(f"{path}/cancel").status_code == 409
    assert client.get(path).json["status"] == "cancelled"


def test_a_form_with_one_json_part(client: ApiClient, shop: House) -> None:
    payload = mail(to=["anna@dest.example"], attachments=[{"filename": "logo.png", "content_id": "logo"}])
    form = {"payload": json.dumps(payload), "file1": (io.BytesIO(b"\x89PNG"), "logo.png"), "anything": (io.BytesIO(b"x,y"), "list.csv")}
    answer = client.post(SEND, data=form, content_type="multipart/form-data")
    assert answer.status_code == 202, answer.json
    files = shop.rows("select attachments from message_contents")[0][0]
    assert [(f["filename"], f["content_type"], f.get("content_id")) for f in files] == [("logo.png", "image/png", "logo"), ("list.csv", "text/csv", None)]


def test_a_json_part_that_is_a_file(client: ApiClient) -> None:
    form = {"payload": (io.BytesIO(json.dumps(mail()).encode()), "mail.json", "application/json")}
    assert client.post(SEND, data=form, content_type="multipart/form-data").status_code == 202


def test_a_flat_form(client: ApiClient, shop: House) -> None:
    form = {
        **mail(to=["a@dest.example", "b@dest.example"]), "cc[]": ["c@dest.example"], "headers[X-Order]": "7", "metadata": '{"k": "v"}', "tags": '["x", "y"]',
        "expires_in": "3600", "attachments[]": [(io.BytesIO(b"one"), "1.txt"), (io.BytesIO(b"two"), "2.txt")],
    }  # fmt: skip
    answer = client.post(SEND, data=form, content_type="multipart/form-data")
    assert answer.status_code == 202, answer.json
    row = shop.rows("select * from messages join message_contents using (id)")[0]._mapping
    assert (row["tags"], row["metadata"], row["headers"], row["recipient_count"]) == (["x", "y"], {"k": "v"}, [["X-Order", "7"]], 3)
    assert [f["filename"] for f in row["attachments"]] == ["1.txt", "2.txt"]


@pytest.mark.parametrize("shape", ["object", "list"])
def test_a_batch_is_answered_one_by_one(client: ApiClient, shop: House, shape: str) -> None:
    emails = [mail(), mail(to="not an address"), mail(**{"from": "x@elsewhere.example"}), mail(subject=None), mail(to="b@dest.example")]
    answer = client.post("/api/v1/email/send/batch", json={"emails": emails} if shape == "object" else emails)
    assert answer.status_code == 202
    results = answer.json["results"]
    assert [result["status"] for result in results] == ["queued", "rejected", "rejected", "rejected", "queued"]
    assert [result["error"]["param"] for result in results[1:4]] == ["to", "from", "subject"]
    assert all(result["error"]["code"] == "validation_error" and result["error"]["doc_url"] for result in results[1:4])
    assert shop.rows("select count(*) from messages")[0][0] == 2


def test_a_batch_with_every_power(client: ApiClient, shop: House) -> None:
    file = {"filename": "a.txt", "content": "YQ=="}
    emails = [mail(attachments=[file], send_at="2026-12-24T10:00:00Z"), mail(tags=["t"]), mail(bridge=str(shop.bridge_id))]
    assert [r["status"] for r in client.post("/v1/send/batch", json={"emails": emails}).json["results"]] == ["scheduled", "queued", "queued"]


def test_the_sender_of_a_bridge_with_one_address(app: Flask, shop: House, monkeypatch: pytest.MonkeyPatch) -> None:
    from webapp.access.types import Credential
    from webapp.kernel.permissions import PermissionSet
    from webapp.kernel.scope import Actor, ActorKind
    from webapp.messages import hotpath
    from webapp.tenants.types import TenantStatus

    credential = Credential(
        shop.tenant_id, TenantStatus.APPROVED, Actor(ActorKind.BRIDGE, shop.bridge_id, "app"), PermissionSet({"email.send"}), Mode.LIVE,
        bridge_id=shop.bridge_id, allowed_from=("noreply@acme.example",),
    )  # fmt: skip
    monkeypatch.setattr(hotpath, "load_credential", lambda token, address: credential)
    answer = app.test_client().post("/api/send/batch", json={"emails": [mail(**{"from": None})]}, headers={"X-API-Key": "x"})
    assert answer.json["results"][0]["status"] == "queued"
    assert shop.rows("select from_address, bridge_id from messages")[0][:] == ("noreply@acme.example", shop.bridge_id)


@pytest.mark.parametrize("header", ["Idempotency-Key", "X-Idempotency-Key"])
def test_a_replay(client: ApiClient, shop: House, header: str) -> None:
    first = client.post(SEND, json=mail(), headers={header: "order-1048"})
    again = client.post(SEND, json=mail(), headers={header: "order-1048"})
    assert (first.status_code, again.status_code) == (202, 200)
    assert again.headers["Idempotent-Replayed"] == "true" and "Idempotent-Replayed" not in first.headers
    assert again.get_data() == first.get_data()
    other = client.post(SEND, json=mail(subject="Other"), headers={header: "order-1048"})
    assert other.status_code == 409 and other.json["error"]["code"] == "idempotency_conflict"
    assert shop.rows("select count(*) from messages")[0][0] == 1


def test_a_form_is_replayed_though_its_boundary_differs(client: ApiClient, shop: House) -> None:
    def post() -> Any:
        form = {**mail(), "file": (io.BytesIO(b"one"), "1.txt")}
        return client.post(SEND, data=form, content_type="multipart/form-data", headers={"Idempotency-Key": "k"})

    first, again = post(), post()
    assert (first.status_code, again.status_code) == (202, 200) and again.get_data() == first.get_data()


def test_a_batch_is_replayed_as_a_whole(client: ApiClient, shop: House) -> None:
    emails = [mail(), mail(to="bad"), mail(**{"from": "x@elsewhere.example"})]
    first = client.post("/v1/send/batch", json=emails, headers={"Idempotency-Key": "b"})
    again = client.post("/v1/send/batch", json=emails, headers={"Idempotency-Key": "b"})
    assert (first.status_code, again.status_code) == (202, 200) and again.headers["Idempotent-Replayed"] == "true"
    assert again.json["results"][0] == first.json["results"][0]
    assert [r["status"] for r in again.json["results"]] == ["queued", "rejected", "rejected"]
    assert shop.rows("select count(*) from messages")[0][0] == 1


RAW = b"From: Shop <shop@acme.example>\r\nTo: anna@dest.example\r\nBcc: ben@dest.example\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n\r\nHi\r\n"


@pytest.mark.parametrize("form", ["json", "rfc822"])
def test_raw_mail(client: ApiClient, shop: House, form: str) -> None:
    body: dict[str, Any] = {"json": {"raw": base64.b64encode(RAW).decode()}} if form == "json" else {"data": RAW, "content_type": "message/rfc822"}
    answer = client.post("/api/v1/email/send/raw", **body)
    assert answer.status_code == 202, answer.json
    row = shop.rows("select subject, from_name, raw from messages join message_contents using (id)")[0]
    assert row[:2] == ("Grüße", "Shop") and b"Bcc" not in bytes(row.raw)
    assert {tuple(r) for r in shop.rows("select kind, address from recipients")} == {("to", "anna@dest.example"), ("bcc", "ben@dest.example")}


def test_raw_mail_to_others(client: ApiClient, shop: House) -> None:
    body = {"raw": base64.b64encode(RAW).decode(), "to": ["cleo@dest.example"], "tags": ["x"]}
    assert client.post("/api/v1/email/send/raw", json=body).status_code == 202
    assert [tuple(r) for r in shop.rows("select kind, address from recipients")] == [("bcc", "cleo@dest.example")]


@pytest.mark.parametrize(
    ("raw", "param"),
    [
        (b"", "raw"),
        (b"Subject: x\r\n\r\nx", "raw.From"),
        (RAW.replace(b"Subject", b"From: other@acme.example\r\nSubject"), "raw.From"),
        (RAW.replace(b"Shop <shop@acme.example>", b"shop@acme.example, me@elsewhere.example"), "sender"),
        (RAW.replace(b"Subject", b"Sender: me@elsewhere.example\r\nSubject"), "sender"),
        (RAW.replace(b"acme.example", b"elsewhere.example"), "from"),
        (b"a\x00b" + RAW, "raw"),
        (b"\r\n".join([b"From: shop@acme.example", b"Subject: x", b"", b"x"]), "to"),
    ],
)
def test_bad_raw_mail(client: ApiClient, shop: House, raw: bytes, param: str) -> None:
    answer = client.post("/api/v1/email/send/raw", data=raw, content_type="message/rfc822")
    assert answer.status_code == 422 and answer.json["error"]["param"] == param, answer.json
    assert shop.rows("select 1 from messages") == []


def test_reading_a_message(client: ApiClient, shop: House) -> None:
    sent = client.post(SEND, json=mail(tags=["x"], html="<p>Hi</p>", attachments=[{"filename": "a.txt", "content": "YQ=="}])).json
    path = f"/api/v1/email/{sent['id']}"
    answer = client.get(path)
    assert answer.json["recipients"][0]["status"] == "queued" and answer.json["events"][0]["type"] == "email.queued"
    assert answer.json["from"] == "shop@acme.example" and answer.json["message_id"] == sent["message_id"]
    assert client.get(path, headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304
    content = client.get(f"{path}/content").json
    assert content["html"] == "<p>Hi</p>" and content["attachments"] == [{"filename": "a.txt", "content_type": "text/plain", "size": 1}]
    assert "Subject: Hello" in content["source"]
    assert client.get(f"{path}/explain").json["steps"][0]["title"] == "Accepted"
    assert client.post(f"{path}/resend").status_code == 409


@pytest.mark.parametrize(("method", "tail"), [("GET", ""), ("GET", "/content"), ("GET", "/explain"), ("POST", "/cancel"), ("POST", "/resend"), ("PATCH", "")])
def test_a_stranger_finds_nothing(app: Flask, client: ApiClient, cast: Cast, method: str, tail: str) -> None:
    sent = client.post(SEND, json=mail(send_at="2026-12-24T10:00:00Z")).json
    body = {"json": {"send_at": "2026-12-25T10:00:00Z"}} if method == "PATCH" else {}
    stranger = cast.stranger.api(app)
    foreign = stranger.open(f"/api/v1/email/{sent['id']}{tail}", method=method, **body)
    absent = stranger.open(f"/api/v1/email/{'0' * 8}-0000-7000-8000-{'0' * 12}{tail}", method=method, **body)
    unreadable = stranger.open(f"/api/v1/email/what{tail}", method=method, **body)
    assert foreign.status_code == absent.status_code == unreadable.status_code == 404
    assert foreign.json["error"] == absent.json["error"] == unreadable.json["error"]
    assert client.get(f"/api/v1/email/{sent['id']}").json["status"] == "scheduled"
