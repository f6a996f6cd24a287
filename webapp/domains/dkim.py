"""DKIM key pairs and their DNS records (RFC 6376, RFC 8301: RSA of 2048 bits; RFC 8463: Ed25519)."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from uuid import UUID

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from webapp.domains.types import DkimAlgorithm

_RSA_BITS = 2048


@dataclass(frozen=True, slots=True)
class KeyPair:
    """``private_key``: PKCS #8 PEM; ``public_record``: the TXT value that belongs at ``<selector>._domainkey.<domain>``."""

    algorithm: DkimAlgorithm
    private_key: str = field(repr=False)
    public_record: str


def make_key_pair(algorithm: DkimAlgorithm) -> KeyPair:
    """A fresh pair. RSA takes about 50 to 100 ms."""
    key: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
    if algorithm is DkimAlgorithm.RSA:
        key = rsa.generate_private_key(public_exponent=65537, key_size=_RSA_BITS)
        public = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        record = f"v=DKIM1; k=rsa; p={base64.b64encode(public).decode()}"
    else:
        key = ed25519.Ed25519PrivateKey.generate()
        public = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        record = f"v=DKIM1; k=ed25519; p={base64.b64encode(public).decode()}"
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return KeyPair(algorithm, pem.decode(), record)


def selector_for(tenant_id: UUID, algorithm: DkimAlgorithm, number: int = 1) -> str:
    """The selector of a tenant's ``number``-th key: tenants never share one, so nobody can point theirs at another's key."""
    tag = hashlib.sha256(b"dkim selector|" + tenant_id.bytes).hexdigest()[:10]
    return f"pb{tag}{'r' if algorithm is DkimAlgorithm.RSA else 'e'}{number}"


def public_key_of(record: str) -> str | None:
    """The ``p=`` of a published record without white space: empty when the key is revoked, None when it is no DKIM record."""
    return _tags(record).get("p")


def same_record(wanted: str, found: str) -> bool:
    """Whether a published record carries the wanted key: tags may stand in any order and spacing (RFC 6376 section 3.2)."""
    return _tags(wanted) == {**_tags(found), "v": "DKIM1"} | ({} if "k" in _tags(found) else {"k": "rsa"})


def _tags(record: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in record.split(";") if "=" in part)
    tags = {name.strip(): "".join(value.split()) for name, _, value in pairs}
    return {name: value for name, value in tags.items() if name in ("v", "k", "p")}
