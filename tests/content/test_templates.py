"""Templates: kept, rendered for a send, previewed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask

from tests.fixtures import Cast, Person
from webapp.content import service
from webapp.content.service import TemplateInput
from webapp.kernel.errors import Conflict, Forbidden, NotFound, ValidationFailed
from webapp.kernel.permissions import PRESETS
from webapp.kernel.scope import Scope


def make(person: Person, slug: str = "order", **more: Any) -> UUID:
    """A committed template."""
    values = {"name": "Order", "subject": "Order {{ number }}", "html": "<p>{{ name }}</p>", "text": "{{ name }} {{ number }}", **more}
    with person.scope() as scope:
        return service.create_template(scope, TemplateInput(slug, **values)).id


def rendered(person: Person, variables: dict[str, Any], slug: str = "order") -> tuple[str, str | None, str | None]:
    """Subject, HTML and text as a send gets them."""
    with person.scope() as scope:
        done = service.render_by_slug(scope.session, scope.tenant_id, slug, variables)
    return done.subject, done.html, done.text


def test_all_parts_are_filled_in(cast: Cast) -> None:
    make(cast.owner)
    assert rendered(cast.owner, {"number": 7, "name": "<A&B>"}) == ("Order 7", "<p>&lt;A&amp;B&gt;</p>", "<A&B> 7")


def test_a_subject_stays_one_line(cast: Cast) -> None:
    make(cast.owner)
    assert rendered(cast.owner, {"number": "1\r\nBcc: x@y.z\u2028\0", "name": "n"})[0] == "Order 1 Bcc: x@y.z"


def test_every_missing_variable_is_named(cast: Cast) -> None:
    make(cast.owner)
    with pytest.raises(ValidationFailed) as refused:
        rendered(cast.owner, {})
    assert [problem.param for problem in refused.value.problems] == ["variables.number", "variables.name"]


def test_the_unsubscribe_address_is_left_to_delivery(cast: Cast) -> None:
    make(cast.owner, html='<a href="{{ unsubscribe_url }}">x</a>', text=None, subject="s")
    assert rendered(cast.owner, {})[1] == '<a href="{{unsubscribe_url}}">x</a>'


def test_inactive_unknown_and_foreign_templates_are_absent(cast: Cast) -> None:
    make(cast.owner, active=False)
    for person, slug in ((cast.owner, "order"), (cast.owner, "none"), (cast.stranger, "order")):
        with pytest.raises(NotFound) as refused:
            rendered(person, {}, slug)
        assert refused.value.param == "template"


@pytest.mark.parametrize(
    ("values", "param"),
    [
        ({"slug": "Not A Slug"}, "slug"), ({"subject": " "}, "subject"), ({"subject": "{{ x"}, "subject"), ({"html": "{% if %}"}, "html"),
        ({"html": None, "text": None}, "html"),
    ],
)  # fmt: skip
def test_unreadable_parts_are_named(cast: Cast, values: dict[str, Any], param: str) -> None:
    with pytest.raises(ValidationFailed) as refused:
        make(cast.owner, **values)
    assert (refused.value.problems[0].param if refused.value.problems else refused.value.param) == param


def test_slugs_are_unique_per_tenant_and_versions_count(cast: Cast) -> None:
    template_id = make(cast.owner)
    make(cast.stranger)
    with pytest.raises(Conflict):
        make(cast.owner)
    with cast.owner.scope() as scope:
        assert service.update_template(scope, template_id, {"name": "New name"}).version == 1
        assert service.update_template(scope, template_id, {"text": "new"}).version == 2


_ACTS: dict[str, Callable[[Scope, UUID], Any]] = {
    "update": lambda scope, template_id: service.update_template(scope, template_id, {"name": "mine"}),
    "delete": service.delete_template,
}


@pytest.mark.parametrize("act", _ACTS)
def test_the_stranger_and_the_viewer_change_nothing(cast: Cast, act: str) -> None:
    template_id = make(cast.owner)
    with cast.stranger.scope() as scope, pytest.raises(NotFound):
        _ACTS[act](scope, template_id)
    with cast.owner.scope(permissions=PRESETS["viewer"]) as scope, pytest.raises(Forbidden):
        _ACTS[act](scope, template_id)


def test_the_api_in_full(cast: Cast, app: Flask) -> None:
    api = cast.owner.api(app)
    made = api.post("/api/v1/templates", json={"slug": "hi", "subject": "Hi {{ name }}", "html": "<b>{{ name }}</b>"}).get_json()["data"]
    assert (made["name"], made["variables"], made["version"]) == ("hi", ["name"], 1)
    url = f"/api/v1/templates/{made['id']}"
    assert api.post(f"{url}/preview", json={"variables": {"name": "<"}}).get_json()["data"]["html"] == "<b>&lt;</b>"
    assert api.post(f"{url}/preview", json={}).get_json()["data"]["subject"] == "Hi [name]"
    assert api.patch(url, json={"text": "Hi"}).get_json()["data"]["version"] == 2
    for method, path in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/preview")):
        theirs = cast.stranger.api(app).open(url + path, method=method, json={})
        absent = cast.stranger.api(app).open(f"/api/v1/templates/{uuid4()}{path}", method=method, json={})
        assert theirs.status_code == 404 and theirs.get_json()["error"] == absent.get_json()["error"]
    assert api.delete(url).status_code == 200


def test_the_editor_saves_and_previews_in_a_frame_of_its_own(cast: Cast, app: Flask) -> None:
    browser = cast.owner.browser(app)
    assert browser.get("/templates/new").status_code == 200
    form = {"name": "Hi", "slug": "hi", "subject": "Hi {{ name }}", "html": "<script>x</script><b>{{ name }}</b>", "active": "1"}
    assert browser.post("/templates/new", data={**form, "html": "{% if"}).status_code == 422
    url = browser.post("/templates/new", data=form).headers["Location"]
    page = browser.get(url).get_data(as_text=True)
    assert 'sandbox name="template-preview"' in page and "<script>x" not in page
    saved = browser.get(f"{url}/preview")
    assert saved.headers["Content-Security-Policy"].startswith("sandbox;") and "[name]" in saved.get_data(as_text=True)
    draft = browser.post("/templates/preview", data={**form, "variables": '{"name": "<i>"}'})
    assert draft.headers["Content-Security-Policy"].startswith("sandbox;") and "&lt;i&gt;" in draft.get_data(as_text=True)
    assert "JSON" in browser.post("/templates/preview", data={**form, "variables": "{"}).get_data(as_text=True)
    assert browser.post(url, data={**form, "name": "Hello"}).status_code == 303
    stranger = cast.stranger.browser(app)
    assert [stranger.get(url).status_code, stranger.get(f"{url}/preview").status_code] == [404, 404]
    assert [stranger.post(url, data=form).status_code, stranger.post(f"{url}/delete").status_code] == [404, 404]
    assert browser.post(f"{url}/delete").status_code == 303
