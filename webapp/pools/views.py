"""Pages of pools and IP addresses."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, request

from webapp.http.csv_file import csv_file
from webapp.http.forms import Errors, errors_of, kept_query, search_text
from webapp.http.guard import current_scope, requires
from webapp.http.pages import flash, load_form, page_blueprint, redirect_to, render
from webapp.kernel.clock import rfc3339
from webapp.kernel.errors import DomainError
from webapp.kernel.permissions import Permission
from webapp.pools import queries, schemas, service
from webapp.pools.models import IpAddress
from webapp.sending_accounts.service import list_accounts

pages = page_blueprint("pools", "/pools")


def _list_page(data: dict[str, Any] | None = None, errors: Errors | None = None) -> Response:
    session = current_scope().session
    page = queries.list_pools(session, search=search_text(), cursor=request.args.get("cursor"))
    members = queries.list_members(session, [pool.id for pool in page.items])
    return render(
        "pools/index.html", None if errors else "pools/_table.html", 422 if errors else 200, page=page, kept=kept_query(), members=members,
        data=data or {}, errors=errors or {},
    )  # fmt: skip


@pages.get("/")
@requires(Permission.POOL_READ)
def index() -> Response:
    """Own and shared pools."""
    return _list_page()


@pages.post("/")
@requires(Permission.POOL_CREATE)
def create() -> Response:
    """Make a pool."""
    data, errors = load_form(schemas.PoolIn)
    if errors:
        return _list_page(data, errors)
    pool = service.create_pool(current_scope(), **data)
    flash(f"{pool.name} is made. Add members to it, so that mail can leave.")
    return redirect_to("pools.show", pool_id=pool.id)


def _page(pool_id: UUID, data: dict[str, Any] | None = None, errors: Errors | None = None) -> Response:
    session = current_scope().session
    return render(
        "pools/show.html", status=422 if errors else 200, pool=queries.get_pool(session, pool_id), members=queries.view_members(session, pool_id),
        accounts=list_accounts(session, limit=100).items, ips=queries.list_ips(session, limit=100).items, data=data or {}, errors=errors or {},
    )  # fmt: skip


@pages.get("/<uuid:pool_id>")
@requires(Permission.POOL_READ)
def show(pool_id: UUID) -> Response:
    """One pool with its members."""
    return _page(pool_id)


@pages.post("/<uuid:pool_id>")
@requires(Permission.POOL_UPDATE)
def update(pool_id: UUID) -> Response:
    """Rename a pool, make it the default."""
    data, errors = load_form(schemas.PoolIn)
    try:
        if not errors:
            service.update_pool(current_scope(), pool_id, data)
    except DomainError as error:
        errors = errors_of(error)
    if errors:
        return _page(pool_id, data, errors)
    flash("Saved.")
    return redirect_to("pools.show", pool_id=pool_id)


@pages.post("/<uuid:pool_id>/<any(pause, resume):act>")
@requires(Permission.POOL_UPDATE)
def pause(pool_id: UUID, act: str) -> Response:
    """Stop sending, keeping the queue; or go on."""
    pool = service.update_pool(current_scope(), pool_id, {"paused": act == "pause"})
    flash(f"{pool.name} is paused: its mail waits." if pool.paused else f"{pool.name} sends again.")
    return redirect_to("pools.show", pool_id=pool_id)


@pages.post("/<uuid:pool_id>/delete")
@requires(Permission.POOL_DELETE)
def delete(pool_id: UUID) -> Response:
    """Delete a pool that nothing routes through."""
    try:
        service.delete_pool(current_scope(), pool_id)
    except DomainError as error:
        return _page(pool_id, errors=errors_of(error))
    flash("The pool is deleted.")
    return redirect_to("pools.index")


@pages.post("/<uuid:pool_id>/members")
@requires(Permission.POOL_UPDATE)
def add_member(pool_id: UUID) -> Response:
    """Add a sending account or an IP address: `account:<id>` or `ip:<id>`."""
    data, errors = load_form(schemas.MemberForm)
    try:
        if not errors:
            service.add_member(current_scope(), pool_id, **{data["member"][0]: data["member"][1]}, weight=data["weight"])
    except DomainError as error:
        errors = {"member" if name.endswith("_id") else name: texts for name, texts in errors_of(error).items()}
    if errors:
        return _page(pool_id, data, errors)
    flash("The member is added.")
    return redirect_to("pools.show", pool_id=pool_id)


@pages.post("/<uuid:pool_id>/members/<uuid:member_id>")
@requires(Permission.POOL_UPDATE)
def update_member(pool_id: UUID, member_id: UUID) -> Response:
    """Change a weight, or take a member in or out of use."""
    data, errors = load_form(schemas.MemberChange)
    if errors:
        return _page(pool_id, data, errors)
    service.update_member(current_scope(), pool_id, member_id, data)
    flash("Saved.")
    return redirect_to("pools.show", pool_id=pool_id)


@pages.post("/<uuid:pool_id>/members/<uuid:member_id>/remove")
@requires(Permission.POOL_UPDATE)
def remove_member(pool_id: UUID, member_id: UUID) -> Response:
    """Take a member out of the pool."""
    service.remove_member(current_scope(), pool_id, member_id)
    flash("The member is removed.")
    return redirect_to("pools.show", pool_id=pool_id)


@pages.get("/ips")
@requires(Permission.IP_READ)
def ips() -> Response:
    """Dedicated and shared IP addresses."""
    page = queries.list_ips(current_scope().session, search=search_text(), cursor=request.args.get("cursor"))
    return render("pools/ips.html", "pools/_ips.html", page=page, kept=kept_query())


@pages.get("/ips.csv")
@requires(Permission.IP_READ)
def export_ips() -> Response:
    """Addresses as a file."""
    rows = queries.list_ips(current_scope().session, search=search_text(), limit=100).items
    header = ("address", "greets_as", "state", "shared", "last_check", "problems", "since")
    return csv_file("ip-addresses", header, map(_address_cells, rows))


def _address_cells(ip: IpAddress) -> tuple[object, ...]:
    state = "active" if ip.active else "disabled"
    return (ip.address, ip.helo_name, state, ip.shared, rfc3339(ip.checked_at) or "", " ".join(ip.problems), rfc3339(ip.created_at))
