"""The components rendered on their own: what they say, what they escape, what screen readers get."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from jinja2 import Environment, FileSystemLoader

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"
HOSTILE = "<img src=x onerror=alert(1)>\"'"
CODES = (400, 403, 404, 405, 413, 429, 500, 503)


@pytest.fixture(scope="module")
def env() -> Environment:
    """A Jinja environment with the globals that components/README.md promises."""
    made = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True)
    made.globals.update(asset=lambda path: f"/static/{path}", csrf_token=lambda: "token")
    return made


def render(env: Environment, component: str, names: str, source: str, **context: Any) -> str:
    """Render `source` with `names` imported from one component file."""
    return env.from_string(f"{{% from 'components/{component}.html' import {names} %}}{source}").render(**context)


def page_context() -> dict[str, Any]:
    """The context of a signed-in page."""
    item = {"label": "Bridges", "url": "/bridges", "icon": "cable", "active": True, "key": "b"}
    return {
        "request": SimpleNamespace(path="/styleguide", args={}),
        "viewer": SimpleNamespace(name="Ada L", email="a@b.example", tenant_name=HOSTILE, mode="sandbox", is_staff=True),
        "nav": [{"label": "Sending", "items": [item]}],
        "shell": {"home_url": "/", "search_url": "/messages", "mode_url": "/mode", "logout_url": "/logout"},
        "now": datetime.now(UTC),
    }


def test_styleguide_renders_every_component(env: Environment) -> None:
    html = env.get_template("styleguide/index.html").render(**page_context())
    assert '<html lang="en" data-theme="light" data-mode="sandbox">' in html
    assert "<title>Styleguide · Postbridge</title>" in html
    assert HOSTILE not in html
    assert 'aria-current="page" data-key="b"' in html
    for path in (TEMPLATES / "components").glob("*.html"):
        assert any(
            f"components/{path.name}" in other.read_text() for folder in ("styleguide", "layouts") for other in (TEMPLATES / folder).glob("*.html")
        ) or path.name in {"copy.html", "time.html"}, f"{path.name} is not shown on the styleguide"


@pytest.mark.parametrize("code", CODES)
def test_error_page_says_what_to_do(env: Environment, code: int) -> None:
    html = env.get_template(f"errors/{code}.html").render(request_id="req-1", message=HOSTILE)
    assert f"Error {code}" in html
    assert "req-1" in html
    assert HOSTILE not in html
    assert "csrf" not in html  # an error page must not need a session


@pytest.mark.parametrize(
    ("past", "text"),
    [(10, "just now"), (120, "2 min ago"), (7300, "2 h ago"), (3 * 86400, "3 d ago"), (-7300, "in 2 h")],
)
def test_ago_counts_on_the_server(env: Environment, past: int, text: str) -> None:
    html = render(env, "time", "ago", "{{ ago(at) }}", at=datetime.now(UTC) - timedelta(seconds=past))
    assert f">{text}</time>" in html
    assert 'UTC"' in html


def test_ago_of_nothing(env: Environment) -> None:
    assert "Never" in render(env, "time", "ago", "{{ ago(none) }}")


def test_field_ties_its_error_and_escapes_it(env: Environment) -> None:
    source = "{{ field('from', 'Sender', bad, errors={'from': [bad]}, help='Help') }}"
    html = render(env, "form", "field", source, bad=HOSTILE)
    assert 'aria-invalid="true"' in html
    assert 'aria-describedby="f-from-help f-from-error"' in html
    assert 'id="f-from-error"' in html
    assert HOSTILE not in html


def test_password_is_never_written_back(env: Environment) -> None:
    assert "hunter2" not in render(env, "form", "field", "{{ field('p', 'Password', 'hunter2', type='password') }}")


@pytest.mark.parametrize(("on", "checked", "sent"), [(True, "true", "0"), (False, "false", "1")])
def test_toggle_sends_the_other_value(env: Environment, on: bool, checked: str, sent: str) -> None:
    html = render(env, "form", "toggle", "{{ toggle('/t', on, 'Opens') }}", on=on)
    assert f'aria-checked="{checked}"' in html
    assert f'name="on" value="{sent}"' in html
    assert 'name="csrf_token" value="token"' in html


def test_status_of_an_unknown_state_is_shown_as_text(env: Environment) -> None:
    html = render(env, "badge", "status", "{{ status('half_done') }}{{ status(bad) }}", bad=HOSTILE)
    assert "Half done" in html
    assert HOSTILE not in html


def test_every_state_has_icon_and_word(env: Environment) -> None:
    states = env.get_template("components/badge.html").module.STATES  # type: ignore[attr-defined]
    for state in ["scheduled", "held", "queued", "deferred", "delivered", "bounced", "failed", "suppressed", "cancelled", "sandboxed"]:
        tone, icon, label = states[state]
        assert tone and icon and label


def test_remote_secret_is_not_in_the_page(env: Environment) -> None:
    html = render(env, "copy", "secret", "{{ secret(what='token', reveal_url='/reveal') }}")
    assert 'hx-get="/reveal"' in html


@pytest.mark.parametrize(("n", "text"), [(912, "912 B"), (14210, "14.2 kB"), (3_100_000, "3.1 MB"), (None, "–")])
def test_bytes_have_units(env: Environment, n: int | None, text: str) -> None:
    assert render(env, "format", "bytes", "{{ bytes(n) }}", n=n) == text


def test_chart_data_cannot_close_its_script(env: Environment) -> None:
    data = {"x": [1], "series": [{"label": "</script><b>", "values": [1]}]}
    html = render(env, "chart", "chart", "{{ chart('c', 'Chart', data) }}", data=data)
    assert "</script><b>" not in html
