"""What the tests of the delivery engine share: members, deliveries, short limits, certificates made on the spot."""

from __future__ import annotations

import asyncio
import datetime
import functools
import ipaddress
import ssl
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from worker.delivery.egress import EgressPolicy
from worker.delivery.engine import Engine
from worker.delivery.resolver import Resolver
from worker.delivery.types import AttemptResult, Delivery, Limits, Member, MemberKind, Timeouts, TlsMode

LOOPBACK = EgressPolicy.from_texts(["127.0.0.0/8", "::1"])
BODY = b"From: a@sender.test\r\nTo: b@example.test\r\nSubject: hello\r\n\r\nFirst line\r\n.leading dot\r\nlast line\r\n"
QUICK = Timeouts(connect=2, banner=0.5, ehlo=0.5, starttls=2, auth=0.5, mail=0.5, rcpt=0.5, data=0.5, data_block=0.5, end_of_data=0.5)
LIMITS = Limits(timeouts=QUICK, patience=0.2, steal_after=0.2, cooldown=0.2, stop_grace=1.0, plain_auth_on_loopback=True)


def on_loop(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """Run an asynchronous test function on an event loop of its own."""

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        asyncio.run(asyncio.wait_for(test(*args, **kwargs), 30))

    return run


def make_relay(port: int, **changes: Any) -> Member:
    """A relay member on loopback without TLS."""
    base = Member(uuid4(), MemberKind.RELAY, 1, "127.0.0.1", port, TlsMode.NONE, None, None, None, "mail.sender.test", 2)
    return replace(base, **changes)


def make_ip(**changes: Any) -> Member:
    """A member that looks up the MX and dials from whatever address the system chooses."""
    base = Member(uuid4(), MemberKind.IP, 1, None, None, TlsMode.OPPORTUNISTIC, None, None, None, "mail.sender.test", 2)
    return replace(base, **changes)


def make_delivery(address: str, *members: Member, sender: str = "bounce@sender.test", body: bytes = BODY, **changes: Any) -> Delivery:
    """A first attempt to `address` through `members`."""
    domain = address.rpartition("@")[2]
    base = Delivery(uuid4(), 1, sender, address, domain, members, lambda: body)
    return replace(base, **changes)


def make_engine(*, limits: Limits = LIMITS, resolver: Resolver | None = None, egress: EgressPolicy = LOOPBACK, **changes: Any) -> Engine:
    """An engine with short time-outs that may dial loopback; `changes` are fields of its limits."""
    return Engine(resolver or Resolver(["127.0.0.1:9"], timeout=0.5), egress, replace(limits, **changes))


async def deliver(engine: Engine, deliveries: Iterable[Delivery]) -> list[AttemptResult]:
    """Run the engine over `deliveries`; one result for each, in their order."""
    wanted = list(deliveries)
    left = iter(wanted)
    found: dict[Any, AttemptResult] = {}

    async def source() -> Delivery | None:
        return next(left, None)

    def sink(result: AttemptResult) -> None:
        assert result.recipient_id not in found, "settled twice"
        found[result.recipient_id] = result

    await engine.run(source, sink)
    return [found[delivery.recipient_id] for delivery in wanted]


async def deliver_one(engine: Engine, delivery: Delivery) -> AttemptResult:
    """The result of a single delivery; the engine is closed afterwards."""
    (result,) = await deliver(engine, [delivery])
    await engine.close()
    return result


def make_certificate(folder: Path, *names: str) -> Path:
    """A self-signed certificate and its key for DNS names and IP addresses, in one PEM file that is also its CA file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    now = datetime.datetime.now(datetime.UTC)
    alternatives: list[x509.GeneralName] = []
    for name in names:
        try:
            alternatives.append(x509.IPAddress(ipaddress.ip_address(name)))
        except ValueError:
            alternatives.append(x509.DNSName(name))
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{names[0]}.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path


def server_context(pem: Path) -> ssl.SSLContext:
    """A server-side TLS context from `make_certificate`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context
