"""Limits over the API: what a tenant may use and uses, and asking for more."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask.views import MethodView

from webapp.http.api import api_blueprint
from webapp.http.guard import current_scope, requires
from webapp.kernel.pagination import Page
from webapp.kernel.permissions import Permission
from webapp.tenants import queries, schemas, service
from webapp.tenants.models import LimitRequest
from webapp.tenants.types import Limit

blp = api_blueprint("tenants", "What you may use, how much of it is used, and asking for more", "Limits")


@blp.route("/limits")
class Limits(MethodView):
    """All limits."""

    @requires(Permission.BILLING_READ)
    @blp.answer_page(schemas.LimitOut)
    def get(self) -> Page[Limit]:
        """List every limit, and how much of it is used"""
        return Page(service.list_limits(current_scope()), None)


@blp.route("/limit-requests")
class LimitRequests(MethodView):
    """Requests for more."""

    @requires(Permission.BILLING_READ)
    @blp.arguments(schemas.LimitRequestQuery, location="query")
    @blp.answer_page(schemas.LimitRequestOut)
    def get(self, args: dict[str, Any]) -> Page[LimitRequest]:
        """List limit requests, newest first"""
        return queries.list_limit_requests(current_scope(), **args)

    @requires(Permission.LIMIT_REQUEST)
    @blp.arguments(schemas.LimitRequestIn)
    @blp.answer(201, schemas.LimitRequestOut)
    def post(self, body: dict[str, Any]) -> LimitRequest:
        """Ask staff for a higher limit"""
        return service.ask_limit(current_scope(), body["limit"], body["wanted"], body["reason"])


@blp.route("/limit-requests/<uuid:limit_request_id>")
class OneLimitRequest(MethodView):
    """One request for more."""

    @requires(Permission.BILLING_READ)
    @blp.answer(200, schemas.LimitRequestOut)
    def get(self, limit_request_id: UUID) -> LimitRequest:
        """Show a limit request and what staff said"""
        return queries.get_limit_request(current_scope(), limit_request_id)

    @requires(Permission.LIMIT_REQUEST)
    @blp.answer(200, schemas.LimitRequestOut)
    def delete(self, limit_request_id: UUID) -> LimitRequest:
        """Withdraw a limit request that is still open"""
        return service.withdraw_request(current_scope(), limit_request_id)
