"""The Feedback-ID header: under which names a provider's feedback loop counts our mail.

Four fields, the most particular first, the platform last (support.google.com/mail/answer/6254652). Providers show them to whoever verifies the
signing domain, and readers see them in the source, so they are digests: stable for years, but telling neither an id nor when it was made.
"""

from __future__ import annotations

import base64
import functools
import hashlib
from uuid import UUID

PLATFORM = "postbridge"


@functools.lru_cache(10_000)
def _name(what: str, value: UUID | None) -> str:
    digest = hashlib.sha256(f"feedback-id|{what}|{value}".encode()).digest()
    return base64.b32encode(digest[:10]).decode().lower() if value else "none"


def feedback_id(bridge_id: UUID | None, tenant_id: UUID, stream: str) -> str:
    """``bridge:tenant:stream:postbridge``, each the same for all mail of that bridge, tenant or stream."""
    return f"{_name('bridge', bridge_id)}:{_name('tenant', tenant_id)}:{stream}:{PLATFORM}"
