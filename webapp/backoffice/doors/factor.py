"""A fresh second factor of the staff member: asked for before a support session begins."""

from __future__ import annotations

from datetime import timedelta

from webapp.accounts.doors import current_person
from webapp.kernel import clock
from webapp.kernel.errors import Forbidden
from webapp.settings import get_settings


def has_fresh_factor() -> bool:
    """Whether the person gave a second factor in this browser within the minutes of the settings."""
    given = current_person().logged_in.factor_at
    return given is not None and clock.now() - given <= timedelta(minutes=get_settings().support_factor_minutes)


def require_fresh_factor() -> None:
    """Raises ``Forbidden``."""
    if not has_fresh_factor():
        raise Forbidden("Give your second factor first: a support session begins only within minutes of it.")
