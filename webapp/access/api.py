"""Keys, roles and permissions over the API."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from flask.views import MethodView

from webapp.access import queries, schemas, service
from webapp.access.models import ApiKey, Role
from webapp.http.api import api_blueprint
from webapp.http.guard import current_scope, requires, signed_in
from webapp.kernel.pagination import Page
from webapp.kernel.permissions import Permission

blp = api_blueprint("access", "API keys, reusable roles, and the permissions they are made of", "Keys and roles")


def _issued(issued: service.IssuedKey) -> ApiKey:
    """The row with the plain key beside it, for the one answer that shows it."""
    issued.key.key = issued.plain  # type: ignore[attr-defined]
    return issued.key


@blp.route("/keys")
class Keys(MethodView):
    """API keys."""

    @requires(Permission.KEY_READ)
    @blp.arguments(schemas.KeyQuery, location="query")
    @blp.answer_page(schemas.KeyOut)
    def get(self, args: dict[str, Any]) -> Page[ApiKey]:
        """List API keys"""
        limit, cursor = args.pop("limit"), args.pop("cursor")
        return queries.list_keys(current_scope(), queries.KeyFilter(**args), limit=limit, cursor=cursor)

    @requires(Permission.KEY_CREATE)
    @blp.arguments(schemas.KeyIn)
    @blp.answer(201, schemas.NewKeyOut)
    def post(self, body: dict[str, Any]) -> ApiKey:
        """Make an API key; the answer shows it once"""
        wish = service.KeyWish(**{**body, "allowed_networks": tuple(body["allowed_networks"])})
        return _issued(service.create_key(current_scope(), wish))


@blp.route("/keys/revoke")
class BulkRevocation(MethodView):
    """The end of many keys."""

    @requires(Permission.KEY_DELETE)
    @blp.arguments(schemas.RevokeManyIn)
    @blp.answer(200, schemas.RevokedOut)
    def post(self, body: dict[str, Any]) -> dict[str, Any]:
        """Revoke many API keys: by id, or all that somebody made"""
        scope, maker = current_scope(), body["made_by"]
        return {"results": service.revoke_keys_of(scope, maker) if maker else service.revoke_keys(scope, body["ids"])}


@blp.route("/keys/current")
class CurrentKey(MethodView):
    """The key one calls with."""

    @signed_in
    @blp.answer(200, schemas.CallerOut)
    def get(self) -> dict[str, Any]:
        """Show what the credential of this call is and may do"""
        return schemas.caller_of(current_scope())


@blp.route("/keys/<uuid:key_id>")
class Key(MethodView):
    """One API key."""

    @requires(Permission.KEY_READ)
    @blp.answer(200, schemas.KeyWithRightsOut)
    def get(self, key_id: UUID) -> ApiKey:
        """Show an API key and what it may do, without its secret"""
        return _with_rights(queries.get_key(current_scope(), key_id))

    @requires(Permission.KEY_CREATE)
    @blp.arguments(schemas.KeyChange)
    @blp.answer(200, schemas.KeyWithRightsOut)
    def patch(self, body: dict[str, Any], key_id: UUID) -> ApiKey:
        """Rename an API key, change its role or its limits"""
        return _with_rights(service.update_key(current_scope(), key_id, body))

    @requires(Permission.KEY_DELETE)
    @blp.answer(200, schemas.KeyOut)
    def delete(self, key_id: UUID) -> ApiKey:
        """Revoke an API key (the same as POST /keys/{id}/revoke)"""
        return service.revoke_key(current_scope(), key_id)


def _with_rights(key: ApiKey) -> ApiKey:
    key.permissions = sorted(queries.rights_of(current_scope().session, key))  # type: ignore[attr-defined]
    return key


@blp.route("/keys/<uuid:key_id>/revoke")
class KeyRevocation(MethodView):
    """The end of a key."""

    @requires(Permission.KEY_DELETE)
    @blp.arguments(schemas.RevokeIn)
    @blp.answer(200, schemas.KeyOut)
    def post(self, body: dict[str, Any], key_id: UUID) -> ApiKey:
        """Revoke an API key: it stops working within five seconds"""
        return service.revoke_key(current_scope(), key_id, **body)


@blp.route("/keys/<uuid:key_id>/roll")
class KeyRoll(MethodView):
    """A new secret."""

    @requires(Permission.KEY_CREATE)
    @blp.arguments(schemas.RollIn)
    @blp.answer(201, schemas.NewKeyOut)
    def post(self, body: dict[str, Any], key_id: UUID) -> ApiKey:
        """Give an API key a new secret; the old one works on for the overlap"""
        return _issued(service.roll_key(current_scope(), key_id, timedelta(seconds=body["overlap_seconds"])))


@blp.route("/keys/<uuid:key_id>/previous")
class PreviousSecret(MethodView):
    """The secret before a roll."""

    @requires(Permission.KEY_DELETE)
    @blp.answer(200, schemas.KeyOut)
    def delete(self, key_id: UUID) -> ApiKey:
        """End the overlap of a roll: only the new secret works from now on"""
        return service.end_previous(current_scope(), key_id)


@blp.route("/permissions")
class Permissions(MethodView):
    """The vocabulary of roles."""

    @signed_in
    @blp.answer(200, schemas.PermissionsOut)
    def get(self) -> dict[str, Any]:
        """List every permission with what it allows, the wildcards, and the built-in roles"""
        return schemas.catalogue()


@blp.route("/roles")
class Roles(MethodView):
    """Reusable roles."""

    @requires(Permission.ROLE_READ)
    @blp.arguments(schemas.RoleQuery, location="query")
    @blp.answer_page(schemas.RoleOut)
    def get(self, args: dict[str, Any]) -> Page[Role]:
        """List the tenant's own roles"""
        return queries.list_roles(current_scope(), **args)

    @requires(Permission.ROLE_CREATE)
    @blp.arguments(schemas.RoleIn)
    @blp.answer(201, schemas.RoleOut)
    def post(self, body: dict[str, Any]) -> Role:
        """Make a role"""
        return service.create_role(current_scope(), **body)


@blp.route("/roles/<uuid:role_id>")
class OneRole(MethodView):
    """One role."""

    @requires(Permission.ROLE_READ)
    @blp.answer(200, schemas.RoleOut)
    def get(self, role_id: UUID) -> Role:
        """Show a role"""
        return queries.get_role(current_scope(), role_id)

    @requires(Permission.ROLE_UPDATE)
    @blp.arguments(schemas.RoleChange)
    @blp.answer(200, schemas.RoleOut)
    def patch(self, body: dict[str, Any], role_id: UUID) -> Role:
        """Change a role; its keys follow within five seconds"""
        return service.update_role(current_scope(), role_id, **body)

    @requires(Permission.ROLE_DELETE)
    @blp.answer(200)
    def delete(self, role_id: UUID) -> None:
        """Delete a role that no usable key has"""
        service.delete_role(current_scope(), role_id)
