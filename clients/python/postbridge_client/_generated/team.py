"""Operations under 'Team'.

Written by scripts/make_client.py from the OpenAPI document; change that instead.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, cast

from postbridge_client._generated.team_types import (
    InvitationOut,
    MemberOut,
)
from postbridge_client.caller import UNSET, Caller, in_path
from postbridge_client.results import Page


class TeamOperations(Caller):
    """The people of your tenant, and invitations."""

    def list_members(
        self,
        *,
        search: str | None = None,
        role: Literal["owner", "admin", "developer", "viewer"] | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Page[MemberOut]:
        """List members. Permission: `team.read`."""
        return cast("Page[MemberOut]", self._page("GET", "/api/v1/team", query={"search": search, "role": role, "limit": limit, "cursor": cursor}))

    def iter_members(
        self, *, search: str | None = None, role: Literal["owner", "admin", "developer", "viewer"] | None = None, limit: int | None = None
    ) -> Iterator[MemberOut]:
        """All of them, page by page: see list_members."""
        return self._pages("/api/v1/team", {"search": search, "role": role, "limit": limit})

    def list_invitations(self, *, limit: int | None = None, cursor: str | None = None) -> Page[InvitationOut]:
        """List open invitations. Permission: `team.read`."""
        return cast("Page[InvitationOut]", self._page("GET", "/api/v1/team/invitations", query={"limit": limit, "cursor": cursor}))

    def iter_invitations(self, *, limit: int | None = None) -> Iterator[InvitationOut]:
        """All of them, page by page: see list_invitations."""
        return self._pages("/api/v1/team/invitations", {"limit": limit})

    def invite_member(self, *, email: str, role: Literal["owner", "admin", "developer", "viewer"] = UNSET, idempotency_key: str | None = None) -> InvitationOut:
        """Invite somebody by mail. Permission: `team.invite`."""
        return cast(
            "InvitationOut",
            self.request("POST", "/api/v1/team/invitations", body={"email": email, "role": role}, keyed=True, headers={"Idempotency-Key": idempotency_key}),
        )

    def get_invitation(self, invitation_id: str) -> InvitationOut:
        """Show an invitation. Permission: `team.read`."""
        return cast("InvitationOut", self.request("GET", f"/api/v1/team/invitations/{in_path(invitation_id)}"))

    def withdraw_invitation(self, invitation_id: str, *, if_match: str | None = None) -> None:
        """Withdraw an invitation. Permission: `team.invite`."""
        self.request("DELETE", f"/api/v1/team/invitations/{in_path(invitation_id)}", headers={"If-Match": if_match})

    def resend_invitation(self, invitation_id: str, *, idempotency_key: str | None = None) -> InvitationOut:
        """Mail an invitation again. The link in the letter before ends. Permission: `team.invite`."""
        return cast(
            "InvitationOut",
            self.request("POST", f"/api/v1/team/invitations/{in_path(invitation_id)}/resend", keyed=True, headers={"Idempotency-Key": idempotency_key}),
        )

    def get_member(self, user_id: str) -> MemberOut:
        """Show a member. Permission: `team.read`."""
        return cast("MemberOut", self.request("GET", f"/api/v1/team/{in_path(user_id)}"))

    def change_member_role(self, user_id: str, *, role: Literal["owner", "admin", "developer", "viewer"], if_match: str | None = None) -> MemberOut:
        """Change a member's role. Permission: `team.update`."""
        return cast("MemberOut", self.request("PATCH", f"/api/v1/team/{in_path(user_id)}", body={"role": role}, headers={"If-Match": if_match}))

    def remove_member(self, user_id: str, *, if_match: str | None = None) -> None:
        """Remove a member. Permission: `team.update`."""
        self.request("DELETE", f"/api/v1/team/{in_path(user_id)}", headers={"If-Match": if_match})
