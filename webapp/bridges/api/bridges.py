"""/bridges."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask.views import MethodView

from webapp.bridges import schemas, service
from webapp.bridges.api.blueprint import blp
from webapp.bridges.connection import Connection, connection_of
from webapp.bridges.guard_view import GuardView, view_of
from webapp.bridges.models import Bridge
from webapp.bridges.types import Secrets
from webapp.http.api import PageArgs
from webapp.http.guard import current_scope, requires
from webapp.kernel.pagination import Page
from webapp.kernel.permissions import Permission


def _columns(bridge: Bridge) -> dict[str, Any]:
    return {name: getattr(bridge, name) for name in schemas.BridgeOut().fields}


def _made(bridge: Bridge, secrets: Secrets) -> dict[str, Any]:
    """A bridge together with credentials just made."""
    return {**_columns(bridge), "credentials": connection_of(secrets)}


@blp.route("/bridges")
class Bridges(MethodView):
    """All bridges."""

    @requires(Permission.BRIDGE_READ)
    @blp.arguments(PageArgs, location="query")
    @blp.arguments(schemas.BridgeQuery(unknown="exclude"), location="query")
    @blp.answer_page(schemas.BridgeOut)
    def get(self, paging: dict[str, Any], query: dict[str, Any]) -> Page[Bridge]:
        """List bridges. A sandbox key sees sandbox bridges only."""
        return service.list_bridges(current_scope(), **query, **paging)

    @requires(Permission.BRIDGE_CREATE)
    @blp.arguments(schemas.BridgeIn)
    @blp.answer(201, schemas.BridgeMade)
    def post(self, data: dict[str, Any]) -> dict[str, Any]:
        """Create a bridge; its SMTP credentials and token are valid at once."""
        return _made(*service.create_bridge(current_scope(), service.BridgeInput(**data)))


@blp.route("/bridges/<uuid:bridge_id>")
class OneBridge(MethodView):
    """One bridge."""

    @requires(Permission.BRIDGE_READ)
    @blp.answer(200, schemas.BridgeDetail)
    def get(self, bridge_id: UUID) -> dict[str, Any]:
        """Read a bridge, and what its guard says of it."""
        bridge = service.get_bridge(current_scope(), bridge_id)
        return {**_columns(bridge), "guard": view_of(current_scope(), bridge)}

    @requires(Permission.BRIDGE_UPDATE)
    @blp.arguments(schemas.BridgeChange)
    @blp.answer(200, schemas.BridgeOut)
    def patch(self, data: dict[str, Any], bridge_id: UUID) -> Bridge:
        """Rename a bridge, switch its tracking, change what it may send from."""
        return service.update_bridge(current_scope(), bridge_id, data)

    @requires(Permission.BRIDGE_DELETE)
    @blp.answer(200)
    def delete(self, bridge_id: UUID) -> None:
        """Delete a bridge: its credentials are refused within five seconds, also in open SMTP sessions."""
        service.delete_bridge(current_scope(), bridge_id)


@blp.route("/bridges/<uuid:bridge_id>/credentials")
class BridgeCredentials(MethodView):
    """The secrets of one bridge."""

    @requires(Permission.BRIDGE_REVEAL)
    @blp.answer(200, schemas.CredentialsOut)
    def get(self, bridge_id: UUID) -> dict[str, list[Connection]]:
        """Show the valid credentials, newest first. Each look is noted in the activity log."""
        return {"credentials": [connection_of(secrets) for secrets in service.reveal(current_scope(), bridge_id)]}


@blp.route("/bridges/<uuid:bridge_id>/rotate", methods=["POST"])
@requires(Permission.BRIDGE_UPDATE)
@blp.arguments(schemas.Rotation)
@blp.answer(200, schemas.BridgeMade)
def rotate(data: dict[str, Any], bridge_id: UUID) -> dict[str, Any]:
    """Make new credentials; the old ones stay valid for the overlap (0 to 7 days, one by default)."""
    return _made(*service.rotate(current_scope(), bridge_id, data["overlap_days"]))


@blp.route("/bridges/<uuid:bridge_id>/pause", methods=["POST"])
@requires(Permission.BRIDGE_UPDATE)
@blp.arguments(schemas.Pause)
@blp.answer(200, schemas.BridgeOut)
def pause(data: dict[str, Any], bridge_id: UUID) -> Bridge:
    """Take no mail until the bridge is resumed."""
    return service.pause_bridge(current_scope(), bridge_id, data["reason"])


@blp.route("/bridges/<uuid:bridge_id>/resume", methods=["POST"])
@requires(Permission.BRIDGE_UPDATE)
@blp.arguments(schemas.Resume)
@blp.answer(200, schemas.BridgeOut)
def resume(data: dict[str, Any], bridge_id: UUID) -> Bridge:
    """Take mail again, and let go what was held. A bridge that its guard paused needs a note: what was found and done."""
    return service.resume_bridge(current_scope(), bridge_id, data["note"])


@blp.route("/bridges/<uuid:bridge_id>/guard")
class BridgeGuard(MethodView):
    """What watches over one bridge."""

    @requires(Permission.BRIDGE_READ)
    @blp.answer(200, schemas.GuardOut)
    def get(self, bridge_id: UUID) -> GuardView:
        """Read the guard's state, its limits and the present figures, and the last alarms."""
        return view_of(current_scope(), service.get_bridge(current_scope(), bridge_id))

    @requires(Permission.BRIDGE_UPDATE)
    @blp.arguments(schemas.GuardChange)
    @blp.answer(200, schemas.GuardOut)
    def patch(self, data: dict[str, Any], bridge_id: UUID) -> GuardView:
        """Choose limits, up to what the platform allows; null goes back to the platform's own."""
        service.set_limits(current_scope(), bridge_id, data)
        return view_of(current_scope(), service.get_bridge(current_scope(), bridge_id))
