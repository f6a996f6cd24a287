"""Suppressions: who is on the list, for which mail, for how long, and who takes them off."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from flask import Flask

from tests.fixtures import Cast
from webapp.bridges.types import Stream
from webapp.kernel.clock import now
from webapp.kernel.db import unscoped
from webapp.kernel.errors import Forbidden, NotFound, ValidationFailed
from webapp.kernel.permissions import PRESETS
from webapp.suppressions import service
from webapp.suppressions.service import NewSuppression, find_suppressed, suppress_many
from webapp.suppressions.types import SuppressionReason as Reason
from webapp.suppressions.types import SuppressionScope as Reach


def entry(cast: Cast, address: str, reason: Reason, reach: Reach = Reach.ALL, *, stranger: bool = False) -> NewSuppression:
    """One row to write."""
    tenant_id = (cast.stranger if stranger else cast.owner).tenant_id
    assert tenant_id is not None
    return NewSuppression(tenant_id, address, reach, reason, "test")


def found(cast: Cast, *addresses: str, stream: Stream = Stream.TRANSACTIONAL) -> dict[str, Reason]:
    """What the owner's tenant must not write to."""
    with cast.owner.scope() as scope:
        return find_suppressed(scope.session, scope.tenant_id, addresses, stream)


def test_one_statement_serves_many_tenants_and_doubles(cast: Cast) -> None:
    rows = [
        entry(cast, "a@x.net", Reason.HARD_BOUNCE), entry(cast, "a@x.net", Reason.HARD_BOUNCE), entry(cast, "a@x.net", Reason.COMPLAINT),
        entry(cast, "b@x.net", Reason.UNSUBSCRIBE, Reach.BULK), entry(cast, "c@x.net", Reason.MANUAL, stranger=True),
    ]  # fmt: skip
    with unscoped("test") as session:
        assert suppress_many(session, rows) == 3
    assert found(cast, "a@x.net", "b@x.net", "c@x.net", "d@x.net") == {"a@x.net": Reason.COMPLAINT}
    assert found(cast, "b@x.net", "c@x.net", stream=Stream.BULK) == {"b@x.net": Reason.UNSUBSCRIBE}


@pytest.mark.parametrize(("first", "second", "stays"), [
    (Reason.HARD_BOUNCE, Reason.COMPLAINT, Reason.COMPLAINT),
    (Reason.COMPLAINT, Reason.HARD_BOUNCE, Reason.COMPLAINT),
    (Reason.MANUAL, Reason.COMPLAINT, Reason.COMPLAINT),
    (Reason.COMPLAINT, Reason.MANUAL, Reason.COMPLAINT),
])  # fmt: skip
def test_the_graver_reason_stays(cast: Cast, first: Reason, second: Reason, stays: Reason) -> None:
    with unscoped("test") as session:
        suppress_many(session, [entry(cast, "a@x.net", first)])
        suppress_many(session, [entry(cast, "a@x.net", second)])
    assert found(cast, "a@x.net") == {"a@x.net": stays}


def test_hard_bounces_end_after_180_days_and_complaints_never(cast: Cast) -> None:
    with unscoped("test") as session:
        suppress_many(session, [entry(cast, "a@x.net", Reason.HARD_BOUNCE), entry(cast, "b@x.net", Reason.COMPLAINT)])
    with cast.owner.scope() as scope:
        rows = {row.address: row.expires_at for row in service.list_of_address(scope.session, "a@x.net")}
    assert rows["a@x.net"] is not None and timedelta(days=179) < rows["a@x.net"] - now() < timedelta(days=181)
    with time_machine.travel(now() - timedelta(days=181), tick=True), unscoped("test") as session:
        suppress_many(session, [entry(cast, "old@x.net", Reason.HARD_BOUNCE)])
    assert found(cast, "a@x.net", "b@x.net", "old@x.net") == {"a@x.net": Reason.HARD_BOUNCE, "b@x.net": Reason.COMPLAINT}


def test_ten_thousand_addresses_are_found_at_once(cast: Cast) -> None:
    with unscoped("test") as session:
        suppress_many(session, [entry(cast, f"u{n}@x.net", Reason.MANUAL) for n in range(2_500)])
    assert len(found(cast, *(f"u{n}@x.net" for n in range(10_000)))) == 2_500


def test_people_add_and_lift_in_canonical_form(cast: Cast) -> None:
    with cast.owner.scope() as scope:
        assert service.add(scope, "Ann <Ann+Tag@EXAMPLE.net>").address == "ann+tag@example.net"
        assert service.add(scope, "ann+tag@example.net").reason == Reason.MANUAL
    with cast.owner.scope() as scope:
        service.lift(scope, "ANN+tag@example.net")
        with pytest.raises(NotFound):
            service.lift(scope, "ann+tag@example.net")
        with pytest.raises(ValidationFailed):
            service.add(scope, "nobody")
    assert found(cast, "ann+tag@example.net") == {}


def test_the_stranger_cannot_see_or_lift(cast: Cast) -> None:
    with cast.owner.scope() as scope:
        service.add(scope, "a@x.net")
    with cast.stranger.scope() as scope:
        assert find_suppressed(scope.session, scope.tenant_id, ["a@x.net"], Stream.BULK) == {}
        with pytest.raises(NotFound):
            service.lift(scope, "a@x.net")
    assert found(cast, "a@x.net") == {"a@x.net": Reason.MANUAL}


def test_a_viewer_changes_nothing(cast: Cast) -> None:
    with cast.owner.scope(permissions=PRESETS["viewer"]) as scope:
        for act in (service.add, service.lift):
            with pytest.raises(Forbidden):
                act(scope, "a@x.net")


def test_the_api_lists_adds_and_removes(cast: Cast, app: Flask) -> None:
    api = cast.owner.api(app)
    assert api.post("/api/v1/suppressions", json={"email": "A@x.net", "scope": "bulk"}).status_code == 201
    assert api.post("/api/v1/suppressions/batch", json={"emails": ["b@x.net", "b@x.net", "c@x.net"]}).get_json()["data"] == {"added": 2}
    listed = api.get("/api/suppressions?search=a@").get_json()["data"]
    assert [(row["email"], row["scope"], row["reason"]) for row in listed] == [("a@x.net", "bulk", "manual")]
    assert api.get("/api/v1/suppressions?reason=complaint").get_json()["data"] == []
    assert cast.stranger.api(app).delete("/api/suppressions/a@x.net").status_code == 404
    assert api.delete("/api/suppressions/a@x.net").status_code == 200
    assert api.post("/api/v1/suppressions", json={"email": "nobody"}).get_json()["error"]["param"] == "email"


def test_the_page_searches_adds_removes_and_exports(cast: Cast, app: Flask) -> None:
    browser = cast.owner.browser(app)
    assert browser.post("/suppressions/", data={"email": "=cmd@x.net", "scope": "all"}).status_code == 303
    assert browser.post("/suppressions/", data={"email": "nobody"}).status_code == 422
    assert "=cmd@x.net" in browser.get("/suppressions/?q=CMD&reason=manual", htmx=True).get_data(as_text=True)
    assert "\r\n'=cmd@x.net,all,,manual," in browser.get("/suppressions/export.csv").get_data(as_text=True)
    assert "=cmd" not in cast.stranger.browser(app).get("/suppressions/").get_data(as_text=True)
    assert browser.post("/suppressions/lift", data={"email": "=cmd@x.net"}).status_code == 422
    assert browser.post("/suppressions/lift", data={"email": "=cmd@x.net", "note": "was a typing mistake"}).status_code == 303
    assert "Nobody is suppressed" in browser.get("/suppressions/").get_data(as_text=True)
