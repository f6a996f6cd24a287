"""Acts of the staff console, and of tenants towards it."""

from webapp.backoffice.service.consent import LONGEST_DAYS, give_standing, grant_once, revoke, stop_session
from webapp.backoffice.service.growth import grow, list_growing
from webapp.backoffice.service.notices import TenantLetter, Unmailed, list_unmailed, mark_mailed, notify, write_letter
from webapp.backoffice.service.platform import add_note, change_limits, delete_plan, release_parked, requeue_lost, resume_tenant, save_plan, suspend_tenant
from webapp.backoffice.service.requests import appeal, ask_production, decide, start_growth, withdraw
from webapp.backoffice.service.sessions import end_session, list_over, start_session, start_writing, unmask
from webapp.backoffice.service.staff import add_staff, change_role, list_staff, platform_scope, remove_staff, require_owner, role_of

__all__ = [
    "LONGEST_DAYS", "TenantLetter", "Unmailed", "add_note", "add_staff", "appeal", "ask_production", "change_limits", "change_role", "decide",
    "delete_plan", "end_session", "give_standing", "grant_once", "grow", "list_growing", "list_over", "list_staff", "list_unmailed", "mark_mailed",
    "notify", "platform_scope", "release_parked", "remove_staff", "requeue_lost", "require_owner", "resume_tenant", "revoke", "role_of", "save_plan",
    "start_growth", "start_session", "start_writing", "stop_session", "suspend_tenant", "unmask", "withdraw", "write_letter",
]  # fmt: skip
