"""Values of domains that other slices use."""

from __future__ import annotations

from enum import StrEnum


class DomainStatus(StrEnum):
    """``pending``: challenge not seen yet; ``verified``: may be sent from; ``failed``: it was verified, the proof is gone."""

    PENDING = "pending"
    VERIFIED = "verified"
    FAILED = "failed"


class DkimAlgorithm(StrEnum):
    """Signature algorithms of RFC 8301 and RFC 8463."""

    RSA = "rsa-sha256"
    ED25519 = "ed25519-sha256"
