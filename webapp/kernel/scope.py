"""Who acts, for which tenant, with which rights: the first argument of every service function."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from sqlalchemy.orm import Session

from webapp.kernel.errors import Forbidden
from webapp.kernel.permissions import Permission, PermissionSet


class Mode(StrEnum):
    """Live mail leaves; sandbox mail is captured and never dialled."""

    LIVE = "live"
    SANDBOX = "sandbox"


class ActorKind(StrEnum):
    """What kind of somebody made a change."""

    MEMBER = "member"
    API_KEY = "api_key"
    BRIDGE = "bridge"
    STAFF = "staff"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Actor:
    """The one whose name stands in the activity log. ``on_behalf_of``: the member a staff person acts for."""

    kind: ActorKind
    id: UUID | None
    name: str
    on_behalf_of: UUID | None = None


SYSTEM = Actor(ActorKind.SYSTEM, None, "Postbridge")


@dataclass(frozen=True, slots=True)
class Scope:
    """One unit of work of one tenant. Made in four doors only: session login, API key, SMTP login, job."""

    session: Session
    tenant_id: UUID
    actor: Actor
    permissions: PermissionSet
    mode: Mode = Mode.LIVE
    request_id: str | None = None
    address: str | None = None
    bridge_id: UUID | None = None

    def require(self, permission: Permission) -> None:
        """Raise ``Forbidden`` naming the permission that is missing."""
        if not self.permissions.allows(permission):
            raise Forbidden(f"This needs the permission {permission.value}, which your role does not give.")
