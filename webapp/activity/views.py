"""The activity log as a page, as a panel of other pages, and as CSV."""

from __future__ import annotations

import json
from typing import Any

import marshmallow as ma
from flask import Response, request

from webapp.activity import queries
from webapp.activity.models import ActivityEntry
from webapp.activity.schemas import ActivityOut, ActivityQuery
from webapp.http.csv_file import csv_file
from webapp.http.guard import current_scope, requires
from webapp.http.pages import page_blueprint, render
from webapp.kernel.clock import rfc3339
from webapp.kernel.ids import uuid7_time
from webapp.kernel.permissions import Permission
from webapp.kernel.scope import ActorKind

pages = page_blueprint("activity", "/activity")
_PAGES_OF_EXPORT = 100


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
    header = ["at", "actor_kind", "actor", "on_behalf_of", "action", "object_kind", "object_id", "object", "changes", "address", "request_id"]
    return csv_file("activity", header, map(_row, _exported()))


@pages.get("/export.json")
@requires(Permission.ACTIVITY_READ)
def export_json() -> Response:
    """The same as JSON, one object an entry, as the API has them."""
    body = json.dumps(ActivityOut(many=True).dump(_exported()), ensure_ascii=False, indent=1)
    return Response(body, content_type="application/json", headers={"Content-Disposition": 'attachment; filename="activity.json"'})


def _exported() -> list[ActivityEntry]:
    wanted = queries.ActivityFilter(**{name: value for name, value in _query().items() if name not in ("limit", "cursor")})
    found: list[ActivityEntry] = []
    cursor: str | None = None
    for _ in range(_PAGES_OF_EXPORT):
        page = queries.list_entries(current_scope(), wanted, limit=100, cursor=cursor)
        found += page.items
        cursor = page.next_cursor
        if cursor is None:
            break
    return found


def _row(entry: ActivityEntry) -> list[object]:
    return [
        rfc3339(uuid7_time(entry.id)), entry.actor_kind, entry.actor_name, entry.on_behalf_of, entry.action, entry.object_kind, entry.object_id,
        entry.object_name, json.dumps(entry.changes, ensure_ascii=False), entry.address, entry.request_id,
    ]  # fmt: skip
