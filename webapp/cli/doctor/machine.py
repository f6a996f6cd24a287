"""The machine: Python, disk, ports, certificate."""

from __future__ import annotations

import datetime as dt
import ipaddress
import platform
import shutil
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from webapp.cli.doctor.findings import Finding, Place, ok, warn, wrong
from webapp.stack.binaries import find_binaries
from webapp.stack.ports import Listener, require_free
from webapp.stack.processes import process_table

_SOON = dt.timedelta(days=21)
#: Names that are nobody's in the world (RFC 2606, RFC 6761).
_PRIVATE_SUFFIXES = ("localhost", "test", "example", "invalid", "local", "internal")


def check_machine(place: Place) -> Iterator[Finding]:
    """Python and the engines' programs."""
    yield ok("machine", f"Python {platform.python_version()} on {platform.system()} {platform.machine()}, {sys.executable}")
    if place.settings.database_url and place.settings.redis_url:
        yield ok("machine", "Engines: servers of your own (DATABASE_URL, REDIS_URL)")
        return
    find_binaries()
    yield ok("machine", f"Engines: under {place.settings.var_dir}, {'running' if place.running else 'not running'}")


def check_disk(place: Place) -> Iterator[Finding]:
    """Room for what was accepted; new mail is refused before the disk is full."""
    settings = place.settings
    folder = next(path for path in (settings.var_dir, *settings.var_dir.parents) if path.exists())
    free, least = shutil.disk_usage(folder).free, settings.disk_minimum_bytes
    text = f"{free // 2**20:,} MB free on the disk of {folder}; new mail is refused under {least // 2**20:,} MB"
    yield wrong("disk", f"{text}: make room") if free <= least else warn("disk", f"{text}: that is soon") if free < 5 * least else ok("disk", text)


def check_ports(place: Place) -> Iterator[Finding]:
    """Free before the start, answering after it."""
    listeners = {listener: None for spec in process_table(place.settings) for listener in spec.listeners}
    if place.running is None and not (place.settings.database_url and place.settings.redis_url):
        require_free(listeners)
        yield ok("ports", f"{', '.join(str(listener.port) for listener in listeners)}: free")
        return
    for listener in listeners:
        name = f"{listener.host}:{listener.port} ({listener.setting.removeprefix('POSTBRIDGE_').removesuffix('_PORT').lower().replace('_', ' ')})"
        yield ok("ports", f"{name} answers") if _answers(listener) else warn("ports", f"{name} does not answer here; well if it runs on another machine")


def _answers(listener: Listener) -> bool:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(listener.host, listener.host)
    try:
        socket.create_connection((host, listener.port), timeout=3).close()
    except OSError:
        return False
    return True


def check_certificate(place: Place) -> Iterator[Finding]:
    """End, names and key of the certificate that the SMTP servers show."""
    settings, own = place.settings, bool(place.settings.tls_cert)
    cert = Path(settings.tls_cert) if own else settings.var_dir / "tls" / "cert.pem"
    key = Path(settings.tls_key) if own else settings.var_dir / "tls" / "key.pem"
    if not own and not cert.exists():
        yield ok("certificate", "none yet; a self-signed one is made at the first start")
        return
    found = x509.load_pem_x509_certificate(cert.read_bytes())
    yield _end(cert, found)
    yield from _names(cert, found, settings.mail_hostname)
    encoding = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    private = serialization.load_pem_private_key(key.read_bytes(), None)
    if private.public_key().public_bytes(*encoding) != found.public_key().public_bytes(*encoding):
        yield wrong("certificate", f"{key} is not the key of {cert}")
    if found.issuer == found.subject and _is_public(settings.mail_hostname):
        what = "applications that check certificates will not log in; set POSTBRIDGE_TLS_CERT and POSTBRIDGE_TLS_KEY"
        yield warn("certificate", f"{cert} is self-signed: {what}")


def _end(cert: Path, found: x509.Certificate) -> Finding:
    left = found.not_valid_after_utc - dt.datetime.now(dt.UTC)
    text = f"{cert} is valid until {found.not_valid_after_utc:%-d %B %Y}"
    if left <= dt.timedelta(0):
        return wrong("certificate", f"{cert} has expired on {found.not_valid_after_utc:%-d %B %Y}: put a new one in its place and restart the SMTP servers")
    return warn("certificate", f"{text}: renew it") if left < _SOON else ok("certificate", text)


def _names(cert: Path, found: x509.Certificate, hostname: str) -> Iterator[Finding]:
    try:
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(x509.DNSName)
    except x509.ExtensionNotFound:
        names = []
    wildcard = f"*.{hostname.partition('.')[2]}"
    if hostname in names or wildcard in names:
        yield ok("certificate", f"it is for {', '.join(names[:5])}")
    else:
        yield wrong("certificate", f"{cert} is for {', '.join(names[:5]) or 'no name'}, not for {hostname} (POSTBRIDGE_MAIL_HOSTNAME)")


def _is_public(hostname: str) -> bool:
    try:
        return ipaddress.ip_address(hostname).is_global
    except ValueError:
        return hostname.rpartition(".")[2] not in _PRIVATE_SUFFIXES
