"""Every write of the API that is answered well leaves an entry that names the key, the object, the request and the address; a change says from what
to what. The test walks the URL map, so a new route is held to it too."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.architecture.estate import Estate, fingerprints, make_estate
from tests.architecture.matrix import ROUTES, filled
from tests.fixtures import Cast
from tests.http.test_conventions import is_public, routes
from webapp.kernel.db import unscoped

#: Writes that change nothing of the tenant's own, or whose log is another one, by the beginning of their address.
QUIET = {
    "/api/v1/email": "mail has its events, a row for each recipient and step",
    "/api/v1/send": "the same",
    "/api/v1/validate": "looks, and changes nothing",
    "/api/v1/incidents/preview": "looks, and changes nothing",
    "/api/v1/events": "facts that applications report; contacts keep them",
}
#: Acts on one object that change nothing of it.
LOOKS = ("/preview", "/test", "/verify", "/test-send", "/check")


def entries(person: Any) -> list[dict[str, Any]]:
    with unscoped("test") as rows:
        found = rows.execute(sa.text("select * from activity_entries where tenant_id = :tenant order by id"), {"tenant": person.tenant_id})
        return [dict(row) for row in found.mappings()]


@pytest.mark.timeout(400)
def test_each_write_leaves_an_entry_with_what_changed(app: Flask, cast: Cast) -> None:
    estate: Estate = make_estate(app, cast)
    client, wrong, done = cast.owner.api(app), [], 0
    tenant = cast.owner.tenant_id
    assert tenant is not None
    order = {"PATCH": 0, "PUT": 1, "POST": 2, "DELETE": 3}
    calls = [call for call in routes(app, estate) if call[0] in order and not is_public(app, call[0], call[2])]
    for method, address, rule in sorted(calls, key=lambda call: (order[call[0]], -call[1].count("/"))):
        body = filled(ROUTES.get(f"{method} {rule.endpoint}"), estate.ids)
        if address.startswith(tuple(QUIET)) or address.endswith(LOOKS):
            continue
        before, state = len(entries(cast.owner)), fingerprints(tenant)
        answer = client.open(address, method=method, **({} if body is None else {"json": body}))
        if answer.status_code >= 300:
            continue
        done += 1
        if len(entries(cast.owner)) == before and fingerprints(tenant) == state:
            continue  # what changed nothing (a second revocation) leaves nothing
        wrong += [f"{method} {address}: {said}" for said in faults(method, answer, entries(cast.owner)[before:], body)]
    assert not wrong, "\n".join(wrong)
    assert done >= 30


def faults(method: str, answer: Any, fresh: list[dict[str, Any]], body: Any) -> list[str]:
    """What is missing in the log of one write."""
    if not fresh:
        return ["no entry"]
    said = [f"{entry['action']}: {name} is {entry[name]!r}" for entry in fresh for name in ("object_kind", "request_id", "address") if not entry[name]]
    if any(entry["actor_kind"] != "api_key" or entry["actor_name"] != "live key" for entry in fresh):
        said.append("another actor than the key")
    if any(entry["request_id"] != answer.headers["X-Request-Id"] for entry in fresh):
        said.append("another request")
    values = [value for entry in fresh for value in entry["changes"].values()]
    # Personal data of contacts stands in the log as "(changed)": the log outlives them.
    if method == "PATCH" and body and not any(value == "(changed)" or (isinstance(value, list) and len(value) == 2) for value in values):
        said.append(f"no before and after in {[entry['changes'] for entry in fresh]}")
    return said
