"""The activity log over the API; nobody can change it."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView

from webapp.activity import queries
from webapp.activity.models import ActivityEntry
from webapp.activity.schemas import ActivityOut, ActivityQuery
from webapp.http.api import api_blueprint
from webapp.http.guard import current_scope, requires
from webapp.kernel.pagination import Page
from webapp.kernel.permissions import Permission

blp = api_blueprint("activity", "Who did what, with the key or person as actor.")


@blp.route("/activity")
class Activity(MethodView):
    """The log."""

    @requires(Permission.ACTIVITY_READ)
    @blp.arguments(ActivityQuery, location="query")
    @blp.answer_page(ActivityOut)
    def get(self, args: dict[str, Any]) -> Page[ActivityEntry]:
        """List activity, newest first"""
        limit, cursor = args.pop("limit"), args.pop("cursor")
        return queries.list_entries(current_scope(), queries.ActivityFilter(**args), limit=limit, cursor=cursor)
