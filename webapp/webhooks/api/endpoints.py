"""/webhooks: a tenant's endpoints, their deliveries and replays; and the hooks of its sending accounts."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask.views import MethodView

from webapp.http.api import PageArgs, api_blueprint
from webapp.http.guard import current_scope, requires
from webapp.kernel.pagination import Page
from webapp.kernel.permissions import Permission
from webapp.webhooks import queries, schemas, service
from webapp.webhooks.catalogue import KINDS, SUBSCRIBABLE, EventKind
from webapp.webhooks.models import WebhookDelivery, WebhookEndpoint, WebhookReplay
from webapp.webhooks.service.inbound import ShownHook

blp = api_blueprint("webhooks_out", "Webhooks: events, signed and sent to your own servers", "Webhooks")


@blp.route("/webhooks")
class Endpoints(MethodView):
    """All endpoints."""

    @requires(Permission.WEBHOOK_READ)
    @blp.arguments(PageArgs, location="query")
    @blp.arguments(schemas.EndpointQuery(unknown="exclude"), location="query")
    @blp.answer_page(schemas.EndpointOut)
    def get(self, paging: dict[str, Any], query: dict[str, Any]) -> Page[WebhookEndpoint]:
        """List webhook endpoints."""
        return queries.list_endpoints(current_scope().session, **query, **paging)

    @requires(Permission.WEBHOOK_CREATE)
    @blp.arguments(schemas.EndpointIn)
    @blp.answer(201, schemas.EndpointWithSecret)
    def post(self, data: dict[str, Any]) -> WebhookEndpoint:
        """Add a webhook endpoint. The answer shows its signing secret."""
        return service.create_endpoint(current_scope(), service.EndpointInput(**data))


@blp.route("/webhooks/events")
@requires(Permission.WEBHOOK_READ)
@blp.answer_page(schemas.EventKindOut)
def list_events() -> Page[EventKind]:
    """List all event types, with the JSON Schema of each payload and an example."""
    return Page([KINDS[name] for name in SUBSCRIBABLE], None)


@blp.route("/webhooks/<uuid:webhook_id>")
class OneEndpoint(MethodView):
    """One endpoint."""

    @requires(Permission.WEBHOOK_READ)
    @blp.answer(200, schemas.EndpointOut)
    def get(self, webhook_id: UUID) -> WebhookEndpoint:
        """Read a webhook endpoint, without its secret."""
        return queries.get_endpoint(current_scope().session, webhook_id)

    @requires(Permission.WEBHOOK_UPDATE)
    @blp.arguments(schemas.EndpointChange)
    @blp.answer(200, schemas.EndpointOut)
    def patch(self, data: dict[str, Any], webhook_id: UUID) -> WebhookEndpoint:
        """Change a webhook endpoint, or switch it off or on."""
        return service.update_endpoint(current_scope(), webhook_id, data)

    @requires(Permission.WEBHOOK_DELETE)
    @blp.answer(200)
    def delete(self, webhook_id: UUID) -> None:
        """Remove a webhook endpoint with what waits for it."""
        service.delete_endpoint(current_scope(), webhook_id)


@blp.route("/webhooks/<uuid:webhook_id>/health")
@requires(Permission.WEBHOOK_READ)
@blp.answer(200, schemas.HealthOut)
def health(webhook_id: UUID) -> dict[str, Any]:
    """Read how a webhook endpoint answers lately."""
    return queries.read_health(current_scope().session, webhook_id)


@blp.route("/webhooks/<uuid:webhook_id>/rotate-secret", methods=["POST"])
@requires(Permission.WEBHOOK_MANAGE)
@blp.arguments(schemas.RotateIn)
@blp.answer(200, schemas.EndpointWithSecret)
def rotate_secret(data: dict[str, Any], webhook_id: UUID) -> WebhookEndpoint:
    """Make a new signing secret; both sign during the overlap."""
    return service.rotate_secret(current_scope(), webhook_id, **data)


@blp.route("/webhooks/<uuid:webhook_id>/test", methods=["POST"])
@requires(Permission.WEBHOOK_MANAGE)
@blp.answer(202, schemas.DeliveryOut)
def send_test(webhook_id: UUID) -> WebhookDelivery:
    """Send a `webhook.test` event to this endpoint only; follow the delivery by its id."""
    return service.send_test(current_scope(), webhook_id)


@blp.route("/webhooks/<uuid:webhook_id>/deliveries")
@requires(Permission.WEBHOOK_READ)
@blp.arguments(PageArgs, location="query")
@blp.arguments(schemas.DeliveryQuery(unknown="exclude"), location="query")
@blp.answer_page(schemas.DeliveryOut)
def list_deliveries(paging: dict[str, Any], query: dict[str, Any], webhook_id: UUID) -> Page[WebhookDelivery]:
    """List deliveries of a webhook endpoint, by the time of their events, newest first."""
    return queries.list_deliveries(current_scope().session, webhook_id, **query, **paging)


@blp.route("/webhooks/<uuid:webhook_id>/deliveries/<uuid:delivery_id>")
@requires(Permission.WEBHOOK_READ)
@blp.answer(200, schemas.DeliveryDetail)
def one_delivery(webhook_id: UUID, delivery_id: UUID) -> WebhookDelivery:
    """Read a delivery with the request and every answer."""
    return queries.get_delivery(current_scope().session, webhook_id, delivery_id)


@blp.route("/webhooks/<uuid:webhook_id>/deliveries/<uuid:delivery_id>/replay", methods=["POST"])
@requires(Permission.WEBHOOK_MANAGE)
@blp.answer(202, schemas.DeliveryOut)
def replay_delivery(webhook_id: UUID, delivery_id: UUID) -> WebhookDelivery:
    """Send one delivery again, under the same webhook-id."""
    return service.replay_delivery(current_scope(), webhook_id, delivery_id)


@blp.route("/webhooks/<uuid:webhook_id>/replay", methods=["POST"])
@requires(Permission.WEBHOOK_MANAGE)
@blp.arguments(schemas.ReplayQuery(unknown="exclude"), location="query")
@blp.answer(202, schemas.ReplayOut)
def replay(query: dict[str, Any], webhook_id: UUID) -> WebhookReplay:
    """Send again what happened since a time, also what the endpoint missed while it was switched off."""
    return service.replay_since(current_scope(), webhook_id, **query)


@blp.route("/webhooks/<uuid:webhook_id>/replays")
@requires(Permission.WEBHOOK_READ)
@blp.answer_page(schemas.ReplayOut)
def list_replays(webhook_id: UUID) -> Page[WebhookReplay]:
    """List the last replays to a webhook endpoint."""
    queries.get_endpoint(current_scope().session, webhook_id)
    return Page(queries.list_replays(current_scope().session, webhook_id), None)


@blp.route("/providers/<uuid:provider_id>/reports")
class ReportsOfProvider(MethodView):
    """The hook by which a provider reports about mail of a sending account."""

    @requires(Permission.PROVIDER_READ)
    @blp.answer(200, schemas.HookOut)
    def get(self, provider_id: UUID) -> ShownHook:
        """Read the hook of a sending account: the address to give to the provider. 404 when none is set up."""
        return service.get_hook(current_scope(), provider_id)

    @requires(Permission.PROVIDER_UPDATE)
    @blp.arguments(schemas.HookIn)
    @blp.answer(200, schemas.HookOut)
    def put(self, data: dict[str, Any], provider_id: UUID) -> ShownHook:
        """Open, or change, the door for bounces and complaints that a provider reports. A secret made here is shown once."""
        return service.set_hook(current_scope(), provider_id, **data)

    @requires(Permission.PROVIDER_UPDATE)
    @blp.answer(200)
    def delete(self, provider_id: UUID) -> None:
        """Close the door for reports about mail of a sending account."""
        service.remove_hook(current_scope(), provider_id)
