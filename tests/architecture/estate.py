"""What the owner's tenant owns when the stranger comes: one of everything that has an id, made as customers make it, over the API."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from tests.fixtures import Cast, Person
from webapp.accounts.models import Identity, Passkey, UserSession
from webapp.backoffice.models import StaffRequest, SupportGrant, SupportSession
from webapp.bootstrap import ensure_verified_domain
from webapp.kernel.clock import now, rfc3339
from webapp.kernel.db import Base, raw_of, unscoped
from webapp.kernel.ids import uuid7
from webapp.kernel.scope import Mode
from webapp.messages.service import forget_facts
from webapp.pace.models import ProviderBudget, SendingHold, Throttle, WarmupPlan
from webapp.pools.models import IpAddress
from webapp.simulator.service import store_mail
from webapp.suppressions.models import SuppressionAlarm

#: Stands in every name the owner gives: nobody else may ever read it.
MARK = "acme-private"
SUPPRESSED = f"{MARK}@customer.example"
_ATTACHMENT = {"filename": f"{MARK}.txt", "content": "aGVsbG8="}


@dataclass
class Estate:
    """Ids by the name that routes give them (`pool_id`), and the secrets of two bridges."""

    ids: dict[str, str] = field(default_factory=dict)
    bridge_token: str = ""
    sibling_token: str = ""
    sandbox_bridge_id: str = ""
    slug: str = f"{MARK}-welcome"


def make_estate(app: Flask, cast: Cast) -> Estate:
    """One of everything, in the owner's tenant."""
    assert cast.owner.tenant_id is not None
    forget_facts()
    estate = Estate()
    with cast.owner.scope() as scope:
        ensure_verified_domain(scope, "acme.test")
    maker = _Maker(app, cast.owner)
    estate.ids["pool_id"] = maker.make("/pools", {"name": f"{MARK} pool"})["id"]
    estate.ids["provider_id"] = maker.make("/providers", {"name": f"{MARK} relay", "host": "93.184.216.34"})["id"]
    maker.set(f"/providers/{estate.ids['provider_id']}/reports", {"provider": "mailgun", "secret": f"{MARK} reports key"})
    member = {"sending_account_id": estate.ids["provider_id"]}
    estate.ids["member_id"] = maker.make(f"/pools/{estate.ids['pool_id']}/members", member)["id"]
    bridge, sibling = (maker.make("/bridges", {"name": f"{MARK} {name}"}) for name in ("bridge", "sibling"))
    estate.ids["bridge_id"], estate.bridge_token, estate.sibling_token = bridge["id"], *(b["credentials"]["api"]["token"] for b in (bridge, sibling))
    estate.sandbox_bridge_id = maker.make("/bridges", {"name": f"{MARK} sandbox", "mode": "sandbox"})["id"]
    estate.ids["domain_id"] = maker.make("/domains", {"domain": "acme-private.example"})["id"]
    webhook = maker.make("/webhooks", {"url": f"https://93.184.216.34/{MARK}", "events": ["email.delivered"]})
    estate.ids["webhook_id"] = webhook["id"]
    sent = json_of(maker.client.post(f"/api/v1/webhooks/{webhook['id']}/test"))["data"]
    estate.ids["delivery_id"], estate.ids["event_id"] = sent["id"], sent["event_id"]
    template = {"slug": estate.slug, "name": MARK, "subject": MARK, "text": MARK}
    estate.ids["template_id"] = maker.make("/templates", template)["id"]
    estate.ids["role_id"] = maker.make("/roles", {"name": f"{MARK} role", "permissions": ["email.send"]})["id"]
    estate.ids["key_id"] = maker.make("/keys", {"name": f"{MARK} key", "role": "root:readonly"})["id"]
    estate.ids["invitation_id"] = maker.make("/team/invitations", {"email": "acme-private@invited.example"})["id"]
    _make_audience(maker, estate)
    asked = maker.make("/limit-requests", {"limit": "api_keys", "wanted": 250, "reason": f"{MARK} reason"})
    estate.ids["limit_request_id"] = asked["id"]
    maker.make("/suppressions", {"email": SUPPRESSED})
    lines = f"{MARK}-2@customer.example\nno address\n"
    imported = maker.client.post("/api/v1/suppressions/import?filename=acme-private.csv", data=lines, content_type="text/csv")
    estate.ids["import_id"] = json_of(imported)["data"]["id"]
    hours = {"since": rfc3339(now() - timedelta(hours=1)), "until": rfc3339(now())}
    estate.ids["incident_id"] = maker.make("/incidents", {**hours, "note": f"{MARK} incident"})["id"]
    mail = {"from": "shop@acme.test", "to": "jo@customer.example", "subject": MARK, "html": f"<p>{MARK}</p>", "attachments": [_ATTACHMENT]}
    tomorrow = rfc3339(now() + timedelta(days=1))  # so that it could be cancelled
    estate.ids["message_id"] = maker.send({**mail, "send_at": tomorrow}, estate.bridge_token)["id"]
    estate.ids["user_id"] = str(cast.teammate.user_id)
    _make_reading(maker, estate)
    saved = cast.owner.browser(app).post("/messages/filters", data={"name": f"{MARK} filter", "query": "state=bounced"})
    assert saved.status_code == 303
    _add_rows(cast, estate)
    estate.ids |= {"account_id": estate.ids["provider_id"], "credential_id": estate.ids["bridge_id"], "email": SUPPRESSED}
    return estate


def _make_reading(maker: _Maker, estate: Estate) -> None:
    """A report, and the row of the log of the message's recipient."""
    estate.ids["report_id"] = maker.make("/reports", {"kind": "log", "title": f"{MARK} report"})["id"]
    estate.ids["log_id"] = json_of(maker.client.get(f"/api/v1/logs?search={estate.ids['message_id']}"))["data"][0]["id"]


def json_of(answer: TestResponse) -> dict[str, Any]:
    """The JSON object an answer holds."""
    assert isinstance(answer.json, dict)
    return answer.json


class _Maker:
    """POSTs to the API as a person's live key."""

    def __init__(self, app: Flask, person: Person) -> None:
        self.client = person.api(app, Mode.LIVE)

    def make(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """The object made."""
        answer = self.client.post(f"/api/v1{path}", json=body)
        assert answer.status_code == 201, (path, answer.json)
        return dict(json_of(answer)["data"])

    def set(self, path: str, body: dict[str, Any]) -> None:
        """Put something at its address."""
        answer = self.client.put(f"/api/v1{path}", json=body)
        assert answer.status_code == 200, (path, answer.json)

    def send(self, body: dict[str, Any], token: str) -> dict[str, Any]:
        """The answer to an accepted message."""
        answer = self.client.post("/api/v1/email/send", json=body, headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 202, answer.json
        return json_of(answer)


def _make_audience(maker: _Maker, estate: Estate) -> None:
    """A contact on a list, with a tag and an event; a segment; a file."""
    estate.ids["contact_id"] = maker.make("/contacts", {"email": f"{MARK}-contact@customer.example", "first_name": MARK})["id"]
    estate.ids["list_id"] = maker.make("/lists", {"name": f"{MARK} list"})["id"]
    maker.make(f"/lists/{estate.ids['list_id']}/contacts", {"email": f"{MARK}-contact@customer.example"})
    estate.ids["tag_id"] = maker.make("/tags", {"name": f"{MARK} tag"})["id"]
    assert maker.client.put(f"/api/v1/contacts/{estate.ids['contact_id']}/tags", json={"tag_ids": [estate.ids["tag_id"]]}).status_code == 200
    maker.make("/events", {"contact_id": estate.ids["contact_id"], "name": f"{MARK}.event"})
    rules = {"field": "list", "operator": "in", "value": estate.ids["list_id"]}
    estate.ids["segment_id"] = maker.make("/segments", {"name": f"{MARK} segment", "rules": rules})["id"]
    taken = maker.client.post("/api/v1/contacts/import", data=f"email\n{MARK}-3@customer.example\n", content_type="text/csv")
    estate.ids["contact_import_id"] = json_of(taken)["data"]["id"]


def _add_rows(cast: Cast, estate: Estate) -> None:
    """What no tenant makes over the API: a dedicated address, delivered mail, a browser's session."""
    with unscoped("test") as rows:
        address = IpAddress(id=uuid7(), tenant_id=cast.owner.tenant_id, address="192.0.2.7", helo_name=f"{MARK}.example")
        rows.add(address)
        recipient = rows.execute(sa.text("select id from recipients limit 1")).scalar_one()
        assert store_mail(raw_of(rows), recipient, "jo@customer.example", "b@bounce.example", f"Subject: {MARK}\r\n\r\n{MARK}\r\n".encode())
        estate.ids["mail_id"] = str(rows.execute(sa.text("select id from simulated_mails")).scalar_one())
        estate.ids |= _add_pace(rows, cast, address)
        estate.ids["filter_id"] = str(rows.execute(sa.text("select id from saved_filters")).scalar_one())
        rows.execute(sa.text("update reports set status = 'ready'"))
        session = sa.select(UserSession.id).where(UserSession.user_id == cast.owner.user_id).limit(1)
        passkey = Passkey(user_id=cast.owner.user_id, credential_id=b"estate", public_key=b"x", sign_count=0, name="Laptop", synced=False)
        identity = Identity(user_id=cast.owner.user_id, issuer="https://id.example", subject="1", email=cast.owner.email)
        rows.add_all((passkey, identity))
        rows.flush()
        estate.ids["identity_id"] = str(identity.id)
        estate.ids["passkey_id"] = str(passkey.id)
        estate.ids["session_id"] = str(rows.execute(session).scalar_one())
        estate.ids["ip_id"] = str(address.id)
        estate.ids |= _add_support(rows, cast)
        alarm = SuppressionAlarm(id=uuid7(), tenant_id=cast.owner.tenant_id, removals=21)
        rows.add(alarm)
        estate.ids["alarm_id"] = str(alarm.id)


def _add_support(rows: Session, cast: Cast) -> dict[str, str]:
    """What the tenant asked of staff, whom it let in, and what was done."""
    tenant, moment = cast.owner.tenant_id, now()
    asked = StaffRequest(id=uuid7(), tenant_id=tenant, kind="production", what=MARK, asked_by=MARK)
    grant = SupportGrant(id=uuid7(), tenant_id=tenant, standing=True, allow_write=False, granted_by=MARK)
    rows.add_all([asked, grant])
    rows.flush()
    session = SupportSession(
        id=uuid7(), tenant_id=tenant, staff_id=cast.staff.user_id, staff_name=MARK, staff_email="x@y.test", member_id=cast.owner.user_id, member_name=MARK,
        login_id=uuid7(), token_hash=MARK.encode(), grant_id=grant.id, reason=MARK, ticket=MARK, started_at=moment, expires_at=moment + timedelta(minutes=30),
    )  # fmt: skip
    rows.add(session)
    rows.flush()
    return {"request_id": str(asked.id), "grant_id": str(grant.id), "support_session_id": str(session.id)}


def _add_pace(rows: Session, cast: Cast, address: IpAddress) -> dict[str, str]:
    """What delivery learns, and what people set of the pace."""
    tenant = cast.owner.tenant_id
    about: dict[str, Any] = {"tenant_id": tenant, "source_id": address.id, "source_label": f"{MARK} {address.address}", "provider": "yahoo"}
    throttle = Throttle(**about, action="pause", rule="yahoo.tss04", reason=MARK, until=now() + timedelta(hours=2), made_by="Postbridge")
    plan = WarmupPlan(**about, steps=[50, 100], day=1, started_on=now().date())
    budget = ProviderBudget(tenant_id=tenant, provider=f"{MARK}.example", connections=3)
    hold = SendingHold(tenant_id=tenant, kind="hold", subject="provider", provider="apple", label="Apple", reason=MARK, made_by=MARK)
    rows.add_all([throttle, plan, budget, hold])
    rows.flush()
    return {"throttle_id": str(throttle.id), "plan_id": str(plan.id), "budget_id": str(budget.id), "hold_id": str(hold.id)}


def fingerprints(tenant_id: UUID) -> dict[str, tuple[int, str]]:
    """How many rows a tenant has in each table, and a hash over all of them: whatever is changed, shows."""
    found: dict[str, tuple[int, str]] = {}
    with unscoped("test") as rows:
        for table in Base.metadata.sorted_tables:
            if "tenant_id" not in table.c and table.name != "tenants":
                continue
            column = "id" if table.name == "tenants" else "tenant_id"
            wanted = sa.text(f'select t::text from "{table.name}" t where {column} = :tenant order by 1')
            lines = list(rows.scalars(wanted, {"tenant": tenant_id}))
            found[table.name] = (len(lines), hashlib.sha256("\n".join(lines).encode()).hexdigest())
    return found


def mentions(tenant_id: UUID, texts: list[str]) -> list[str]:
    """Tables in which a row of this tenant holds one of ``texts``."""
    found = []
    with unscoped("test") as rows:
        for table in Base.metadata.sorted_tables:
            if "tenant_id" in table.c:
                wanted = sa.text(f'select count(*) from "{table.name}" t where tenant_id = :tenant and t::text like any(:texts)')
                if rows.execute(wanted, {"tenant": tenant_id, "texts": [f"%{text}%" for text in texts]}).scalar_one():
                    found.append(table.name)
    return found
