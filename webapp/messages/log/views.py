"""The message log in the dashboard: the list with its filter, CSV, and the filters that members saved."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from flask import Response, request

from webapp.bridges.service import bridge_names
from webapp.http.csv_file import csv_file
from webapp.http.forms import find_url
from webapp.http.guard import current_scope, requires
from webapp.http.pages import flash, mark_of, nothing_new, page_blueprint, redirect_to, render
from webapp.kernel.clock import now, parse_rfc3339
from webapp.kernel.ids import parse_uuid
from webapp.kernel.permissions import Permission
from webapp.kernel.scope import Scope
from webapp.messages.log.queries import list_recipients
from webapp.messages.log.rows import COLUMNS, cells_of
from webapp.messages.log.saved import FIELDS, delete_filter, list_filters, save_filter
from webapp.messages.log.types import LogFilter, LogStatus, reached

pages = page_blueprint("messages", "/messages")

_PERIODS = {"1": "24 hours", "7": "7 days", "30": "30 days"}
#: Rows of a CSV file made at once; above it a report is made in the background.
MOST_AT_ONCE = 10_000
#: Choices that a select can hold without being a page of its own.
_MOST_BRIDGES = 200


def _text(name: str) -> str | None:
    """A text of the filter without what no database takes."""
    return "".join(c for c in request.args.get(name, "") if c.isprintable()).strip()[:200] or None


def _moment(name: str) -> datetime | None:
    """A moment of the filter: RFC 3339, or a date or time as a form sends it (UTC)."""
    text = request.args.get(name, "")
    try:
        return parse_rfc3339(text) or datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        return None


def _filter() -> LogFilter:
    """The filter in the address; what cannot be read does not narrow."""
    days = request.args.get("days", "")
    return LogFilter(
        search=_text("q"), status=next((known for known in LogStatus if known == request.args.get("state")), None),
        bridge_id=parse_uuid(request.args.get("bridge", "")), domain=_text("domain"), tag=_text("tag"), provider=_text("provider"),
        sender=_text("sender"), recipient=_text("recipient"), subject=_text("subject"), template=_text("template"), error_class=_text("error"),
        since=now() - timedelta(days=int(days)) if days in _PERIODS else _moment("from"), until=_moment("to"),
    )  # fmt: skip


def _list(scope: Scope) -> dict[str, Any]:
    oldest = request.args.get("sort") == "oldest"
    page = list_recipients(scope, _filter(), limit=8 if "brief" in request.args else 50, cursor=request.args.get("cursor"), oldest_first=oldest)
    kept = {key: value for key, value in request.args.items() if key not in ("cursor", "seen") and value}
    bridges = bridge_names(scope)
    shown = [(row.id, row.recipient.state, row.is_new) for row in page.items]
    named = {row.message.bridge_id: bridges.get(row.message.bridge_id) for row in page.items if row.message.bridge_id}
    mark = mark_of(shown, bool(page.next_cursor), named, scope.mode)  # not the filter: it stands in the address that asks
    short = page.next_cursor if len(page.items) < (8 if "brief" in request.args else 50) else None
    return {"page": page, "kept": kept, "mark": mark, "bridges": bridges, "reached": reached(short) if short else None, "oldest": oldest}


def _around(scope: Scope, context: dict[str, Any]) -> dict[str, Any]:
    """What stands around the list on the whole page."""
    kept = context["kept"]
    chosen = dict(list(context["bridges"].items())[:_MOST_BRIDGES])
    bridge = parse_uuid(kept.get("bridge", ""))
    if bridge in context["bridges"]:
        chosen[bridge] = context["bridges"][bridge]
    filter_query = urlencode([(key, kept[key]) for key in FIELDS if key in kept])
    return {
        "statuses": list(LogStatus), "periods": _PERIODS, "choices": chosen, "saved": list_filters(scope), "filter_query": filter_query,
        "report_url": find_url("reports.ask"),
    }  # fmt: skip


@pages.get("/")
@requires(Permission.LOGS_READ)
def index() -> Response:
    """The log: one row a recipient; live as long as the first page is shown."""
    scope = current_scope()
    context = _list(scope)
    return nothing_new(context["mark"]) or render("messages/index.html", "messages/_table.html", **context, **_around(scope, context))


@pages.get("/export.csv")
@requires(Permission.LOGS_READ)
def export() -> Response:
    """The filtered log as CSV, up to ``MOST_AT_ONCE`` rows."""
    scope, wanted = current_scope(), _filter()
    return csv_file("messages", COLUMNS, _cells(scope, wanted))


def _cells(scope: Scope, wanted: LogFilter) -> Iterator[list[object]]:
    cursor, written = None, 0
    while written < MOST_AT_ONCE:
        page = list_recipients(scope, wanted, limit=500, cursor=cursor)
        yield from (cells_of(row) for row in page.items)
        written, cursor = written + len(page.items), page.next_cursor
        scope.session.expunge_all()
        if cursor is None:
            return


@pages.post("/filters")
@requires(Permission.LOGS_READ)
def keep_filter() -> Response:
    """Save the filter under a name."""
    kept = save_filter(current_scope(), request.form.get("name", ""), request.form.get("query", ""))
    flash(f"Saved as {kept.name}.")
    return redirect_to("messages.index", **dict(parse_qsl(kept.query)))


@pages.post("/filters/<uuid:filter_id>/delete")
@requires(Permission.LOGS_READ)
def forget_filter(filter_id: UUID) -> Response:
    """Forget a saved filter."""
    delete_filter(current_scope(), filter_id)
    flash("The saved filter is gone.")
    return redirect_to("messages.index")
