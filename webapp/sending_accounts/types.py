"""Values of sending accounts that other slices use."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class TlsPolicy(StrEnum):
    """How a relay connection is encrypted. ``required`` and ``implicit`` verify the certificate; ``opportunistic`` takes what is offered."""

    NONE = "none"
    OPPORTUNISTIC = "opportunistic"
    REQUIRED = "required"
    IMPLICIT = "implicit"


@dataclass(frozen=True, slots=True)
class ConnectionTest:
    """How a test of a relay went: ``ok``, one sentence for a person, and the conversation, secrets blotted out."""

    ok: bool
    summary: str
    transcript: tuple[str, ...] = ()
