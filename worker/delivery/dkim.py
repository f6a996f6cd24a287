"""DKIM signatures (RFC 6376) with rsa-sha256 (RFC 8301) and ed25519-sha256 (RFC 8463), relaxed/relaxed.

Canonical headers and the body hash are made once and shared by all signers of a message; keys are loaded once. dkimpy is the oracle of the tests.
"""

from __future__ import annotations

import binascii
import hashlib
import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple, TypeAlias

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa, utils

from worker.delivery.content import ContentError
from worker.delivery.headers import ascii_domain

PrivateKey: TypeAlias = rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey

OVER_SIGNED = (
    b"from", b"to", b"cc", b"subject", b"date", b"reply-to", b"message-id", b"mime-version", b"content-type",
    b"content-transfer-encoding", b"list-unsubscribe", b"list-unsubscribe-post",
)  # fmt: skip
"""Named once more than they occur, so that nobody can add another one above the signed (RFC 6376 8.15; RFC 8058 4 for the unsubscribe pair)."""
SIGNED_WHEN_PRESENT = (b"sender", b"in-reply-to", b"references", b"list-id", b"feedback-id", b"content-id", b"content-description")
MIN_RSA_BITS = 1024
"""RFC 8301 3.2: verifiers must not accept less; keys made here have 2048."""
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]*[A-Za-z0-9])?")
_PADDING = padding.PKCS1v15()
_PREHASHED = utils.Prehashed(hashes.SHA256())
_WSP = re.compile(rb"[ \t]{2,}|\t")


class CanonicalHeader(NamedTuple):
    """A header field in relaxed form. name: lower case. line: `name:value` CR LF."""

    name: bytes
    line: bytes


class SigningInput(NamedTuple):
    """What all signers of a message share. names: the h= list. data: the canonical lines they stand for."""

    names: tuple[bytes, ...]
    data: bytes
    body_hash: bytes


def canonical_header(name: bytes, value: bytes) -> CanonicalHeader:
    """Return a field in relaxed form (RFC 6376 3.4.2). value: without the last CR LF, folds allowed."""
    if b"\r\n" in value:
        value = value.replace(b"\r\n", b"")
    if b"  " in value or b"\t" in value:
        value = _WSP.sub(b" ", value)
    lower = name.strip(b" \t").lower()
    return CanonicalHeader(lower, b"%b:%b\r\n" % (lower, value.strip(b" ")))


def canonical_lines(octets: bytes) -> bytes:
    """Return a piece of a body with white space in relaxed form (RFC 6376 3.4.4 a). The end of the body is `canonical_body`'s affair.

    Pieces may be treated apart as long as none ends or starts within white space or a CR LF.
    """
    if b"\t" in octets:
        octets = octets.replace(b"\t", b" ")
    while b"  " in octets:
        # Halves every run: a handful of C passes, and no pattern that a body full of spaces could slow down.
        octets = octets.replace(b"  ", b" ")
    return octets.replace(b" \r\n", b"\r\n") if b" \r\n" in octets else octets


def canonical_body(body: bytes) -> bytes:
    """Return a body in relaxed form: `canonical_lines`, no empty lines at the end, exactly one CR LF there, an empty body as nothing."""
    body = canonical_lines(body)
    if body.endswith(b" "):
        body = body[:-1]
    body = body.rstrip(b"\r\n")
    return body + b"\r\n" if body else b""


def body_hash(canonical: bytes) -> bytes:
    """Return the bh= value of a canonical body."""
    return binascii.b2a_base64(hashlib.sha256(canonical).digest(), newline=False)


def signing_input(headers: Iterable[CanonicalHeader], hashed: bytes) -> SigningInput:
    """Choose the fields to sign, over-signing those of `OVER_SIGNED`; of a repeated field the last one comes first (RFC 6376 5.4.2)."""
    found: dict[bytes, list[bytes]] = {}
    for name, line in headers:
        found.setdefault(name, []).append(line)
    names: list[bytes] = []
    data: list[bytes] = []
    for group, extra in ((OVER_SIGNED, 1), (SIGNED_WHEN_PRESENT, 0)):
        for name in group:
            lines = found.get(name)
            if lines is None:
                names.extend([name] * extra)
                continue
            names.extend([name] * (len(lines) + extra))
            data.extend(reversed(lines))
    return SigningInput(tuple(names), b"".join(data), hashed)


@lru_cache(256)
def _names_value(names: tuple[bytes, ...]) -> bytes:
    """The h= tag, with a space wherever the line may be folded."""
    lines: list[bytes] = []
    line = b"h="
    for name in names:
        if len(line) + len(name) > 72:
            lines.append(line)
            line = b""
        line += name + b":"
    lines.append(line[:-1])
    return b" ".join(lines)


class DkimSigner:
    """Signs for one domain and selector. key: PEM (PKCS #8 or PKCS #1) or a key object of `cryptography`; RSA or Ed25519."""

    __slots__ = ("_key", "_prefix", "domain", "selector")

    def __init__(self, domain: str, selector: str, key: str | bytes | PrivateKey) -> None:
        """Load the key. Raises ValueError for an unreadable, short or foreign key and for a selector that is no DNS name."""
        self.domain = ascii_domain(domain).lower()
        self.selector = selector
        if not all(map(_LABEL.fullmatch, [*self.domain.split("."), *selector.split(".")])):
            raise ContentError(f"DKIM domain {domain[:80]!r} and selector {selector[:80]!r} must be DNS names.")
        self._key = _load_key(key)
        self._prefix = f"v=1; a={self.algorithm}; c=relaxed/relaxed; d={self.domain}; s={selector};".encode()

    @property
    def algorithm(self) -> str:
        """`rsa-sha256` or `ed25519-sha256`."""
        return "rsa-sha256" if isinstance(self._key, rsa.RSAPrivateKey) else "ed25519-sha256"

    def sign(self, headers: Iterable[tuple[bytes | str, bytes | str]], body: bytes, now: datetime) -> bytes:
        """Return the DKIM-Signature field with its CR LF for a message in CR LF form. headers: name and value, folds allowed, in order."""
        fields = [canonical_header(_octets(name), _octets(value).removesuffix(b"\r\n")) for name, value in headers]
        return self.sign_input(signing_input(fields, body_hash(canonical_body(body))), now)

    def sign_input(self, shared: SigningInput, now: datetime) -> bytes:
        """The same for parts that other signers of the message have prepared already."""
        # Each space between the tags is where the field is folded: relaxed form turns the fold back into that one space.
        spaced = [
            self._prefix,
            b"t=%d; bh=%b;" % (int(now.timestamp()), shared.body_hash),
            *_names_value(shared.names).split(b" "),
        ]
        spaced[-1] += b";"
        value = b" ".join(spaced) + b" b="
        digest = hashlib.sha256(b"%bdkim-signature:%b" % (shared.data, value)).digest()
        if isinstance(self._key, rsa.RSAPrivateKey):
            signature = self._key.sign(digest, _PADDING, _PREHASHED)
        else:
            signature = self._key.sign(digest)
        encoded = b"b=" + binascii.b2a_base64(signature, newline=False)
        folded = [encoded[at : at + 74] for at in range(0, len(encoded), 74)]
        return b"DKIM-Signature: %b\r\n" % b"\r\n ".join([*spaced, *folded])


def _octets(text: bytes | str) -> bytes:
    return text.encode() if isinstance(text, str) else text


def _load_key(key: str | bytes | PrivateKey) -> PrivateKey:
    if isinstance(key, str | bytes):
        loaded = serialization.load_pem_private_key(_octets(key), password=None)
        if not isinstance(loaded, rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey):
            raise ContentError("A DKIM key must be RSA or Ed25519.")
        key = loaded
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size < MIN_RSA_BITS:
        raise ContentError(f"A DKIM RSA key needs {MIN_RSA_BITS} bits or more (RFC 8301), this one has {key.key_size}.")
    return key


def generate_rsa_key() -> tuple[str, str]:
    """Make an RSA-2048 key (about 40 ms). Returns the private key as PKCS #8 PEM and the TXT record; over 255 octets, to be cut by the zone."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return _pem(key), f"v=DKIM1; k=rsa; p={_base64(public)}"


def generate_ed25519_key() -> tuple[str, str]:
    """Make an Ed25519 key. Returns the private key as PKCS #8 PEM and the TXT record (RFC 8463 4: the bare 32 octets)."""
    key = ed25519.Ed25519PrivateKey.generate()
    return _pem(key), f"v=DKIM1; k=ed25519; p={_base64(key.public_key().public_bytes_raw())}"


def _pem(key: PrivateKey) -> str:
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return private.decode()


def _base64(octets: bytes) -> str:
    return binascii.b2a_base64(octets, newline=False).decode()


def signature_fields(signers: Sequence[DkimSigner], shared: SigningInput, now: datetime) -> list[bytes]:
    """Return one DKIM-Signature field for each signer."""
    return [signer.sign_input(shared, now) for signer in signers]
