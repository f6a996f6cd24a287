"""Forms: batches whose messages share files, and whole messages as a file."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from flask import Flask

from tests.fixtures import ApiClient, Cast
from webapp.bootstrap import ensure_verified_domain
from webapp.messages.service import forget_facts

_DATA = bytes(range(256)) * 40
_MAIL = {"from": "shop@acme.test", "subject": "Hi", "text": "Hi"}
_RAW = b"From: shop@acme.test\r\nTo: jo@customer.example\r\nSubject: Composed\r\n\r\nAs it is\r\n"


@pytest.fixture
def client(app: Flask, cast: Cast) -> ApiClient:
    forget_facts()
    with cast.owner.scope() as scope:
        ensure_verified_domain(scope, "acme.test")
    return cast.owner.api(app)


def post(client: ApiClient, path: str, fields: dict[str, Any], *files: tuple[str, str, bytes], **headers: str) -> Any:
    data: dict[str, Any] = {name: value if isinstance(value, list) else [value] for name, value in fields.items()}
    for field, filename, content in files:
        data.setdefault(field, []).append((io.BytesIO(content), filename))
    return client.post(f"/api/v1{path}", data=data, content_type="multipart/form-data", headers=headers)


def batch(*emails: dict[str, Any]) -> dict[str, str]:
    return {"payload": json.dumps({"emails": [{**_MAIL, "to": f"p{number}@customer.example", **more} for number, more in enumerate(emails)]})}


def files_of(client: ApiClient, message_id: str) -> list[tuple[str, int]]:
    return [(file["filename"], file["size"]) for file in (client.get(f"/api/v1/email/{message_id}/content").json or {})["attachments"]]


def test_messages_of_a_batch_share_the_files_they_name(client: ApiClient) -> None:
    named, plain, described = {"attachments": ["a.bin"]}, {}, {"attachments": [{"filename": "a.bin", "content_type": "text/plain"}, "b.bin"]}
    answer = post(client, "/email/send/batch", batch(named, plain, described), ("attachments", "a.bin", _DATA), ("attachments", "b.bin", b"b"))
    assert answer.status_code == 202, answer.json
    found = [files_of(client, result["id"]) for result in answer.json["results"]]
    assert found == [[("a.bin", len(_DATA))], [], [("a.bin", len(_DATA)), ("b.bin", 1)]]


def test_a_file_that_no_message_names_is_not_lost_in_silence(client: ApiClient) -> None:
    answer = post(client, "/email/send/batch", batch({}, {"attachments": "a.bin"}), ("attachments", "a.bin", _DATA))
    assert (answer.status_code, answer.json["error"]["param"]) == (422, "attachments")


def test_a_batch_form_has_its_idempotency_too(client: ApiClient) -> None:
    key = {"Idempotency-Key": "batch-form"}
    first, again = (post(client, "/send/batch", batch({"attachments": ["a.bin"]}), ("x", "a.bin", _DATA), **key) for _ in range(2))
    assert (first.status_code, again.status_code, first.json) == (202, 200, again.json)
    assert post(client, "/email/send/batch", batch({"attachments": ["a.bin"]}), ("x", "a.bin", b"other"), **key).status_code == 409


def test_a_whole_message_as_a_file(client: ApiClient) -> None:
    answer = post(client, "/email/send/raw", {"to": ["ann@customer.example"], "tags": ["order"], "expires_in": "3600"}, ("raw", "mail.eml", _RAW))
    assert answer.status_code == 202, answer.json
    read = client.get(f"/api/v1/email/{answer.json['id']}").json or {}
    assert (read["subject"], [entry["email"] for entry in read["recipients"]], read["tags"]) == ("Composed", ["ann@customer.example"], ["order"])


@pytest.mark.parametrize(("fields", "files"), [({}, []), ({"raw": "x"}, [("raw", "a", _RAW)]), ({}, [("raw", "a", _RAW), ("raw", "b", _RAW)])])
def test_a_raw_form_has_one_file(client: ApiClient, fields: dict[str, str], files: list[tuple[str, str, bytes]]) -> None:
    answer = post(client, "/email/send/raw", fields, *files)
    assert (answer.status_code, answer.json["error"]["param"]) == (422, "raw")


@pytest.mark.parametrize("payload", ["", "{", "[]", '{"emails": 7}', '{"emails": [7]}', '{"emails": [{"attachments": [{"filename": {}}]}]}'])
def test_batch_forms_that_are_none(client: ApiClient, payload: str) -> None:
    assert post(client, "/email/send/batch", {"payload": payload}).status_code in (202, 400, 422)
