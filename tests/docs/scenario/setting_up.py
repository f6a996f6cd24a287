"""A sending lane: domain, relay, pool, bridge, key."""

from tests.docs.scenario.steps import Step

_DOMAIN = {"domain_id": "$domain"}
_RELAY = {"provider_id": "$provider"}
_POOL = {"pool_id": "$pool"}
_BRIDGE = {"bridge_id": "$bridge"}
_ROLE = {"role_id": "$role"}
_KEY = {"key_id": "$key"}

DOMAINS = (
    Step("create_domain", "Add a domain", {"domain": "your-domain.com"}, save={"domain": "data.id"}),
    Step("get_domain_records", "What to publish", path=_DOMAIN),
    Step("verify_domain", "Look the records up", path=_DOMAIN, before="publish"),
    Step("get_domain", "Read a domain", path=_DOMAIN),
    Step("get_domain_score", "How well it is set up", path=_DOMAIN),
    Step("list_domain_checks", "What checks found", path=_DOMAIN, query={"limit": 2}),
    Step("update_domain", "Cover sub-domains", {"covers_subdomains": True}, path=_DOMAIN),
    Step("list_domains", "Verified domains", query={"status": "verified"}),
    Step("rotate_domain_dkim", "New DKIM keys", path=_DOMAIN),
    Step("give_up_domain_dkim_rotation", "Keep the old keys", path=_DOMAIN),
    Step("create_domain", "A domain that waits for its records", {"domain": "news.example", "covers_subdomains": True}, save={"pending": "data.id"}),
    Step("renew_domain_challenge", "A new challenge", path={"domain_id": "$pending"}),
    Step("delete_domain", "Remove a domain", path={"domain_id": "$pending"}),
)
_RELAY_IN = {
    "name": "Relay in Frankfurt",
    "host": "smtp.example.com",
    "port": 587,
    "tls": "opportunistic",
    "username": "postbridge",
    "password": "s3cret-of-yours",
}
RELAYS = (
    Step("create_provider", "An SMTP relay", {**_RELAY_IN, "daily_quota": 10_000}, save={"provider": "data.id"}),
    Step("test_provider", "Try the login", path=_RELAY),
    Step("get_provider", "Read a relay", path=_RELAY),
    Step("list_providers", "All relays", query={"active": True}),
    Step("update_provider", "Allow it less", {"hourly_quota": 500, "max_connections": 10}, path=_RELAY),
    Step("deactivate_provider", "Take it out of use", path=_RELAY),
    Step("activate_provider", "Take it into use", path=_RELAY),
    Step("get_provider_usage", "What it took", path=_RELAY),
    Step("list_providers", "Those of the platform", query={"shared": True}, save={"shared": "data.0.id"}),
    Step(
        "request_provider_limit",
        "Ask for more through a shared one",
        {"wanted": 50_000, "reason": "Our shop opens in three more countries."},
        path={"provider_id": "$shared"},
    ),
    Step("create_pool", "A pool", {"name": "Transactional", "description": "Receipts and password resets"}, save={"pool": "data.id"}),
    Step("add_pool_member", "Put the relay into the pool", {"sending_account_id": "$provider", "weight": 100}, path=_POOL, save={"member": "data.id"}),
    Step("update_pool_member", "Halve its share", {"weight": 50}, path={"pool_id": "$pool", "member_id": "$member"}),
    Step("get_pool_member", "Read a member", path={"pool_id": "$pool", "member_id": "$member"}),
    Step("list_pool_members", "Who is in it", path=_POOL),
    Step("get_pool", "Read a pool", path=_POOL),
    Step("update_pool", "Make it the default", {"is_default": True}, path=_POOL),
    Step("list_pools", "All pools", query={"limit": 2}),
    Step("list_ips", "All addresses", save={"ip": "data.0.id"}),
    Step("get_ip", "Read an address", path={"ip_id": "$ip"}),
    Step("update_ip", "Send from a dedicated address", {"active": True}, path={"ip_id": "$ip"}),
    Step(
        "start_ip_warmup",
        "Warm up towards two providers",
        {"providers": ["google", "yahoo"], "steps": [50, 100, 500]},
        path={"ip_id": "$ip"},
        save={"plan": "data.0.id"},
    ),
    Step("list_ip_warmup_plans", "Plans of an address", path={"ip_id": "$ip"}),
    Step("update_warmup_plan", "Pause a plan", {"state": "paused"}, path={"plan_id": "$plan"}),
    Step("get_warmup_plan", "Read a plan", path={"plan_id": "$plan"}),
    Step("list_throttles", "What slows mail down", save={"throttle": "data.0.id"}),
    Step("get_throttle", "Read a throttle", path={"throttle_id": "$throttle"}),
    Step("lift_throttle", "Lift it", path={"throttle_id": "$throttle"}),
    Step("set_budget", "Be gentle to Google", {"provider": "google", "connections": 5, "rate": 20}, save={"budget": "data.id"}),
    Step("list_budgets", "Limits set by hand"),
    Step("delete_budget", "Back to the built-in limits", path={"budget_id": "$budget"}),
)
BRIDGES = (
    Step("create_bridge", "A bridge for one customer", {"name": "shop", "pool_id": "$pool", "allowed_from": ["your-domain.com"]}, save={"bridge": "data.id"}),
    Step("get_bridge", "Read a bridge", path=_BRIDGE),
    Step("list_bridges", "Find a bridge", query={"search": "shop"}),
    Step("update_bridge", "Switch tracking on", {"track_opens": True, "track_clicks": True}, path=_BRIDGE),
    Step("get_bridge_credentials", "Show the credentials again", path=_BRIDGE),
    Step("rotate_bridge", "New credentials", {"overlap_days": 1}, path=_BRIDGE),
    Step("pause_bridge", "Pause", {"reason": "Checking a list"}, path=_BRIDGE),
    Step("resume_bridge", "Resume", {"note": "The list is clean"}, path=_BRIDGE),
    Step("get_bridge_guard", "What watches over it", path=_BRIDGE),
    Step("update_bridge_guard", "A stricter limit", {"bounce_pause": 0.05}, path=_BRIDGE),
    Step(
        "create_credential",
        "The same in other words",
        {"domain_id": "$domain", "username": "noreply", "display_name": "My App"},
        save={"credential": "data.id"},
    ),
    Step("list_credentials", "All credentials", query={"limit": 2}),
    Step("get_credential", "Read credentials", path={"credential_id": "$credential"}),
    Step("update_credential", "Another name", {"display_name": "My shop"}, path={"credential_id": "$credential"}),
    Step("rotate_credential", "New secrets", {"overlap_days": 1}, path={"credential_id": "$credential"}),
    Step("delete_credential", "Delete credentials", path={"credential_id": "$credential"}),
)
_PERMISSIONS = ["email.send", "email.read", "bridge.read"]
_KEY_IN = {"name": "Shop", "mode": "live", "role": "root:full", "allowed_networks": ["192.0.2.0/24"], "rate_limit": 300}
ACCESS = (
    Step("list_permissions", "The vocabulary of roles"),
    Step("create_role", "A role for shops", {"name": "Shop", "description": "Sends and looks after it", "permissions": _PERMISSIONS}, save={"role": "data.id"}),
    Step("get_role", "Read a role", path=_ROLE),
    Step("update_role", "Let it read figures too", {"permissions": [*_PERMISSIONS, "analytics.read"]}, path=_ROLE),
    Step("list_roles", "All roles"),
    Step("create_key", "A key with a role, an IP list and a limit", {**_KEY_IN, "role": "$role"}, save={"key": "data.id"}),
    Step("get_key", "Read a key", path=_KEY),
    Step("list_keys", "Keys in use", query={"active": True, "limit": 2}),
    Step("update_key", "Allow it more", {"rate_limit": 600}, path=_KEY),
    Step("roll_key", "A new secret, the old one for another day", {"overlap_seconds": 86400}, path=_KEY, save={"rolled": "data.id"}),
    Step("revoke_key", "End the old one now", {"with_made": False}, path=_KEY),
    Step("delete_key", "End the new one too", path={"key_id": "$rolled"}),
    Step("invite_member", "Invite a developer", {"email": "dana@example.com", "role": "developer"}, save={"invitation": "data.id"}),
    Step("get_invitation", "Read an invitation", path={"invitation_id": "$invitation"}),
    Step("list_invitations", "Open invitations"),
    Step("withdraw_invitation", "Withdraw it", path={"invitation_id": "$invitation"}),
    Step("list_members", "The team", save={"member_id": "data.0.id"}, before="teammate"),
    Step("get_member", "Read a member", path={"user_id": "$teammate"}),
    Step("change_member_role", "Another role", {"role": "developer"}, path={"user_id": "$teammate"}),
)
SETTING_UP = (*DOMAINS, *RELAYS, *BRIDGES, *ACCESS)
