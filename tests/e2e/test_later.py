"""Mail that waits: scheduled, given another time, cancelled; and the platform's own mail."""

from __future__ import annotations

import http.cookiejar
import re
import urllib.parse
import urllib.request
from datetime import timedelta

import pytest

from tests.e2e.calls import arrived, call, events, mails_to, send, states, to, wait_delivered
from tests.e2e.conftest import Demo
from tests.live import wait_for
from webapp.kernel.clock import now, rfc3339


def _in(seconds: float) -> str:
    return str(rfc3339(now() + timedelta(seconds=seconds)))


def test_scheduled_mail_leaves_at_its_time_and_not_before(demo: Demo) -> None:
    due = now() + timedelta(seconds=3)
    message_id = send(demo, "delivered", send_at=str(rfc3339(due)))
    assert states(demo, message_id) == ["scheduled"]
    wait_delivered(demo, message_id)
    assert now() >= due


def test_cancelled_mail_never_leaves(demo: Demo) -> None:
    message_id = send(demo, "delivered", send_at=_in(4))
    status, body = call(demo, "POST", f"/api/v1/email/{message_id}/cancel")
    assert (status, body["status"]) == (200, "cancelled")
    assert call(demo, "POST", f"/api/v1/email/{message_id}/cancel")[0] == 409
    beside = send(demo, "delivered", send_at=_in(4))
    wait_delivered(demo, beside)
    assert states(demo, message_id) == ["cancelled"]


def test_re_timed_mail_follows_the_new_time(demo: Demo) -> None:
    message_id = send(demo, "delivered", send_at=_in(3600))
    status, body = call(demo, "PATCH", f"/api/v1/email/{message_id}", {"send_at": _in(1)})
    assert (status, body["status"]) == (200, "scheduled")
    wait_delivered(demo, message_id)
    assert call(demo, "PATCH", f"/api/v1/email/{message_id}", {"send_at": _in(60)})[0] == 409
    assert call(demo, "PATCH", f"/api/v1/email/{message_id}", {"send_at": "soon"})[0] == 422


def test_deferred_mail_is_tried_again_until_it_is_taken(demo: Demo) -> None:
    message_id = send(demo, "defer")
    wait_delivered(demo, message_id)
    assert "email.deferred" in events(demo, message_id)


def test_a_template_is_filled_and_a_missing_variable_is_named(demo: Demo) -> None:
    body = {"from": demo.credentials["from"], "to": to(demo, "delivered"), "template": "welcome", "variables": {"first_name": "Zoë <b>"}}
    status, sent = call(demo, "POST", "/api/v1/email/send", body)
    assert status == 202, sent
    mail = arrived(demo, sent["id"])
    assert mail["Subject"] == "Welcome, Zoë <b>"
    html = mail.get_body(("html",))
    assert html is not None and "Zoë &lt;b&gt;" in html.get_content()
    status, refused = call(demo, "POST", "/api/v1/email/send", {**body, "variables": {}})
    assert status == 422
    assert "first_name" in refused["error"]["message"]


class _Visitor:
    """A browser without JavaScript: cookies and forms."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))

    def get(self, path: str) -> str:
        """A page."""
        with self.opener.open(urllib.parse.urljoin(self.base, path), timeout=20) as response:
            return str(response.read().decode())

    def submit(self, path: str, **fields: str) -> tuple[str, str]:
        """Load the page with the form, fill it in, send it: where one ends up, and what stands there."""
        found = re.search(r'name="csrf_token" value="([^"]+)"', self.get(path))
        assert found
        data = urllib.parse.urlencode({"csrf_token": found[1], **fields}).encode()
        address = urllib.parse.urljoin(self.base, path.partition("?")[0])
        with self.opener.open(urllib.request.Request(address, data, {"Referer": address}), timeout=20) as response:
            return response.url, str(response.read().decode())


def test_a_forgotten_password_is_set_anew_by_mail_through_the_platform_itself(demo: Demo) -> None:
    address, old, new = to(demo, "newcomer"), "first horse staple battery", "second horse staple battery"
    visitor = _Visitor(demo.credentials["web_url"])
    visitor.submit("/sign-up", name="Nora", tenant_name="Newcomers", email=address, password=old)
    visitor = _Visitor(demo.credentials["web_url"])
    asked = visitor.submit("/forgot-password", email=address)[1]
    unknown = visitor.submit("/forgot-password", email="nobody@" + demo.credentials["simulator_domain"])[1]
    assert asked.count("<form") == unknown.count("<form")
    wait_for(lambda: bool(mails_to(demo, address)), seconds=30, what="the reset mail")
    mail = mails_to(demo, address)[-1]
    text = mail.get_body(("plain",))
    assert text is not None
    link = re.search(r"https?://\S+reset-password\?token=\S+", text.get_content())
    assert link
    token = urllib.parse.parse_qs(urllib.parse.urlsplit(link[0]).query)["token"][0]
    assert "/api/t/" not in mail.as_string(), "the platform's own mail is not tracked"
    visitor.submit(link[0], token=token, password=new)
    assert visitor.submit("/login", email=address, password=new)[0].rstrip("/") == demo.credentials["web_url"]
    again = _Visitor(demo.credentials["web_url"])
    with pytest.raises(urllib.error.HTTPError):
        again.submit("/login", email=address, password=old)
