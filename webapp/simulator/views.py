"""The simulator's inbox: delivered mail as its receiver got it."""

from __future__ import annotations

from uuid import UUID

from flask import Response, request

from webapp.http.guard import current_scope, requires
from webapp.http.mail_view import plain, sandboxed_html, source_markup
from webapp.http.pages import page_blueprint, render
from webapp.kernel.ids import parse_uuid
from webapp.kernel.permissions import Permission
from webapp.messages.service import parse_mail, show_inline_images, subject_of
from webapp.settings import get_settings
from webapp.simulator.models import SimulatedMail
from webapp.simulator.service import get_mail, list_mails
from webapp.simulator.types import BEHAVIOURS

pages = page_blueprint("simulator", "/simulator")


@pages.app_template_filter("mail_subject")
def mail_subject(mail: SimulatedMail) -> str:
    """The subject line of a stored mail, decoded."""
    return subject_of(mail.raw)


@pages.get("/")
@requires(Permission.EMAIL_READ)
def index() -> Response:
    """List and, beside it, the opened mail."""
    scope = current_scope()
    chosen = parse_uuid(request.args.get("open", ""))
    opened = get_mail(scope, chosen) if chosen else None
    rendered = parse_mail(opened.raw) if opened else None
    page = list_mails(scope, cursor=request.args.get("cursor"))
    markup, cut = source_markup(opened.raw) if opened else (None, False)
    return render(
        "simulator/index.html",
        "simulator/_inbox.html",
        page=page,
        opened=opened,
        rendered=rendered,
        markup=markup,
        cut=cut,
        domain=get_settings().simulator_domain,
        behaviours=list(BEHAVIOURS.values()),
    )


@pages.get("/<uuid:mail_id>/html")
@requires(Permission.EMAIL_READ)
def html(mail_id: UUID) -> Response:
    """The HTML part, for a sandboxed frame: the pixel and the links in it are the real ones, and stay unfetched."""
    raw = get_mail(current_scope(), mail_id).raw
    return sandboxed_html(show_inline_images(parse_mail(raw).html or "", None, raw))


@pages.get("/<uuid:mail_id>/source")
@requires(Permission.EMAIL_READ)
def source(mail_id: UUID) -> Response:
    """The mail as it came over the wire."""
    return plain(get_mail(current_scope(), mail_id).raw)
