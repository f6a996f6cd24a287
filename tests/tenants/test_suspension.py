"""A suspension: nothing is sent, mail under way is held and goes at the end, links lead to a warning after abuse, unsubscribing always works."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.backoffice.sessions import staff_browser
from tests.fixtures import Cast
from webapp.bootstrap import ensure_platform, ensure_verified_domain
from webapp.kernel.db import unscoped
from webapp.messages.service import forget_facts
from webapp.tracking.tokens import Purpose, make_link_token, make_recipient_token
from worker.jobs import backoffice as jobs

_MAIL = {"from": "shop@acme.test", "to": "jo@customer.example", "subject": "Hi", "text": "Hi"}


@pytest.fixture
def mail(app: Flask, cast: Cast) -> tuple[UUID, UUID]:
    """A message of the owner's that waits: its id and its recipient's."""
    ensure_platform()
    forget_facts()
    with cast.owner.scope() as scope:
        ensure_verified_domain(scope, "acme.test")
    assert cast.owner.api(app).post("/api/v1/email/send", json=_MAIL).status_code == 202
    with unscoped("test") as rows:
        row = rows.execute(sa.text("select message_id, recipient_id from queue_entries")).one()
    return row.message_id, row.recipient_id


def suspend(app: Flask, cast: Cast, kind: str = "abuse", reason: str = "Complaints above 1 %") -> Any:
    answer = staff_browser(app, cast.staff).post(f"/staff/tenants/{cast.owner.tenant_id}/suspend", data={"kind": kind, "reason": reason})
    forget_facts()
    return answer


def resume(app: Flask, cast: Cast) -> Any:
    answer = staff_browser(app, cast.staff).post(f"/staff/tenants/{cast.owner.tenant_id}/resume")
    forget_facts()
    return answer


def queue() -> list[tuple[str | None, str]]:
    with unscoped("test") as rows:
        found = rows.execute(sa.text("select q.held, r.state from queue_entries q join recipients r on r.id = q.recipient_id where q.tenant_id = r.tenant_id"))
        return [(row.held, row.state) for row in found]


def test_it_sends_nothing_and_says_why(app: Flask, cast: Cast, mail: tuple[UUID, UUID]) -> None:
    assert suspend(app, cast).status_code == 303
    answer = cast.owner.api(app).post("/api/v1/email/send", json=_MAIL)
    assert answer.status_code == 403 and "Complaints above 1 %" in answer.text
    page = cast.owner.browser(app).get("/").text
    assert "Your organisation is suspended" in page and "/production" in page
    assert "Complaints above 1 %" in cast.owner.browser(app).get("/production").text


def test_mail_under_way_is_held_and_goes_at_the_end(app: Flask, cast: Cast, mail: tuple[UUID, UUID]) -> None:
    suspend(app, cast)
    jobs.settle_suspensions(0)
    assert queue() == [("The tenant is suspended.", "held")]
    assert staff_browser(app, cast.staff).post("/staff/platform/release").status_code == 303  # what a person may release is something else
    assert queue() == [("The tenant is suspended.", "held")]
    resume(app, cast)
    assert jobs.settle_suspensions(0) == 1
    assert queue() == [(None, "queued")]
    with unscoped("test") as rows:
        assert rows.execute(sa.text("select queue_held_at from tenants where id = :id"), {"id": cast.owner.tenant_id}).scalar_one() is None


@pytest.mark.parametrize(("kind", "status"), [("abuse", 403), ("payment", 302)])
def test_links_lead_to_a_warning_after_abuse_only(app: Flask, cast: Cast, mail: tuple[UUID, UUID], kind: str, status: int) -> None:
    link = f"/api/t/c/{make_recipient_token(*mail)}.{make_link_token(mail[0], 'https://phish.example/')}"
    visitor = app.test_client()
    assert visitor.get(link).status_code == 302
    suspend(app, cast, kind)
    answer = visitor.get(link)
    assert answer.status_code == status and ("phish.example" in answer.text) is False
    assert ("switched off" in answer.text) is (status == 403)
    resume(app, cast)
    assert visitor.get(link).headers["Location"] == "https://phish.example/"
    assert visitor.get("/api/t/stopped").status_code == 404  # nobody reaches the warning by its own address


def test_unsubscribing_always_works(app: Flask, cast: Cast, mail: tuple[UUID, UUID]) -> None:
    suspend(app, cast)
    token = make_recipient_token(*mail, Purpose.UNSUBSCRIBE)
    assert app.test_client().post(f"/api/unsub/{token}", data={"List-Unsubscribe": "One-Click"}).status_code == 200
    with unscoped("test") as rows:
        assert rows.execute(sa.text("select count(*) from suppressions where tenant_id = :id"), {"id": cast.owner.tenant_id}).scalar_one() == 1


def test_an_appeal_of_any_member_ends_it(app: Flask, cast: Cast, mail: tuple[UUID, UUID]) -> None:
    suspend(app, cast)
    teammate = cast.teammate.browser(app)
    assert teammate.post("/production/appeal", data={"what": "no"}).status_code == 422
    assert teammate.post("/production/appeal", data={"what": "We removed the bought list and closed the form."}).status_code == 303
    staff = staff_browser(app, cast.staff)
    assert "closed the form" in staff.get("/staff/requests").text
    with unscoped("test") as rows:
        request = rows.execute(sa.text("select id from staff_requests")).scalar_one()
    assert staff.post(f"/staff/tenants/{cast.owner.tenant_id}/requests/{request}", data={"status": "approved"}).status_code == 303
    forget_facts()
    assert cast.owner.api(app).post("/api/v1/email/send", json=_MAIL).status_code == 202


def test_it_needs_a_reason_and_spares_the_platform(app: Flask, cast: Cast) -> None:
    assert suspend(app, cast, reason=" ").status_code == 422
    platform = ensure_platform()
    answer = staff_browser(app, cast.staff).post(f"/staff/tenants/{platform}/suspend", data={"kind": "abuse", "reason": "x"})
    assert answer.status_code == 422 and "cannot be suspended" in answer.text
