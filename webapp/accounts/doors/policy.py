"""The gate before pages for people whose tenant, or whose being staff, asks for a second factor: they reach the pages where they set one up, no other."""

from __future__ import annotations

from typing import Any

from flask import Flask, Response, current_app, redirect, request, url_for

from webapp.accounts.doors.session import load_session
from webapp.http.guard import is_api

#: What one needs to set up a factor, to prove it, or to go away.
_OPEN = frozenset(
    f"accounts.{name}"
    for name in (
        "logout", "security", "set_up_totp", "confirm_totp", "new_passkey", "passkey_options", "add_passkey", "confirm", "confirm_now", "confirm_options",
        "confirm_by_passkey", "switch_tenant", "renew_codes", "factor_required", "end_session", "end_other_sessions",
    )
)  # fmt: skip


def init_policy(app: Flask) -> None:
    """Stand before every page."""
    app.before_request(_hold_back)


def _hold_back() -> Any:
    endpoint = request.endpoint or ""
    if is_api() or endpoint in _OPEN or _is_public(endpoint):
        return None
    person = load_session()
    if person is None or not person.must_give_factor:
        return None
    target = url_for("accounts.factor_required")
    if request.headers.get("HX-Request"):
        return Response("", 403, {"HX-Redirect": target})
    return redirect(target, 303)


def _is_public(endpoint: str) -> bool:
    access = getattr(current_app.view_functions.get(endpoint), "__access__", None)
    return access is None or access.word == "public"
