"""The door of support sessions, and the scope of staff in their own name."""

from webapp.backoffice.doors.factor import has_fresh_factor, require_fresh_factor
from webapp.backoffice.doors.gate import (
    SupportDoor,
    cookie_name,
    current_support,
    drop_cookie,
    find_support,
    init,
    set_cookie,
    staff_scope,
    support_unit,
)

__all__ = [
    "SupportDoor", "cookie_name", "current_support", "drop_cookie", "find_support", "has_fresh_factor", "init", "require_fresh_factor", "set_cookie",
    "staff_scope", "support_unit",
]  # fmt: skip
