"""Acts on keys and roles. Nobody gives more than they have: rights, mode, networks and life of a new key lie within those of its maker."""

from webapp.access.service.keys import MAX_ACTIVE_KEYS, IssuedKey, KeyWish, create_key, revoke_key, roll_key, update_key
from webapp.access.service.roles import MAX_ROLES, create_role, delete_role, update_role

__all__ = [
    "MAX_ACTIVE_KEYS", "MAX_ROLES", "IssuedKey", "KeyWish", "create_key", "create_role", "delete_role", "revoke_key", "roll_key", "update_key",
    "update_role",
]  # fmt: skip
