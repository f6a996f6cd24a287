"""Acts of the staff console, and of tenants towards it."""

from webapp.backoffice.service.consent import LONGEST_DAYS, give_standing, grant_once, revoke, stop_session
from webapp.backoffice.service.growth import grow, list_growing
from webapp.backoffice.service.notices import TenantLetter, Unmailed, list_unmailed, mark_mailed, notify, write_letter
from webapp.backoffice.service.requests import appeal, ask_production, decide, start_growth, withdraw
from webapp.backoffice.service.sessions import end_session, list_over, start_session, start_writing, unmask
from webapp.backoffice.service.staff import add_staff, change_role, list_staff, platform_scope, remove_staff, require_owner, role_of

__all__ = [
    "LONGEST_DAYS", "TenantLetter", "Unmailed", "add_staff", "appeal", "ask_production", "change_role", "decide", "end_session", "give_standing",
    "grant_once", "grow", "list_growing", "list_over", "list_staff", "list_unmailed", "mark_mailed", "notify", "platform_scope", "remove_staff",
    "require_owner", "revoke", "role_of", "start_growth", "start_session", "start_writing", "stop_session", "unmask", "withdraw", "write_letter",
]  # fmt: skip
