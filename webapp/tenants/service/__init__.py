"""Acts on tenants and their limits."""

from webapp.tenants.queries import find_by_slug, get_tenant, list_open_requests
from webapp.tenants.service.limits import MOST, check_room, counts, default_of, get_limit, limit_of, list_limits, set_limit, set_limits
from webapp.tenants.service.requests import ask_limit, decline_request, grant_request, withdraw_request
from webapp.tenants.service.states import forget_all_states, forget_state, permissions_of_tenant, suspended_for_abuse, tenant_state
from webapp.tenants.service.tenants import (
    SYSTEM_SLUG,
    approve,
    create_tenant,
    rename,
    resume,
    slugify,
    suspend,
    system_tenant_id,
)  # fmt: skip

__all__ = [
    "MOST", "SYSTEM_SLUG", "approve", "ask_limit", "check_room", "counts", "create_tenant", "decline_request", "default_of", "find_by_slug",
    "forget_all_states", "forget_state", "get_limit", "get_tenant", "grant_request", "limit_of", "list_limits", "list_open_requests",
    "permissions_of_tenant", "rename", "resume", "set_limit", "set_limits", "slugify", "suspend", "suspended_for_abuse", "system_tenant_id", "tenant_state",
    "withdraw_request",
]  # fmt: skip
