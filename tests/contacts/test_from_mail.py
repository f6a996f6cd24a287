"""What mail teaches about contacts: who reads, who bounced, complained or left."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.fixtures import Cast
from webapp.bootstrap import ensure_verified_domain
from webapp.kernel.db import raw_of, unscoped
from webapp.kernel.ids import uuid7
from webapp.messages.service import forget_facts
from webapp.messages.types import EventType
from webapp.suppressions.service import suppress
from webapp.suppressions.types import SuppressionReason, SuppressionScope
from webapp.tracking.service import Hit, record_hits

_CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0 Safari/537.36"


@pytest.fixture
def api(app: Flask, cast: Cast) -> Any:
    with cast.owner.scope() as scope:
        ensure_verified_domain(scope, "acme.test")
    forget_facts()
    api = cast.owner.api(app)
    api.contact = api.put("/api/v1/contacts", json={"email": "Ada@example.net"}).json["data"]["id"]
    return api


def _now(api: Any) -> dict[str, Any]:
    return dict(api.get(f"/api/v1/contacts/{api.contact}").json["data"])


def test_only_people_count_as_readers(cast: Cast, api: Any) -> None:
    mail = {"from": "a@acme.test", "to": "Ada@example.net", "subject": "x", "text": "x"}
    message_id = api.post("/api/v1/email/send", json=mail).json["id"]
    with unscoped("test") as rows:
        recipient = rows.execute(sa.text("select id, message_id from recipients")).one()
        assert str(recipient.message_id) == message_id

        def hit(agent: str, kind: EventType = EventType.OPENED) -> Hit:
            return Hit(uuid7(), recipient.message_id, recipient.id, kind, recipient.id.int >> 80, {"user_agent": agent})

        assert record_hits(raw_of(rows), [hit("curl/8.1"), hit("Mozilla/5.0")]) == 2
    assert _now(api)["last_opened_at"] is None
    with unscoped("test") as rows:
        record_hits(raw_of(rows), [hit(_CHROME, EventType.CLICKED)])
        said = rows.scalars(sa.text("select data->>'verdict' from events where data ? 'verdict' order by id")).all()
    assert sorted(said) == ["human", "proxy", "scanner"]
    assert _now(api)["last_opened_at"] and _now(api)["last_clicked_at"]


@pytest.mark.parametrize(
    ("scope", "reason", "status"),
    [
        (SuppressionScope.ALL, SuppressionReason.HARD_BOUNCE, "bounced"),
        (SuppressionScope.ALL, SuppressionReason.COMPLAINT, "complained"),
        (SuppressionScope.BULK, SuppressionReason.UNSUBSCRIBE, "unsubscribed"),
        (SuppressionScope.ALL, SuppressionReason.MANUAL, "subscribed"),
    ],
)
def test_a_suppression_shows_on_the_contact(cast: Cast, api: Any, scope: SuppressionScope, reason: SuppressionReason, status: str) -> None:
    assert cast.owner.tenant_id is not None
    with unscoped("test") as rows:
        suppress(rows, cast.owner.tenant_id, "ada@example.net", scope, reason, "test")
    assert _now(api)["status"] == status


def test_a_graver_status_stays_and_other_tenants_are_not_told(app: Flask, cast: Cast, api: Any) -> None:
    assert cast.owner.tenant_id is not None and cast.stranger.tenant_id is not None
    with unscoped("test") as rows:
        suppress(rows, cast.stranger.tenant_id, "ada@example.net", SuppressionScope.ALL, SuppressionReason.COMPLAINT, "test")
    assert _now(api)["status"] == "subscribed"
    with unscoped("test") as rows:
        for reason in (SuppressionReason.COMPLAINT, SuppressionReason.HARD_BOUNCE):
            suppress(rows, cast.owner.tenant_id, "ada@example.net", SuppressionScope.ALL, reason, "test")
    assert _now(api)["status"] == "complained"


def test_leaving_one_list_leaves_that_list(cast: Cast, api: Any) -> None:
    lists = [api.post("/api/v1/lists", json={"name": name}).json["data"]["id"] for name in ("News", "Offers")]
    for list_id in lists:
        api.post(f"/api/v1/lists/{list_id}/contacts", json={"email": "ada@example.net"})
    assert cast.owner.tenant_id is not None
    with unscoped("test") as rows:
        suppress(rows, cast.owner.tenant_id, "ada@example.net", SuppressionScope.LIST, SuppressionReason.UNSUBSCRIBE, "test", list_key=f"{lists[0]}.acme.test")
    counts = [len(api.get(f"/api/v1/lists/{one}/contacts?state=subscribed").json["data"]) for one in lists]
    assert (counts, _now(api)["status"]) == ([0, 1], "subscribed")
