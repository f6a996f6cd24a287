"""The message log, one message, and the sandbox inbox."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any
from uuid import UUID

from flask import Response, request

from webapp.bridges.service import bridge_names
from webapp.bridges.types import Stream
from webapp.http.guard import current_scope, requires
from webapp.http.mail_view import download, plain, sandboxed_html, source_markup
from webapp.http.pages import flash, mark_of, nothing_new, page_blueprint, redirect_to, render
from webapp.kernel.clock import now, parse_rfc3339, rfc3339
from webapp.kernel.errors import NotFound, ValidationFailed
from webapp.kernel.ids import parse_uuid
from webapp.kernel.permissions import Permission
from webapp.kernel.scope import Mode, Scope
from webapp.messages import queries
from webapp.messages.content_checks import look_at
from webapp.messages.explain import explain, only
from webapp.messages.inline_images import show_inline_images
from webapp.messages.models import Message, MessageContent
from webapp.messages.rendered import Rendered, attachment_of, render_message
from webapp.messages.service import cancel_message, resend_failed, retime_message
from webapp.messages.types import RecipientState
from webapp.messages.verdict import verdict

pages = page_blueprint("messages", "/messages")

_PERIODS = {"1": "24 hours", "7": "7 days", "30": "30 days"}


def _filter() -> queries.LogFilter:
    """The filter in the address; what cannot be read does not narrow."""
    state = request.args.get("state", "")
    days = request.args.get("days", "")
    return queries.LogFilter(
        search=request.args.get("q") or None,
        state=next((known for known in RecipientState if known == state), None),
        bridge_id=parse_uuid(request.args.get("bridge", "")),
        tag=request.args.get("tag") or None,
        since=now() - timedelta(days=int(days)) if days in _PERIODS else None,
    )


def _list(scope: Scope) -> dict[str, Any]:
    page = queries.list_recipients(scope, _filter(), limit=8 if "brief" in request.args else 50, cursor=request.args.get("cursor"))
    kept = {key: value for key, value in request.args.items() if key not in ("cursor", "seen") and value}
    bridges = bridge_names(scope)
    shown = [(row.id, row.recipient.state, row.is_new) for row in page.items]
    mark = mark_of(shown, page.next_cursor, bridges, scope.mode)  # not the filter: it stands in the address that asks
    return {"page": page, "kept": kept, "mark": mark, "bridges": bridges, "states": list(RecipientState), "periods": _PERIODS}


@pages.get("/")
@requires(Permission.LOGS_READ)
def index() -> Response:
    """The log: one row a recipient; live as long as the first page is shown."""
    context = _list(current_scope())
    return nothing_new(context["mark"]) or render("messages/index.html", "messages/_table.html", **context)


@pages.get("/export.csv")
@requires(Permission.LOGS_READ)
def export() -> Response:
    """The filtered log as CSV, up to 10,000 rows; cells that a spreadsheet would run are made inert."""
    scope, out = current_scope(), io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["at", "message_id", "recipient", "state", "subject", "from", "code", "reply"])
    cursor: str | None = None
    for _ in range(100):
        page = queries.list_recipients(scope, _filter(), limit=100, cursor=cursor)
        for row in page.items:
            r, m = row.recipient, row.message
            cells = [rfc3339(row.at), m.id, r.address, r.state, m.subject, m.from_address, r.last_code or "", r.last_reply or ""]
            writer.writerow([_inert(str(cell)) for cell in cells])
        cursor = page.next_cursor
        if cursor is None:
            break
    return download(out.getvalue().encode(), "messages.csv", "text/csv; charset=utf-8")


def _inert(cell: str) -> str:
    """No formula: an apostrophe before what a spreadsheet would take for one (OWASP ASVS 1.2.10)."""
    first = cell.lstrip(" \t\r\n\0")[:1]
    return "'" + cell if first in ("=", "+", "-", "@", "\uff1d") or cell[:1] in ("\t", "\r", "\0") else cell


def _show(scope: Scope, message: Message) -> dict[str, Any]:
    recipients = queries.recipients_of(scope, message)
    states = [RecipientState(r.state) for r in recipients]
    return {
        "message": message,
        "state": queries.overall_state(recipients),
        "recipients": recipients,
        "verdict": verdict(message, recipients),
        "steps": explain(scope, message, only(recipients, None)),
        "attempts": queries.attempts_of(scope, message),
        "live": _pace([s.is_final for s in states], message),
        "can_cancel": any(s is RecipientState.SCHEDULED for s in states),
        "can_resend": any(s in (RecipientState.BOUNCED, RecipientState.FAILED) for s in states),
        "bridges": bridge_names(scope),
    }


def _pace(final: list[bool], message: Message) -> str | None:
    """How often the page asks again: often on the way, seldom while opens and clicks may come, then not at all."""
    if not all(final):
        return "2s"
    return "5s" if message.created_at > now() - timedelta(hours=1) else None


def _mail(scope: Scope, message: Message | None) -> dict[str, Any]:
    """What the message says and what there is to say about it; without content when it is past its retention."""
    content = queries.find_content(scope, message) if message else None
    if message is None or content is None:
        return {"rendered": None}
    rendered = render_message(message, content)
    markup, cut = source_markup(rendered.source)
    look = look_at(rendered, message.subject, bulk=message.stream == Stream.BULK)
    return {"rendered": rendered, "look": look, "markup": markup, "cut": cut}


def _content(scope: Scope, message: Message) -> tuple[MessageContent, Rendered]:
    content = queries.find_content(scope, message)
    if content is None:
        raise NotFound("content: it is past its retention")
    return content, render_message(message, content)


@pages.get("/<uuid:message_id>")
@requires(Permission.EMAIL_READ)
def show(message_id: UUID) -> Response:
    """One message: timeline, recipients, transcripts, and what it says."""
    scope = current_scope()
    message = queries.get_message(scope, message_id)
    return render("messages/show.html", **_mail(scope, message), **_show(scope, message))


@pages.get("/<uuid:message_id>/live")
@requires(Permission.EMAIL_READ)
def live(message_id: UUID) -> Response:
    """The part of the page that moves."""
    scope = current_scope()
    return render("messages/_live.html", **_show(scope, queries.get_message(scope, message_id)))


@pages.get("/<uuid:message_id>/html")
@requires(Permission.EMAIL_READ)
def html(message_id: UUID) -> Response:
    """The HTML part, for a sandboxed frame."""
    scope = current_scope()
    content, rendered = _content(scope, queries.get_message(scope, message_id))
    return sandboxed_html(show_inline_images(rendered.html or "", content.attachments, content.raw))


@pages.get("/<uuid:message_id>/source")
@requires(Permission.EMAIL_READ)
def source(message_id: UUID) -> Response:
    """The whole mail as text."""
    scope = current_scope()
    return plain(_content(scope, queries.get_message(scope, message_id))[1].source)


@pages.get("/<uuid:message_id>/attachments/<int:number>")
@requires(Permission.EMAIL_READ)
def attachment(message_id: UUID, number: int) -> Response:
    """One attachment, as a download."""
    scope = current_scope()
    name, content_type, data = attachment_of(_content(scope, queries.get_message(scope, message_id))[0], number)
    return download(data, name, content_type)


@pages.post("/<uuid:message_id>/cancel")
@requires(Permission.EMAIL_SEND)
def cancel(message_id: UUID) -> Response:
    """Take back scheduled mail."""
    cancel_message(current_scope(), message_id)
    flash("The message was cancelled.")
    return redirect_to("messages.show", message_id=message_id)


@pages.post("/<uuid:message_id>/time")
@requires(Permission.EMAIL_SEND)
def retime(message_id: UUID) -> Response:
    """Give scheduled mail another time (the form's is UTC)."""
    moment = parse_rfc3339(request.form.get("send_at", "") + "Z")
    if moment is None:
        raise ValidationFailed("Write the time as 2026-06-01T09:00.", param="send_at")
    retime_message(current_scope(), message_id, moment)
    flash("The message has a new time.")
    return redirect_to("messages.show", message_id=message_id)


@pages.post("/<uuid:message_id>/resend")
@requires(Permission.EMAIL_SEND)
def resend(message_id: UUID) -> Response:
    """Send again to those who did not get it."""
    accepted = resend_failed(current_scope(), message_id)
    flash("Sent again to the recipients that had failed.")
    return redirect_to("messages.show", message_id=accepted.id)


@pages.get("/sandbox")
@requires(Permission.EMAIL_READ)
def sandbox() -> Response:
    """Captured mail, as a mail reader."""
    scope = _in_sandbox(current_scope())
    page = queries.list_recipients(scope, queries.LogFilter(), limit=50, cursor=request.args.get("cursor"))
    chosen = parse_uuid(request.args.get("open", ""))
    opened = queries.get_message(scope, chosen) if chosen else None
    unique: dict[UUID, queries.LogRow] = {}
    for row in page.items:
        unique.setdefault(row.message.id, row)
    rows = list(unique.values())
    return render("messages/sandbox.html", "messages/_sandbox.html", rows=rows, page=page, opened=opened, **_mail(scope, opened))


def _in_sandbox(scope: Scope) -> Scope:
    return Scope(scope.session, scope.tenant_id, scope.actor, scope.permissions, Mode.SANDBOX, scope.request_id, scope.address)
