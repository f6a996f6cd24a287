"""Figures by bridge, pool, way out, domain, provider and tag: the same before and after folding, bounded, and nobody else's."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.fixtures import Cast, Person
from webapp.kernel.db import raw_of, tenant_session, unscoped
from webapp.kernel.ids import uuid7
from webapp.kernel.scope import Mode
from webapp.stats.folding import MOST_KEYS, REST, fold_deltas
from webapp.stats.queries import About, figures_by_key, get_figures
from webapp.stats.types import Dimension

BRIDGE, OTHER = UUID("0199aaaa-0000-7000-8000-000000000001"), UUID("0199aaaa-0000-7000-8000-000000000002")


def add(person: Person, *, bridge: UUID | None = BRIDGE, hours_ago: int = 0, **values: Any) -> None:
    assert person.tenant_id is not None
    row = {"tenant": person.tenant_id, "bridge": bridge, "ago": hours_ago, "pool": None, "member": None, "domain": None, "provider": None, "tags": None}
    counts = {name: values.pop(name) for name in list(values) if name not in row}
    row |= values
    with tenant_session(person.tenant_id) as rows:
        rows.execute(
            sa.text(
                f"insert into stats_deltas (tenant_id, hour, mode, bridge_id, pool_id, member_id, domain, provider, tags, {', '.join(counts)}) values "
                f"(:tenant, date_trunc('hour', now()) - make_interval(hours => :ago), 'live', :bridge, :pool, :member, :domain, :provider, :tags, "
                f"{', '.join(map(str, counts.values()))})"
            ),
            row,
        )


def fold() -> int:
    with unscoped("test") as rows:
        return fold_deltas(raw_of(rows))


def split(person: Person, dimension: Dimension, bridge: UUID | None = None) -> dict[str, int]:
    with person.scope() as scope:
        return {key: figures.sent for key, figures in figures_by_key(scope, About(dimension, None, bridge)).items()}


def test_every_split_is_the_same_before_and_after_folding(cast: Cast) -> None:
    pool, member = uuid7(), uuid7()
    add(cast.owner, pool=pool, member=member, domain="acme.test", provider="google", tags=["welcome", "eu"], sent=4)
    add(cast.owner, bridge=OTHER, domain="shop.test", provider="google", tags=["eu"], sent=2)
    add(cast.owner, provider="yahoo", sent=1)
    wanted = {
        Dimension.BRIDGE: {str(BRIDGE): 5, str(OTHER): 2}, Dimension.POOL: {str(pool): 4}, Dimension.MEMBER: {str(member): 4},
        Dimension.DOMAIN: {"acme.test": 4, "shop.test": 2}, Dimension.PROVIDER: {"google": 6, "yahoo": 1}, Dimension.TAG: {"welcome": 4, "eu": 6},
    }  # fmt: skip
    within = {Dimension.PROVIDER: {"google": 4, "yahoo": 1}, Dimension.TAG: {"welcome": 4, "eu": 4}, Dimension.DOMAIN: {"acme.test": 4}}
    for _ in range(2):
        assert {dimension: split(cast.owner, dimension) for dimension in wanted} == wanted
        assert {dimension: split(cast.owner, dimension, BRIDGE) for dimension in within} == within
        with cast.owner.scope() as scope:
            assert get_figures(scope).sent == 7
        fold()
    assert split(cast.stranger, Dimension.TAG) == {}


def test_tags_without_end_become_one_row(cast: Cast) -> None:
    assert cast.owner.tenant_id is not None
    with tenant_session(cast.owner.tenant_id) as rows:
        rows.execute(
            sa.text(
                "insert into stats_deltas (tenant_id, hour, mode, bridge_id, tags, sent) select :t, date_trunc('hour', now()), 'live', :b, "
                "array['order-' || n], 1 from generate_series(1, :many) n"
            ),
            {"t": cast.owner.tenant_id, "b": BRIDGE, "many": MOST_KEYS + 300},
        )
    fold()
    add(cast.owner, tags=["one-more"], sent=1)
    add(cast.owner, tags=["order-1"], sent=1)
    fold()
    found = split(cast.owner, Dimension.TAG)
    assert len(found) == MOST_KEYS + 1
    assert found[REST] >= 300 and sum(found.values()) == MOST_KEYS + 302


def test_real_mail_is_counted_by_domain_and_tag(app: Flask, cast: Cast) -> None:
    from webapp.bootstrap import ensure_verified_domain

    with cast.owner.scope() as scope:
        ensure_verified_domain(scope, "acme.test")
    client = cast.owner.api(app, Mode.SANDBOX)
    mail = {"from": "shop@acme.test", "to": "jo@customer.example", "subject": "Hi", "text": "Hi", "tags": ["welcome", "welcome", "eu"]}
    assert client.post("/api/v1/email/send", json=mail).status_code == 202
    with cast.owner.scope(Mode.SANDBOX) as scope:
        assert figures_by_key(scope, About(Dimension.DOMAIN))["acme.test"].sandboxed == 1
        assert figures_by_key(scope, About(Dimension.TAG))["eu"].accepted == 1


class TestApi:
    """/stats and /metrics."""

    def test_a_metric_split_and_compared(self, app: Flask, cast: Cast) -> None:
        add(cast.owner, provider="google", sent=8, delivered=6)
        add(cast.owner, provider="yahoo", sent=2, delivered=1)
        add(cast.owner, provider="google", hours_ago=24 * 9, sent=5, delivered=5)
        path = "/api/v1/metrics/delivered?days=7&split=provider&compare=true&timezone=Asia/Tokyo"
        data = cast.owner.api(app).get(path).json["data"]  # type: ignore[index]
        assert (data["total"], data["previous"]["total"], data["unit"]) == (7, 5, "count")
        assert [(group["key"], group["name"], group["total"]) for group in data["groups"]] == [("google", "Google", 6), ("yahoo", "Yahoo", 1)]
        assert len(data["points"]) == len(data["groups"][0]["points"]) == len(data["previous"]["points"]) == 7
        assert data["span"]["timezone"] == "Asia/Tokyo" and data["span"]["since"].endswith("T15:00:00Z")

    def test_a_rate_is_of_the_sums_not_of_the_days(self, app: Flask, cast: Cast) -> None:
        add(cast.owner, sent=100, delivered=90)
        add(cast.owner, hours_ago=24, sent=1, delivered=0)
        data = cast.owner.api(app).get("/api/v1/metrics/delivery_rate?days=7").json["data"]  # type: ignore[index]
        assert data["unit"] == "share" and data["total"] == pytest.approx(90 / 101, abs=1e-4)

    def test_stats_as_the_seed_asks(self, app: Flask, cast: Cast) -> None:
        add(cast.owner, sent=3, delivered=2)
        answer = cast.owner.api(app).get("/api/stats")
        assert answer.json["data"]["totals"]["sent"] == 3  # type: ignore[index]
        assert len(answer.json["data"]["series"]) == 30  # type: ignore[index]
        again = cast.owner.api(app).get("/api/stats", headers={"If-None-Match": answer.headers["ETag"]})
        assert again.status_code == 304

    @pytest.mark.parametrize(
        ("query", "param"),
        [
            ("timezone=Mars", "timezone"), ("interval=minute", "interval"), ("split=colour", "split"), ("from=yesterday", "from"), ("days=0", "days"),
            ("from=2026-01-01T00:00:00Z&to=2025-01-01T00:00:00Z", "to"), ("bridge=x", "bridge"), (f"bridge={BRIDGE}&split=pool", "split"),
            (f"bridge={BRIDGE}&split=tag&interval=hour", "interval"), ("from=2000-01-01T00:00:00Z&interval=hour", "interval"),
            ("to=2026-01-01T00:00:00Z", "from"),
        ],
    )  # fmt: skip
    def test_a_wrong_question_names_the_field(self, app: Flask, cast: Cast, query: str, param: str) -> None:
        answer = cast.owner.api(app).get(f"/api/v1/metrics/sent?{query}")
        assert answer.status_code == 422, answer.json
        assert param in json.dumps(answer.json)

    def test_an_unknown_metric_names_those_there_are(self, app: Flask, cast: Cast) -> None:
        answer = cast.owner.api(app).get("/api/v1/metrics/joy")
        assert answer.status_code == 404 and "bounce_rate" in answer.json["error"]["message"]  # type: ignore[index]

    def test_the_stranger_counts_nothing_of_it(self, app: Flask, cast: Cast) -> None:
        add(cast.owner, provider="google", sent=8)
        fold()
        data = cast.stranger.api(app).get(f"/api/v1/metrics/sent?split=provider&bridge={BRIDGE}").json["data"]  # type: ignore[index]
        assert data["total"] == 0 and data["groups"] == []
