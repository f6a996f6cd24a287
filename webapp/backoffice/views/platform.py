"""Staff: queues and workers with one-click rescue, and what staff did."""

from __future__ import annotations

from flask import Response, request

from webapp.backoffice import service
from webapp.backoffice.queries import activity
from webapp.backoffice.queries import platform as queries
from webapp.backoffice.views.blueprint import pages
from webapp.backoffice.views.scopes import platform_unit
from webapp.http.csv_file import csv_file
from webapp.http.forms import kept_query, search_text
from webapp.http.guard import staff_only
from webapp.http.pages import flash, redirect_to, render
from webapp.kernel.clock import now, rfc3339
from webapp.kernel.db import unscoped
from webapp.kernel.ids import uuid7_time

_HEADER = ("time", "staff", "tenant", "act", "object", "changes", "address")


@pages.get("/staff/platform")
@staff_only
def platform() -> Response:
    """Queues, processes, and what is stuck."""
    with unscoped("staff looks at queues and workers") as session:
        context = {"queue": queries.read_queue(session), "held": queries.list_held(session), "processes": queries.list_processes(session)}
        size = queries.database_size(session)
    return render("backoffice/platform.html", "backoffice/_platform.html", 200, wakeups=queries.read_wakeups(), size=size, now=now(), **context)


@pages.post("/staff/platform/requeue")
@staff_only
def requeue() -> Response:
    """Take back what lost workers hold."""
    with platform_unit("staff requeues what lost workers hold") as scope:
        freed, parked = service.requeue_lost(scope)
    flash(f"{freed} recipients are free again, {parked} of them parked for a look.")
    return redirect_to("backoffice.platform")


@pages.post("/staff/platform/release")
@staff_only
def release() -> Response:
    """Let go what is parked or held for a person."""
    with platform_unit("staff releases what is held for a person") as scope:
        released = service.release_parked(scope)
    flash(f"{released} recipients are on their way.")
    return redirect_to("backoffice.platform")


@pages.get("/staff/activity")
@staff_only
def staff_activity() -> Response:
    """Every act of staff, in all tenants and on the platform."""
    with unscoped("staff looks at what staff did") as session:
        page = activity.list_staff_acts(session, search_text(), cursor=request.args.get("cursor"))
        names = activity.tenant_names(session, page.items)
    return render("backoffice/activity.html", "backoffice/_activity.html", 200, page=page, names=names, kept=kept_query(), when=uuid7_time)


@pages.get("/staff/activity.csv")
@staff_only
def export_activity() -> Response:
    """The latest thousand acts as CSV."""
    with unscoped("staff exports what staff did") as session:
        rows = activity.latest(session, search_text(), 1000)
        names = activity.tenant_names(session, rows)
    lines = [(rfc3339(uuid7_time(e.id)), e.actor_name, names[e.tenant_id], e.action, e.object_name, e.changes, e.address) for e in rows]
    return csv_file("staff-activity", _HEADER, lines)
