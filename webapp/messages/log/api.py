"""The log over HTTP."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

from flask.views import MethodView

from webapp.http.api import api_blueprint
from webapp.http.guard import current_scope, requires
from webapp.kernel.errors import Forbidden, NotFound
from webapp.kernel.pagination import Page
from webapp.kernel.permissions import Permission
from webapp.kernel.scope import Mode, Scope
from webapp.messages.log.queries import find_row, list_recipients
from webapp.messages.log.rows import entry_of
from webapp.messages.log.schemas import LogArgs, LogEntry, filter_of

blp = api_blueprint("logs", "What became of each recipient", "Logs")


def scope_in_mode(scope: Scope, mode: Mode | None) -> Scope:
    """The scope in another mode: a live key may look at sandbox mail, not the other way round. Raises ``Forbidden``."""
    if mode is Mode.LIVE and scope.mode is Mode.SANDBOX:
        raise Forbidden("A sandbox key reads sandbox mail only.")
    return scope if mode is None or mode is scope.mode else replace(scope, mode=mode)


@blp.route("/logs")
class Logs(MethodView):
    """The log."""

    @requires(Permission.LOGS_READ)
    @blp.arguments(LogArgs, location="query")
    @blp.answer_page(LogEntry)
    def get(self, args: dict[str, Any]) -> Any:
        """List recipients, newest first: one row each. A page may be short and still have a `next_cursor`: narrow filters end after so many rows."""
        scope, skip = scope_in_mode(current_scope(), args["mode"]), (args["page"] - 1) * args["limit"]
        oldest = args["sort"] == "created_at"
        page = list_recipients(scope, filter_of(args), limit=args["limit"], cursor=args["cursor"], oldest_first=oldest, skip=skip)
        return Page([entry_of(row) for row in page.items], page.next_cursor)


@blp.route("/logs/<uuid:log_id>")
class OneLog(MethodView):
    """One row of the log."""

    @requires(Permission.LOGS_READ)
    @blp.answer(200, LogEntry)
    def get(self, log_id: UUID) -> Any:
        """Read one recipient's row."""
        scope = current_scope()
        row = find_row(scope, log_id)
        if row is None or (scope.mode is Mode.SANDBOX and row.recipient.mode != Mode.SANDBOX):
            raise NotFound("log entry")
        return entry_of(row)
