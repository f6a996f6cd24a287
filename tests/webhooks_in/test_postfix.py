"""POST /webhooks/postfix: closed without a secret, proven, stored, applied once."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from tests.fixtures import Cast
from webapp.bridges.models import Bridge
from webapp.domains.models import Domain
from webapp.kernel.addresses import parse_address
from webapp.kernel.db import tenant_session, unscoped
from webapp.kernel.permissions import PermissionSet
from webapp.kernel.scope import SYSTEM, Mode, Scope
from webapp.messages.service import Sender, accept, forget_facts
from webapp.messages.types import Accepted, Door, MessageSubmission, RecipientInput
from webapp.messages.verp import make_return_path
from webapp.pools.models import Pool
from webapp.settings import get_settings
from webapp.webhooks.service import reports
from worker.jobs.reports import apply

SECRET = "a long and shared secret"
ANNA = "Anna@dest.example"


@pytest.fixture
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """The door is open."""
    settings = dataclasses.replace(get_settings(), postfix_webhook_secret=SECRET)
    monkeypatch.setattr(reports, "get_settings", lambda: settings)


@pytest.fixture
def client(app: Flask, secret: None) -> FlaskClient:
    return app.test_client(use_cookies=False)


@pytest.fixture
def send(cast: Cast) -> Iterator[Callable[..., Accepted]]:
    """Accepts mail of the owner or the stranger and puts it into a state; gives what was accepted."""
    forget_facts()
    with unscoped("test") as rows:
        pool = Pool(name="shared", is_default=True)
        rows.add(pool)
        rows.flush()
        for person, slug in ((cast.owner, "acme"), (cast.stranger, "other")):
            assert person.tenant_id is not None
            rows.add(Bridge(tenant_id=person.tenant_id, name="app", pool_id=pool.id))
            rows.add(Domain(tenant_id=person.tenant_id, name=f"{slug}.example", status="verified", challenge="x", verified_at=sa.func.now()))

    def make(to: str = ANNA, *, by_stranger: bool = False, state: str = "delivered", message_id: str | None = None) -> Accepted:
        person, slug = (cast.stranger, "other") if by_stranger else (cast.owner, "acme")
        assert person.tenant_id is not None
        submission = MessageSubmission(
            parse_address(f"shop@{slug}.example"), (RecipientInput(parse_address(to)),), "Hello", Door.API, text="Hi", message_id_header=message_id
        )
        with tenant_session(person.tenant_id) as session:
            scope = Scope(session, person.tenant_id, SYSTEM, PermissionSet({"*"}))
            accepted = accept(scope, submission, sender=Sender(person.tenant_id, Mode.LIVE, None, None))
        rows_of("update recipients set state = :s where message_id = :m returning id", s=state, m=accepted.id)
        if state == "delivered":
            rows_of("delete from queue_entries where message_id = :m returning message_id", m=accepted.id)
        return accepted

    yield make
    forget_facts()


def rows_of(statement: str, **values: Any) -> list[Any]:
    with unscoped("test") as session:
        return list(session.execute(sa.text(statement), values).all())


def body_of(accepted: Accepted, **changes: Any) -> dict[str, Any]:
    body = {"event": "bounce", "recipient": ANNA, "message_id": accepted.message_id, "reason": "550 User not found", **changes}
    return {name: value for name, value in body.items() if value is not None}


def post(client: FlaskClient, body: Any, *, path: str = "/api/v1/webhooks/postfix", **headers: str) -> Any:
    return client.post(path, json=body, headers=headers or {"X-Webhook-Secret": SECRET})


def test_closed_without_a_secret(app: Flask, cast: Cast) -> None:
    """An unset secret is no empty password."""
    for headers in ({}, {"X-Webhook-Secret": ""}, {"Authorization": "Bearer "}, {"Authorization": "Bearer None"}):
        answer = app.test_client().post("/api/v1/webhooks/postfix", json={}, headers=headers)
        assert answer.status_code == 404 and answer.json["error"]["code"] == "not_found"


@pytest.mark.parametrize("headers", [{"X-Webhook-Secret": "wrong"}, {"Authorization": "Bearer wrong"}, {"X-Webhook-Secret": "é"}, {"X-Other": "x"}])
def test_only_the_secret_opens(client: FlaskClient, send: Callable[..., Accepted], headers: dict[str, str]) -> None:
    answer = post(client, body_of(send()), **headers)
    assert answer.status_code == 401
    assert rows_of("select 1 from inbound_reports") == []


def test_a_tenants_key_is_no_secret(app: Flask, secret: None, cast: Cast, send: Callable[..., Accepted]) -> None:
    assert cast.owner.api(app).post("/api/v1/webhooks/postfix", json=body_of(send())).status_code == 401


@pytest.mark.parametrize("headers", [{"X-Webhook-Secret": SECRET}, {"Authorization": f"Bearer {SECRET}"}])
@pytest.mark.parametrize("path", ["/api/v1/webhooks/postfix", "/api/webhooks/postfix", "/v1/webhooks/postfix"])
def test_bounce(client: FlaskClient, send: Callable[..., Accepted], headers: dict[str, str], path: str) -> None:
    accepted = send()
    answer = post(client, body_of(accepted), path=path, **headers)
    assert answer.status_code == 200 and answer.json["data"]["replayed"] is False
    apply(0)
    assert rows_of("select state, reply_class, blame, last_code from recipients") == [("bounced", "hard.unknown_user", "recipient", 550)]
    assert rows_of("select address, reason from suppressions") == [("anna@dest.example", "hard_bounce")]
    assert rows_of("select sum(bounced) from stats_deltas") == [(1,)]
    assert rows_of("select outcome, applied_at is not null from inbound_reports") == [("applied", True)]


@pytest.mark.parametrize(
    ("reason", "status", "reply_class"),
    [
        ("550 5.7.1 blocked using zen.spamhaus.org", None, "block.reputation"),
        ("host x said: 552 5.2.2 mailbox full", None, "soft.mailbox_full"),
        ("550 5.7.26 unauthenticated", None, "policy.auth"),
        ("", "4.4.7", "expired"),
        ("", None, "rejected"),
    ],
)
def test_blame_of_others_suppresses_nobody(client: FlaskClient, send: Callable[..., Accepted], reason: str, status: str | None, reply_class: str) -> None:
    assert post(client, body_of(send(), reason=reason, status=status)).status_code == 200
    apply(0)
    assert rows_of("select state, reply_class from recipients") == [("bounced", reply_class)]
    assert rows_of("select 1 from suppressions") == []


def test_twenty_replays_at_once_have_one_effect(app: Flask, client: FlaskClient, send: Callable[..., Accepted]) -> None:
    body = body_of(send())
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: post(app.test_client(use_cookies=False), body), range(20)))
    assert [a.status_code for a in answers] == [200] * 20
    assert len({a.json["data"]["id"] for a in answers}) == 1
    assert sum(not a.json["data"]["replayed"] for a in answers) == 1
    with ThreadPoolExecutor(4) as threads:
        assert sum(threads.map(apply, range(4))) == 1
    assert rows_of("select count(*) from events where type = 'email.bounced'") == [(1,)]
    assert rows_of("select sum(bounced) from stats_deltas") == [(1,)]
    assert post(client, body).json["data"]["replayed"] is True
    assert apply(0) == 0


def test_events_with_an_id_of_their_own(client: FlaskClient, send: Callable[..., Accepted]) -> None:
    accepted = send()
    first = post(client, body_of(accepted, id="q1-1", reason="550 no"))
    again = post(client, body_of(accepted, id="q1-1", reason="550 other words"))
    assert first.json["data"]["id"] == again.json["data"]["id"] and again.json["data"]["replayed"] is True


def test_an_older_event_never_overwrites_a_newer_state(client: FlaskClient, send: Callable[..., Accepted]) -> None:
    accepted = send(state="deferred")
    for event in ("bounce", "deferred", "delivered"):
        assert post(client, body_of(accepted, event=event)).status_code == 200
        apply(0)
    assert rows_of("select state from recipients") == [("bounced",)]
    assert rows_of("select type from events where type in ('email.bounced', 'email.delivered')") == [("email.bounced",)]
    assert rows_of("select outcome from inbound_reports order by id") == [("applied",), ("noted",), ("unchanged",)]


def test_delivered_ends_what_was_open(client: FlaskClient, send: Callable[..., Accepted]) -> None:
    accepted = send(state="deferred")
    post(client, body_of(accepted, event="delivered", reason="250 ok"))
    apply(0)
    assert rows_of("select state, delivered_at is not null from recipients") == [("delivered", True)]
    assert rows_of("select 1 from queue_entries") == []
    assert rows_of("select sum(delivered) from stats_deltas") == [(1,)]


def test_complaint(client: FlaskClient, send: Callable[..., Accepted]) -> None:
    post(client, body_of(send(), event="complaint", reason=""))
    apply(0)
    assert rows_of("select complained_at is not null from recipients") == [(True,)]
    assert rows_of("select reason from suppressions") == [("complaint",)]


def test_the_mail_is_found_by_the_clients_own_message_id_and_by_the_return_path(client: FlaskClient, send: Callable[..., Accepted]) -> None:
    accepted = send(message_id="<order-17@shop.example>")
    assert post(client, body_of(accepted, event="deferred", message_id="order-17@shop.example", recipient="anna@DEST.example")).status_code == 404, (
        "local parts differ"
    )
    assert post(client, body_of(accepted, event="deferred", message_id="<order-17@shop.example>")).status_code == 200
    ((recipient_id,),) = rows_of("select id from recipients")
    by_path = body_of(accepted, message_id=None, sender=make_return_path(UUID(str(recipient_id))))
    assert post(client, by_path).status_code == 200
    assert rows_of("select distinct recipient_id from inbound_reports") == [(recipient_id,)]


def test_each_tenants_mail_is_its_own(client: FlaskClient, send: Callable[..., Accepted]) -> None:
    """The stranger's message with the same recipient stays as it is, and a mixed report finds nothing."""
    mine, other = send(), send(by_stranger=True)
    assert post(client, body_of(mine, message_id=f"<{mine.id}@other.example>")).status_code == 404
    assert post(client, body_of(mine)).status_code == 200
    apply(0)
    states = rows_of("select message_id, state from recipients")
    assert {(row[0], row[1]) for row in states} == {(mine.id, "bounced"), (other.id, "delivered")}
    assert len(rows_of("select 1 from suppressions")) == 1


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"event": "exploded"}, "event"),
        ({"event": None}, "event"),
        ({"recipient": "nobody"}, "recipient"),
        ({"recipient": None}, "recipient"),
        ({"message_id": None}, "message_id"),
        ({"message_id": "a\nb"}, "message_id"),
        ({"reason": "x" * 2001}, "reason"),
        ({"reason": "nul \x00"}, "reason"),
        ({"reason": 5}, "reason"),
        ({"status": "5.1"}, "status"),
        ({"color": "red"}, "color"),
    ],
)
def test_bad_reports(client: FlaskClient, send: Callable[..., Accepted], changes: dict[str, Any], param: str) -> None:
    answer = post(client, body_of(send(), **changes))
    assert answer.status_code == 422 and answer.json["error"]["param"] == param


def test_unreadable_bodies(client: FlaskClient) -> None:
    for data, kind, status in (
        (b"{", "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b"a=b", "text/plain", 415),
        (b"[]", "application/json", 422),
    ):
        answer = client.post("/api/v1/webhooks/postfix", data=data, content_type=kind, headers={"X-Webhook-Secret": SECRET})
        assert answer.status_code == status, (data[:10], answer.json)


def test_unknown_mail(client: FlaskClient, send: Callable[..., Accepted]) -> None:
    accepted = send()
    for changes in ({"message_id": "<nobody@acme.example>"}, {"recipient": "eve@dest.example"}, {"message_id": None, "sender": "bounce@x.example"}):
        assert post(client, body_of(accepted, **changes)).status_code == 404
