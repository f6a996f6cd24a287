"""/credentials: bridges for clients that speak of usernames at domains."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask.views import MethodView

from webapp.bridges import schemas, service
from webapp.bridges.api.blueprint import blp
from webapp.bridges.connection import connection_of
from webapp.bridges.models import Bridge
from webapp.bridges.types import Secrets
from webapp.domains.service import get_domain
from webapp.http.api import PageArgs
from webapp.http.guard import current_scope, requires
from webapp.kernel.pagination import Page
from webapp.kernel.permissions import Permission


def _alias(bridge: Bridge, secrets: Secrets | None = None) -> dict[str, Any]:
    only = bridge.allowed_from[0] if len(bridge.allowed_from) == 1 and "@" in bridge.allowed_from[0] else None
    username, _, domain = only.rpartition("@") if only else (None, None, None)
    shown = {name: getattr(bridge, name) for name in ("id", "status", "last_used_at", "created_at", "updated_at")}
    known = {"api_key": secrets.token, "smtp": connection_of(secrets).smtp} if secrets else {}
    return {**shown, "display_name": bridge.name, "email": only, "username": username, "domain": domain, **known}


@blp.route("/credentials")
class Credentials(MethodView):
    """All credentials."""

    @requires(Permission.BRIDGE_READ)
    @blp.arguments(PageArgs, location="query")
    @blp.arguments(schemas.AliasQuery(unknown="exclude"), location="query")
    @blp.answer_page(schemas.AliasOut)
    def get(self, paging: dict[str, Any], query: dict[str, Any]) -> Page[dict[str, Any]]:
        """List credentials: every bridge, in this vocabulary."""
        scope, domain_id = current_scope(), query.pop("domain_id")
        sender = get_domain(scope.session, domain_id).name if domain_id else None
        page = service.list_bridges(scope, sender=sender, **query, **paging)
        return Page([_alias(bridge) for bridge in page.items], page.next_cursor)

    @requires(Permission.BRIDGE_CREATE)
    @blp.arguments(schemas.AliasIn)
    @blp.answer(201, schemas.AliasMade)
    def post(self, data: dict[str, Any]) -> dict[str, Any]:
        """Create credentials that may send from username@domain: a bridge on the default pool."""
        scope = current_scope()
        address = f"{data['username']}@{get_domain(scope.session, data['domain_id']).name}"
        wanted = service.BridgeInput(data["display_name"] or address, allowed_from=(address,))
        return _alias(*service.create_bridge(scope, wanted))


@blp.route("/credentials/<uuid:credential_id>/rotate", methods=["POST"])
@requires(Permission.BRIDGE_UPDATE)
@blp.arguments(schemas.Rotation)
@blp.answer(200, schemas.AliasMade)
def rotate_credential(data: dict[str, Any], credential_id: UUID) -> dict[str, Any]:
    """Make new secrets; the old ones stay valid for the overlap."""
    return _alias(*service.rotate(current_scope(), credential_id, data["overlap_days"]))


@blp.route("/credentials/<uuid:credential_id>")
class OneCredential(MethodView):
    """One of them."""

    @requires(Permission.BRIDGE_READ)
    @blp.answer(200, schemas.AliasOut)
    def get(self, credential_id: UUID) -> dict[str, Any]:
        """Read credentials, without their secrets."""
        return _alias(service.get_bridge(current_scope(), credential_id))

    @requires(Permission.BRIDGE_UPDATE)
    @blp.arguments(schemas.AliasChange)
    @blp.answer(200, schemas.AliasOut)
    def patch(self, data: dict[str, Any], credential_id: UUID) -> dict[str, Any]:
        """Give credentials another name."""
        return _alias(service.update_bridge(current_scope(), credential_id, {"name": data["display_name"]}))

    @requires(Permission.BRIDGE_DELETE)
    @blp.answer(200)
    def delete(self, credential_id: UUID) -> None:
        """Delete credentials and the bridge behind them."""
        service.delete_bridge(current_scope(), credential_id)
