"""Double opt-in: the question goes out once, from the tenant; a GET confirms nothing, a POST does; the token is bound to one person on one list."""

from __future__ import annotations

import re
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.fixtures import Cast
from webapp.bootstrap import ensure_verified_domain
from webapp.contacts.confirmation import make_token, read_token
from webapp.kernel.db import unscoped
from webapp.kernel.ids import uuid7
from webapp.messages.service import forget_facts
from worker.jobs.contacts import ask_members


@pytest.fixture
def api(app: Flask, cast: Cast) -> Any:
    with cast.owner.scope() as scope:
        ensure_verified_domain(scope, "acme.test")
    forget_facts()
    return cast.owner.api(app)


def _list(api: Any, sender: str = "news@acme.test") -> str:
    body = {"name": "Careful <news>", "description": "Once a week.", "double_opt_in": True, "from_address": sender}
    return str(api.post("/api/v1/lists", json=body).json["data"]["id"])


def _join(api: Any, list_id: str, email: str = "ada@example.net") -> str:
    return str(api.post(f"/api/v1/lists/{list_id}/contacts", json={"email": email, "first_name": "Ada"}).json["data"]["id"])


def _letters() -> list[tuple[str, str, str]]:
    with unscoped("test") as rows:
        wanted = "select m.from_address, m.subject, c.text from messages m join message_contents c on c.id = m.id order by m.id"
        return [(row[0], row[1], row[2]) for row in rows.execute(sa.text(wanted))]


def _state(api: Any, list_id: str, state: str) -> int:
    return len(api.get(f"/api/v1/lists/{list_id}/contacts?state={state}").json["data"])


def test_asked_once_and_confirmed_by_a_post(app: Flask, api: Any) -> None:
    list_id = _list(api)
    contact_id = _join(api, list_id)
    ask_members(0)
    ask_members(0)
    ((sender, subject, text),) = _letters()
    assert (sender, subject) == ("news@acme.test", "Please confirm: Careful <news>")
    link = re.search(r"/confirm/\S+", text)
    assert link and "Once a week." in text
    anybody = app.test_client()
    page = anybody.get(link[0])
    assert page.status_code == 200 and "Careful &lt;news&gt;" in page.get_data(as_text=True)
    assert _state(api, list_id, "pending") == 1
    for _ in range(2):
        assert "You are on the list" in anybody.post(link[0]).get_data(as_text=True)
    assert _state(api, list_id, "subscribed") == 1
    contact = api.get(f"/api/v1/contacts/{contact_id}").json["data"]
    assert contact["consent_source"].startswith("Confirmed by mail") and contact["consent_at"]


def test_a_sender_that_is_refused_is_told_and_asked_again(api: Any, app: Flask, cast: Cast) -> None:
    list_id = _list(api, "news@elsewhere.test")
    _join(api, list_id)
    ask_members(0)
    assert _letters() == []
    assert "elsewhere.test" in api.get(f"/api/v1/lists/{list_id}").json["data"]["problem"]
    assert "could not be asked" in cast.owner.browser(app).get(f"/lists/{list_id}").get_data(as_text=True)
    assert api.patch(f"/api/v1/lists/{list_id}", json={"from_address": "news@acme.test"}).json["data"]["problem"] is None
    ask_members(0)
    assert len(_letters()) == 1
    assert cast.owner.browser(app).post(f"/lists/{list_id}/ask").status_code == 303
    ask_members(0)
    assert len(_letters()) == 2


def test_who_wants_no_mail_is_not_asked(api: Any) -> None:
    list_id = _list(api)
    api.post("/api/v1/suppressions", json={"email": "ada@example.net"})
    _join(api, list_id)
    _join(api, list_id, "bob@example.net")
    ask_members(0)
    assert len(_letters()) == 1


def test_tokens_cannot_be_made_up(app: Flask, api: Any) -> None:
    token = make_token(uuid7(), uuid7())
    assert read_token(token) is not None
    changed = ("A" if token[0] != "A" else "B") + token[1:]
    for wrong in (changed, token[:-4], "x", "", "é", token + token):
        assert read_token(wrong) is None
    anybody = app.test_client()
    assert [anybody.get(f"/confirm/{one}").status_code for one in (token, changed)] == [404, 404]
    assert anybody.post(f"/confirm/{token}").status_code == 404
