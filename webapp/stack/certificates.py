"""The certificate of the SMTP servers: the operator's own, or one made here and renewed in time."""

from __future__ import annotations

import datetime as dt
import ipaddress
import os
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from webapp.stack.errors import StackError

_VALID = dt.timedelta(days=397)  # the longest that strict clients take
_RENEW = dt.timedelta(days=30)


def ensure_certificate(var: Path, hostname: str, cert: str = "", key: str = "") -> tuple[Path, Path]:
    """Paths of certificate and key (both PEM) to serve with.

    With the settings tls_cert and tls_key given, these are returned; else a self-signed pair under `var`/tls, made when
    absent, unreadable, for another `hostname`, or within 30 days of its end.
    Raises StackError when only one of the two settings is given or a given file cannot be read.
    """
    if cert or key:
        return _given(cert, key)
    folder = var / "tls"
    pair = folder / "cert.pem", folder / "key.pem"
    if not _is_good(*pair, hostname):
        folder.mkdir(parents=True, mode=0o700, exist_ok=True)
        _make(*pair, hostname)
    return pair


def _given(cert: str, key: str) -> tuple[Path, Path]:
    if not (cert and key):
        raise StackError("POSTBRIDGE_TLS_CERT and POSTBRIDGE_TLS_KEY belong together: set both, or neither for a self-signed certificate.")
    for name, path in (("POSTBRIDGE_TLS_CERT", cert), ("POSTBRIDGE_TLS_KEY", key)):
        if not os.access(path, os.R_OK):
            raise StackError(f"{name} names {path}, which does not exist or cannot be read by this user.")
    return Path(cert), Path(key)


def _is_good(cert: Path, key: Path, hostname: str) -> bool:
    try:
        found = x509.load_pem_x509_certificate(cert.read_bytes())
        private = serialization.load_pem_private_key(key.read_bytes(), None)
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (OSError, ValueError, x509.ExtensionNotFound):
        return False
    encoding = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    same_key = private.public_key().public_bytes(*encoding) == found.public_key().public_bytes(*encoding)
    return same_key and hostname in names.get_values_for_type(x509.DNSName) and found.not_valid_after_utc > _now() + _RENEW


def _make(cert: Path, key: Path, hostname: str) -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hostname[:64])])
    names: list[x509.GeneralName] = [x509.DNSName(dns) for dns in dict.fromkeys((hostname, "localhost"))]
    names += [x509.IPAddress(ipaddress.ip_address(ip)) for ip in ("127.0.0.1", "::1")]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_now() - dt.timedelta(hours=1))
        .not_valid_after(_now() + _VALID)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(private, hashes.SHA256())
    )
    pem = private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    _write(key, pem)
    _write(cert, made.public_bytes(serialization.Encoding.PEM))


def _write(path: Path, content: bytes) -> None:
    making = path.with_suffix(".new")
    making.unlink(missing_ok=True)
    with os.fdopen(os.open(making, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    making.rename(path)


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
