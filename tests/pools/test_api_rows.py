"""Rows of the API about members, addresses and shared accounts that no page needs."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.fixtures import ApiClient, Cast
from webapp.kernel.db import unscoped
from webapp.kernel.ids import uuid7
from webapp.pools.models import IpAddress
from webapp.sending_accounts.models import SendingAccount


@pytest.fixture
def ids(cast: Cast) -> dict[str, str]:
    """A dedicated and a shared address, and a shared account."""
    with unscoped("test") as rows:
        dedicated = IpAddress(id=uuid7(), tenant_id=cast.owner.tenant_id, address="192.0.2.7", helo_name="out.acme.test")
        shared = IpAddress(id=uuid7(), tenant_id=None, address="192.0.2.8", helo_name="mx.platform.example")
        account = SendingAccount(id=uuid7(), tenant_id=None, name="Shared SES", host="192.0.2.9", port=587, tls="required", active=True)
        rows.add_all([dedicated, shared, account])
        return {"dedicated": str(dedicated.id), "shared": str(shared.id), "account": str(account.id)}


@pytest.fixture
def client(app: Flask, cast: Cast) -> ApiClient:
    return cast.owner.api(app)


def data(answer: Any) -> Any:
    assert answer.status_code < 300, answer.json
    return answer.json["data"]


def test_a_dedicated_address_is_its_tenants_to_rest(app: Flask, cast: Cast, client: ApiClient, ids: dict[str, str]) -> None:
    path = f"/api/v1/ips/{ids['dedicated']}"
    tag = client.get(path).headers["ETag"]
    assert data(client.patch(path, json={"active": False}, headers={"If-Match": tag}))["active"] is False
    assert client.patch(path, json={"active": True}, headers={"If-Match": tag}).status_code == 409
    assert [row["address"] for row in data(client.get("/api/v1/ips?active=false"))] == ["192.0.2.7"]
    assert data(client.get("/api/v1/activity"))[0]["action"] == "ip.updated"
    assert client.patch(f"/api/v1/ips/{ids['shared']}", json={"active": False}).status_code == 409
    assert cast.stranger.api(app).patch(path, json={"active": True}).status_code == 404


def test_addresses_are_filtered_and_sorted(client: ApiClient, ids: dict[str, str]) -> None:
    assert [row["address"] for row in data(client.get("/api/v1/ips?sort=name"))] == ["192.0.2.8", "192.0.2.7"]
    assert [row["address"] for row in data(client.get("/api/v1/ips?shared=true"))] == ["192.0.2.8"]
    assert [row["address"] for row in data(client.get("/api/v1/ips?search=acme"))] == ["192.0.2.7"]


def test_one_member_is_read_and_changed_on_condition(client: ApiClient, ids: dict[str, str]) -> None:
    pool = data(client.post("/api/v1/pools", json={"name": "Mine"}))["id"]
    other = data(client.post("/api/v1/pools", json={"name": "Other"}))["id"]
    member = data(client.post(f"/api/v1/pools/{pool}/members", json={"ip_address_id": ids["dedicated"]}))["id"]
    relay = data(client.post("/api/v1/providers", json={"name": "Relay", "host": "93.184.216.34"}))["id"]
    data(client.post(f"/api/v1/pools/{pool}/members", json={"sending_account_id": relay}))
    path = f"/api/v1/pools/{pool}/members/{member}"
    read = client.get(path)
    assert data(read)["label"] == "192.0.2.7"
    assert data(client.patch(path, json={"weight": 7}, headers={"If-Match": read.headers["ETag"]}))["weight"] == 7
    assert client.patch(path, json={"weight": 8}, headers={"If-Match": read.headers["ETag"]}).status_code == 409
    assert client.get(f"/api/v1/pools/{other}/members/{member}").status_code == 404
    assert [row["kind"] for row in data(client.get(f"/api/v1/pools/{pool}/members?kind=relay"))] == ["relay"]


def test_asking_for_more_through_a_shared_account(cast: Cast, client: ApiClient, ids: dict[str, str]) -> None:
    path = f"/api/v1/providers/{ids['account']}/limit-requests"
    wish = {"wanted": 50_000, "reason": "Three more countries."}
    assert client.post(path, json=wish).status_code == 409  # there is no daily limit that could be raised
    with unscoped("test") as rows:
        rows.execute(sa.text("update tenants set daily_limit = 1000 where id = :id"), {"id": cast.owner.tenant_id})
    made = data(client.post(path, json=wish))
    assert (made["present"], made["wanted"], made["status"], made["reason"]) == (1000, 50_000, "open", "Shared SES: Three more countries.")
    assert client.post(path, json=wish).status_code == 409
    own = data(client.post("/api/v1/providers", json={"name": "Own", "host": "93.184.216.34"}))["id"]
    assert client.post(f"/api/v1/providers/{own}/limit-requests", json=wish).status_code == 409
    for change in ({"wanted": 0}, {"wanted": "many"}, {"reason": ""}):
        assert client.post(path, json={**wish, **change}).status_code == 422
    assert [row["name"] for row in data(client.get("/api/v1/providers?shared=true"))] == ["Shared SES"]
