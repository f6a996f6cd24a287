"""What every template may use: see templates/components/README.md."""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import current_app, request, url_for
from werkzeug.local import LocalProxy

from webapp.http import guard
from webapp.kernel.errors import DomainError

#: Navigation: group, then (label, endpoint, icon, prefix of endpoints that count as active). Entries whose endpoint is absent are left out.
NAVIGATION: tuple[tuple[str | None, tuple[tuple[str, str, str], ...]], ...] = (
    (None, (("Overview", "stats.overview", "layout-dashboard"), ("Messages", "messages.index", "mail"), ("Bridges", "bridges.index", "cable"),
            ("Reports", "reports.index", "chart-line"))),
    (
        "Sending",
        (
            ("Pools", "pools.index", "layers"),
            ("Accounts", "sending_accounts.index", "server"),
            ("Pace", "pace.throttles", "gauge"),
            ("Domains", "domains.index", "globe"),
            ("Templates", "content.index", "file-text"),
        ),
    ),
    (
        "Audience",
        (
            ("Contacts", "contacts.index", "users"),
            ("Lists", "contacts.lists", "list"),
            ("Segments", "contacts.segments", "funnel"),
            ("Tags", "contacts.tags", "tags"),
            ("Suppressions", "suppressions.index", "ban"),
            ("Check addresses", "validation.index", "mail-check"),
            ("Incidents", "incidents.index", "undo-2"),
        ),
    ),
    ("Integration", (("Webhooks", "webhooks.index", "webhook"),)),
    ("Testing", (("Sandbox inbox", "messages.sandbox", "flask-conical"), ("Simulator inbox", "simulator.index", "inbox"))),
    (
        "Settings",
        (
            ("API keys", "access.keys", "key-round"),
            ("Roles", "access.roles", "shield"),
            ("Settings", "accounts.settings", "settings"),
            ("Team", "accounts.team", "users"),
            ("Limits", "tenants.index", "gauge"),
            ("Activity", "activity.index", "history"),
            ("Usage", "support.usage", "chart-column"),
            ("Live sending", "support.production", "circle-check"),
            ("Support access", "support.access", "shield-user"),
        ),
    ),
)


#: What staff sees below that.
PLATFORM: tuple[tuple[str | None, tuple[tuple[str, str, str], ...]], ...] = (
    (
        "Platform",
        (
            ("Tenants", "backoffice.index", "users"),
            ("Requests", "backoffice.requests", "inbox"),
            ("Plans", "backoffice.plan_list", "layers"),
            ("Queues and workers", "backoffice.platform", "server"),
            ("Shared sending", "backoffice.shared_sending", "cable"),
            ("Throttles", "pace.platform", "gauge"),
            ("Suppressions and alarms", "suppressions.platform", "shield"),
            ("Incidents of all tenants", "incidents.platform", "undo-2"),
            ("Staff", "backoffice.staff_list", "user-cog"),
            ("What staff did", "backoffice.staff_activity", "history"),
        ),
    ),
)

#: `g` and this letter go there.
_KEYS = {
    "stats.overview": "o", "messages.index": "m", "bridges.index": "b", "pools.index": "p", "domains.index": "d", "content.index": "t",
    "suppressions.index": "s", "access.keys": "k", "activity.index": "a", "reports.index": "r",
    "contacts.index": "c", "contacts.lists": "l", "contacts.segments": "e",
}  # fmt: skip

_SHELL = {
    "home_url": "stats.overview",
    "search_url": "search.index",
    "mode_url": "accounts.switch_mode",
    "logout_url": "accounts.logout",
    "account_url": "accounts.settings",
    "settings_url": "accounts.settings",
    "docs_url": "docs.index",
    "staff_url": "backoffice.index",
}


@dataclass(frozen=True, slots=True)
class Viewer:
    """The person at the screen, as layouts show them."""

    name: str
    email: str
    tenant_name: str
    tenant_status: str
    mode: str
    is_staff: bool
    permissions: Any

    def can(self, permission: str) -> bool:
        """Whether to show a control; the server checks again."""
        return bool(self.permissions.allows(permission))


def asset(name: str) -> str:
    """Address of a static file that changes with its content, so that browsers may keep it for a year."""
    return _address_of(current_app.static_folder or "", request.script_root, name)


@functools.lru_cache(maxsize=1024)
def _address_of(folder: str, root: str, name: str) -> str:
    """Read once a process: files change with a release, and a release starts new processes. A page asks for the sprite of icons a hundred times."""
    try:
        version = hashlib.sha256((Path(folder) / name).read_bytes()).hexdigest()[:10]
    except OSError:
        return url_for("static", filename=name)
    return url_for("static", filename=name, v=version)


def _viewer() -> Viewer | None:
    try:
        door: Any = guard.current_door()
    except DomainError:
        return None
    return Viewer(
        door.name, door.email, door.tenant_name or "", door.tenant_status or "", str(door.mode), door.is_staff, door.permissions
    )


def _navigation() -> list[dict[str, Any]]:
    here = request.endpoint or ""
    known = current_app.view_functions
    groups = []
    door = guard.current_door()
    for label, entries in (*(NAVIGATION if door.tenant_id else ()), *(PLATFORM if door.is_staff else ())):
        items = [
            {
                "label": text,
                "url": url_for(endpoint),
                "icon": icon,
                "active": here == endpoint or _same_slice(here, endpoint),
                "key": _KEYS.get(endpoint),
            }
            for text, endpoint, icon in entries
            if endpoint in known
        ]
        if items:
            groups.append({"label": label, "items": items})
    return groups


def _same_slice(here: str, endpoint: str) -> bool:
    slice_name, _, view = endpoint.partition(".")
    apart = here.startswith("messages.sandbox") or ".platform" in here or (slice_name == "backoffice" and not here.startswith("backoffice.tenant"))
    if here.startswith("contacts."):  # four entries share the slice
        section = next((word for word in ("list", "segment", "tags") if word in here), "index")
        return slice_name == "contacts" and section in view
    return view == "index" and here.partition(".")[0] == slice_name and not apart


def template_context() -> dict[str, Any]:
    """The context processor. The frame is made when a layout looks at it: fragments, which are most of what is asked for, have none."""
    viewer = None if guard.is_api() else _viewer()
    if viewer is None:
        return {"viewer": None}
    return {"viewer": viewer, "nav": LocalProxy(functools.cache(_navigation)), "shell": LocalProxy(functools.cache(_shell))}


def _shell() -> dict[str, str]:
    """Addresses of the frame's controls; those whose page is absent are left out."""
    known, door = current_app.view_functions, guard.current_door()
    chosen: dict[str, str | None] = {**_SHELL, **getattr(door, "shell", {})}
    if door.tenant_id is None:
        chosen |= {"home_url": "backoffice.index" if door.is_staff else "accounts.settings", "search_url": None, "mode_url": None}
    return {name: url_for(endpoint) for name, endpoint in chosen.items() if endpoint in known}
