"""Sending accounts: sealed passwords, hosts that may be dialled, shared ones that stay as they are, and a test that really connects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.fixtures import Cast, Person
from tests.sinks import SinkOptions, sink_in_thread
from webapp.kernel.db import unscoped
from webapp.kernel.egress import EgressRefused
from webapp.kernel.errors import Conflict, Forbidden, NotFound, ValidationFailed
from webapp.kernel.ids import uuid7
from webapp.kernel.permissions import PRESETS
from webapp.kernel.scope import Mode, Scope
from webapp.sending_accounts import service
from webapp.sending_accounts.models import SendingAccount
from webapp.sending_accounts.probe import Relay, probe
from webapp.sending_accounts.service import AccountInput
from webapp.sending_accounts.types import TlsPolicy
from webapp.stack.certificates import ensure_certificate

PUBLIC = "9.9.9.9"


def add(person: Person, **more: Any) -> UUID:
    """A committed relay with login."""
    values = {"name": "relay", "host": PUBLIC, "username": "user", "password": "planted-secret", **more}
    with person.scope() as scope:
        return service.create_account(scope, AccountInput(**values)).id


@pytest.fixture
def shared(cast: Cast) -> UUID:
    """An account of the platform's own."""
    with unscoped("test") as session:
        account = SendingAccount(id=uuid7(), tenant_id=None, name="Ours", host="127.0.0.1", port=2526, tls=TlsPolicy.NONE)
        session.add(account)
    return account.id


def test_the_password_is_sealed_kept_and_never_shown(cast: Cast, app: Flask) -> None:
    account_id = add(cast.owner)
    with cast.owner.scope() as scope:
        row = scope.session.scalars(sa.select(SendingAccount)).one()
        assert row.password is not None and b"planted-secret" not in row.password
        service.update_account(scope, account_id, {"name": "renamed"})
        assert service.open_password(service.get_account(scope.session, account_id)) == "planted-secret"
        service.update_account(scope, account_id, {"password": "other"})
        assert service.open_password(service.get_account(scope.session, account_id)) == "other"
    api, browser = cast.owner.api(app), cast.owner.browser(app)
    answers = [api.get(f"/api/v1/{path}") for path in ("providers", f"providers/{account_id}", "activity")]
    answers.append(browser.get(f"/sending-accounts/{account_id}"))
    assert all("planted-secret" not in answer.get_data(as_text=True) for answer in answers)


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "10.0.0.1", "169.254.169.254", "::ffff:127.0.0.1", "localhost", "no-such-host.invalid", ""])
def test_hosts_inside_are_refused_when_saved(cast: Cast, host: str) -> None:
    with cast.owner.scope() as scope:
        with pytest.raises(EgressRefused) as refused:
            service.create_account(scope, AccountInput("x", host))
        assert refused.value.param == "host"
    account_id = add(cast.owner)
    with cast.owner.scope() as scope, pytest.raises(EgressRefused):
        service.update_account(scope, account_id, {"host": host})


@pytest.mark.parametrize(
    ("changes", "param"),
    [({"port": 6379}, "port"), ({"password": None}, "password"), ({"username": None}, "username"), ({"tls": TlsPolicy.NONE}, "tls")],
)
def test_what_cannot_work_is_refused(cast: Cast, changes: dict[str, Any], param: str) -> None:
    with cast.owner.scope() as scope, pytest.raises(ValidationFailed) as refused:
        service.create_account(scope, AccountInput(**{"name": "x", "host": PUBLIC, "username": "u", "password": "p", **changes}))
    assert refused.value.param == param


_ACTS: dict[str, Callable[[Scope, UUID], Any]] = {
    "update": lambda scope, account_id: service.update_account(scope, account_id, {"name": "mine"}),
    "delete": service.delete_account,
    "deactivate": lambda scope, account_id: service.set_active(scope, account_id, False),
    "test": service.test_account,
}


@pytest.mark.parametrize("act", _ACTS)
def test_shared_accounts_stay_as_they_are(cast: Cast, shared: UUID, act: str) -> None:
    with cast.owner.scope() as scope:
        assert service.get_account(scope.session, shared).shared
        with pytest.raises(Conflict):
            _ACTS[act](scope, shared)


@pytest.mark.parametrize("act", _ACTS)
def test_the_stranger_finds_no_such_account(cast: Cast, act: str) -> None:
    account_id = add(cast.owner)
    with cast.stranger.scope() as scope, pytest.raises(NotFound):
        _ACTS[act](scope, account_id)


@pytest.mark.parametrize("act", _ACTS)
def test_a_viewer_changes_nothing(cast: Cast, act: str) -> None:
    account_id = add(cast.owner)
    with cast.owner.scope(permissions=PRESETS["viewer"]) as scope, pytest.raises(Forbidden):
        _ACTS[act](scope, account_id)


def test_the_api_in_full(cast: Cast, app: Flask, shared: UUID) -> None:
    api = cast.owner.api(app)
    made = api.post("/api/v1/providers", json={"name": "r", "host": PUBLIC, "username": "u", "password": "p"}).get_json()["data"]
    assert (made["type"], made["has_password"], made["shared"], made["active"]) == ("smtp", True, False, True)
    url = f"/api/v1/providers/{made['id']}"
    assert api.patch(url, json={"max_connections": 5}).get_json()["data"]["max_connections"] == 5
    assert api.post(f"{url}/deactivate").get_json()["data"]["active"] is False
    assert api.post(f"{url}/activate").get_json()["data"]["active"] is True
    assert api.patch(f"/api/v1/providers/{shared}", json={"name": "x"}).status_code == 409
    assert len(api.get("/api/v1/providers").get_json()["data"]) == 2
    refused = api.post("/api/v1/providers", json={"name": "r", "host": "127.0.0.1"})
    assert (refused.status_code, refused.get_json()["error"]["param"]) == (422, "host")
    for method, path in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/activate"), ("POST", "/deactivate"), ("POST", "/test")):
        theirs = cast.stranger.api(app).open(url + path, method=method, json={})
        absent = cast.stranger.api(app).open(f"/api/v1/providers/{uuid4()}{path}", method=method, json={})
        assert theirs.status_code == 404 and theirs.get_json()["error"] == absent.get_json()["error"]
    assert api.delete(url).status_code == 200


def test_the_pages(cast: Cast, app: Flask, shared: UUID) -> None:
    browser = cast.owner.browser(app)
    assert browser.get("/sending-accounts/new").status_code == 200
    refused = browser.post("/sending-accounts/new", data={"name": "r", "host": "127.0.0.1"})
    assert refused.status_code == 422 and "public internet" in refused.get_data(as_text=True)
    url = browser.post("/sending-accounts/new", data={"name": "r", "host": PUBLIC, "username": "u", "password": "p"}).headers["Location"]
    assert browser.post(url, data={"name": "r2", "host": PUBLIC, "username": "u"}).status_code == 303
    listed = browser.get("/sending-accounts/").get_data(as_text=True)
    assert "r2" in listed and "Ours" in listed and "127.0.0.1" not in listed
    assert browser.post(f"{url}/deactivate").status_code == 303
    for path in ("", "/deactivate", "/test", "/delete"):
        assert cast.stranger.browser(app).post(url + path, data={"name": "x", "host": PUBLIC}).status_code == 404
    assert browser.post(f"{url}/delete").status_code == 303


def test_a_test_logs_in_and_hides_the_secrets() -> None:
    with sink_in_thread(SinkOptions(auth=("user", "planted-secret"))) as sink:
        result = probe(Relay("127.0.0.1", sink.port, TlsPolicy.OPPORTUNISTIC, "user", "planted-secret", trusted=True))
        assert (result.ok, sink.received) == (True, [])
        wrong = probe(Relay("127.0.0.1", sink.port, TlsPolicy.OPPORTUNISTIC, "user", "wrong-password", trusted=True))
    assert not wrong.ok and "username or password" in wrong.summary
    said = "\n".join(result.transcript + wrong.transcript)
    assert "AUTH" in said and "planted-secret" not in said and "cGxhbnRlZC1zZWNyZXQ" not in said and "AHVzZXIA" not in said


def test_a_certificate_that_does_not_fit_is_told(tmp_path: Any) -> None:
    import ssl

    cert, key = ensure_certificate(tmp_path, "localhost")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    with sink_in_thread(SinkOptions(starttls=context)) as sink:
        strict = probe(Relay("127.0.0.1", sink.port, TlsPolicy.REQUIRED, trusted=True))
        lax = probe(Relay("127.0.0.1", sink.port, TlsPolicy.OPPORTUNISTIC, trusted=True))
    assert not strict.ok and "certificate" in strict.summary
    assert lax.ok and "with TLS" in lax.summary


def test_what_does_not_offer_tls_or_does_not_listen_is_told(free_port: Callable[[], int]) -> None:
    with sink_in_thread(SinkOptions()) as sink:
        result = probe(Relay("127.0.0.1", sink.port, TlsPolicy.REQUIRED, trusted=True))
    assert not result.ok and "does not offer" in result.summary
    assert "cannot be reached" in probe(Relay("127.0.0.1", free_port(), TlsPolicy.NONE, trusted=True)).summary
    assert "public internet" in probe(Relay("127.0.0.1", free_port(), TlsPolicy.NONE)).summary


def test_quotas_method_and_usage_over_the_api(cast: Cast, app: Flask) -> None:
    client = cast.owner.api(app, Mode.LIVE)
    body = {"name": "r", "host": "93.184.216.34", "auth": "cram-md5", "username": "u", "password": "p", "hourly_quota": 5, "daily_quota": 9}
    made = client.post("/api/v1/providers", json={**body, "return_path": "me@relay.example"})
    assert made.status_code == 201 and made.json is not None, made.json
    account = made.json["data"]
    assert (account["auth"], account["hourly_quota"], account["daily_quota"], account["return_path"]) == ("cram-md5", 5, 9, "me@relay.example")
    refused = client.patch(f"/api/v1/providers/{account['id']}", json={"hourly_quota": 10})
    assert refused.status_code == 422 and refused.json is not None and refused.json["error"]["param"] == "hourly_quota"
    usage = client.get(f"/api/v1/providers/{account['id']}/usage")
    assert usage.json is not None
    assert usage.json["data"] == {"this_hour": 0, "today": 0, "hourly_quota": 5, "daily_quota": 9, "left": 5, "resets_at": None, "hours": []}
    assert cast.stranger.api(app, Mode.LIVE).get(f"/api/v1/providers/{account['id']}/usage").status_code == 404
