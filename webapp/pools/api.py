"""/pools with their members, and /ips."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask.views import MethodView

from webapp.http.api import PageArgs, api_blueprint
from webapp.http.guard import current_scope, requires
from webapp.kernel.pagination import Page
from webapp.kernel.permissions import Permission
from webapp.pools import queries, schemas, service
from webapp.pools.models import IpAddress, Pool
from webapp.pools.types import MemberView

blp = api_blueprint("pools", "Pools: the IP addresses and relays that bridges route through")


@blp.route("/pools")
class Pools(MethodView):
    """All pools."""

    @requires(Permission.POOL_READ)
    @blp.arguments(PageArgs, location="query")
    @blp.arguments(schemas.PoolQuery(unknown="exclude"), location="query")
    @blp.answer_page(schemas.PoolOut)
    def get(self, paging: dict[str, Any], query: dict[str, Any]) -> Page[Pool]:
        """List own and shared pools."""
        return queries.list_pools(current_scope().session, **query, **paging)

    @requires(Permission.POOL_CREATE)
    @blp.arguments(schemas.PoolIn)
    @blp.answer(201, schemas.PoolOut)
    def post(self, data: dict[str, Any]) -> Pool:
        """Create a pool; the first one becomes the default."""
        return service.create_pool(current_scope(), **data)


@blp.route("/pools/<uuid:pool_id>")
class OnePool(MethodView):
    """One pool."""

    @requires(Permission.POOL_READ)
    @blp.answer(200, schemas.PoolOut)
    def get(self, pool_id: UUID) -> Pool:
        """Read a pool."""
        return queries.get_pool(current_scope().session, pool_id)

    @requires(Permission.POOL_UPDATE)
    @blp.arguments(schemas.PoolChange)
    @blp.answer(200, schemas.PoolOut)
    def patch(self, data: dict[str, Any], pool_id: UUID) -> Pool:
        """Change or pause a pool; 409 for a shared one."""
        return service.update_pool(current_scope(), pool_id, data)

    @requires(Permission.POOL_DELETE)
    @blp.answer(200)
    def delete(self, pool_id: UUID) -> None:
        """Delete a pool that no bridge routes through."""
        service.delete_pool(current_scope(), pool_id)


@blp.route("/pools/<uuid:pool_id>/members")
class Members(MethodView):
    """The members of one pool."""

    @requires(Permission.POOL_READ)
    @blp.arguments(schemas.MemberQuery(unknown="exclude"), location="query")
    @blp.answer_page(schemas.PoolMemberOut)
    def get(self, query: dict[str, Any], pool_id: UUID) -> Page[MemberView]:
        """List the members; all on one page."""
        session = current_scope().session
        return Page(queries.view_members(session, queries.get_pool(session, pool_id).id, **query), None)

    @requires(Permission.POOL_UPDATE)
    @blp.arguments(schemas.MemberIn)
    @blp.answer(201, schemas.PoolMemberOut)
    def post(self, data: dict[str, Any], pool_id: UUID) -> MemberView:
        """Add an IP address or a sending account."""
        scope = current_scope()
        return queries.view_member(scope.session, pool_id, service.add_member(scope, pool_id, **data).id)


@blp.route("/pools/<uuid:pool_id>/members/<uuid:member_id>")
class OneMember(MethodView):
    """One member."""

    @requires(Permission.POOL_READ)
    @blp.answer(200, schemas.PoolMemberOut)
    def get(self, pool_id: UUID, member_id: UUID) -> MemberView:
        """Read a member."""
        return queries.view_member(current_scope().session, pool_id, member_id)

    @requires(Permission.POOL_UPDATE)
    @blp.arguments(schemas.MemberChange)
    @blp.answer(200, schemas.PoolMemberOut)
    def patch(self, data: dict[str, Any], pool_id: UUID, member_id: UUID) -> MemberView:
        """Change a member's weight, or take it out of use."""
        scope = current_scope()
        return queries.view_member(scope.session, pool_id, service.update_member(scope, pool_id, member_id, data).id)

    @requires(Permission.POOL_UPDATE)
    @blp.answer(200)
    def delete(self, pool_id: UUID, member_id: UUID) -> None:
        """Remove a member from the pool."""
        service.remove_member(current_scope(), pool_id, member_id)


@blp.route("/ips")
class Ips(MethodView):
    """Sending IP addresses."""

    @requires(Permission.IP_READ)
    @blp.arguments(PageArgs, location="query")
    @blp.arguments(schemas.IpQuery(unknown="exclude"), location="query")
    @blp.answer_page(schemas.IpOut)
    def get(self, paging: dict[str, Any], query: dict[str, Any]) -> Page[IpAddress]:
        """List dedicated and shared IP addresses; by name means the name it greets with."""
        return queries.list_ips(current_scope().session, **query, **paging)


@blp.route("/ips/<uuid:ip_id>")
class OneIp(MethodView):
    """One IP address."""

    @requires(Permission.IP_READ)
    @blp.answer(200, schemas.IpOut)
    def get(self, ip_id: UUID) -> IpAddress:
        """Read an IP address."""
        return queries.get_ip(current_scope().session, ip_id)

    @requires(Permission.IP_UPDATE)
    @blp.arguments(schemas.IpChange)
    @blp.answer(200, schemas.IpOut)
    def patch(self, data: dict[str, Any], ip_id: UUID) -> IpAddress:
        """Take a dedicated address out of use, or into it again; 409 for a shared one. Addresses are added by the operator."""
        return service.use_dedicated(current_scope(), ip_id, data["active"])
