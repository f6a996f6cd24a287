"""/webhooks: what other systems tell us."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from flask import request
from flask.views import MethodView

from webapp.http import ratelimit
from webapp.http.api import api_blueprint
from webapp.http.guard import bearer_token, client_address, public
from webapp.kernel.db import unscoped
from webapp.kernel.errors import Unauthenticated
from webapp.settings import get_settings
from webapp.webhooks import schemas, service
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
