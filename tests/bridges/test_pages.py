"""The pages of bridges, as a browser with and without scripts uses them."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest
from flask import Flask

from tests.bridges.conftest import Made
from tests.fixtures import Cast
from webapp.bridges.service import get_bridge, list_bridges, rotate

Make = Callable[..., Made]


def test_creating_one_leads_to_its_page_with_everything_filled_in(cast: Cast, app: Flask, shared_pool: UUID) -> None:
    browser = cast.owner.browser(app)
    assert browser.get("/bridges/new").status_code == 200
    form = {"name": "shop", "mode": "live", "stream": "transactional", "track_opens": "1", "allowed_from": "a@b.net\nc.org"}
    answer = browser.post("/bridges/new", data=form)
    assert answer.status_code == 303
    page = browser.get(answer.headers["Location"]).get_data(as_text=True)
    with cast.owner.scope() as scope:
        bridge = list_bridges(scope).items[0]
        assert bridge.allowed_from == ["a@b.net", "c.org"] and bridge.track_opens and not bridge.track_clicks
    for words in ("2587", "STARTTLS", "/api/v1/email/send", "cURL", "PHP", "NodeJS", "Python", "Bash", "multipart/form-data", "a@b.net"):
        assert words in page


def test_a_wrong_form_comes_back_with_its_errors(cast: Cast, app: Flask, make_bridge: Make) -> None:
    make_bridge(cast.owner, "shop")
    answer = cast.owner.browser(app).post("/bridges/new", data={"name": "shop", "stream": "bulk"})
    assert answer.status_code == 422
    assert "There is a bridge named shop already" in answer.get_data(as_text=True)


def test_a_toggle_switches_in_place(cast: Cast, app: Flask, make_bridge: Make) -> None:
    made, browser = make_bridge(cast.owner), cast.owner.browser(app)
    answer = browser.post(f"/bridges/{made.id}/track/opens", data={"on": "1"}, htmx=True)
    fragment = answer.get_data(as_text=True)
    assert answer.status_code == 200 and "<html" not in fragment
    assert 'aria-checked="true"' in fragment and 'name="on" value="0"' in fragment
    with cast.owner.scope() as scope:
        assert get_bridge(scope, made.id).track_opens
    assert browser.post(f"/bridges/{made.id}/track/opens", data={"on": "0"}).status_code == 303
    with cast.owner.scope() as scope:
        assert not get_bridge(scope, made.id).track_opens


def test_the_list_has_toggles_menus_and_places_for_the_figures(cast: Cast, app: Flask, make_bridge: Make) -> None:
    made = make_bridge(cast.owner)
    make_bridge(cast.stranger, "not-yours")
    browser = cast.owner.browser(app)
    page = browser.get("/bridges/").get_data(as_text=True)
    for words in ("View SMTP details", "Download SMTP credentials", "Sending stats", "Rename", "Rotate", "Pause", "Delete", f"bridge-{made.id}-complained"):
        assert words in page
    assert "not-yours" not in page
    fragment = browser.get("/bridges/?q=nothing-like-it", htmx=True).get_data(as_text=True)
    assert "<html" not in fragment and "Nothing matches" in fragment


def test_secrets_are_fetched_when_asked_for(cast: Cast, app: Flask, make_bridge: Make) -> None:
    made, browser = make_bridge(cast.owner), cast.owner.browser(app)
    assert made.secrets.password not in browser.get(f"/bridges/{made.id}").get_data(as_text=True)
    assert made.secrets.password in browser.get(f"/bridges/{made.id}/reveal/password", htmx=True).get_data(as_text=True)
    assert made.secrets.token in browser.get(f"/bridges/{made.id}/reveal/token", htmx=True).get_data(as_text=True)


def test_the_credentials_file(cast: Cast, app: Flask, make_bridge: Make) -> None:
    made = make_bridge(cast.owner)
    answer = cast.owner.browser(app).get(f"/bridges/{made.id}/credentials.txt")
    text = answer.get_data(as_text=True)
    assert "attachment" in answer.headers["Content-Disposition"]
    assert all(secret in text for secret in (made.secrets.username, made.secrets.password, made.secrets.token))


def test_a_viewer_sees_the_bridge_and_no_secret(cast: Cast, app: Flask, make_bridge: Make) -> None:
    made, browser = make_bridge(cast.owner), cast.teammate.browser(app)
    page = browser.get(f"/bridges/{made.id}").get_data(as_text=True)
    assert made.name in page and "YOUR_BRIDGE_TOKEN" in page
    assert made.secrets.token not in page and made.secrets.username not in page
    for path in ("/reveal/token", "/credentials.txt"):
        assert browser.get(f"/bridges/{made.id}{path}").status_code == 403
    assert browser.post(f"/bridges/{made.id}/delete").status_code == 403


def test_old_credentials_show_whether_they_are_still_in_use(cast: Cast, app: Flask, make_bridge: Make) -> None:
    from webapp.bridges.doors import find_login

    made, browser = make_bridge(cast.owner), cast.owner.browser(app)
    with cast.owner.scope() as scope:
        rotate(scope, made.id, 2)
    assert "Still in use" not in browser.get(f"/bridges/{made.id}").get_data(as_text=True)
    find_login(made.secrets.username, made.secrets.password)
    assert "Still in use" in browser.get(f"/bridges/{made.id}").get_data(as_text=True)


@pytest.mark.parametrize("path", ["", "/reveal/token", "/credentials.txt"])
def test_the_stranger_reads_nothing(cast: Cast, app: Flask, make_bridge: Make, path: str) -> None:
    assert cast.stranger.browser(app).get(f"/bridges/{make_bridge(cast.owner).id}{path}").status_code == 404


@pytest.mark.parametrize("act", ["settings", "track/opens", "rotate", "pause", "resume", "delete", "credentials/1/end"])
def test_the_stranger_changes_nothing(cast: Cast, app: Flask, make_bridge: Make, act: str) -> None:
    made = make_bridge(cast.owner)
    data = {"on": "1", "name": "mine", "stream": "bulk", "overlap_days": "0"}
    assert cast.stranger.browser(app).post(f"/bridges/{made.id}/{act}", data=data).status_code == 404


def test_names_from_outside_are_text(cast: Cast, app: Flask, make_bridge: Make) -> None:
    made = make_bridge(cast.owner, "<script>alert(1)</script>")
    browser = cast.owner.browser(app)
    for path in ("/bridges/", f"/bridges/{made.id}"):
        assert "<script>alert(1)" not in browser.get(path).get_data(as_text=True)
