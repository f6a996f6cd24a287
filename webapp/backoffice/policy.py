"""What a support session may do. Pure: a route and a mode in, a refusal or none out. Whatever is not named here is refused (study: section 3.1).

Reading is allowed by permission (``*.read``) except for what takes data away; changing is allowed by name only, and only after the tenant granted it.
Never, in any mode: secrets and keys, exports and downloads, sending, deleting, members, passwords, second factors, consent, billing, staff.
"""

from __future__ import annotations

from webapp.http.guard import Access
from webapp.kernel.permissions import Permission, PermissionSet

READS = frozenset({"GET", "HEAD", "OPTIONS"})

#: The session's own controls.
CONTROLS = frozenset({"backoffice.stop", "backoffice.begin_changes", "backoffice.controls", "backoffice.show_addresses", "backoffice.switch_mode"})
#: The page that says a session is over, and the way out of it: reached without a session.
WAY_OUT = frozenset({"backoffice.over", "backoffice.leave"})

#: What anybody may read, by slice.
_OPEN_SLICES = frozenset({"docs", "health", "api-docs"})

#: POSTs that look only.
LOOKS = frozenset({"contacts.segment_builder", "contacts.segment_count", "content.preview_draft", "incidents.preview"})

#: Changes that a tenant can grant. None of them creates or shows a secret, deletes, sends, or sets mail in motion that somebody held back.
GRANTABLE = frozenset(
    {
        "bridges.guard", "bridges.pause", "bridges.track", "bridges.update",
        "content.create", "content.new", "content.update",
        "domains.create", "domains.renew_challenge", "domains.update", "domains.update_hosts", "domains.verify",
        "pace.change_plan", "pace.hold_back", "pace.lift", "pace.set_budget", "pace.start_warmup",
        "pools.create", "pools.update", "pools.update_member",
        "suppressions.create",
    }
)  # fmt: skip

#: Permissions that a session may hold besides reading, once changes are granted. The second lock: ``Scope.require`` knows no other.
_GRANTABLE_PERMISSIONS = frozenset(
    {
        Permission.BRIDGE_UPDATE, Permission.DOMAIN_CREATE, Permission.DOMAIN_VERIFY, Permission.IP_UPDATE, Permission.POOL_CREATE,
        Permission.POOL_UPDATE, Permission.SUPPRESSION_CREATE, Permission.TEMPLATE_CREATE, Permission.TEMPLATE_UPDATE,
    }
)  # fmt: skip

#: Words in a view's name that say it takes data away. What slips through is caught by its answer, see ``doors``.
_TAKES_AWAY = ("export", "_file", "attachment", "download", "problems", "csv")

_READ_ONLY = "This support session is read-only. The tenant can allow changes on its page Support access; then begin them in the banner."
_NEVER = "No support session may do this, whatever the tenant has allowed."
_DOWNLOADS = "No support session may take data away: downloads and exports are the tenant's own."
_STAFF = "This is for staff in their own name; stop the support session first."
_OWN = "This belongs to your own account; stop the support session first."
_API = "The API takes keys, and a support session has none."


def judge(endpoint: str, method: str, access: Access | None, *, changes: bool) -> str | None:
    """Why the request is refused; None when it may go on. ``changes``: whether the tenant granted them and they were begun."""
    if endpoint in CONTROLS:
        return None
    if endpoint.partition(".")[0] in _OPEN_SLICES and method in READS:
        return None
    if access is None:
        return _NEVER
    if access.word is not None:
        return _STAFF if access.word == "staff_only" else _OWN
    assert access.permission is not None
    if method in READS:
        return _judge_read(endpoint, access.permission, changes=changes)
    if endpoint in LOOKS:
        return None
    return _judge_change(endpoint, changes=changes)


def judge_api(endpoint: str) -> str | None:
    """The JSON API: its description may be read; everything else asks for a key."""
    return None if endpoint.partition(".")[0] in _OPEN_SLICES else _API


def _judge_read(endpoint: str, permission: Permission, *, changes: bool) -> str | None:
    if any(word in endpoint.rpartition(".")[2] for word in _TAKES_AWAY):
        return _DOWNLOADS
    if permission.value.endswith(".read"):
        return None
    return _judge_change(endpoint, changes=changes)  # a form that leads to a change, or a secret


def _judge_change(endpoint: str, *, changes: bool) -> str | None:
    if endpoint not in GRANTABLE:
        return _NEVER
    return None if changes else _READ_ONLY


def permissions_in_session(member: PermissionSet, *, changes: bool) -> PermissionSet:
    """What is left of a member's permissions: reading, and what can be granted once changes have begun. Named one by one, no wildcard survives."""
    kept = {p.value for p in Permission if p.value.endswith(".read") or (changes and p in _GRANTABLE_PERMISSIONS)}
    return PermissionSet(name for name in kept if member.allows(name))
