"""The walk over the URL map: what a support session may reach is named, everything else is refused, also what will be added tomorrow."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from flask import Flask, Response
from werkzeug.routing import AnyConverter, Rule

from tests.backoffice.sessions import in_session, only_session
from tests.fixtures import Browser, Cast
from webapp.backoffice import policy
from webapp.backoffice.doors.gate import _access
from webapp.http.guard import Access, requires
from webapp.kernel.ids import uuid7
from webapp.kernel.permissions import PRESETS, Permission

#: Permissions that no route of a support session may ask for, whatever was granted.
NEVER = {
    "bridge.create", "bridge.delete", "bridge.reveal", "email.send", "key.create", "key.delete", "role.create", "role.update", "role.delete",
    "team.invite", "team.update", "tenant.update", "provider.create", "provider.update", "provider.delete", "domain.delete", "pool.delete",
    "template.delete", "suppression.delete",
}  # fmt: skip
#: Words in the names of views that say what no session may do.
FORBIDDEN_WORDS = ("reveal", "rotate", "export", "send", "delete", "remove", "invite", "credential", "password", "secret", "consent", "grant", "impersonat")


def walk(app: Flask) -> Iterator[tuple[Rule, str, str]]:
    """Each rule and method with an address that names nobody's objects."""
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        values = {name: _value(rule, name) for name in rule.arguments}
        address = re.sub(r"<(?:[^:<>]+(?:\([^)]*\))?:)?(\w+)>", lambda found, given=values: given[found[1]], rule.rule)
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield rule, method, address


def _value(rule: Rule, name: str) -> str:
    converter = rule._converters[name]
    if isinstance(converter, AnyConverter):
        return sorted(converter.items)[0]
    return {"UUIDConverter": str(uuid7()), "IntegerConverter": "1"}.get(type(converter).__name__, "absent")


def _own(endpoint: str) -> bool:
    return endpoint in policy.CONTROLS | policy.WAY_OUT or endpoint == "static"


def test_read_only_refuses_every_writing_route(app: Flask, cast: Cast) -> None:
    browser = in_session(app, cast)
    wrong = [
        f"{method} {address}: {status}"
        for rule, method, address in walk(app)
        if method != "GET" and not _own(rule.endpoint) and rule.endpoint not in policy.LOOKS
        if (status := _call(browser, method, address)) not in _refusals(address)
    ]
    assert not wrong
    assert only_session().ended_at is None


def test_changes_open_the_named_routes_and_no_other(app: Flask, cast: Cast) -> None:
    browser = in_session(app, cast, write=True)
    opened, wrong = set(), []
    for rule, method, address in walk(app):
        if method == "GET" or _own(rule.endpoint) or rule.endpoint in policy.LOOKS:
            continue
        status = _call(browser, method, address)
        if rule.endpoint in policy.GRANTABLE:
            opened.add(rule.endpoint)
            if status not in (303, 404, 409, 422, 204):
                wrong.append(f"{method} {address}: {status}, which was granted")
        elif status not in _refusals(address):
            wrong.append(f"{method} {address}: {status}")
    assert not wrong
    assert opened | {"content.new"} == policy.GRANTABLE, "a granted route is gone, or only reads"


def test_reading_gives_no_secret_no_file_and_no_staff_page(app: Flask, cast: Cast) -> None:
    browser = in_session(app, cast, write=True)
    wrong = []
    for rule, method, address in walk(app):
        if method != "GET" or _own(rule.endpoint):
            continue
        answer = browser.get(address)
        word = next((word for word in ("reveal", "export", "_file", "attachment") if word in rule.endpoint), None)
        if answer.status_code >= 500 and rule.endpoint != "health.readyz":
            wrong.append(f"{address}: {answer.status_code}")
        if word or address.startswith(("/staff", "/styleguide")) or rule.endpoint.endswith(".platform"):
            wrong += [] if answer.status_code == 403 else [f"{address}: {answer.status_code}"]
        if answer.headers.get("Content-Disposition", "").startswith("attachment") or answer.mimetype == "text/csv":
            wrong.append(f"{address} is a download")
        if answer.status_code == 200 and answer.mimetype == "text/html" and "<body" in answer.text and 'id="support-banner"' not in answer.text:
            wrong.append(f"{address} has no banner")
    assert not wrong


def _refusals(address: str) -> tuple[int, ...]:
    """How a refusal looks: the doors for clients of other services speak their dialects."""
    return (401, 403, 422) if address.startswith("/compat/") else (403,)


def _call(browser: Browser, method: str, address: str) -> int:
    return browser.open(address, method=method, data={} if not address.startswith("/api/") else None).status_code


def test_nothing_granted_is_ever_on_the_never_list(app: Flask) -> None:
    marked = {rule.endpoint: app.view_functions[rule.endpoint] for rule in app.url_map.iter_rules()}
    for endpoint in policy.GRANTABLE:
        access: Access = marked[endpoint].__access__  # type: ignore[attr-defined]
        assert access.permission is not None and access.permission.value not in NEVER, endpoint
        assert not any(word in endpoint for word in FORBIDDEN_WORDS), endpoint


@pytest.mark.parametrize("changes", [False, True])
def test_the_scope_of_a_session_holds_no_right_on_the_never_list(changes: bool) -> None:
    held = policy.permissions_in_session(PRESETS["owner"], changes=changes)
    assert not {permission for permission in NEVER if held.allows(permission)}
    assert not any("*" in pattern for pattern in held)
    assert {p for p in held if not p.endswith(".read")} == (set() if not changes else {p.value for p in policy._GRANTABLE_PERMISSIONS})


def test_a_route_that_nobody_thought_of_is_refused(app: Flask) -> None:
    for permission in Permission:
        for changes in (False, True):
            for method in ("POST", "PUT", "PATCH", "DELETE"):
                assert policy.judge("tomorrow.act", method, Access(permission), changes=changes)
    for word in ("public", "signed_in", "staff_only"):
        assert policy.judge("tomorrow.page", "GET", Access(word=word), changes=True)
    assert policy.judge("tomorrow.unmarked", "GET", None, changes=True)
    assert policy.judge("tomorrow.reveal", "GET", Access(Permission.BRIDGE_REVEAL), changes=True)
    assert policy.judge("tomorrow.export", "GET", Access(Permission.EMAIL_READ), changes=True)


def test_a_download_under_an_innocent_name_does_not_leave(cast: Cast, app: Flask) -> None:
    @requires(Permission.BRIDGE_READ)
    def innocent() -> Response:
        return Response("a,b\r\n", content_type="text/csv", headers={"Content-Disposition": 'attachment; filename="all.csv"'})

    original = app.view_functions["bridges.index"]
    app.view_functions["bridges.index"] = innocent
    try:
        answer = in_session(app, cast).get("/bridges/")
    finally:
        app.view_functions["bridges.index"] = original
    assert answer.status_code == 403 and "a,b" not in answer.text and "take data away" in answer.text


def test_an_event_stream_ends_with_its_session(cast: Cast, app: Flask) -> None:
    @requires(Permission.BRIDGE_READ)
    def stream() -> Response:
        def events() -> Iterator[str]:
            for number in range(4):
                if number == 2:
                    browser.post("/support-session/stop")
                yield f"data: jo@customer.example {number}\n\n"

        return Response(events(), content_type="text/event-stream")

    original = app.view_functions["bridges.index"]
    app.view_functions["bridges.index"] = stream
    try:
        browser = in_session(app, cast)
        from webapp.backoffice.doors import answers

        answers._LOOK_SECONDS, kept = 0.0, answers._LOOK_SECONDS
        text = browser.get("/bridges/").get_data(as_text=True)
        answers._LOOK_SECONDS = kept
    finally:
        app.view_functions["bridges.index"] = original
    assert [line for line in text.splitlines() if line] == ["data: j•••@customer.example 0", "data: j•••@customer.example 1"]


def test_the_gate_reads_the_mark_of_the_method_that_is_called(app: Flask) -> None:
    with app.test_request_context("/api/v1/bridges", method="POST"):
        access = _access("Bridges.Bridges")
    assert access is not None and access.permission is Permission.BRIDGE_CREATE
