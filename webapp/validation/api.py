"""/validate."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView

from webapp.http.api import api_blueprint
from webapp.http.guard import current_scope, requires
from webapp.kernel.permissions import Permission
from webapp.validation import schemas, service
from webapp.validation.types import Result

blp = api_blueprint("validation", "Whether an address is worth writing to; no mailbox is dialled", "Validation")


@blp.route("/validate")
class Validate(MethodView):
    """One address."""

    @requires(Permission.EMAIL_VALIDATE)
    @blp.arguments(schemas.ValidateIn)
    @blp.flat(200, schemas.ValidationOut)
    def post(self, data: dict[str, Any]) -> Result:
        """Judge an address: syntax, mail servers, throw-away and role addresses, typing mistakes, your suppressions."""
        return service.validate(current_scope(), [data["email"]])[0]


@blp.route("/validate/batch")
class ValidateBatch(MethodView):
    """Many addresses."""

    @requires(Permission.EMAIL_VALIDATE)
    @blp.arguments(schemas.ValidateBatchIn)
    @blp.flat(200, schemas.ValidationBatchOut)
    def post(self, data: dict[str, Any]) -> dict[str, Any]:
        """Judge up to 100 addresses. DNS has some seconds for all of them; what it leaves open is `unknown`."""
        return {"results": service.validate(current_scope(), data["emails"])}
