"""Acts on keys and roles. Nobody gives more than they have: rights, mode, networks and life of a key lie within those of its maker."""

from webapp.access.service.bounds import MOST_GENERATIONS, adopt_key
from webapp.access.service.keys import IssuedKey, KeyWish, count_active_keys, create_key, is_usable, update_key
from webapp.access.service.revoking import Revocation, revoke_key, revoke_keys, revoke_keys_of
from webapp.access.service.roles import count_roles, create_role, delete_role, update_role
from webapp.access.service.rolling import LONGEST_OVERLAP, end_previous, has_previous, roll_key

__all__ = [
    "LONGEST_OVERLAP", "MOST_GENERATIONS", "IssuedKey", "KeyWish", "Revocation", "adopt_key", "count_active_keys", "count_roles", "create_key",
    "create_role", "delete_role", "end_previous", "has_previous", "is_usable", "revoke_key", "revoke_keys", "revoke_keys_of", "roll_key", "update_key",
    "update_role",
]  # fmt: skip
