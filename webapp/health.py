"""/healthz: this process. /readyz: everything mail needs. /metrics: figures for Prometheus."""

from __future__ import annotations

import functools
import hmac
import shutil
from collections.abc import Callable
from typing import Any

import redis
import sqlalchemy as sa
from flask import Response, jsonify, request

from webapp import metrics
from webapp.http.guard import client_address, public
from webapp.http.pages import page_blueprint
from webapp.kernel.db import unscoped
from webapp.kernel.errors import Forbidden
from webapp.kernel.heartbeat import beat
from webapp.kernel.jobs import broker
from webapp.settings import ROOT, get_settings
from webapp.version import __version__

pages = page_blueprint("health")
_TICKER_SILENT = 120


@functools.cache
def _wanted_head() -> str:
    return (ROOT / "migrations" / "HEAD").read_text().strip()


def _database() -> str | None:
    beat("web", __version__)
    return None


def _broker() -> str | None:
    broker().ping()
    return None


def _migrations() -> str | None:
    with unscoped("readiness reads the schema's version") as session:
        found = session.scalar(sa.text("select version_num from alembic_version"))
    return None if found == _wanted_head() else f"the database is at {found}, this release wants {_wanted_head()}; run `postbridge db upgrade`"


def _ticker() -> str | None:
    with unscoped("readiness reads signs of life") as session:
        age = session.scalar(sa.text("select extract(epoch from now() - max(seen_at)) from heartbeats where kind = 'ticker'"))
    if age is None or age > _TICKER_SILENT:
        return "no ticker has moved for two minutes; retries and scheduled mail wait"
    return None


def _disk() -> str | None:
    free = shutil.disk_usage(get_settings().var_dir).free
    return None if free > get_settings().disk_minimum_bytes else f"only {free // 2**20} MB are free; new mail is refused"


CHECKS: dict[str, Callable[[], str | None]] = {
    "database": _database, "broker": _broker, "migrations": _migrations, "ticker": _ticker, "disk": _disk,
}  # fmt: skip


def run_checks() -> dict[str, str | None]:
    """Every check with None or what is wrong."""
    found: dict[str, str | None] = {}
    for name, check in CHECKS.items():
        try:
            found[name] = check()
        except (sa.exc.SQLAlchemyError, redis.RedisError, OSError) as error:
            found[name] = str(error).splitlines()[0][:200]
    return found


@pages.get("/healthz")
@public
def healthz() -> Response:
    """This process answers; nothing else is asked."""
    return jsonify(status="ok", version=__version__)


@pages.get("/readyz")
@public
def readyz() -> tuple[Response, int]:
    """200 when mail can be taken and sent, else 503 with what is wrong."""
    found = run_checks()
    body: dict[str, Any] = {name: {"ok": problem is None, "problem": problem} for name, problem in found.items()}
    ready = all(problem is None for problem in found.values())
    return jsonify(ready=ready, version=__version__, checks=body), 200 if ready else 503


@pages.get("/metrics")
@public
def prometheus() -> Response:
    """With the token of the setting, or from loopback when there is none."""
    wanted = get_settings().metrics_token
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if not (hmac.compare_digest(given.encode(), wanted.encode()) if wanted else client_address() in ("127.0.0.1", "::1")):
        raise Forbidden("Metrics need the token of POSTBRIDGE_METRICS_TOKEN.")
    return Response(metrics.exposition(), content_type=metrics.CONTENT_TYPE)
