"""What the API says while something it needs is missing, and to requests of an absurd size."""

from __future__ import annotations

import base64
import time
from typing import Any

import psycopg
import pytest
import sqlalchemy.exc
from flask import Flask

from tests.faults.conftest import Shop
from webapp.access import doors
from webapp.kernel import disk
from webapp.messages.service import forget_facts
from webapp.settings import get_settings
from webapp.tenants.service import set_limits

SEND = "/api/v1/email/send"


def mail(**changes: Any) -> dict[str, Any]:
    """A good request, but for ``changes``."""
    return {"from": "shop@acme.test", "to": "ok@example.net", "subject": "Order", "text": "Thanks", **changes}


@pytest.mark.parametrize("path", [SEND, "/api/v1/bridges"])
def test_a_database_that_is_away_is_a_503_that_says_when_to_come_back(app: Flask, shop: Shop, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    def away(reason: str) -> Any:
        raise sqlalchemy.exc.OperationalError("select", {}, psycopg.OperationalError("the database system is starting up"))

    doors.forget_everything()
    monkeypatch.setattr(doors, "unscoped", away)
    answer = shop.cast.owner.api(app).open(path, method="POST" if path == SEND else "GET", json=mail() if path == SEND else None)
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) >= 1
    assert answer.json is not None and answer.json["error"]["retryable"] is True


def test_a_disk_that_is_nearly_full_takes_no_mail(app: Flask, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "free_space", lambda: disk.FreeSpace(get_settings().var_dir, 1 << 62))
    answer = shop.cast.owner.api(app).post(SEND, json=mail())
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "30"
    assert "disk space" in answer.get_data(as_text=True)
    assert shop.rows("select 1 from messages") == []
    monkeypatch.undo()
    assert shop.cast.owner.api(app).post(SEND, json=mail()).status_code == 202


def test_a_hundred_thousand_recipients_are_refused_quickly_and_by_name(app: Flask, shop: Shop) -> None:
    everyone = [f"user{number}@example.net" for number in range(100_000)]
    client, began = shop.cast.owner.api(app), time.monotonic()
    answer = client.post(SEND, json=mail(to=everyone))
    assert time.monotonic() - began < 5
    assert answer.status_code == 422
    assert b"100000 recipients are more than the 1000 a message may have; split it" in answer.data and b'"param":"to"' in answer.data
    raw = {"raw": base64.b64encode(b"From: shop@acme.test\r\n\r\nhello\r\n").decode(), "to": everyone}
    assert b"more than the 1000 a message may have" in client.post(f"{SEND}/raw", json=raw).data
    assert shop.rows("select 1 from messages") == []


@pytest.mark.parametrize(("own", "named"), [(20, 20), (200_000, 10_000)])
def test_a_refusal_names_the_limit_of_the_tenant(app: Flask, shop: Shop, own: int, named: int) -> None:
    with shop.cast.owner.scope() as scope:
        set_limits(scope, daily_limit=None, max_recipients=own)
    forget_facts()
    for count in (10_001, 100_000):
        answer = shop.cast.owner.api(app).post(SEND, json=mail(to=[f"user{number}@example.net" for number in range(count)]))
        assert answer.get_json()["error"]["message"] == f"{count} recipients are more than the {named} a message may have; split it."


def test_the_most_recipients_a_message_may_have_are_taken(app: Flask, shop: Shop) -> None:
    answer = shop.cast.owner.api(app).post(SEND, json=mail(to=[f"user{number}@example.net" for number in range(1000)]))
    assert answer.status_code == 202
    assert shop.states() == {"queued": 1000}
