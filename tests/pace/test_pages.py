"""The pages and the API of pace, as people and programs use them."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.fixtures import Cast
from webapp.kernel.clock import now
from webapp.kernel.db import unscoped
from webapp.kernel.ids import uuid7
from webapp.pace.models import Throttle, WarmupDay, WarmupPlan
from webapp.pools.models import IpAddress


def make_ip(tenant_id: UUID | None, address: str = "192.0.2.7") -> UUID:
    with unscoped("test") as rows:
        made = IpAddress(id=uuid7(), tenant_id=tenant_id, address=address, helo_name="out.example")
        rows.add(made)
        return made.id


def make_throttle(tenant_id: UUID | None, provider: str = "yahoo", **values: object) -> UUID:
    about = {"source_id": uuid7(), "source_label": "192.0.2.1", "action": "pause", "rule": "yahoo.tss04", "reason": "Yahoo said TSS04 twice"}
    with unscoped("test") as rows:
        made = Throttle(id=uuid7(), tenant_id=tenant_id, provider=provider, until=now() + timedelta(hours=2), made_by="Postbridge", **{**about, **values})
        rows.add(made)
        return made.id


def test_people_see_what_is_throttled_why_and_until_when_and_lift_it(app: Flask, cast: Cast) -> None:
    throttle = make_throttle(cast.owner.tenant_id)
    browser = cast.owner.browser(app)
    page = browser.get("/pace/throttles").get_data(as_text=True)
    assert "Yahoo" in page and "192.0.2.1" in page and "because Yahoo said TSS04 twice" in page and 'hx-trigger="every 3s"' in page
    answer = browser.post(f"/pace/throttles/{throttle}/lift", follow_redirects=True)
    assert answer.status_code == 200 and "Nothing is throttled" in answer.get_data(as_text=True)
    history = browser.get("/pace/throttles?show=history").get_data(as_text=True)
    assert "Lifted by Olivia Owner." in history
    assert browser.post(f"/pace/throttles/{throttle}/lift").status_code == 409


def test_shared_ways_out_show_only_what_is_nobodys_secret(app: Flask, cast: Cast) -> None:
    make_throttle(None, "yahoo", reply="421 said to somebody else")
    make_throttle(None, "customer-of-somebody.example")
    throttle = make_throttle(None, "google")
    page = cast.owner.browser(app).get("/pace/throttles").get_data(as_text=True)
    assert "Yahoo" in page and "Google" in page
    assert "customer-of-somebody" not in page and "said to somebody else" not in page
    assert cast.owner.api(app).post(f"/api/v1/throttles/{throttle}/lift").status_code == 409


def test_search_filter_and_file(app: Flask, cast: Cast) -> None:
    make_throttle(cast.owner.tenant_id, "yahoo")
    make_throttle(cast.owner.tenant_id, "small.example", reason="the address is blocked there")
    browser = cast.owner.browser(app)
    found = browser.get("/pace/throttles?q=yaHOO", htmx=True).get_data(as_text=True)
    assert "TSS04" in found and "small.example" not in found
    assert "No throttle names this" in browser.get("/pace/throttles?q=nothing").get_data(as_text=True)
    lines = browser.get("/pace/throttles.csv").get_data(as_text=True).splitlines()
    assert len(lines) == 3 and lines[0].startswith("provider,way_out,action")


def test_a_warmup_is_started_watched_and_finished(app: Flask, cast: Cast) -> None:
    ip = make_ip(cast.owner.tenant_id)
    browser = cast.owner.browser(app)
    assert browser.post("/pace/warmup", data={"ip_id": str(ip)}).status_code == 303
    with unscoped("test") as rows:
        plan = rows.scalars(sa.select(WarmupPlan).where(WarmupPlan.provider == "google")).one()
        rows.add(WarmupDay(plan_id=plan.id, tenant_id=plan.tenant_id, on_date=now().date(), day=1, allowance=50, reserved=20, sent=17))
        plan_id = plan.id
    page = browser.get("/pace/warmup").get_data(as_text=True)
    assert page.count("192.0.2.7") >= 5 and "17 of 50" in page and "All others" in page
    detail = browser.get(f"/pace/warmup/{plan_id}").get_data(as_text=True)
    assert "1 of 15" in detail and "Under way" in detail
    assert browser.post(f"/pace/warmup/{plan_id}/finish").status_code == 303
    assert "Warm" in browser.get(f"/pace/warmup/{plan_id}").get_data(as_text=True)
    again = cast.owner.api(app).post(f"/api/v1/ips/{ip}/warmup", json={"providers": ["google"]})
    assert again.status_code == 409
    assert len(browser.get("/pace/warmup.csv").get_data(as_text=True).splitlines()) == 2


@pytest.mark.parametrize(
    ("body", "param"),
    [({"steps": [100, 50]}, "steps"), ({"providers": ["not a provider"]}, "providers[0]"), ({"steps": [0]}, "steps[0]"), ({"days": 3}, "days")],
)
def test_a_plan_that_cannot_be_names_the_field(app: Flask, cast: Cast, body: dict[str, object], param: str) -> None:
    ip = make_ip(cast.owner.tenant_id)
    answer = cast.owner.api(app).post(f"/api/v1/ips/{ip}/warmup", json=body)
    assert answer.status_code == 422 and answer.json["error"]["param"] == param


def test_a_shared_address_is_warmed_by_its_operator(app: Flask, cast: Cast) -> None:
    ip = make_ip(None)
    assert cast.owner.api(app).post(f"/api/v1/ips/{ip}/warmup", json={}).status_code == 409


def test_budgets_are_set_beside_the_builtin_ones(app: Flask, cast: Cast) -> None:
    browser = cast.owner.browser(app)
    page = browser.get("/pace/budgets").get_data(as_text=True)
    assert "Google" in page and "The built-in limits hold" in page
    assert browser.post("/pace/budgets", data={"provider": "google", "connections": "2", "rate": "0.5"}).status_code == 303
    page = browser.get("/pace/budgets").get_data(as_text=True)
    assert "30 a minute" in page
    assert browser.post("/pace/budgets", data={"provider": "nobody", "connections": "0"}).status_code == 422
    api = cast.owner.api(app)
    budget = api.get("/api/v1/budgets").json["data"][0]
    assert (budget["provider"], budget["connections"], budget["rate"]) == ("google", 2, 0.5)
    assert cast.stranger.api(app).get("/api/v1/budgets").json["data"] == []
    assert api.delete(f"/api/v1/budgets/{budget['id']}").status_code == 200
    assert api.get("/api/v1/budgets").json["data"] == []


def test_mail_is_held_and_released(app: Flask, cast: Cast) -> None:
    browser = cast.owner.browser(app)
    assert browser.post("/pace/holds", data={"target": "provider", "provider": "google", "reason": "bad template"}).status_code == 303
    page = browser.get("/pace/holds").get_data(as_text=True)
    assert "Google" in page and "bad template" in page
    assert browser.post("/pace/holds", data={"target": "provider", "provider": "google", "reason": "again"}).status_code == 422
    hold = cast.owner.api(app).get("/api/v1/holds").json["data"][0]
    assert cast.owner.api(app).delete(f"/api/v1/holds/{hold['id']}").status_code == 200
    assert "bad template" in browser.get("/pace/holds?show=history").get_data(as_text=True)
    drained = browser.post("/pace/holds", data={"target": "provider", "provider": "google", "kind": "drain", "reason": "x"})
    assert drained.status_code == 422


def test_a_viewer_looks_and_touches_nothing(app: Flask, cast: Cast) -> None:
    throttle = make_throttle(cast.owner.tenant_id)
    browser = cast.teammate.browser(app)
    for page in ("throttles", "warmup", "budgets", "holds"):
        assert browser.get(f"/pace/{page}").status_code == 200
    assert browser.post(f"/pace/throttles/{throttle}/lift").status_code == 403
    assert browser.post("/pace/holds", data={"target": "tenant", "reason": "x"}).status_code == 403


def test_staff_sees_lifts_and_sets_throttles_of_the_platform(app: Flask, cast: Cast) -> None:
    throttle = make_throttle(cast.owner.tenant_id, "small.example")
    staff = cast.staff.browser(app)
    assert "small.example" in staff.get("/pace/platform").get_data(as_text=True)
    assert cast.owner.browser(app).get("/pace/platform").status_code == 403
    assert cast.owner.browser(app).post(f"/pace/platform/{throttle}/lift").status_code == 403
    assert staff.post(f"/pace/platform/{throttle}/lift").status_code == 303
    assert staff.post("/pace/platform", data={"provider": "google", "minutes": "30", "reason": "they called"}).status_code == 303
    page = staff.get("/pace/platform").get_data(as_text=True)
    assert "every address" in page and "they called" in page and "small.example" not in page
    assert staff.post("/pace/platform", data={"provider": "nobody", "minutes": "0"}).status_code == 422


def test_budgets_holds_and_addresses_are_searched_and_exported(app: Flask, cast: Cast) -> None:
    browser, stranger = cast.owner.browser(app), cast.stranger.browser(app)
    browser.post("/pace/budgets", data={"provider": "google", "connections": "3"})
    browser.post("/pace/holds", data={"target": "provider", "provider": "yahoo", "kind": "hold", "reason": "a complaint came"})
    found = browser.get("/pace/budgets?q=goog").get_data(as_text=True)
    assert "Google" in found and "Microsoft</th>" not in found
    assert "Nothing matches" in browser.get("/pace/budgets?q=nobody").get_data(as_text=True)
    lines = browser.get("/pace/budgets.csv").get_data(as_text=True).splitlines()
    assert lines[1].startswith("google,you,3,") and any(line.startswith("google,built in,5,50,") for line in lines)
    assert "google,you" not in stranger.get("/pace/budgets.csv").get_data(as_text=True)
    assert "a complaint came" in browser.get("/pace/holds?q=complaint").get_data(as_text=True)
    assert "a complaint came" not in browser.get("/pace/holds?q=holiday").get_data(as_text=True)
    assert "a complaint came" in browser.get("/pace/holds.csv?q=yahoo").get_data(as_text=True)
    assert "a complaint came" not in stranger.get("/pace/holds.csv").get_data(as_text=True)
    with unscoped("test") as rows:
        rows.add(IpAddress(id=uuid7(), tenant_id=cast.owner.tenant_id, address="192.0.2.5", helo_name="out.example", problems=["=1+1"]))
    assert "192.0.2.5,out.example,active,False,,'=1+1," in browser.get("/pools/ips.csv").get_data(as_text=True)
    assert "192.0.2.5" not in stranger.get("/pools/ips.csv").get_data(as_text=True)
