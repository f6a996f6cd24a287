"""The SMTP servers' certificate: made once, kept, renewed in time, replaced by the operator's own."""

from __future__ import annotations

import datetime as dt
import ssl
from pathlib import Path

import pytest
import time_machine
from cryptography import x509

from webapp.stack.certificates import ensure_certificate
from webapp.stack.errors import StackError


def test_it_is_made_once_and_private(tmp_path: Path) -> None:
    cert, key = ensure_certificate(tmp_path, "mail.example.test")
    made = cert.read_bytes(), key.read_bytes()
    assert key.stat().st_mode & 0o777 == 0o600
    assert ensure_certificate(tmp_path, "mail.example.test") == (cert, key)
    assert (cert.read_bytes(), key.read_bytes()) == made
    ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(cert, key)


def test_it_names_the_host_and_loopback(tmp_path: Path) -> None:
    cert, _ = ensure_certificate(tmp_path, "mail.example.test")
    names = x509.load_pem_x509_certificate(cert.read_bytes()).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["mail.example.test", "localhost"]
    assert [str(ip) for ip in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1", "::1"]


def test_it_is_renewed_before_it_ends_and_for_another_name(tmp_path: Path) -> None:
    cert, _ = ensure_certificate(tmp_path, "one.test")
    first = cert.read_bytes()
    end = x509.load_pem_x509_certificate(first).not_valid_after_utc
    with time_machine.travel(end - dt.timedelta(days=20), tick=False):
        ensure_certificate(tmp_path, "one.test")
        second = cert.read_bytes()
        assert x509.load_pem_x509_certificate(second).not_valid_after_utc > end
    assert second != first
    ensure_certificate(tmp_path, "two.test")
    assert cert.read_bytes() != second


@pytest.mark.parametrize("spoil", [b"", b"-----BEGIN NONSENSE-----"])
def test_a_spoilt_file_is_replaced(tmp_path: Path, spoil: bytes) -> None:
    cert, key = ensure_certificate(tmp_path, "mail.test")
    key.write_bytes(spoil)
    ensure_certificate(tmp_path, "mail.test")
    ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(cert, key)


def test_the_operators_own_is_taken_as_it_is(tmp_path: Path) -> None:
    cert, key = ensure_certificate(tmp_path / "own", "mail.test")
    assert ensure_certificate(tmp_path / "var", "mail.test", str(cert), str(key)) == (cert, key)
    assert not (tmp_path / "var").exists()
    with pytest.raises(StackError, match="belong together"):
        ensure_certificate(tmp_path, "mail.test", cert=str(cert))
    with pytest.raises(StackError, match="POSTBRIDGE_TLS_KEY names"):
        ensure_certificate(tmp_path, "mail.test", str(cert), str(tmp_path / "absent"))
