"""A real SMTP server on a loopback port in a thread, and a client that speaks raw octets."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

import pytest
import sqlalchemy as sa
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.fixtures import Cast, Person
from webapp.bridges.service import BridgeInput, create_bridge
from webapp.bridges.types import Secrets
from webapp.domains.models import Domain
from webapp.kernel.db import tenant_session, unscoped
from webapp.kernel.scope import Mode
from webapp.messages.service import forget_facts
from webapp.pools.models import Pool
from worker.smtp import replies
from worker.smtp.limits import Limits
from worker.smtp.parsing import MailParameters
from worker.smtp.replies import Reply
from worker.smtp.serve import Listener, listening, make_tls_context
from worker.smtp.server import SmtpServer
from worker.smtp.session import Answer, Envelope, Login, Session


class Recorder:
    """Handler that takes everything and remembers it; `user` / `right` is the one login."""

    def __init__(self) -> None:
        self.messages: list[tuple[Envelope, bytes]] = []
        self.sessions: list[Session] = []
        self.logins: list[str] = []
        self.gate: asyncio.Event | None = None
        self.fail: Exception | None = None

    async def authenticate(self, session: Session, username: str, password: str) -> Login | Reply:
        self.logins.append(username)
        if (username, password) == ("user", "right"):
            return Login(username, "identity")
        return replies.LOGIN_UNAVAILABLE if username == "away" else replies.LOGIN_FAILED

    def sender(self, session: Session, address: str, parameters: MailParameters) -> Answer:
        return None

    def recipient(self, session: Session, address: str, envelope_sender: str) -> Answer:
        return replies.UNKNOWN_RECIPIENT if address.startswith("nobody@") else None

    async def message(self, session: Session, envelope: Envelope, data: bytes) -> Reply:
        if self.gate is not None:
            await self.gate.wait()
        if self.fail is not None:
            raise self.fail
        self.messages.append((envelope, data))
        self.sessions.append(session)
        return replies.ACCEPTED


class Client:
    """Raw SMTP client: sends octets as they are, reads whole replies."""

    def __init__(self, port: int, *, greet: bool = True) -> None:
        self.sock: socket.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self._rest = b""
        self.banner = self.read() if greet else ""

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def read(self) -> str:
        """One whole reply, its lines joined by newlines; "" when the server closed the connection."""
        lines: list[str] = []
        while True:
            while b"\n" not in self._rest:
                try:
                    chunk = self.sock.recv(65536)
                except ConnectionError:
                    chunk = b""
                if not chunk:
                    return "\n".join(lines)
                self._rest += chunk
            line, _, self._rest = self._rest.partition(b"\n")
            lines.append(line.decode().rstrip("\r"))
            if lines[-1][3:4] != "-":
                return "\n".join(lines)

    def say(self, line: str) -> str:
        self.send(line.encode() + b"\r\n")
        return self.read()

    def begin(self) -> None:
        """Bring the conversation to the point behind 354."""
        self.say("EHLO client.test")
        assert self.say("MAIL FROM:<a@example.test>").startswith("250 2.1.0")
        assert self.say("RCPT TO:<b@example.test>").startswith("250 2.1.5")
        assert self.say("DATA").startswith("354")

    def start_tls(self, context: ssl.SSLContext) -> None:
        self.sock = context.wrap_socket(self.sock, server_hostname="mail.example.test")

    def close(self) -> None:
        self.sock.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


class Running:
    """A served SmtpServer: `port`, `tls_port`, and `call` to run something in its event loop."""

    def __init__(self, server: SmtpServer, loop: asyncio.AbstractEventLoop, ports: list[int]) -> None:
        self.server, self.loop = server, loop
        self.port, self.tls_port = ports[0], ports[-1]

    def call(self, function: Callable[[], Any]) -> Any:
        async def in_loop() -> Any:
            result = function()
            return await result if asyncio.iscoroutine(result) else result

        return asyncio.run_coroutine_threadsafe(in_loop(), self.loop).result(15)

    def client(self) -> Client:
        return Client(self.port)


class Start(Protocol):
    def __call__(self, handler: Any = None, limits: Limits | None = None, **options: Any) -> Running: ...


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A self-signed certificate and its key for mail.example.test."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail.example.test")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("mail.example.test")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    cert_path, key_path = folder / "cert.pem", folder / "key.pem"
    cert_path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return cert_path, key_path


@pytest.fixture(scope="session")
def tls_context(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    return make_tls_context(*certificate)


@pytest.fixture(scope="session")
def client_tls(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificate[0]))


@contextlib.contextmanager
def _loop_in_thread() -> Iterator[asyncio.AbstractEventLoop]:
    import uvloop

    loop = uvloop.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


@pytest.fixture
def start() -> Iterator[Start]:
    """Start a server on free loopback ports (first plain, last implicit TLS when it has a certificate)."""
    with contextlib.ExitStack() as stack:
        loop = stack.enter_context(_loop_in_thread())

        def start_server(handler: Any = None, limits: Limits | None = None, **options: Any) -> Running:
            server = SmtpServer("test", "mail.example.test", handler or Recorder(), limits, **options)
            listeners = [Listener(server, "127.0.0.1", 0)]
            if options.get("tls_context") is not None:
                listeners.append(Listener(server, "127.0.0.1", 0, implicit_tls=True))
            serving = listening(listeners, grace=2.0)
            ports = asyncio.run_coroutine_threadsafe(serving.__aenter__(), loop).result(10)
            stack.callback(
                lambda: asyncio.run_coroutine_threadsafe(serving.__aexit__(None, None, None), loop).result(10)
            )
            return Running(server, loop, ports)

        yield start_server


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


class Shop:
    """The owner's tenant as a sender: a verified domain `acme.example`, a pool, and bridges by mode."""

    domain = "acme.example"

    def __init__(self, person: Person) -> None:
        assert person.tenant_id is not None
        self.person = person
        self.tenant_id: UUID = person.tenant_id
        with person.scope() as scope:
            scope.session.add(Pool(tenant_id=self.tenant_id, name="main", is_default=True))
            row = {"name": self.domain, "status": "verified", "challenge": "x", "verified_at": sa.func.now()}
            scope.session.add(Domain(tenant_id=self.tenant_id, **row))
        self.bridge_id, self.secrets = self.make_bridge("app")

    def make_bridge(self, name: str, mode: Mode = Mode.LIVE, **options: Any) -> tuple[UUID, Secrets]:
        """A committed bridge and its credentials."""
        with self.person.scope() as scope:
            bridge, secrets = create_bridge(scope, BridgeInput(name, mode=mode, **options))
            return bridge.id, secrets

    def rows(self, statement: str, **parameters: Any) -> list[Any]:
        """Rows of any table, as this tenant sees them."""
        with tenant_session(self.tenant_id) as session:
            return list(session.execute(sa.text(statement), parameters).all())

    def change(self, statement: str, **parameters: Any) -> None:
        """Change rows and forget what accept remembers."""
        with unscoped("test") as session:
            session.execute(sa.text(statement), parameters)
        forget_facts()


@pytest.fixture
def shop(cast: Cast) -> Iterator[Shop]:
    """The sender that most tests use."""
    forget_facts()
    yield Shop(cast.owner)
    forget_facts()
