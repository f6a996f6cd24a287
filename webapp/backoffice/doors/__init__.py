"""The door of support sessions, and the scope of staff in their own name."""

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

__all__ = ["SupportDoor", "cookie_name", "current_support", "drop_cookie", "find_support", "init", "set_cookie", "staff_scope", "support_unit"]
