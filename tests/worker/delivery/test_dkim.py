"""Signatures, judged by dkimpy."""

from __future__ import annotations

import base64

import dkim as oracle
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.worker.delivery.content_making import NOW, make_keys, make_signers, verify
from worker.delivery.dkim import DkimSigner, body_hash, canonical_body, generate_ed25519_key, generate_rsa_key, signature_fields, signing_input

HEADERS = [("From", " a@example.com"), ("To", " b@example.net"), ("Subject", " x"), ("Date", " Sun, 01 Mar 2026 12:30:00 +0000")]
soup = st.lists(st.sampled_from([b" ", b"\t", b"\r\n", b"a", b".", b"\xc3\xa9", b"\x0b", b"b=", b"  "]), max_size=60).map(b"".join)
value = st.lists(st.sampled_from([" ", "\t", "\r\n ", "\r\n\t", "a", ":", ";", "é", "b=", "  "]), min_size=1, max_size=20).map("".join)


def sign_all(headers: list[tuple[str, str]], body: bytes) -> bytes:
    signatures = [signer.sign(headers, body, NOW) for signer in make_signers()]
    head = "".join(f"{name}:{text}\r\n" for name, text in headers).encode()
    return b"".join(signatures) + head + b"\r\n" + body


@pytest.mark.parametrize(
    "body",
    [
        b"", b"\r\n", b"\r\n\r\n\r\n", b"a", b"a\r\n", b"a\r\n\r\n\r\n", b" \r\n", b"a \t \r\n\t\r\n", b"a  b\t\tc\r\n", b"\t\r\n\r\na\r\n", b".\r\n..\r\n",
        b"x" * 1200 + b"\r\n", "Grüße 你好\r\n".encode(), b" " * 5000 + b"a" + b"\t" * 5000 + b"\r\n", b"a \r\n \r\n\r\n", b"From x\r\n>From\r\n",
    ],
)  # fmt: skip
def test_bodies(body: bytes) -> None:
    assert verify(sign_all(HEADERS, body)) == [True, True]


@settings(max_examples=150, deadline=None)
@given(soup)
def test_any_body(body: bytes) -> None:
    # Mail always ends with CR LF on the wire.
    assert verify(sign_all(HEADERS, body + b"\r\n")) == [True, True]


@settings(max_examples=150, deadline=None)
@given(value, value)
def test_any_header_value(subject: str, other: str) -> None:
    headers = [*HEADERS[:2], ("Subject", subject + "x"), ("X-Other", other + "x"), ("reply-TO", " " + other + "x"), ("References", " <a@b>\r\n\t<c@d>")]
    assert verify(sign_all(headers, b"a\r\n")) == [True, True]


def test_repeated_and_folded_headers() -> None:
    headers = [("List-Id", " one"), *HEADERS, ("list-id", "\r\n two"), ("To", " c@example.net")]
    assert verify(sign_all(headers, b"a\r\n")) == [True, True]


@pytest.mark.parametrize(
    "added", [b"From: evil@example.org", b"Subject: other", b"To: x@example.org", b"Reply-To: evil@example.org", b"List-Unsubscribe: <https://evil.example>"]
)
def test_over_signing_finds_an_added_header(added: bytes) -> None:
    raw = sign_all(HEADERS, b"a\r\n")
    signatures, head = raw.split(b"From:", 1)
    assert verify(signatures + added + b"\r\nFrom:" + head) == [False, False]
    assert verify(raw) == [True, True]


def test_changed_body_and_header_fail() -> None:
    raw = sign_all(HEADERS, b"hello\r\n")
    assert verify(raw.replace(b"hello", b"hallo")) == [False, False]
    assert verify(raw.replace(b"Subject: x", b"Subject: y")) == [False, False]


def test_unsubscribe_pair_is_signed() -> None:
    headers = [*HEADERS, ("List-Unsubscribe", " <https://x>"), ("List-Unsubscribe-Post", " List-Unsubscribe=One-Click")]
    line = make_signers()[0].sign(headers, b"", NOW)
    names = line.replace(b"\r\n ", b"").split(b";h=")[1].split(b";")[0].split(b":")
    assert names.count(b"list-unsubscribe") == 2
    assert names.count(b"list-unsubscribe-post") == 2


def test_signature_lines_are_short_and_shaped() -> None:
    for signer in make_signers():
        line = signer.sign(HEADERS, b"a\r\n", NOW)
        assert line.endswith(b"\r\n")
        assert max(map(len, line.split(b"\r\n"))) <= 78
        assert f"a={signer.algorithm};".encode() in line
        assert f"t={int(NOW.timestamp())};".encode() in line
        assert b"d=example.com;" in line


def test_two_signers_share_the_hash() -> None:
    shared = signing_input([], body_hash(canonical_body(b"a\r\n")))
    first, second = signature_fields(make_signers(), shared, NOW)
    assert first.split(b"bh=")[1].split(b";")[0] == second.split(b"bh=")[1].split(b";")[0]


def test_body_hash_of_the_empty_body_is_the_known_one() -> None:
    # RFC 6376 3.4.4: the relaxed empty body is nothing.
    assert body_hash(canonical_body(b"\r\n\r\n")) == b"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="


def test_oracle_signature_of_a_known_message_is_verified_by_the_same_record() -> None:
    private, record = make_keys()["r"]
    message = b"From: a@example.com\r\nTo: b@example.net\r\n\r\nhello \r\n"
    line = oracle.sign(message, b"r", b"example.com", private.encode(), canonicalize=(b"relaxed", b"relaxed"), include_headers=[b"from", b"to"])
    assert oracle.verify(line + message, dnsfunc=lambda name, timeout=5: record.encode())
    ours = make_signers()[0].sign([("From", " a@example.com"), ("To", " b@example.net")], b"hello \r\n", NOW)
    assert ours.split(b"bh=")[1].split(b";")[0] in line


def test_records() -> None:
    private, record = generate_rsa_key()
    public = serialization.load_der_public_key(base64.b64decode(record.split("p=")[1]))
    assert isinstance(public, rsa.RSAPublicKey) and public.key_size == 2048
    assert record.startswith("v=DKIM1; k=rsa; p=")
    assert private.startswith("-----BEGIN PRIVATE KEY-----")
    private, record = generate_ed25519_key()
    assert record.startswith("v=DKIM1; k=ed25519; p=") and len(base64.b64decode(record.split("p=")[1])) == 32


def test_international_domain_becomes_a_label() -> None:
    signer = DkimSigner("Bücher.example", "s1", make_keys()["e"][0])
    assert b"d=xn--bcher-kva.example;" in signer.sign(HEADERS, b"", NOW)


@pytest.mark.parametrize(("domain", "selector"), [("a b.com", "s"), ("example.com", "s;x"), ("example.com", ""), ("example.com\r\nX: y", "s"), ("", "s")])
def test_bad_names_are_refused(domain: str, selector: str) -> None:
    with pytest.raises(ValueError, match=r"DNS names|domain"):
        DkimSigner(domain, selector, make_keys()["e"][0])


def test_bad_keys_are_refused() -> None:
    with pytest.raises(ValueError, match="PEM"):
        DkimSigner("example.com", "s", "nonsense")
    curve = ec.generate_private_key(ec.SECP256R1())
    pem = curve.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    with pytest.raises(ValueError, match="RSA or Ed25519"):
        DkimSigner("example.com", "s", pem)


def test_short_rsa_keys_are_refused() -> None:
    # Nobody makes such keys any more, so this one is put together from two primes of 256 bits.
    p, q, e = 0xE5CE2C1EDD35E77E2D2280A04C2F7FE48E9503BC81360E105F9BFB2CBC033F53, 0xDD7FA36CAE689DDA16EA5A40FF222BF71E0B56A1EEBD13D67F7A2C86B84436BB, 65537
    d = pow(e, -1, (p - 1) * (q - 1))
    public = rsa.RSAPublicNumbers(e, p * q)
    numbers = rsa.RSAPrivateNumbers(p, q, d, rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q), public)
    with pytest.raises(ValueError, match="1024"):
        DkimSigner("example.com", "s", numbers.private_key())
