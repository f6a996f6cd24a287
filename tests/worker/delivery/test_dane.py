"""DANE: which TLSA records count, what they match, and delivery by the answers of a resolver that validates."""

from __future__ import annotations

import datetime
import hashlib
import os
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from tests.dns_server import DnsServer
from tests.sinks import SinkOptions, SmtpSink
from tests.worker.delivery.engine_rig import deliver_one, make_delivery, make_engine, make_ip, on_loop, server_context
from tests.worker.delivery.validating_resolver import unbound
from worker.delivery.dane import DANE_EE, DANE_TA, TlsaRecord, matches, name_matches
from worker.delivery.resolver import Destination, ResolutionFailed, Resolver
from worker.delivery.tls_report import PolicyType, TlsResult
from worker.delivery.types import AttemptResult, Outcome, ReplyClass

NOW = datetime.datetime.now(datetime.UTC)
DAY = datetime.timedelta(days=1)
# TLSA records name the port, so the zones must know it; each test process has its own.
PORT = 9125 + int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])


class Authority:
    """A small certification authority: an anchor, one in the middle, and certificates for hosts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.anchor, self.anchor_key = self._make("anchor", None, None, ca=True)
        self.middle, self.middle_key = self._make("middle", self.anchor, self.anchor_key, ca=True)
        self.host, self.host_key = self.issue("mx.dane.example")

    def issue(self, name: str, *, days: int = 1) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
        """A certificate of the one in the middle."""
        return self._make(name, self.middle, self.middle_key, days=days)

    def _make(
        self, name: str, issuer: x509.Certificate | None, key: ec.EllipticCurvePrivateKey | None, *, ca: bool = False, days: int = 1
    ) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
        own = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer.subject if issuer else subject).public_key(own.public_key())
        builder = builder.serial_number(x509.random_serial_number()).not_valid_before(NOW - 9 * DAY).not_valid_after(NOW + days * DAY)
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        return builder.sign(key or own, hashes.SHA256()), own

    def context(self) -> ssl.SSLContext:
        """What the host shows: itself, the one in the middle, the anchor."""
        path = self.folder / "host.pem"
        key = self.host_key.private_bytes(Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        path.write_bytes(key + b"".join(one.public_bytes(Encoding.PEM) for one in (self.host, self.middle, self.anchor)))
        return server_context(path)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """One for all."""
    return Authority(tmp_path_factory.mktemp("dane"))


def der(certificate: x509.Certificate) -> bytes:
    """As the wire has it."""
    return certificate.public_bytes(Encoding.DER)


def tlsa(usage: int, certificate: x509.Certificate, selector: int = 1, matching: int = 1) -> TlsaRecord:
    """The record for a certificate."""
    data = der(certificate) if selector == 0 else certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return TlsaRecord(usage, selector, matching, {0: data, 1: hashlib.sha256(data).digest(), 2: hashlib.sha512(data).digest()}[matching])


# -- matching ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("selector", [0, 1])
@pytest.mark.parametrize("matching", [0, 1, 2])
def test_every_form_of_both_usages_matches(authority: Authority, selector: int, matching: int) -> None:
    chain = [der(authority.host), der(authority.middle), der(authority.anchor)]
    for record in (tlsa(DANE_EE, authority.host, selector, matching), tlsa(DANE_TA, authority.anchor, selector, matching)):
        assert record.usable and matches([record], chain, ["mx.dane.example"], NOW)
        assert not matches([record._replace(data=bytes(len(record.data)))], chain, ["mx.dane.example"], NOW)


def test_usage_three_asks_neither_name_nor_date(authority: Authority) -> None:
    old, _ = authority.issue("elsewhere.example", days=-1)
    assert matches([tlsa(DANE_EE, old)], [der(old)], ["mx.dane.example"], NOW)
    assert not matches([tlsa(DANE_EE, authority.middle)], [der(authority.host), der(authority.middle)], ["mx.dane.example"], NOW)


def test_usage_two_asks_name_date_and_an_unbroken_chain(authority: Authority) -> None:
    anchor = [tlsa(DANE_TA, authority.anchor)]
    whole = [der(authority.host), der(authority.middle), der(authority.anchor)]
    old, _ = authority.issue("mx.dane.example", days=-1)
    other, _ = Authority(authority.folder).issue("mx.dane.example")
    assert not matches(anchor, whole, ["other.example"], NOW)
    assert not matches(anchor, [der(old), *whole[1:]], ["mx.dane.example"], NOW)
    assert not matches(anchor, [whole[0], whole[2]], ["mx.dane.example"], NOW)  # the one in the middle is missing
    assert not matches(anchor, [der(other), *whole[1:]], ["mx.dane.example"], NOW)  # issued by a stranger with the same names
    assert matches([tlsa(DANE_TA, authority.middle)], whole[:2], ["mx.dane.example"], NOW)
    assert matches([tlsa(DANE_TA, authority.anchor, 0, 0)], whole[:2], ["mx.dane.example"], NOW)  # given in full: it need not be sent


@pytest.mark.parametrize(
    "record",
    [TlsaRecord(0, 1, 1, bytes(32)), TlsaRecord(1, 1, 1, bytes(32)), TlsaRecord(3, 2, 1, bytes(32)), TlsaRecord(3, 1, 1, bytes(31))],
)
def test_what_smtp_cannot_use(record: TlsaRecord) -> None:
    assert not record.usable


def test_garbage_matches_nothing(authority: Authority) -> None:
    for chain in ([], [b""], [b"\x30\x03abc"]):
        assert not matches([tlsa(DANE_EE, authority.host), tlsa(DANE_TA, authority.anchor)], chain, ["mx.dane.example"], NOW)
    assert not name_matches("*.example", "mx.example") and name_matches("*.dane.example", "MX.dane.example.")


# -- look-ups ------------------------------------------------------------------------------------------------------


@on_loop
async def test_records_count_only_when_everything_is_vouched_for() -> None:
    zone = {
        ("dane.example", "MX"): ["10 mx.dane.example."],
        ("mx.dane.example", "A"): ["127.0.0.1"],
        ("_25._tcp.mx.dane.example", "TLSA"): ["3 1 1 " + "ab" * 32],
    }
    names = {"dane.example", "mx.dane.example", "_25._tcp.mx.dane.example"}
    async with DnsServer(zone) as dns:
        for trusted, missing, found in ((True, None, True), (False, None, False), *((True, name, False) for name in names)):
            dns.validated = names - {missing}
            resolver = Resolver([dns.address], trusted=trusted)
            (destination,) = await resolver.mx("dane.example")
            answer = await resolver.tlsa(destination, 25)
            assert (answer is not None and bool(answer.records)) is found, (trusted, missing)
        dns.validated, dns.failing = names, {"_25._tcp.mx.dane.example"}
        with pytest.raises(ResolutionFailed):
            await Resolver([dns.address], trusted=True).tlsa(Destination("mx.dane.example", 10, True), 25)


# -- delivery, with a resolver that really validates ---------------------------------------------------------------


@pytest.fixture(scope="module")
def servers(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Signed, unsigned and falsely signed zones whose MX is the same address; the records of `bad` and `unusable` do not fit."""
    good, anchor, bad = tlsa(DANE_EE, authority.host), tlsa(DANE_TA, authority.anchor), tlsa(DANE_EE, authority.middle)
    records = [
        "@ 60 MX 10 mx", "mx 60 A 127.0.0.1", f"_{PORT}._tcp.mx 60 TLSA {good}",
        "anchor 60 MX 10 mx.anchor", "mx.anchor 60 A 127.0.0.1", f"_{PORT}._tcp.mx.anchor 60 TLSA {anchor}",
        "bad 60 MX 10 mx.bad", "mx.bad 60 A 127.0.0.1", f"_{PORT}._tcp.mx.bad 60 TLSA {bad}",
        "unusable 60 MX 10 mx.unusable", "mx.unusable 60 A 127.0.0.1", f"_{PORT}._tcp.mx.unusable 60 TLSA 0 0 1 {'ab' * 32}",
        "none 60 MX 10 mx.none", "mx.none 60 A 127.0.0.1",
    ]  # fmt: skip
    with unbound(tmp_path_factory.mktemp("unbound"), {"dane.example.": records}, {"plain.example.": records}, {"bogus.example.": records}) as address:
        yield address


Facts = set[tuple[PolicyType, TlsResult]]


async def send(servers: str, domain: str, options: SinkOptions, *, trusted: bool = True) -> tuple[AttemptResult, SmtpSink, Facts]:
    """The result of one mail to `domain`, the sink, and what was counted for reports."""
    async with SmtpSink(options, port=PORT) as sink:
        engine = make_engine(resolver=Resolver([servers], timeout=3, trusted=trusted), mx_port=PORT)
        result = await deliver_one(engine, make_delivery(f"ok@{domain}", make_ip()))
        return result, sink, {(fact.policy_type, fact.result) for fact, _ in engine.tls_tally.take()}


@on_loop
async def test_mail_goes_where_the_records_match(authority: Authority, servers: str) -> None:
    result, _, facts = await send(servers, "dane.example", SinkOptions(starttls=authority.context()))
    assert result.outcome is Outcome.DELIVERED and "(verified by DANE)" in result.transcript, result.transcript
    assert facts == {(PolicyType.TLSA, TlsResult.SUCCESSFUL)}
    result, _, _ = await send(servers, "none.dane.example", SinkOptions())
    assert result.outcome is Outcome.DELIVERED and result.tls is None


@on_loop
async def test_an_anchor_wants_the_name_too(authority: Authority, servers: str) -> None:
    """The certificate is for mx.dane.example, the host of this domain is mx.anchor.dane.example: the anchor alone is not enough."""
    result, sink, _ = await send(servers, "anchor.dane.example", SinkOptions(starttls=authority.context()))
    assert (result.outcome, result.reply_class) == (Outcome.DEFERRED, ReplyClass.TLS) and sink.received == []


@pytest.mark.parametrize("case", ["bad", "stripped", "unusable-stripped"])
@on_loop
async def test_records_that_do_not_match_keep_mail_back(authority: Authority, servers: str, case: str) -> None:
    domain = {"bad": "bad.dane.example", "stripped": "dane.example", "unusable-stripped": "unusable.dane.example"}[case]
    result, sink, facts = await send(servers, domain, SinkOptions(starttls=authority.context()) if case == "bad" else SinkOptions())
    assert (result.outcome, result.reply_class, result.suppress) == (Outcome.DEFERRED, ReplyClass.TLS, False), result.transcript
    assert sink.received == [] and not [command for command in sink.state.commands if command.startswith("MAIL")]
    assert facts == {(PolicyType.TLSA, TlsResult.VALIDATION_FAILURE if case == "bad" else TlsResult.STARTTLS_NOT_SUPPORTED)}


@on_loop
async def test_unusable_records_demand_tls_without_a_check(authority: Authority, servers: str) -> None:
    result, _, _ = await send(servers, "unusable.dane.example", SinkOptions(starttls=authority.context()))
    assert result.outcome is Outcome.DELIVERED and result.tls is not None


@on_loop
async def test_unsigned_and_untrusted_answers_are_no_dane(authority: Authority, servers: str) -> None:
    for domain, trusted in (("bad.plain.example", True), ("bad.dane.example", False)):
        result, _, facts = await send(servers, domain, SinkOptions(starttls=authority.context()), trusted=trusted)
        assert result.outcome is Outcome.DELIVERED and "DANE" not in result.transcript
        assert facts == set()


@on_loop
async def test_a_false_signature_is_an_answer_that_cannot_be_had(authority: Authority, servers: str) -> None:
    result, sink, _ = await send(servers, "bogus.example", SinkOptions(starttls=authority.context()))
    assert (result.outcome, result.reply_class) == (Outcome.DEFERRED, ReplyClass.NET) and sink.state.connections == 0
