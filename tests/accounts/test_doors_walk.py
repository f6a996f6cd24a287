"""Every page and fragment of the dashboard: without a login, in the wrong tenant, as a viewer (reliability F32); and old cookies after every change (F36).

The routes come from the URL map, so that a new one is walked too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from werkzeug.routing import AnyConverter, BaseConverter, Rule, UUIDConverter

from tests.accounts.post import receive
from tests.accounts.test_second_factor import code_of
from tests.fixtures import PASSWORD, Browser, Cast
from webapp.accounts import service
from webapp.accounts.types import MemberRole
from webapp.http.guard import Access
from webapp.kernel.db import unscoped
from webapp.kernel.ids import uuid7
from webapp.kernel.permissions import PRESETS

_UNSAFE = {"POST", "PUT", "PATCH", "DELETE"}
_NEW = "seven quiet harbours at dawn"


def _routes(app: Flask) -> Iterator[tuple[Rule, str, Access]]:
    """Each guarded page with one of its methods."""
    for rule in app.url_map.iter_rules():
        access = getattr(app.view_functions[rule.endpoint], "__access__", None)
        if rule.rule.startswith(("/api/", "/compat/")) or access is None or access.word == "public":
            continue
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield rule, method, access


def _path(app: Flask, rule: Rule) -> str:
    """The address with ids that are nobody's."""
    values = {name: _value(converter) for name, converter in rule._converters.items()}
    with app.test_request_context():
        return str(app.url_map.bind("localhost").build(rule.endpoint, values, method=next(iter((rule.methods or set()) - {"HEAD", "OPTIONS"}))))


def _value(converter: BaseConverter) -> object:
    if isinstance(converter, AnyConverter):
        return min(converter.items)
    return uuid7() if isinstance(converter, UUIDConverter) else 1


def test_nobody_sees_anything_without_a_login(cast: Cast, app: Flask, visitor: Browser) -> None:
    wrong, walked = [], 0
    for rule, method, _ in _routes(app):
        path, walked = _path(app, rule), walked + 1
        for htmx, allowed in ((False, {302, 401}), (True, {401})):
            answer = visitor.open(path, method=method, htmx=htmx)
            leads_to_login = "/login" in answer.headers.get("Location", "") or answer.headers.get("HX-Redirect") == "/login"
            is_bare = htmx <= (answer.text == "") and "<main" not in answer.text
            if answer.status_code not in allowed or not leads_to_login or not is_bare or answer.headers.get("Cache-Control") != "no-store":
                wrong.append(f"{method} {path} htmx={htmx}: {answer.status_code}")
    assert walked > 150 and not wrong


def test_a_forged_form_changes_nothing(cast: Cast, app: Flask) -> None:
    browser, wrong = cast.owner.browser(app), []
    for rule, method, _ in _routes(app):
        if method in _UNSAFE:
            answer = browser.open(_path(app, rule), method=method, headers={"X-CSRFToken": "forged"})
            if answer.status_code != 403:
                wrong.append(f"{method} {rule.rule}: {answer.status_code}")
    assert not wrong


def test_a_viewer_is_refused_by_every_page_that_asks_for_more(cast: Cast, app: Flask) -> None:
    browser, wrong, refused = cast.teammate.browser(app), [], 0
    for rule, method, access in _routes(app):
        if access.word == "staff_only" or (access.permission is not None and not PRESETS[MemberRole.VIEWER].allows(access.permission)):
            refused += 1
            for htmx in (False, True):
                answer = browser.open(_path(app, rule), method=method, htmx=htmx)
                if answer.status_code != 403 or (htmx and answer.text) or answer.headers.get("Cache-Control") != "no-store":
                    wrong.append(f"{method} {rule.rule} htmx={htmx}: {answer.status_code}")
    assert refused > 80 and not wrong


def test_pages_are_kept_by_nobody(cast: Cast, app: Flask) -> None:
    browser, wrong, seen = cast.owner.browser(app), [], 0
    for rule, method, access in _routes(app):
        if method == "GET" and not rule.arguments and access.word != "staff_only":
            answer = browser.get(_path(app, rule))
            seen += answer.status_code == 200
            if "no-store" not in answer.headers.get("Cache-Control", "") or answer.status_code >= 500:
                wrong.append(f"{rule.rule}: {answer.status_code} {answer.headers.get('Cache-Control')}")
            answer.close()
    assert seen > 30 and not wrong


def _reset(cast: Cast, app: Flask) -> None:
    visitor = Browser(app, app.response_class, use_cookies=True)
    visitor.post("/forgot-password", data={"email": cast.teammate.email})
    visitor.post("/reset-password", data={"token": receive()[-1].token, "password": _NEW})


def _change_password(cast: Cast, app: Flask) -> None:
    cast.teammate.browser(app).post("/settings/password", data={"current_password": PASSWORD, "new_password": _NEW})


def _change_email(cast: Cast, app: Flask) -> None:
    cast.teammate.browser(app).post("/settings/email", data={"email": "tom@new.test", "current_password": PASSWORD})
    Browser(app, app.response_class, use_cookies=True).post("/confirm-email", data={"token": receive()[-1].token})


def _change_role(cast: Cast, app: Flask) -> None:
    cast.owner.browser(app).post(f"/team/{cast.teammate.user_id}/role", data={"role": "admin"})


def _remove(cast: Cast, app: Flask) -> None:
    cast.owner.browser(app).post(f"/team/{cast.teammate.user_id}/remove")


def _add_factor(cast: Cast, app: Flask) -> None:
    with unscoped("test") as rows:
        secret = service.begin_totp(rows, cast.teammate.user_id)
    cast.teammate.browser(app).post("/settings/security/authenticator", data={"code": code_of(secret)})


def _reset_factor(cast: Cast, app: Flask) -> None:
    cast.owner.browser(app).post(f"/team/{cast.teammate.user_id}/reset-factors")


def _end_others(cast: Cast, app: Flask) -> None:
    cast.teammate.browser(app).post("/settings/sessions/end-others")


@pytest.mark.parametrize("act", [_reset, _change_password, _change_email, _change_role, _remove, _add_factor, _reset_factor, _end_others])
def test_cookies_from_before_open_nothing_after(cast: Cast, app: Flask, act: Callable[[Cast, Flask], None]) -> None:
    browsers = [cast.teammate.browser(app) for _ in range(2)]
    assert [browser.get("/settings").status_code for browser in browsers] == [200, 200]
    act(cast, app)
    assert [browser.get("/settings").status_code for browser in browsers] == [302, 302]
    assert [browser.get("/activity/panel", htmx=True).status_code for browser in browsers] == [401, 401]
