"""One message, and the sandbox inbox; the log is in ``log.views``."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from flask import Response, request

from webapp.bridges.service import bridge_names
from webapp.bridges.types import Stream
from webapp.http.guard import current_scope, requires
from webapp.http.mail_view import download, plain, sandboxed_html, source_markup
from webapp.http.pages import flash, redirect_to, render
from webapp.kernel.clock import now, parse_rfc3339
from webapp.kernel.errors import NotFound, ValidationFailed
from webapp.kernel.ids import parse_uuid
from webapp.kernel.permissions import Permission
from webapp.kernel.scope import Mode, Scope
from webapp.messages import queries
from webapp.messages.content_checks import look_at
from webapp.messages.explain import explain, only
from webapp.messages.inline_images import show_inline_images
from webapp.messages.log.queries import list_recipients
from webapp.messages.log.types import LogFilter, LogRow
from webapp.messages.log.views import pages
from webapp.messages.models import Message, MessageContent
from webapp.messages.rendered import Rendered, attachment_of, render_message
from webapp.messages.service import cancel_message, resend_failed, retime_message
from webapp.messages.types import RecipientState
from webapp.messages.verdict import verdict

__all__ = ["pages"]


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
    page = list_recipients(scope, LogFilter(), limit=50, cursor=request.args.get("cursor"))
    chosen = parse_uuid(request.args.get("open", ""))
    opened = queries.get_message(scope, chosen) if chosen else None
    unique: dict[UUID, LogRow] = {}
    for row in page.items:
        unique.setdefault(row.message.id, row)
    rows = list(unique.values())
    return render("messages/sandbox.html", "messages/_sandbox.html", rows=rows, page=page, opened=opened, **_mail(scope, opened))


def _in_sandbox(scope: Scope) -> Scope:
    return Scope(scope.session, scope.tenant_id, scope.actor, scope.permissions, Mode.SANDBOX, scope.request_id, scope.address)
