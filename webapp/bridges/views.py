"""Pages of bridges."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, request

from webapp.bridges import schemas, service
from webapp.bridges.connection import Connection, as_text_file, connection_of, masked
from webapp.bridges.guard_view import view_of
from webapp.bridges.models import Bridge
from webapp.bridges.samples import Letter, payload_samples, samples
from webapp.domains.service import list_domains
from webapp.domains.types import DomainStatus
from webapp.http.forms import Errors, errors_of, find_url, kept_query, search_text
from webapp.http.guard import current_scope, requires
from webapp.http.mail_view import download
from webapp.http.pages import flash, load_form, page_blueprint, redirect_to, render, wants_fragment
from webapp.kernel.errors import DomainError, NotFound
from webapp.kernel.permissions import Permission
from webapp.kernel.scope import Scope
from webapp.pools.service import get_default_pool, list_choices, pool_names
from webapp.settings import get_settings

pages = page_blueprint("bridges", "/bridges")


@pages.get("/")
@requires(Permission.BRIDGE_READ)
def index() -> Response:
    """The bridges of the mode chosen above."""
    scope = current_scope()
    page = service.list_bridges(scope, search=search_text(), mode=scope.mode, cursor=request.args.get("cursor"))
    return render(
        "bridges/index.html", "bridges/_table.html", page=page, kept=kept_query(), pools=pool_names(scope.session),
        figures_url=find_url("stats.bridge_list_figures"),
    )  # fmt: skip


def _form_page(data: dict[str, Any], errors: Errors, status: int = 200) -> Response:
    scope = current_scope()
    try:
        default = get_default_pool(scope).id
    except DomainError:
        default = None
    return render("bridges/new.html", "bridges/_form.html", status, data=data, errors=errors, pools=list_choices(scope.session), default=default)


@pages.get("/new")
@requires(Permission.BRIDGE_CREATE)
def new() -> Response:
    """The form of a new bridge."""
    return _form_page({}, {})


@pages.post("/new")
@requires(Permission.BRIDGE_CREATE)
def create() -> Response:
    """Make a bridge and show how to connect."""
    data, errors = load_form(schemas.BridgeForm)
    if errors:
        return _form_page(data, errors, 422)
    try:
        bridge, _ = service.create_bridge(current_scope(), service.BridgeInput(**data))
    except DomainError as error:
        return _form_page(data, errors_of(error), 422)
    flash(f"{bridge.name} is ready: its credentials work now.")
    return redirect_to("bridges.show", bridge_id=bridge.id)


def _sender(scope: Scope, bridge: Bridge) -> str:
    """An address that the samples may send from."""
    for entry in bridge.allowed_from:
        return entry if "@" in entry else f"hello@{entry}"
    verified = list_domains(scope.session, status=DomainStatus.VERIFIED, limit=1).items
    return f"hello@{verified[0].name}" if verified else "hello@your-domain.com"


def _recipient() -> str:
    settings = get_settings()
    return f"delivered@{settings.simulator_domain}" if settings.demo else "customer@example.net"


def _connections(scope: Scope, bridge: Bridge) -> list[Connection]:
    """What the viewer may see: the secrets themselves, or placeholders."""
    if not scope.permissions.allows(Permission.BRIDGE_REVEAL):
        return [masked()]
    return [connection_of(known) for known in service.reveal(scope, bridge.id, noted=False)]


def _page(scope: Scope, bridge: Bridge, edit: dict[str, Any] | None = None, errors: Errors | None = None, status: int = 200, **typed: Any) -> Response:
    """``typed``: what stood in the guard's forms when they were refused."""
    connections = _connections(scope, bridge)
    letter = Letter(_sender(scope, bridge), _recipient())
    return render(
        "bridges/show.html", status=status, bridge=bridge, guard=view_of(scope, bridge),
        pool=pool_names(scope.session).get(bridge.pool_id, "?"), connection=connections[0],
        older=connections[1:], samples=samples(connections[0], letter), payloads=payload_samples(connections[0], letter), edit=edit or {},
        errors=errors or {}, typed=typed, figures_url=find_url("stats.bridge_panel", bridge_id=bridge.id),
        messages_url=find_url("messages.index", bridge=bridge.id, brief=1), activity_url=find_url("activity.panel", object_id=bridge.id),
    )  # fmt: skip


@pages.get("/<uuid:bridge_id>")
@requires(Permission.BRIDGE_READ)
def show(bridge_id: UUID) -> Response:
    """One bridge: how to connect, its figures, messages, settings."""
    scope = current_scope()
    return _page(scope, service.get_bridge(scope, bridge_id))


@pages.post("/<uuid:bridge_id>/settings")
@requires(Permission.BRIDGE_UPDATE)
def update(bridge_id: UUID) -> Response:
    """Rename, change the stream and the senders."""
    scope = current_scope()
    bridge = service.get_bridge(scope, bridge_id)
    data, errors = load_form(schemas.EditForm)
    try:
        if not errors:
            service.update_bridge(scope, bridge_id, data)
    except DomainError as error:
        errors = errors_of(error)
    if errors:
        return _page(scope, bridge, data, errors, 422)
    flash("Saved.")
    return redirect_to("bridges.show", bridge_id=bridge_id, _anchor="settings")


@pages.post("/<uuid:bridge_id>/track/<any(opens, clicks):what>")
@requires(Permission.BRIDGE_UPDATE)
def track(bridge_id: UUID, what: str) -> Response:
    """Switch opens or clicks in place."""
    data, errors = load_form(schemas.SwitchForm)
    bridge = service.set_tracking(current_scope(), bridge_id, **{what: data["on"]} if not errors else {})
    if not wants_fragment():
        return redirect_to("bridges.index")
    flash(f"{what.capitalize()} of {bridge.name} are {'tracked' if getattr(bridge, f'track_{what}') else 'not tracked'} from the next mail on.")
    return render("bridges/_toggle.html", bridge=bridge, what=what)


@pages.post("/<uuid:bridge_id>/rotate")
@requires(Permission.BRIDGE_UPDATE)
def rotate(bridge_id: UUID) -> Response:
    """Make new credentials."""
    data, errors = load_form(schemas.RotationForm)
    days = 1 if errors else data["overlap_days"]
    service.rotate(current_scope(), bridge_id, days)
    flash(f"New credentials are in force. The old ones work for {days} more day{'s' if days != 1 else ''}." if days else "New credentials are in force.")
    return redirect_to("bridges.show", bridge_id=bridge_id)


@pages.post("/<uuid:bridge_id>/credentials/<int:number>/end")
@requires(Permission.BRIDGE_UPDATE)
def end_credential(bridge_id: UUID, number: int) -> Response:
    """End old credentials before their time."""
    service.end_credential(current_scope(), bridge_id, number)
    flash("The old credentials are refused from now on.")
    return redirect_to("bridges.show", bridge_id=bridge_id)


@pages.post("/<uuid:bridge_id>/pause")
@requires(Permission.BRIDGE_UPDATE)
def pause(bridge_id: UUID) -> Response:
    """Take no mail for now."""
    bridge = service.pause_bridge(current_scope(), bridge_id)
    flash(f"{bridge.name} is paused: it takes no mail until you resume it.")
    return redirect_to("bridges.show", bridge_id=bridge_id)


@pages.post("/<uuid:bridge_id>/resume")
@requires(Permission.BRIDGE_UPDATE)
def resume(bridge_id: UUID) -> Response:
    """Take mail again; after a trip of the guard with a note."""
    scope = current_scope()
    data, errors = load_form(schemas.Resume)
    try:
        bridge = service.get_bridge(scope, bridge_id) if errors else service.resume_bridge(scope, bridge_id, data["note"])
    except DomainError as error:
        bridge, errors = service.get_bridge(scope, bridge_id), errors_of(error)
    if errors:
        return _page(scope, bridge, errors=errors, status=422, resume_note=request.form.get("note", ""))
    flash(f"{bridge.name} takes mail again. What was held leaves now.")
    return redirect_to("bridges.show", bridge_id=bridge_id)


@pages.post("/<uuid:bridge_id>/guard")
@requires(Permission.BRIDGE_UPDATE)
def guard(bridge_id: UUID) -> Response:
    """Choose the guard's limits."""
    scope = current_scope()
    bridge = service.get_bridge(scope, bridge_id)
    data, errors = load_form(schemas.GuardForm)
    try:
        if not errors:
            service.set_limits(scope, bridge_id, data)
    except DomainError as error:
        errors = errors_of(error)
    if errors:
        return _page(scope, bridge, errors=errors, status=422, limits=request.form)
    flash("The guard's limits are saved.")
    return redirect_to("bridges.show", bridge_id=bridge_id, _anchor="guard")


@pages.post("/<uuid:bridge_id>/delete")
@requires(Permission.BRIDGE_DELETE)
def delete(bridge_id: UUID) -> Response:
    """Delete for good."""
    service.delete_bridge(current_scope(), bridge_id)
    flash("The bridge is deleted; whoever still uses its credentials is refused.")
    return redirect_to("bridges.index")


@pages.get("/<uuid:bridge_id>/reveal/<any(password, token):what>")
@requires(Permission.BRIDGE_REVEAL)
def reveal(bridge_id: UUID, what: str) -> Response:
    """One secret in the clear; noted in the activity log."""
    number = request.args.get("number", type=int)
    known = next((one for one in service.reveal(current_scope(), bridge_id) if number in (None, one.number)), None)
    if known is None:
        raise NotFound("credential")
    return render("bridges/_secret.html", value=getattr(known, what), what=what)


@pages.get("/<uuid:bridge_id>/credentials.txt")
@requires(Permission.BRIDGE_REVEAL)
def credentials_file(bridge_id: UUID) -> Response:
    """The credentials as a text file."""
    scope = current_scope()
    bridge = service.get_bridge(scope, bridge_id)
    connection = connection_of(service.reveal(scope, bridge_id)[0])
    return download(as_text_file(bridge, connection).encode(), f"{bridge.name} credentials.txt", "text/plain; charset=utf-8")
