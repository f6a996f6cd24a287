"""/webhooks/postfix and /webhooks/in: what other systems tell us."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any
from uuid import UUID

from flask import request
from flask.views import MethodView

from webapp.http import ratelimit
from webapp.http.api import api_blueprint
from webapp.http.guard import bearer_token, client_address, public
from webapp.kernel.db import tenant_session, unscoped
from webapp.kernel.errors import Unauthenticated
from webapp.settings import get_settings
from webapp.webhooks import schemas, service
from webapp.webhooks.service.inbound import OpenHook, Taken
from webapp.webhooks.types import MtaReport, Received, Source

_SECRET = {
    "in": "header",
    "name": "X-Webhook-Secret",
    "schema": {"type": "string"},
    "description": "The shared secret; it may also stand as the Bearer token.",
}
inbound = api_blueprint("webhooks", "Reports from other systems", "Reports in")


def _proven(view: Callable[..., Any]) -> Callable[..., Any]:
    """Ask for the secret before the body is read: strangers learn nothing about its rules."""

    @functools.wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        try:
            service.check_postfix_secret(request.headers.get("X-Webhook-Secret") or bearer_token())
        except Unauthenticated:
            ratelimit.count(f"stranger:{client_address()}", get_settings().stranger_rate).check()
            raise
        return view(*args, **kwargs)

    return guarded


@inbound.route("/webhooks/postfix")
class Postfix(MethodView):
    """Delivery and bounce events from an MTA."""

    @public
    @_proven
    @inbound.arguments(schemas.PostfixReport)
    @inbound.doc(parameters=[_SECRET])
    @inbound.answer(200, schemas.ReportReceived)
    def post(self, report: MtaReport) -> Received:
        """Tell what became of mail that an MTA took over from us: `X-Webhook-Secret` or `Authorization: Bearer` with the shared secret.

        The route exists only when POSTBRIDGE_POSTFIX_WEBHOOK_SECRET is set. 200: stored; a report that comes again is applied once.
        """
        with unscoped("a report names a recipient, not its tenant") as session:
            return service.receive_report(session, Source.POSTFIX, report)


@inbound.route("/webhooks/in/<provider>/<uuid:hook_id>")
class FromProvider(MethodView):
    """Bounces and complaints as a provider reports them."""

    @public
    @inbound.answer(200, schemas.TakenOut)
    def post(self, provider: str, hook_id: UUID) -> Taken:
        """Take what a provider reports about mail of one sending account, in the provider's own form and proven in its own way.

        The address is the one that `PUT /providers/{id}/reports` shows; without a secret the route is closed (404). 200: stored; reports that come again
        are applied once.
        """
        with unscoped("the address of a hook says which it is, not whose") as session:
            hook = service.get_open_hook(session, hook_id, provider)
        reports = _read(hook)
        with tenant_session(hook.tenant_id) as session:
            return service.receive(session, hook, reports)


def _read(hook: OpenHook) -> list[MtaReport]:
    """The proven reports of this request; refusals are counted against the caller's network address, and shown on the account's page."""
    try:
        return service.prove_and_read(hook, {name.lower(): value for name, value in request.headers}, request.get_data())
    except Unauthenticated:
        with tenant_session(hook.tenant_id) as session:
            service.note_refusal(session, hook)
        ratelimit.count(f"stranger:{client_address()}", get_settings().stranger_rate).check()
        raise
