"""Mail that means harm, looked at by its owner: nothing runs, nothing is fetched, until somebody asks for the images."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.e2e.calls import call, message
from tests.e2e.conftest import Demo
from tests.e2e.watched import Person, person

#: What the browser says of what it did not let happen.
_REFUSED = re.compile("Content Security Policy|CSP|sandbox|Failed to load resource|Refused to|may not be used as base URLs|Unsafe attempt")
pytestmark = pytest.mark.timeout(300)


def _hostile_mails() -> list[str]:
    """A hundred HTML parts that try to run something, reach somewhere, or break out (after the OWASP filter evasion cheat sheet)."""
    lines = Path(__file__).with_name("hostile_mails.txt").read_text().splitlines()
    known = {"{run}": "alert(document.domain)", "{away}": "http://198.51.100.9", "\\n": "\n"}
    return [re.sub(r"\{run\}|\{away\}|\\n", lambda hit: known[hit[0]], line) for line in lines]


def _captured(demo: Demo, mails: list[str]) -> list[str]:
    """The ids of the messages, in the sandbox."""
    found = []
    for start in range(0, len(mails), 100):
        batch = [message(demo, "delivered", html=f"<p>Calm</p>{html}", subject=_one_line(html)) for html in mails[start : start + 100]]
        status, body = call(demo, "POST", "/api/v1/email/send/batch", {"emails": batch}, "api_key_test")
        assert status == 202, body
        assert not [entry for entry in body["results"] if "id" not in entry]
        found += [entry["id"] for entry in body["results"]]
    return found


def _one_line(text: str) -> str:
    return text[:200].replace("\n", " ")


def test_a_hundred_hostile_mails_do_nothing(demo: Demo, browser: Any) -> None:
    mails = _hostile_mails()
    assert len(mails) >= 100
    dialogs: list[str] = []
    asked: list[str] = []
    with person(demo, browser) as somebody:
        somebody.page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
        somebody.log_in()
        ids = _captured(demo, mails)
        somebody.context.on("request", lambda request: asked.append(request.url) if request.frame.parent_frame else None)
        somebody.context.on("requestfailed", lambda request: asked.remove(request.url) if request.url in asked else None)
        for message_id, html in zip(ids, mails, strict=True):
            before = len(dialogs)
            somebody.page.goto(f"{somebody.base}/messages/{message_id}/html")
            somebody.go(f"/messages/{message_id}")
            somebody.page.locator("iframe").first.scroll_into_view_if_needed()
            somebody.page.locator("iframe").first.element_handle().content_frame().wait_for_load_state("load")
            assert len(dialogs) == before, html
        # The policy refuses, and says so; that is what is wanted here.
        somebody.faults[:] = [fault for fault in somebody.faults if not _REFUSED.search(fault)]
    expected = re.compile(r"/messages/[0-9a-f-]+/html$")
    assert [url for url in asked if url.startswith("http") and not expected.search(urlsplit(url).path)] == []


def test_images_come_when_asked_for_and_only_then(demo: Demo, owner: Person) -> None:
    (message_id,) = _captured(demo, ['<img src="http://198.51.100.9/a.png" alt="A"><p>Words</p>'])
    wanted: list[str] = []
    owner.context.on("request", lambda request: wanted.append(request.url) if "198.51.100.9" in request.url else None)
    owner.context.route("http://198.51.100.9/**", lambda route: route.fulfill(status=200, content_type="image/png", body=b""))
    owner.go(f"/messages/{message_id}")
    owner.page.frame_locator("iframe").first.get_by_text("Words").wait_for()
    owner.faults.clear()
    wanted.clear()
    with owner.page.expect_event("request", lambda request: "198.51.100.9" in request.url) as seen:
        owner.page.get_by_role("link", name="Show 1 image").first.click()
    assert "referer" not in seen.value.headers
    owner.faults.clear()
