"""Acts on suppressions. Events suppress by ``note_bounces`` and ``suppress``, people by ``add`` and ``lift``; whoever sends asks ``find_suppressed``."""

from webapp.suppressions.queries import blocking_reasons, find_blocked, find_suppressed, in_force_sql, list_of_address
from webapp.suppressions.service.bounces import matters, note_bounces
from webapp.suppressions.service.expiry import tidy
from webapp.suppressions.service.people import add, add_many, check, lift, lift_many
from webapp.suppressions.service.removal import lift_of_bounces, watch
from webapp.suppressions.service.rows import NewSuppression, suppress, suppress_many

__all__ = [
    "NewSuppression",
    "add",
    "add_many",
    "blocking_reasons",
    "check",
    "find_blocked",
    "find_suppressed",
    "in_force_sql",
    "lift",
    "lift_many",
    "lift_of_bounces",
    "list_of_address",
    "matters",
    "note_bounces",
    "suppress",
    "suppress_many",
    "tidy",
    "watch",
]
