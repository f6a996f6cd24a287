"""Writing what a person did to their own account into the activity of the tenant they work for."""

from __future__ import annotations

from webapp.accounts.doors import current_person
from webapp.activity.service import record
from webapp.http.guard import current_scope


def note(action: str, changes: dict[str, object] | None = None) -> None:
    """Nothing for somebody without a tenant."""
    person = current_person()
    if person.tenant_id is not None:
        record(current_scope(), action, "user", person.user_id, person.email, changes)
