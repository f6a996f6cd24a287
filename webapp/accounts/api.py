"""The team over the API."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask.views import MethodView

from webapp.accounts import queries, service
from webapp.accounts.models import OneTimeToken
from webapp.accounts.schemas import InvitationIn, InvitationOut, MemberOut, MemberQuery, RoleForm
from webapp.accounts.types import Member
from webapp.http.api import PageArgs, api_blueprint
from webapp.http.guard import current_scope, requires
from webapp.kernel.pagination import Page
from webapp.kernel.permissions import Permission

blp = api_blueprint("accounts", "The people of a tenant and invitations to join it", "Team")


@blp.route("/team")
class Team(MethodView):
    """Members."""

    @requires(Permission.TEAM_READ)
    @blp.arguments(MemberQuery, location="query")
    @blp.answer_page(MemberOut)
    def get(self, args: dict[str, Any]) -> Page[Member]:
        """List members"""
        return queries.list_members(current_scope(), **args)


@blp.route("/team/invitations")
class Invitations(MethodView):
    """Invitations that wait for an answer."""

    @requires(Permission.TEAM_READ)
    @blp.arguments(PageArgs, location="query")
    @blp.answer_page(InvitationOut)
    def get(self, args: dict[str, Any]) -> Page[OneTimeToken]:
        """List open invitations"""
        return queries.list_invitations(current_scope(), **args)

    @requires(Permission.TEAM_INVITE)
    @blp.arguments(InvitationIn)
    @blp.answer(201, InvitationOut)
    def post(self, body: dict[str, Any]) -> OneTimeToken:
        """Invite somebody by mail"""
        return service.invite(current_scope(), body["email"], body["role"])


@blp.route("/team/invitations/<uuid:invitation_id>")
class Invitation(MethodView):
    """One invitation."""

    @requires(Permission.TEAM_READ)
    @blp.answer(200, InvitationOut)
    def get(self, invitation_id: UUID) -> OneTimeToken:
        """Show an invitation"""
        return queries.get_invitation(current_scope(), invitation_id)

    @requires(Permission.TEAM_INVITE)
    @blp.answer(200)
    def delete(self, invitation_id: UUID) -> None:
        """Withdraw an invitation"""
        service.withdraw_invitation(current_scope(), invitation_id)


@blp.route("/team/invitations/<uuid:invitation_id>/resend", methods=["POST"])
@requires(Permission.TEAM_INVITE)
@blp.answer(200, InvitationOut)
def resend_invitation(invitation_id: UUID) -> OneTimeToken:
    """Mail an invitation again; the link in the letter before ends"""
    return service.resend_invitation(current_scope(), invitation_id)


@blp.route("/team/<uuid:user_id>")
class TeamMember(MethodView):
    """One member."""

    @requires(Permission.TEAM_READ)
    @blp.answer(200, MemberOut)
    def get(self, user_id: UUID) -> Member:
        """Show a member"""
        return queries.get_member(current_scope(), user_id)

    @requires(Permission.TEAM_UPDATE)
    @blp.arguments(RoleForm)
    @blp.answer(200, MemberOut)
    def patch(self, body: dict[str, Any], user_id: UUID) -> Member:
        """Change a member's role"""
        return service.change_role(current_scope(), user_id, body["role"])

    @requires(Permission.TEAM_UPDATE)
    @blp.answer(200)
    def delete(self, user_id: UUID) -> None:
        """Remove a member"""
        service.remove_member(current_scope(), user_id)
