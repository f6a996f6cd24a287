"""The activity log as a page, as a panel of other pages, and as CSV."""

from __future__ import annotations

import json
from typing import Any

import marshmallow as ma
from flask import Response, request

from webapp.activity import queries
from webapp.activity.schemas import ActivityQuery
from webapp.http.csv_file import csv_file
from webapp.http.guard import current_scope, requires
from webapp.http.pages import page_blueprint, render
from webapp.kernel.clock import rfc3339
from webapp.kernel.ids import uuid7_time
from webapp.kernel.permissions import Permission
from webapp.kernel.scope import ActorKind

pages = page_blueprint("activity", "/activity")
_PAGES_OF_CSV = 100


def _query() -> dict[str, Any]:
    """The filter in the address; what cannot be read does not narrow."""
    loader = ActivityQuery()
    given = {("search" if name == "q" else name): value for name, value in request.args.items() if value}
    try:
        found = loader.load(given)
    except ma.ValidationError as error:
        wrong = error.messages_dict
        found = loader.load({name: value for name, value in given.items() if name not in wrong})
    return dict(found)


def _context() -> dict[str, Any]:
    args = _query()
    limit, cursor = args.pop("limit"), args.pop("cursor")
    page = queries.list_entries(current_scope(), queries.ActivityFilter(**args), limit=limit, cursor=cursor)
    kept = {name: value for name, value in request.args.items() if name != "cursor" and value}
    return {"page": page, "kept": kept, "when": uuid7_time, "wanted": args}


@pages.get("/")
@requires(Permission.ACTIVITY_READ)
def index() -> Response:
    """The log with its filters."""
    kinds = queries.list_object_kinds(current_scope())
    return render("activity/index.html", "activity/_entries.html", kinds=kinds, actor_kinds=list(ActorKind), **_context())


@pages.get("/panel")
@requires(Permission.ACTIVITY_READ)
def panel() -> Response:
    """The last entries about one object (`object_id`), for that object's page."""
    return render("activity/_panel.html", **_context())


@pages.get("/export.csv")
@requires(Permission.ACTIVITY_READ)
def export() -> Response:
    """The filtered log, up to 10,000 entries."""
    args = _query()
    wanted = queries.ActivityFilter(**{name: value for name, value in args.items() if name not in ("limit", "cursor")})
    rows: list[list[object]] = []
    cursor: str | None = None
    for _ in range(_PAGES_OF_CSV):
        page = queries.list_entries(current_scope(), wanted, limit=100, cursor=cursor)
        rows += [
            [
                rfc3339(uuid7_time(e.id)), e.actor_kind, e.actor_name, e.on_behalf_of, e.action, e.object_kind, e.object_id, e.object_name,
                json.dumps(e.changes, ensure_ascii=False), e.address, e.request_id,
            ]
            for e in page.items
        ]  # fmt: skip
        cursor = page.next_cursor
        if cursor is None:
            break
    header = ["at", "actor_kind", "actor", "on_behalf_of", "action", "object_kind", "object_id", "object", "changes", "address", "request_id"]
    return csv_file("activity", header, rows)
