"""Where the examples of the documentation are executed: an approved tenant that has nothing, and around it a DNS, a relay and a worker of the tests."""

from __future__ import annotations

import base64
import contextlib
import random
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.dns_server import DnsServer, dns_in_thread
from tests.fixtures import ApiClient, Cast
from tests.sinks import SinkOptions, SmtpSink, sink_in_thread
from webapp.domains import service as domains
from webapp.kernel.clock import now
from webapp.kernel.db import unscoped
from webapp.kernel.dns import resolver
from webapp.kernel.ids import uuid7
from webapp.kernel.scope import Mode
from webapp.messages.service import forget_facts
from webapp.pace.models import Throttle
from webapp.pools.models import IpAddress
from webapp.sending_accounts.models import SendingAccount
from webapp.settings import get_settings
from webapp.stack.certificates import ensure_certificate
from worker.dispatch.dispatcher import Dispatcher
from worker.webhooks.engine import Engine

_PORT = 2525
_SECRET = "the-shared-secret"
_RAW = b"From: notifications@your-domain.com\r\nTo: customer@example.net\r\nSubject: As base64\r\n\r\nHello.\r\n"
#: What the relay is to do, and how it looks in print.
_ADDRESSES = (("r550@example.net", "gone@example.net"),)


@dataclass
class World:
    """``known``: what steps may refer to as ``$name``. ``aliases``: (here, in the documentation), for texts that must look good in print;
    ``ports``: the same for numbers of ports."""

    app: Flask
    cast: Cast
    zone: DnsServer
    sink: SmtpSink
    dispatcher: Dispatcher
    known: dict[str, Any] = field(default_factory=dict)
    aliases: list[tuple[str, str]] = field(default_factory=list)
    ports: dict[int, int] = field(default_factory=dict)

    def client(self, key: str) -> ApiClient:
        """Who asks: with the live or the sandbox key, or with none."""
        if key == "none":
            client = ApiClient(self.app, self.app.response_class, use_cookies=False)
            client.key = "none"
            return client
        return self.cast.owner.api(self.app, Mode.LIVE if key == "live" else Mode.SANDBOX)

    def happen(self, what: str) -> None:
        """Something between two steps: see the methods below."""
        acts: dict[str, Callable[[], None]] = {"publish": self._publish, "deliver": self._deliver, "teammate": self._teammate, "remember": self._remember}
        acts["call"] = self._call
        acts[what]()

    def _publish(self) -> None:
        """The tenant puts the records of the domain into DNS."""
        with self.cast.owner.scope() as scope:
            domain = domains.get_domain(scope.session, self.known["domain"])
            for record in domains.records_for(scope, domain):
                self.zone.zone[record.name, record.type] = [domains.zone_line(record).partition(f" IN {record.type} ")[2]]

    def _deliver(self) -> None:
        """A worker sends what is due."""
        self.dispatcher.drain(20)

    def _call(self) -> None:
        """A worker calls webhook endpoints."""
        engine = Engine()
        engine.drain(1.0)
        engine.close()

    def _teammate(self) -> None:
        self.known["teammate"] = str(self.cast.teammate.user_id)

    def _remember(self) -> None:
        """The Message-ID of the first message, as another mail server knows it."""
        with unscoped("test") as rows:
            self.known["header"] = rows.scalar(sa.text("select message_id_header from messages where id = :id"), {"id": self.known["message"]})


def _add_rows(cast: Cast) -> None:
    """What the platform has, and what delivery has learnt: no tenant makes it over the API."""
    with unscoped("test") as rows:
        rows.execute(sa.text("insert into pools (name, is_default) values ('Shared', true)"))
        address = IpAddress(id=uuid7(), tenant_id=cast.owner.tenant_id, address="192.0.2.7", helo_name="mta7.your-domain.com")
        slow: dict[str, Any] = {"action": "pause", "rule": "yahoo.tss04", "reason": "Yahoo said TSS04 twice", "made_by": "Postbridge"}
        slow |= {"source_id": address.id, "source_label": address.address, "provider": "yahoo", "until": now() + timedelta(hours=2)}
        shared = SendingAccount(tenant_id=None, name="Shared relay", host="smtp.example.com", port=587, tls="required", active=True)
        rows.add_all([address, shared, Throttle(tenant_id=cast.owner.tenant_id, **slow)])
        rows.execute(sa.text("update tenants set daily_limit = 10000 where id = :id"), {"id": cast.owner.tenant_id})


def _zone(host: str) -> dict[tuple[str, str], list[str]]:
    """The relay's name, and domains of people whose addresses are checked."""
    return {("smtp.example.com", "A"): [host], ("example.net", "MX"): ["10 mx.example.net."], ("outlok.com", "MX"): ["10 mx.outlok.com."]}


class _Endpoint(BaseHTTPRequestHandler):
    """Takes every webhook."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@contextlib.contextmanager
def _endpoint() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Endpoint)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/mail"
    server.shutdown()
    server.server_close()
    thread.join(5)


def _tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*ensure_certificate(get_settings().var_dir, "smtp.example.com"))
    return context


@pytest.fixture
def world(app: Flask, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """The owner's tenant, empty."""
    forget_facts()
    host = f"127.{random.randint(1, 254)}.{random.randint(0, 255)}.{random.randint(1, 254)}"  # relays have few ports, runs side by side are many
    with ExitStack() as stack:
        sink = stack.enter_context(sink_in_thread(SinkOptions(starttls=_tls(), auth=("postbridge", "s3cret-of-yours")), host=host, port=_PORT))
        zone = stack.enter_context(dns_in_thread(_zone(host)))
        for name, value in {"DNS_SERVERS": zone.address, "EGRESS_ALLOW": "127.0.0.0/8", "POSTFIX_WEBHOOK_SECRET": _SECRET}.items():
            monkeypatch.setenv(f"POSTBRIDGE_{name}", value)
        get_settings.cache_clear()
        resolver.cache_clear()
        _add_rows(cast)
        made = World(app, cast, zone, sink, Dispatcher())
        made.known["raw"] = base64.b64encode(_RAW).decode()
        stack.callback(made.dispatcher.stop)
        made.ports = {_PORT: 587}
        made.aliases = [(get_settings().public_url, "https://mail.example.com"), *_ADDRESSES]
        made.aliases.append((stack.enter_context(_endpoint()), "https://hooks.your-domain.com/mail"))
        made.aliases += [(f"{name}@acme.test", f"{name}@example.com") for name in ("tom", "olivia")]
        yield made
    monkeypatch.undo()
    get_settings.cache_clear()
    resolver.cache_clear()
    forget_facts()
