"""Every guarded route, called by those it is not for: a visitor, a viewer who would change something, a member where only staff may go."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.architecture.test_routes import LIBRARY
from tests.fixtures import Browser, Cast
from webapp.http.guard import Access
from webapp.kernel.permissions import PRESETS

_NOBODY = "01900000-0000-7000-8000-000000000000"
_PLACE = re.compile(r"<(?:(?P<kind>\w+)(?:\((?P<options>[^)]*)\))?:)?\w+>")


def routes(app: Flask) -> Iterator[tuple[str, str, Access]]:
    """``(method, path, mark)`` of every guarded route, with an id that nobody has in each place."""
    for rule in app.url_map.iter_rules():
        view: Any = app.view_functions[rule.endpoint]
        of_class = getattr(view, "view_class", None)
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            access = getattr(getattr(of_class, method.lower(), None) if of_class else view, "__access__", None)
            if access is not None and access.word != "public" and rule.endpoint not in LIBRARY:
                yield method, _PLACE.sub(_fill, rule.rule), access


def _fill(place: re.Match[str]) -> str:
    if place["kind"] == "any":
        return place["options"].split(",")[0].strip(" '\"")
    return "1" if place["kind"] == "int" else _NOBODY


def is_api(path: str) -> bool:
    """Whether keys, not cookies, open this path."""
    return path.startswith(("/api/", "/compat/"))


def refused(client: FlaskClient, method: str, path: str, statuses: set[int], **options: Any) -> str | None:
    """None when the answer is a refusal that no cache keeps, else what is wrong with it."""
    answer = client.open(path, method=method, **options)
    if answer.status_code not in statuses:
        return f"{method} {path}: {answer.status_code}"
    if answer.status_code == 302 and "/login" not in answer.headers["Location"]:
        return f"{method} {path}: leads to {answer.headers['Location']}"
    return None if "no-store" in answer.headers.get("Cache-Control", "") else f"{method} {path}: may be cached"


@pytest.mark.parametrize("htmx", [False, True])
def test_a_visitor_is_let_in_nowhere(app: Flask, visitor: Browser, cast: Cast, htmx: bool) -> None:
    wrong = []
    for number, (method, path, _) in enumerate(routes(app)):
        statuses = {401} if htmx or is_api(path) else {302, 401}
        place = {"REMOTE_ADDR": f"203.0.113.{number % 250}"}  # so that no stranger becomes too many
        wrong.append(refused(visitor, method, path, statuses, htmx=htmx, environ_overrides=place))
    assert [found for found in wrong if found] == []
    assert len(wrong) > 100


def test_a_viewer_changes_nothing(app: Flask, cast: Cast) -> None:
    browser, wrong = cast.teammate.browser(app), []
    allowed = PRESETS["viewer"]
    for method, path, access in routes(app):
        if not is_api(path) and access.permission is not None and not allowed.allows(access.permission):
            wrong.append(refused(browser, method, path, {403}))
    assert [found for found in wrong if found] == []
    assert len(wrong) > 10


def test_an_owner_is_no_staff(app: Flask, cast: Cast) -> None:
    browser = cast.owner.browser(app)
    found = [refused(browser, method, path, {403, 404}) for method, path, access in routes(app) if access.word == "staff_only"]
    assert [one for one in found if one] == []


def test_pages_of_a_member_are_kept_by_no_cache(app: Flask, cast: Cast) -> None:
    browser, kept = cast.owner.browser(app), []
    for method, path, _ in routes(app):
        if method == "GET" and not is_api(path) and _NOBODY not in path:
            answer = browser.get(path, buffered=False)
            answer.close()
            if "no-store" not in answer.headers.get("Cache-Control", ""):
                kept.append(path)
    assert kept == []
