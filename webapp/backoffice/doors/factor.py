"""A fresh second factor of the staff member: asked for before a support session begins."""

from __future__ import annotations

from datetime import timedelta

from webapp.accounts.doors import has_fresh_second_factor
from webapp.kernel.errors import Forbidden
from webapp.settings import get_settings


def has_fresh_factor() -> bool:
    """Whether the person gave a second factor in this browser within the minutes of the settings."""
    return has_fresh_second_factor(timedelta(minutes=get_settings().support_factor_minutes))


def require_fresh_factor() -> None:
    """Raises ``Forbidden``."""
    if not has_fresh_factor():
        raise Forbidden("Give your second factor first: a support session begins only within minutes of it.")
