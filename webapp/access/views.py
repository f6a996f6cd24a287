"""Pages of API keys and roles."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from uuid import UUID

from flask import Response, request

from webapp.access import queries, service
from webapp.access.schemas import KeyForm, RoleForm
from webapp.access.types import KEY_PRESETS
from webapp.http.guard import current_scope, requires
from webapp.http.pages import flash, load_form, page_blueprint, redirect_to, render
from webapp.kernel import clock
from webapp.kernel.errors import DomainError, NotFound
from webapp.kernel.ids import parse_uuid
from webapp.kernel.permissions import Permission, PermissionSet
from webapp.kernel.scope import Mode

pages = page_blueprint("access")
Errors = dict[str, list[str]]
_MODES = {mode.value for mode in Mode}


def _errors_of(error: DomainError) -> Errors:
    found: Errors = {}
    for param, message in [(p.param, p.message) for p in error.problems] or [(error.param, error.message)]:
        found.setdefault((param or "_").partition("[")[0], []).append(message)
    return found


def _keys_context() -> dict[str, Any]:
    scope, state = current_scope(), request.args.get("state", "active")
    mode = request.args.get("mode", "")
    page = queries.list_keys(scope, _key_filter(), cursor=request.args.get("cursor"))
    kept = {name: value for name, value in request.args.items() if name != "cursor" and value}
    return {"page": page, "kept": kept, "state": state, "mode": mode, "role_names": queries.map_role_names(scope), "now": clock.now(), "me": scope.actor.id}


def _key_filter() -> queries.KeyFilter:
    mode, state = request.args.get("mode", ""), request.args.get("state", "active")
    return queries.KeyFilter(
        mode=Mode(mode) if mode in _MODES else None, active={"active": True, "ended": False}.get(state), search=_search(),
        role=request.args.get("role") or None, made_by=parse_uuid(request.args.get("made_by", "")),
    )  # fmt: skip


def _search() -> str | None:
    return "".join(c for c in request.args.get("q", "") if c.isprintable())[:100] or None


def _keys_page(data: dict[str, Any] | None = None, errors: Errors | None = None, status: int = 200, **more: Any) -> Response:
    scope = current_scope()
    presets = [name for name, granted in KEY_PRESETS.items() if scope.permissions.covers(granted)]
    return render(
        "access/keys.html", "access/_keys_table.html" if request.method == "GET" else None, status=422 if errors and status == 200 else status,
        data=data or {}, errors=errors or {}, presets=presets, active_keys=service.count_active_keys(scope), **_keys_context(), **more,
    )  # fmt: skip


@pages.get("/keys")
@requires(Permission.KEY_READ)
def keys() -> Response:
    """The tenant's keys, those in use first thing."""
    return _keys_page()


@pages.post("/keys")
@requires(Permission.KEY_CREATE)
def create_key() -> Response:
    """Make a key and show it, this once."""
    data, errors = load_form(KeyForm)
    if errors:
        return _keys_page(data, errors)
    try:
        issued = service.create_key(current_scope(), _wish(data))
    except DomainError as error:
        return _keys_page(data, _errors_of(error), error.status)
    return render("access/key_made.html", issued=issued, role_names=queries.map_role_names(current_scope()))


def _wish(data: dict[str, Any]) -> service.KeyWish:
    networks = tuple(re.split(r"[\s,;]+", data["networks"].strip())) if data["networks"].strip() else ()
    expires_at = clock.now() + timedelta(days=data["days"]) if data["days"] else None
    return service.KeyWish(data["name"], data["mode"], data["role"], networks, data["rate_limit"], expires_at)


@pages.post("/keys/<uuid:key_id>/revoke")
@requires(Permission.KEY_DELETE)
def revoke_key(key_id: UUID) -> Response:
    """End a key."""
    key = service.revoke_key(current_scope(), key_id)
    flash(f"The key {key.name} is revoked. It stops working everywhere within five seconds.")
    return redirect_to("access.keys")


@pages.post("/keys/<uuid:key_id>/roll")
@requires(Permission.KEY_CREATE)
def roll_key(key_id: UUID) -> Response:
    """Give a key a successor and show that, this once; the old one works for another day."""
    try:
        issued = service.roll_key(current_scope(), key_id)
    except DomainError as error:
        return _keys_page(errors=_errors_of(error), status=error.status)
    return render("access/key_made.html", issued=issued, role_names=queries.map_role_names(current_scope()), rolled=True)


@pages.post("/keys/<uuid:key_id>/end-previous")
@requires(Permission.KEY_DELETE)
def end_previous(key_id: UUID) -> Response:
    """End the overlap of a roll before its time."""
    key = service.end_previous(current_scope(), key_id)
    flash(f"Only the new secret of {key.name} works from now on.")
    return redirect_to("access.keys")


@pages.post("/keys/<uuid:key_id>/adopt")
@requires(Permission.KEY_CREATE)
def adopt_key(key_id: UUID) -> Response:
    """Answer for a key that somebody else made."""
    try:
        key = service.adopt_key(current_scope(), key_id)
    except NotFound:
        raise
    except DomainError as error:
        return _keys_page(errors=_errors_of(error), status=error.status)
    flash(f"You answer for {key.name} now: it is bound by your rights.")
    return redirect_to("access.keys")


@pages.get("/roles")
@requires(Permission.ROLE_READ)
def roles() -> Response:
    """The tenant's roles and the built-in ones."""
    page = queries.list_roles(current_scope(), limit=100, cursor=request.args.get("cursor"))
    return render("access/roles.html", page=page, presets=KEY_PRESETS)


def _role_page(data: dict[str, Any], role_id: UUID | None, errors: Errors | None = None, status: int = 200) -> Response:
    granted = PermissionSet(data.get("permissions") or ())
    grid: dict[str, list[Permission]] = {}
    for permission in Permission:
        grid.setdefault(permission.value.rpartition(".")[0], []).append(permission)
    own = current_scope().permissions
    status = 422 if errors and status == 200 else status
    return render("access/role.html", status=status, data=data, role_id=role_id, errors=errors or {}, grid=grid, granted=granted, own=own)


@pages.get("/roles/new")
@requires(Permission.ROLE_CREATE)
def new_role() -> Response:
    """An empty permission grid."""
    return _role_page({}, None)


@pages.get("/roles/<uuid:role_id>")
@requires(Permission.ROLE_READ)
def role(role_id: UUID) -> Response:
    """The permission grid of a role."""
    found = queries.get_role(current_scope(), role_id)
    return _role_page({"name": found.name, "description": found.description, "permissions": found.permissions}, role_id)


@pages.post("/roles")
@requires(Permission.ROLE_CREATE)
def create_role() -> Response:
    """Make a role."""
    data, errors = load_form(RoleForm)
    patterns = _patterns(data)
    try:
        if not errors:
            service.create_role(current_scope(), data["name"], patterns, data["description"])
    except DomainError as error:
        return _role_page({**data, "permissions": patterns}, None, _errors_of(error), error.status)
    if errors:
        return _role_page({**data, "permissions": patterns}, None, errors)
    flash("The role is made. Give it to a key.")
    return redirect_to("access.roles")


@pages.post("/roles/<uuid:role_id>")
@requires(Permission.ROLE_UPDATE)
def save_role(role_id: UUID) -> Response:
    """Change a role."""
    data, errors = load_form(RoleForm)
    patterns = _patterns(data)
    try:
        if not errors:
            service.update_role(current_scope(), role_id, name=data["name"], permissions=patterns, description=data["description"] or "")
    except DomainError as error:
        return _role_page({**data, "permissions": patterns}, role_id, _errors_of(error), error.status)
    if errors:
        return _role_page({**data, "permissions": patterns}, role_id, errors)
    flash("The role is saved. Its keys follow within five seconds.")
    return redirect_to("access.roles")


def _patterns(data: dict[str, Any]) -> list[str]:
    """Ticked boxes and typed wildcards together."""
    return [*(data.get("permissions") or []), *str(data.get("patterns") or "").split()]


@pages.post("/roles/<uuid:role_id>/delete")
@requires(Permission.ROLE_DELETE)
def delete_role(role_id: UUID) -> Response:
    """Delete a role that no usable key has."""
    try:
        service.delete_role(current_scope(), role_id)
        flash("The role is deleted.")
    except NotFound:
        raise
    except DomainError as error:
        flash(error.message, "error")
    return redirect_to("access.roles")
