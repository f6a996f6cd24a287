"""A new secret for a key, while the old one works on for a while: both are the same key, with the same id, role, limits and history."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from webapp.access.models import ApiKey
from webapp.access.queries import get_key
from webapp.access.remembered import forget_credentials
from webapp.access.service.checks import check_reach
from webapp.access.service.keys import IssuedKey, is_usable
from webapp.access.tokens import make_key
from webapp.activity.service import record
from webapp.kernel import clock
from webapp.kernel.db import after_commit
from webapp.kernel.errors import Conflict, ValidationFailed
from webapp.kernel.scope import Mode, Scope
from webapp.kernel.secrets import digest

LONGEST_OVERLAP = timedelta(days=30)
#: What a roll with overlap keeps of the old secret.
_PREVIOUS = ("previous_hash", "previous_last_four", "previous_expires_at", "previous_used_at")


def roll_key(scope: Scope, key_id: UUID, overlap: timedelta = timedelta(hours=24)) -> IssuedKey:
    """Give a key a new secret; the old one ends after ``overlap`` (0 to 30 days), with 0 at once.

    Raises ``Conflict`` for a key that is over, or while the secret before the present one still works, unless ``overlap`` is 0: then both end.
    ``Forbidden`` for a key that may do more than the one who rolls it, who gets to see the secret.
    """
    key = get_key(scope, key_id, lock=True)
    check_reach(scope, key)
    if not is_usable(key):
        raise Conflict("A revoked or expired key cannot be rolled; make a new one.")
    if not timedelta(0) <= overlap <= LONGEST_OVERLAP:
        raise ValidationFailed("The overlap is 0 to 2592000 seconds (30 days).", param="overlap_seconds")
    if overlap and has_previous(key):
        raise Conflict(
            f"The secret before the present one (…{key.previous_last_four}) still works: end it first with DELETE /keys/{key.id}/previous, "
            "or roll with overlap_seconds 0, which ends both."
        )  # fmt: skip
    now, plain = clock.now(), make_key(Mode(key.mode))
    key.previous_hash, key.previous_last_four = (key.key_hash, key.last_four) if overlap else (None, None)
    key.previous_expires_at, key.previous_used_at = (now + overlap if overlap else None), None
    before, key.key_hash, key.last_four, key.rolled_at = key.last_four, digest(plain), plain[-4:], now
    changes = {"last_four": [before, key.last_four], "old_works_until": key.previous_expires_at or now}
    record(scope, "api_key.rolled", "api_key", key.id, key.name, changes)
    after_commit(scope.session, lambda: forget_credentials(key_id=key_id))
    return IssuedKey(key, plain)


def end_previous(scope: Scope, key_id: UUID) -> ApiKey:
    """End the overlap of a roll now: only the new secret works from here on. Ending none changes nothing."""
    key = get_key(scope, key_id, lock=True)
    if key.previous_hash is not None:
        record(scope, "api_key.overlap_ended", "api_key", key.id, key.name, {"old_works_until": [key.previous_expires_at, clock.now()]})
        for name in _PREVIOUS:
            setattr(key, name, None)
        after_commit(scope.session, lambda: forget_credentials(key_id=key_id))
    return key


def has_previous(key: ApiKey) -> bool:
    """Whether two secrets work now."""
    return key.previous_hash is not None and key.previous_expires_at is not None and key.previous_expires_at > clock.now()
