"""Pools and their members, and the route that delivery reads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.fixtures import Cast, Person
from webapp.bridges.service import BridgeInput, create_bridge, delete_bridge
from webapp.kernel.db import unscoped
from webapp.kernel.errors import Conflict, Forbidden, NotFound, ValidationFailed
from webapp.kernel.ids import uuid7
from webapp.kernel.permissions import PRESETS
from webapp.kernel.scope import Scope
from webapp.pools import service
from webapp.pools.models import IpAddress, Pool
from webapp.pools.types import MemberKind, PoolRoute
from webapp.sending_accounts.models import SendingAccount
from webapp.sending_accounts.service import AccountInput, create_account, set_active
from webapp.sending_accounts.types import TlsPolicy


def make_pool(person: Person, name: str = "Own") -> UUID:
    """A committed pool."""
    with person.scope() as scope:
        return service.create_pool(scope, name).id


def make_account(person: Person) -> UUID:
    """A committed relay."""
    with person.scope() as scope:
        return create_account(scope, AccountInput("relay", "9.9.9.9", username="u", password="secret")).id


@pytest.fixture
def platform(cast: Cast) -> dict[str, UUID]:
    """What belongs to the platform: a pool, an account on loopback, an address."""
    rows: dict[str, Any] = {
        "pool": Pool(id=uuid7(), tenant_id=None, name="Shared", is_default=True),
        "account": SendingAccount(id=uuid7(), tenant_id=None, name="Ours", host="127.0.0.1", port=2526, tls=TlsPolicy.NONE),
        "ip": IpAddress(id=uuid7(), tenant_id=None, address="192.0.2.25", helo_name="out.example"),
    }
    with unscoped("test") as session:
        session.add_all(rows.values())
    return {name: row.id for name, row in rows.items()}


def route(pool_id: UUID) -> PoolRoute:
    """As the delivery worker reads it."""
    with unscoped("test") as session:
        found = service.route_of(session, pool_id)
    assert found is not None
    return found


def test_a_route_holds_everything_delivery_needs(cast: Cast, platform: dict[str, UUID]) -> None:
    pool_id, account_id = make_pool(cast.owner), make_account(cast.owner)
    with cast.owner.scope() as scope:
        service.add_member(scope, pool_id, sending_account_id=account_id, weight=30)
        service.add_member(scope, pool_id, sending_account_id=platform["account"])
        service.add_member(scope, pool_id, ip_address_id=platform["ip"])
    own, ours, ip = route(pool_id).members
    assert (own.kind, own.weight, own.host, own.password, own.tls, own.trusted) == (MemberKind.RELAY, 30, "9.9.9.9", "secret", TlsPolicy.REQUIRED, False)
    assert (ours.host, ours.trusted) == ("127.0.0.1", True)
    assert (ip.kind, ip.source_address, ip.helo_name) == (MemberKind.IP, "192.0.2.25", "out.example")
    assert "secret" not in repr(own)


def test_what_is_out_of_use_is_not_on_the_route(cast: Cast) -> None:
    pool_id, account_id = make_pool(cast.owner), make_account(cast.owner)
    with cast.owner.scope() as scope:
        member_id = service.add_member(scope, pool_id, sending_account_id=account_id).id
        service.update_member(scope, pool_id, member_id, {"active": False})
    assert route(pool_id).members == ()
    with cast.owner.scope() as scope:
        service.update_member(scope, pool_id, member_id, {"active": True})
        set_active(scope, account_id, False)
    assert route(pool_id).members == ()
    with cast.owner.scope() as scope:
        set_active(scope, account_id, True)
        service.update_pool(scope, pool_id, {"paused": True})
    assert len(route(pool_id).members) == 1 and route(pool_id).paused


def test_an_unknown_pool_has_no_route(cast: Cast) -> None:
    with unscoped("test") as session:
        assert service.route_of(session, uuid4()) is None


def test_tenants_without_a_pool_use_the_shared_one(cast: Cast, platform: dict[str, UUID]) -> None:
    with cast.owner.scope() as scope:
        assert service.get_default_pool(scope).id == platform["pool"]
        own = service.create_pool(scope, "Own")
        assert service.get_default_pool(scope).id == own.id
        other = service.create_pool(scope, "Other", is_default=True)
        assert service.get_default_pool(scope).id == other.id and not own.is_default
    with cast.stranger.scope() as scope:
        assert service.get_default_pool(scope).id == platform["pool"]


def test_without_any_pool_the_refusal_names_the_field(cast: Cast) -> None:
    with cast.owner.scope() as scope, pytest.raises(ValidationFailed) as refused:
        service.get_default_pool(scope)
    assert refused.value.param == "pool_id"


def test_members_are_one_of_two_kinds_once_and_one_s_own(cast: Cast, platform: dict[str, UUID]) -> None:
    pool_id, account_id, theirs = make_pool(cast.owner), make_account(cast.owner), make_account(cast.stranger)
    with cast.owner.scope() as scope:
        with pytest.raises(ValidationFailed):
            service.add_member(scope, pool_id)
        with pytest.raises(ValidationFailed):
            service.add_member(scope, pool_id, sending_account_id=account_id, ip_address_id=platform["ip"])
        with pytest.raises(NotFound):
            service.add_member(scope, pool_id, sending_account_id=theirs)
        service.add_member(scope, pool_id, sending_account_id=account_id)
        with pytest.raises(Conflict):
            service.add_member(scope, pool_id, sending_account_id=account_id)


def test_a_pool_with_bridges_stays(cast: Cast) -> None:
    pool_id = make_pool(cast.owner)
    with cast.owner.scope() as scope:
        create_bridge(scope, BridgeInput("shop", pool_id))
        with pytest.raises(Conflict):
            service.delete_pool(scope, pool_id)
        assert service.get_pool(scope.session, pool_id).name == "Own"


def test_a_pool_that_a_deleted_bridge_named_can_go_and_keeps_its_name(cast: Cast, platform: dict[str, UUID]) -> None:
    pool_id = make_pool(cast.owner)
    with cast.owner.scope() as scope:
        service.add_member(scope, pool_id, ip_address_id=platform["ip"])
        bridge = create_bridge(scope, BridgeInput("shop", pool_id))[0]
        delete_bridge(scope, bridge.id)
    with cast.owner.scope() as scope:
        service.delete_pool(scope, pool_id)
    with cast.owner.scope() as scope:
        with pytest.raises(NotFound):
            service.get_pool(scope.session, pool_id)
        assert pool_id not in {pool.id for pool in service.list_choices(scope.session)}
        assert service.pool_names(scope.session)[pool_id] == "Own"
        with pytest.raises(NotFound):
            service.add_member(scope, pool_id, ip_address_id=platform["ip"])
    with unscoped("test") as session:
        assert service.route_of(session, pool_id) is None


def test_mail_in_flight_keeps_its_pool(cast: Cast) -> None:
    pool_id = make_pool(cast.owner)
    with unscoped("test") as session:
        columns = "recipient_id, tenant_id, message_id, pool_id, domain, due_at, expires_at, priority"
        values = f"uuidv7(), '{cast.owner.tenant_id}', uuidv7(), '{pool_id}', 'example.net', now(), now() + interval '1 day', 1"
        session.execute(sa.text(f"insert into queue_entries ({columns}) values ({values})"))
    with cast.owner.scope() as scope, pytest.raises(Conflict, match="still waits"):
        service.delete_pool(scope, pool_id)
    with unscoped("test") as session:
        session.execute(sa.text("delete from queue_entries"))
    with cast.owner.scope() as scope:
        service.delete_pool(scope, pool_id)


_ACTS: dict[str, Callable[[Scope, UUID], Any]] = {
    "update": lambda scope, pool_id: service.update_pool(scope, pool_id, {"name": "mine"}),
    "delete": service.delete_pool,
    "add": lambda scope, pool_id: service.add_member(scope, pool_id, sending_account_id=uuid4()),
    "change": lambda scope, pool_id: service.update_member(scope, pool_id, uuid4(), {"weight": 1}),
    "remove": lambda scope, pool_id: service.remove_member(scope, pool_id, uuid4()),
}


@pytest.mark.parametrize("act", _ACTS)
def test_shared_pools_are_read_only_and_foreign_ones_absent(cast: Cast, platform: dict[str, UUID], act: str) -> None:
    own = make_pool(cast.owner)
    with cast.stranger.scope() as scope:
        with pytest.raises(Conflict):
            _ACTS[act](scope, platform["pool"])
        with pytest.raises(NotFound):
            _ACTS[act](scope, own)
    with cast.owner.scope(permissions=PRESETS["viewer"]) as scope, pytest.raises(Forbidden):
        _ACTS[act](scope, own)


def test_the_api_in_full(cast: Cast, app: Flask, platform: dict[str, UUID]) -> None:
    api, account_id = cast.owner.api(app), make_account(cast.owner)
    pool = api.post("/api/v1/pools", json={"name": "Tx"}).get_json()["data"]
    url = f"/api/v1/pools/{pool['id']}"
    member = api.post(f"{url}/members", json={"sending_account_id": str(account_id), "weight": 10}).get_json()["data"]
    assert (member["kind"], member["label"], member["weight"]) == ("relay", "relay", 10)
    assert api.patch(f"{url}/members/{member['id']}", json={"weight": 20}).get_json()["data"]["weight"] == 20
    assert [m["id"] for m in api.get(f"{url}/members").get_json()["data"]] == [member["id"]]
    assert api.patch(url, json={"paused": True}).get_json()["data"]["paused"] is True
    assert api.patch(f"/api/v1/pools/{platform['pool']}", json={"name": "x"}).status_code == 409
    assert [ip["address"] for ip in api.get("/api/v1/ips").get_json()["data"]] == ["192.0.2.25"]
    assert api.get(f"/api/v1/ips/{platform['ip']}").get_json()["data"]["shared"] is True
    stranger = cast.stranger.api(app)
    for method, path in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("GET", "/members"), ("POST", "/members")):
        assert stranger.open(url + path, method=method, json={}).status_code == 404
    for method in ("PATCH", "DELETE"):
        assert stranger.open(f"{url}/members/{member['id']}", method=method, json={}).status_code == 404
    assert api.delete(f"{url}/members/{member['id']}").status_code == 200
    assert api.delete(url).status_code == 200


def test_the_pages(cast: Cast, app: Flask, platform: dict[str, UUID]) -> None:
    browser, account_id = cast.owner.browser(app), make_account(cast.owner)
    assert browser.post("/pools/", data={"name": ""}).status_code == 422
    url = browser.post("/pools/", data={"name": "Tx"}).headers["Location"]
    assert browser.post(f"{url}/members", data={"member": f"sending_account_id:{account_id}", "weight": "40"}).status_code == 303
    again = browser.post(f"{url}/members", data={"member": f"sending_account_id:{account_id}"})
    assert again.status_code == 422 and "member of this pool already" in again.get_data(as_text=True)
    assert browser.post(f"{url}/members", data={"member": "nonsense"}).status_code == 422
    assert "relay" in browser.get(url).get_data(as_text=True)
    assert browser.post(f"{url}/pause").status_code == 303
    assert "paused" in browser.get("/pools/?q=tx", htmx=True).get_data(as_text=True).lower()
    assert "192.0.2.25" in browser.get("/pools/ips").get_data(as_text=True)
    stranger = cast.stranger.browser(app)
    assert stranger.get(url).status_code == 404
    for path in ("", "/pause", "/delete", "/members"):
        assert stranger.post(url + path, data={"name": "x", "member": f"sending_account_id:{account_id}"}).status_code == 404
    assert browser.post(f"{url}/delete").status_code == 303
