"""Reports: figures at once, large files by a job that dies and is gone on with, nobody else's."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.fixtures import Cast
from tests.messages.conftest import House, shop  # noqa: F401  # a fixture
from webapp.kernel.db import connect_raw, unscoped, unscoped_raw
from webapp.kernel.scope import Mode
from webapp.messages.service import forget_facts
from webapp.reports.service import claim_report, make_some, making
from worker.jobs import exports
from worker.runtime import unit_of_work


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    yield
    forget_facts()


def ask(app: Flask, cast: Cast, **wish: Any) -> dict[str, Any]:
    answer = cast.owner.api(app).post("/api/v1/reports", json={"kind": "log", **wish})
    assert answer.status_code == 201, answer.json
    return dict(answer.json["data"])  # type: ignore[index]


def lines_of(app: Flask, cast: Cast, report: dict[str, Any]) -> list[list[str]]:
    answer = cast.owner.api(app).get(f"/api/v1/reports/{report['id']}/download")
    assert answer.status_code == 200, answer.json
    assert len(answer.data) == int(answer.headers["Content-Length"])
    return list(csv.reader(io.StringIO(answer.text)))


def test_figures_as_the_seed_asks(app: Flask, cast: Cast, shop: House) -> None:  # noqa: F811
    shop.accept()
    answer = cast.owner.api(app).get("/api/reports?export=csv")
    lines = list(csv.DictReader(io.StringIO(answer.text)))
    assert answer.mimetype == "text/csv" and len(lines) == 30
    assert lines[-1]["accepted"] == "1" and lines[0]["accepted"] == "0"
    split = cast.owner.api(app).get("/api/reports?export=csv&split=domain").text
    assert shop.domain in split
    assert shop.domain not in cast.stranger.api(app).get("/api/reports?export=csv&split=domain").text


def test_a_file_of_the_log_is_made_and_dropped(app: Flask, cast: Cast, shop: House) -> None:  # noqa: F811
    for number in range(3):
        shop.accept(subject=f"=cmd|{number}")
    report = ask(app, cast, title="All of it")
    assert report["status"] == "waiting" and report["rows_expected"] == 3
    early = cast.owner.api(app).get(f"/api/v1/reports/{report['id']}/download")
    assert early.status_code == 409
    exports.make(0)
    shown = cast.owner.api(app).get(f"/api/v1/reports/{report['id']}").json["data"]  # type: ignore[index]
    assert (shown["status"], shown["rows"]) == ("ready", 3)
    lines = lines_of(app, cast, report)
    assert len(lines) == 4 and lines[1][6] == "'=cmd|2"
    with unscoped("test") as rows:
        rows.execute(sa.text("update reports set expires_at = now()"))
    assert cast.owner.api(app).get(f"/api/v1/reports/{report['id']}").status_code == 404


def test_a_worker_that_died_is_gone_on_with(app: Flask, cast: Cast, shop: House, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    monkeypatch.setattr(making, "_PART", 2)
    monkeypatch.setattr(making, "_PAGE", 2)
    for number in range(7):
        shop.accept(subject=f"Mail {number}")
    report = ask(app, cast)
    with connect_raw() as connection:
        with unscoped_raw(connection, "test"):
            first = claim_report(connection)
        assert first is not None
        with unit_of_work(first.tenant_id, first.mode) as scope:
            assert not make_some(scope, first, until=time.monotonic() + 60)  # one part, then the process is killed
        with unscoped_raw(connection, "test"):
            assert claim_report(connection) is None, "it is still under lease"
    with unscoped("test") as rows:
        assert rows.execute(sa.text("select rows_done, status from reports")).one() == (2, "running")
        rows.execute(sa.text("update reports set lease_until = now() - interval '1 second'"))
    exports.make(0)
    subjects = [line[6] for line in lines_of(app, cast, report)[1:]]
    assert subjects == [f"Mail {number}" for number in reversed(range(7))], "nothing twice, nothing lost"
    with unit_of_work(first.tenant_id, first.mode) as scope:
        assert make_some(scope, first, until=time.monotonic() + 60), "the one that comes back late writes nothing"
    assert len(lines_of(app, cast, report)) == 8


def test_one_that_cannot_be_made_fails_in_words(app: Flask, cast: Cast) -> None:
    report = ask(app, cast)
    with unscoped("test") as rows:
        rows.execute(sa.text("update reports set claims = 8"))
    exports.make(0)
    shown = cast.owner.api(app).get(f"/api/v1/reports/{report['id']}").json["data"]  # type: ignore[index]
    assert shown["status"] == "failed" and "could not be made" in shown["problem"]


def test_figures_split_by_tag_in_a_file(app: Flask, cast: Cast, shop: House) -> None:  # noqa: F811
    shop.accept(tags=("welcome",))
    report = ask(app, cast, kind="figures", split="tag", days=7)
    exports.make(0)
    lines = lines_of(app, cast, report)
    assert lines[0][:3] == ["from", "tag", "name"] and lines[1][1] == "welcome"


def test_limits_and_wrong_wishes(app: Flask, cast: Cast) -> None:
    client = cast.owner.api(app)
    for body, param in (({}, "kind"), ({"kind": "all"}, "kind"), ({"kind": "figures", "split": "x"}, "split"), ({"kind": "log", "colour": 1}, "colour")):
        answer = client.post("/api/v1/reports", json=body)
        assert answer.status_code == 422 and param in answer.text
    for _ in range(5):
        ask(app, cast)
    assert client.post("/api/v1/reports", json={"kind": "log"}).status_code == 409


def test_nobody_elses(app: Flask, cast: Cast, shop: House) -> None:  # noqa: F811
    shop.accept()
    report = ask(app, cast)
    exports.make(0)
    for path in ("", "/download"):
        assert cast.stranger.api(app).get(f"/api/v1/reports/{report['id']}{path}").status_code == 404
        assert cast.owner.api(app, Mode.SANDBOX).get(f"/api/v1/reports/{report['id']}{path}").status_code == 404
    assert cast.stranger.api(app).get("/api/v1/reports").json["data"] == []  # type: ignore[index]


def test_the_page_answers_every_combination(app: Flask, cast: Cast, shop: House) -> None:  # noqa: F811
    shop.accept(tags=("welcome",))
    browser = cast.owner.browser(app)
    queries = (
        "", "measure=open_rate&split=provider&days=90", "split=bridge&compare=1", "compare=1&interval=week", "measure=%00&days=x&from=never&split=q",
        f"bridge={shop.bridge_id}&split=pool", f"bridge={shop.bridge_id}&split=tag", "from=2026-01-01T00:00:00Z&to=2026-01-03T00:00:00Z",
    )  # fmt: skip
    for query in queries:
        page = browser.get(f"/reports/?{query}")
        assert page.status_code == 200 and "data-chart" in page.text, query
    assert "not kept together" in browser.get(f"/reports/?bridge={shop.bridge_id}&split=pool").text
    assert browser.post("/reports/", data={"kind": "log", "q": "x"}).status_code == 303
    assert "Message log" in browser.get("/reports/files", htmx=True).text


def test_the_tenants_time_zone_is_everybodys(app: Flask, cast: Cast) -> None:
    browser = cast.owner.browser(app)
    assert browser.post("/reports/time-zone", data={"timezone": "Mars"}).status_code == 422
    assert browser.post("/reports/time-zone", data={"timezone": "Asia/Tokyo"}).status_code == 303
    assert cast.owner.api(app).get("/api/v1/stats").json["data"]["span"]["timezone"] == "Asia/Tokyo"  # type: ignore[index]
    assert cast.teammate.browser(app).post("/reports/time-zone", data={"timezone": "UTC"}).status_code == 403
