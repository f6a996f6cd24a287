"""How the tests begin support sessions: over the pages, as staff do."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from flask import Flask

from tests.fixtures import Browser, Cast, Person
from webapp.accounts.queries import find_user
from webapp.accounts.service import open_session
from webapp.backoffice import service
from webapp.backoffice.models import SupportSession
from webapp.kernel.clock import now
from webapp.kernel.db import unscoped

REASON = {"reason": "Deferred mail of the shop since Monday", "ticket": "T-1234"}


def staff_browser(app: Flask, person: Person, *, factor_at: datetime | str | None = "now") -> Browser:
    """A browser of a staff member who gave a second factor at that moment; None: who gave none."""
    with unscoped("test login") as rows:
        user = find_user(rows, person.email)
        assert user is not None
        given = now() if factor_at == "now" else factor_at
        assert not isinstance(given, str)
        token = open_session(rows, user, "127.0.0.1", "pytest", factor_at=given)
    browser = Browser(app, app.response_class, use_cookies=True)
    with browser.session_transaction() as cookie:
        cookie["_user_id"], cookie["_fresh"] = token, True
    return browser


def consent(cast: Cast, *, write: bool = False) -> UUID:
    """The owner's standing consent, or a grant for one session with changes."""
    with cast.owner.scope() as scope:
        return (service.grant_once(scope, days=1, allow_write=True) if write else service.give_standing(scope)).id


def begin(browser: Browser, cast: Cast, member: UUID | None = None, tenant: UUID | None = None, **changes: str) -> Any:
    """POST the form that begins a session."""
    form = {"member": str(member or cast.owner.user_id), **REASON, **changes}
    return browser.post(f"/staff/tenants/{tenant or cast.owner.tenant_id}/support", data=form)


def in_session(app: Flask, cast: Cast, *, write: bool = False) -> Browser:
    """A staff browser in a running session on behalf of the owner."""
    consent(cast, write=write)
    browser = staff_browser(app, cast.staff)
    answer = begin(browser, cast)
    assert answer.status_code == 303, answer.get_data(as_text=True)
    if write:
        assert browser.post("/support-session/changes").status_code == 303
    return browser


def only_session() -> SupportSession:
    """The one session there is."""
    with unscoped("test") as rows:
        return rows.scalars(sa.select(SupportSession)).one()
