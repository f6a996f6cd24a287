"""/providers: sending accounts."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask.views import MethodView

from webapp.http.api import PageArgs, api_blueprint
from webapp.http.guard import current_scope, requires
from webapp.kernel.pagination import Page
from webapp.kernel.permissions import Permission
from webapp.sending_accounts import queries, schemas, service
from webapp.sending_accounts.models import SendingAccount
from webapp.sending_accounts.types import ConnectionTest
from webapp.tenants.models import LimitRequest

blp = api_blueprint("sending_accounts", "Sending accounts: SMTP relays of your own")


@blp.route("/providers")
class Providers(MethodView):
    """All sending accounts."""

    @requires(Permission.PROVIDER_READ)
    @blp.arguments(PageArgs, location="query")
    @blp.arguments(schemas.AccountQuery(unknown="exclude"), location="query")
    @blp.answer_page(schemas.AccountOut)
    def get(self, paging: dict[str, Any], query: dict[str, Any]) -> Page[SendingAccount]:
        """List own and shared sending accounts."""
        return queries.list_accounts(current_scope().session, **query, **paging)

    @requires(Permission.PROVIDER_CREATE)
    @blp.arguments(schemas.AccountIn)
    @blp.answer(201, schemas.AccountOut)
    def post(self, data: dict[str, Any]) -> SendingAccount:
        """Add an SMTP relay."""
        return service.create_account(current_scope(), service.AccountInput(**data))


@blp.route("/providers/<uuid:provider_id>")
class OneProvider(MethodView):
    """One sending account."""

    @requires(Permission.PROVIDER_READ)
    @blp.answer(200, schemas.AccountOut)
    def get(self, provider_id: UUID) -> SendingAccount:
        """Read a sending account. Its password is never shown."""
        return queries.get_account(current_scope().session, provider_id)

    @requires(Permission.PROVIDER_UPDATE)
    @blp.arguments(schemas.AccountChange)
    @blp.answer(200, schemas.AccountOut)
    def patch(self, data: dict[str, Any], provider_id: UUID) -> SendingAccount:
        """Change a sending account; 409 for a shared one."""
        return service.update_account(current_scope(), provider_id, data)

    @requires(Permission.PROVIDER_DELETE)
    @blp.answer(200)
    def delete(self, provider_id: UUID) -> None:
        """Remove a sending account, from its pools too; 409 for a shared one."""
        service.delete_account(current_scope(), provider_id)


@blp.route("/providers/<uuid:provider_id>/activate", methods=["POST"])
@requires(Permission.PROVIDER_UPDATE)
@blp.answer(200, schemas.AccountOut)
def activate(provider_id: UUID) -> SendingAccount:
    """Take a sending account into use."""
    return service.set_active(current_scope(), provider_id, True)


@blp.route("/providers/<uuid:provider_id>/deactivate", methods=["POST"])
@requires(Permission.PROVIDER_UPDATE)
@blp.answer(200, schemas.AccountOut)
def deactivate(provider_id: UUID) -> SendingAccount:
    """Take a sending account out of use; it stays in its pools."""
    return service.set_active(current_scope(), provider_id, False)


@blp.route("/providers/<uuid:provider_id>/usage")
class ProviderUsage(MethodView):
    """What one sending account took."""

    @requires(Permission.PROVIDER_READ)
    @blp.answer(200, schemas.UsageOut)
    def get(self, provider_id: UUID) -> dict[str, Any]:
        """Read how much of your mail a sending account took, and what its quotas leave."""
        return queries.read_usage(current_scope().session, provider_id)


@blp.route("/providers/<uuid:provider_id>/test", methods=["POST"])
@requires(Permission.PROVIDER_UPDATE)
@blp.answer(200, schemas.ProbeOut)
def test(provider_id: UUID) -> ConnectionTest:
    """Connect, encrypt and log in as a delivery would; sends no mail."""
    return service.test_account(current_scope(), provider_id)


@blp.route("/providers/<uuid:provider_id>/limit-requests", methods=["POST"])
@requires(Permission.PROVIDER_UPDATE)
@blp.arguments(schemas.LimitWish)
@blp.answer(201, schemas.LimitWishOut)
def request_limit(data: dict[str, Any], provider_id: UUID) -> LimitRequest:
    """Ask staff for more recipients a day through a shared account; 409 for one of your own, whose quotas you set."""
    return service.ask_for_more(current_scope(), provider_id, data["wanted"], data["reason"])
