"""The audience's pages: every form does what it says, and says what is wrong."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from flask import Flask

from tests.fixtures import Cast
from worker.jobs.contacts import import_files


@pytest.fixture
def browser(app: Flask, cast: Cast) -> Any:
    return cast.owner.browser(app)


def _post(browser: Any, path: str, /, **form: Any) -> str:
    """Where the answer leads."""
    answer = browser.post(path, data=form)
    assert answer.status_code == 303, (path, answer.status_code, answer.get_data(as_text=True)[:2000])
    return str(answer.location)


def _text(browser: Any, path: str) -> str:
    answer = browser.get(path)
    assert answer.status_code == 200, path
    return str(answer.get_data(as_text=True))


def test_a_contact_by_hand(browser: Any) -> None:
    here = _post(browser, "/contacts/", email="ada@example.net", first_name="Ada", own_fields="plan: pro\nseats: 3")
    page = _text(browser, here)
    assert "plan: pro" in page and "Ada" in page
    _post(browser, here, email="ada@example.net", first_name="Ada", last_name="Lovelace", status="unsubscribed", own_fields="seats: 4")
    page = _text(browser, here)
    assert "Lovelace" in page and "Unsubscribed" in page and "plan: pro" not in page
    twice = browser.post("/contacts/", data={"email": "ADA@example.net"})
    assert twice.status_code == 422 and "already" in twice.get_data(as_text=True)
    wrong = browser.post(here, data={"email": "nobody", "own_fields": "no colon"})
    assert wrong.status_code == 422 and "name: value" in wrong.get_data(as_text=True)
    _post(browser, f"{here}/delete")
    assert browser.get(here).status_code == 404


def test_lists_and_tags_by_hand(browser: Any) -> None:
    news = _post(browser, "/lists/", name="News")
    _post(browser, f"{news}/members", email="ada@example.net", first_name="Ada")
    assert "ada@example.net" in _text(browser, news)
    assert browser.post("/lists/", data={"name": "News"}).status_code == 422
    assert browser.post(f"{news}/members", data={"email": "x"}).status_code == 422
    _post(browser, news, name="Better news", double_opt_in="1", from_address="news@acme.test")
    assert "Better news" in _text(browser, "/lists/")
    _post(browser, "/tags/", name="VIP", color="#3b82f6")
    assert browser.post("/tags/", data={"name": "VIP", "color": "#3b82f6"}).status_code == 422
    tag_id = re.search(r"tag=([0-9a-f-]{36})", _text(browser, "/tags/"))
    contact = re.search(r"/contacts/[0-9a-f-]{36}", _text(browser, "/contacts/"))
    assert tag_id and contact
    _post(browser, f"{contact[0]}/tags", tag_id=tag_id[1])
    assert "VIP" in _text(browser, f"/contacts/?tag={tag_id[1]}")
    _post(browser, f"{contact[0]}{news}/leave")
    assert "Left" in _text(browser, contact[0])
    _post(browser, f"{contact[0]}/tags/{tag_id[1]}/remove")
    _post(browser, f"/tags/{tag_id[1]}/delete")
    _post(browser, f"{news}/delete")
    assert "No lists yet" in _text(browser, "/lists/")


def test_a_file_from_upload_to_errors(browser: Any) -> None:
    csv = b"Mail;Given;City\nada@example.net;Ada;London\nnobody;No;Where\n"
    answer = browser.post("/contacts/import", data={"file": (io.BytesIO(csv), "people.csv")})
    job = answer.location
    page = _text(browser, job)
    assert "What are the columns?" in page and "London" in page
    refused = browser.post(job, data={"mapping": ["", "", ""]})
    assert refused.status_code == 422 and "One column must be the email address" in refused.get_data(as_text=True)
    assert browser.post(job, data={"mapping": ["email", "first_name", "metadata.city"], "update_existing": "1", "tags": "fair"}).status_code == 303
    import_files(0)
    page = _text(browser, job)
    assert "Done" in page and "hx-get" not in page.split('id="import"')[1].split(">")[0]
    assert "nobody;No;Where" in _text(browser, f"{job}/errors.csv")
    assert browser.post("/contacts/import", data={}).status_code == 422
    assert browser.post("/contacts/import", data={"pasted": "bob@example.net"}).status_code == 303


def test_the_segment_builder(browser: Any) -> None:
    _post(browser, "/contacts/", email="ada@example.net", first_name="Ada")
    row = {"field": "first_name", "key": "", "operator": "is", "value": "ada", "days": ""}
    assert "<strong>1</strong>" in browser.post("/segments/count", data=row).get_data(as_text=True)
    changed = browser.post("/segments/builder", data={**row, "field": "opened"}).get_data(as_text=True)
    assert 'value="within_days"' in changed and 'value="contains"' not in changed
    assert browser.post("/segments/builder", data={**row, "add": "1"}).get_data(as_text=True).count("<fieldset") == 2
    two = {name: [value, value] for name, value in row.items()}
    assert browser.post("/segments/builder", data={**two, "remove": "0"}).get_data(as_text=True).count("<fieldset") == 1
    here = _post(browser, "/segments/new", name="Adas", **row)
    assert "ada@example.net" in _text(browser, f"{here}/contacts")
    assert "First name is ada" in _text(browser, "/segments/")
    wrong = browser.post("/segments/new", data={"name": "Empty", **row, "value": ""})
    assert wrong.status_code == 422 and "1 to 500" in wrong.get_data(as_text=True)
    nested = '{"any": [{"not": {"field": "email", "operator": "contains", "value": "@"}}]}'
    _post(browser, here, name="Adas", as_json="1", rules=nested)
    assert "nested deeper" in _text(browser, here)
    assert browser.post(here, data={"name": "Adas", "as_json": "1", "rules": "{"}).status_code == 422
    _post(browser, f"{here}/delete")


def test_pages_of_an_empty_audience_teach(browser: Any) -> None:
    for path, word in (("/contacts/", "No contacts yet"), ("/lists/", "No lists yet"), ("/tags/", "No tags yet"), ("/segments/", "No segments yet")):
        assert word in _text(browser, path)
    for path in ("/segments/new", "/contacts/import", "/contacts/export.csv"):
        _text(browser, path)
    assert browser.get("/contacts/?q=%00&status=x&list=x&tag=x&cursor=").status_code == 200


def test_a_viewer_sees_and_changes_nothing(app: Flask, cast: Cast, browser: Any) -> None:
    here = _post(browser, "/contacts/", email="ada@example.net")
    viewer = cast.teammate.browser(app)
    assert "Save" not in _text(viewer, here)
    for path in (here, f"{here}/delete", "/contacts/", "/lists/", "/tags/", "/segments/new"):
        assert viewer.post(path, data={"email": "x@y.test", "name": "x"}).status_code == 403
