"""How a bridge's credentials are made and opened again.

Username ``bm`` and random base62; password and token secret are independent random values, so that neither tells the other. Both are sealed
(the dashboard shows them again to whoever may reveal them) and found by their SHA-256.
"""

from __future__ import annotations

from uuid import UUID

from webapp.bridges.models import Bridge, BridgeCredential
from webapp.bridges.types import Secrets
from webapp.kernel.ids import uuid7
from webapp.kernel.secrets import digest, random_token, seal, unseal

_USERNAME_BITS = 112
_SECRET_BITS = 160


def new_username() -> str:
    """A username that nobody guesses: 21 characters."""
    return "bm" + random_token(_USERNAME_BITS)


def make_credential(bridge: Bridge, username: str, number: int) -> BridgeCredential:
    """A fresh pair of password and token for ``bridge``, not yet in a session."""
    password = random_token(_SECRET_BITS)
    token = f"{username}-{random_token(_SECRET_BITS)}-{number}"
    return BridgeCredential(
        id=uuid7(),
        tenant_id=bridge.tenant_id,
        bridge_id=bridge.id,
        username=username,
        number=number,
        password_hash=digest(password),
        password_sealed=seal(password, _context(bridge.tenant_id, "password_sealed")),
        token_hash=digest(token),
        token_sealed=seal(token, _context(bridge.tenant_id, "token_sealed")),
    )


def open_credential(row: BridgeCredential) -> Secrets:
    """Password and token in the clear."""
    return Secrets(
        credential_id=row.id,
        number=row.number,
        username=row.username,
        password=unseal(row.password_sealed, _context(row.tenant_id, "password_sealed")),
        token=unseal(row.token_sealed, _context(row.tenant_id, "token_sealed")),
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
    )


def _context(tenant_id: UUID, column: str) -> str:
    return f"{tenant_id}|bridge_credentials|{column}"
