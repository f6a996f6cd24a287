"""Header fields for a relay: what may be said, in JSON and in a form, and that the stranger reads none of it."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from marshmallow import ValidationError

from tests.fixtures import Cast
from webapp.sending_accounts.headers import RelayHeaders
from webapp.sending_accounts.service import AccountInput, create_account, set_active
from webapp.sending_accounts.types import as_lines

FIELD = RelayHeaders()


def test_what_a_form_and_what_json_says() -> None:
    wanted = {"X-SES-CONFIGURATION-SET": "news", "X-PM-Message-Stream": "out: bound"}
    assert FIELD.deserialize("X-SES-CONFIGURATION-SET: news\r\n\r\n X-PM-Message-Stream : out: bound ") == wanted
    assert FIELD.deserialize(wanted) == wanted
    assert as_lines(wanted) == b"X-SES-CONFIGURATION-SET: news\r\nX-PM-Message-Stream: out: bound\r\n"


@pytest.mark.parametrize(
    "value",
    [
        "X-One", "From: me", {"X-One": "two\r\nBcc: b@example.net"}, {"X-One\r\nBcc": "b"}, {"X-One": "\u2028"}, {"X-One": ""}, {"X-One": 1}, ["X-One"],
        {"X-One": "y" * 400}, {"X-Ä": "a"}, {"X-Postbridge-Id": "mine"}, {"x-postbridge-id": "mine"}, {"X-One": "a", "x-one": "b"},
        {f"X-{n}": "a" for n in range(11)}, {"X-One": "\0"}, {"DKIM-Signature": "v=1"},
    ],
)  # fmt: skip
def test_what_cannot_stand_in_a_mail(value: Any) -> None:
    with pytest.raises(ValidationError):
        FIELD.deserialize(value)


def test_over_the_api_and_on_the_page(cast: Cast, app: Flask) -> None:
    api, browser, stranger = cast.owner.api(app), cast.owner.browser(app), cast.stranger.api(app)
    with cast.owner.scope() as scope:
        account_id = create_account(scope, AccountInput("relay", "9.9.9.9")).id
    url = f"/api/v1/providers/{account_id}"
    answer = api.patch(url, json={"headers": {"X-Stream": "one"}})
    assert answer.json["data"]["headers"] == {"X-Stream": "one"}
    refused = api.patch(url, json={"headers": {"Subject": "one"}})
    assert (refused.status_code, refused.json["error"]["param"]) == (422, "headers")
    assert stranger.get(url).status_code == stranger.patch(url, json={"headers": {}}).status_code == 404
    page = f"/sending-accounts/{account_id}"
    assert "X-Stream: one" in browser.get(page).get_data(as_text=True)
    form = {"name": "relay", "host": "9.9.9.9", "port": "587", "tls": "required", "auth": "auto", "max_connections": "20"}
    wrong = browser.post(page, data={**form, "headers": "Subject: hello"})
    assert wrong.status_code == 422 and "begin with X-" in wrong.get_data(as_text=True) and "Subject: hello" in wrong.get_data(as_text=True)
    assert browser.post(page, data={**form, "headers": "X-A: b\r\nX-C: d"}).status_code == 303
    assert api.get(url).json["data"]["headers"] == {"X-A": "b", "X-C": "d"}
    assert browser.post(page, data=form).status_code == 303
    assert api.get(url).json["data"]["headers"] == {}


def test_lists_of_accounts_are_filtered_and_exported(cast: Cast, app: Flask) -> None:
    browser, stranger = cast.owner.browser(app), cast.stranger.browser(app)
    with cast.owner.scope() as scope:
        create_account(scope, AccountInput("=cmd()|mine", "9.9.9.9", username="user", password="planted-secret"))
        set_active(scope, create_account(scope, AccountInput("resting", "8.8.8.8")).id, False)
    page = browser.get("/sending-accounts/?state=disabled").get_data(as_text=True)
    assert "resting" in page and "9.9.9.9" not in page
    lines = browser.get("/sending-accounts/export.csv").get_data(as_text=True).splitlines()
    assert len(lines) == 3 and not any("planted-secret" in line for line in lines)
    assert any(line.startswith("'=cmd()|mine,9.9.9.9,587,required,user,active") for line in lines)
    assert "9.9.9.9" not in browser.get("/sending-accounts/export.csv?q=resting").get_data(as_text=True)
    assert "9.9.9.9" not in stranger.get("/sending-accounts/export.csv").get_data(as_text=True)
