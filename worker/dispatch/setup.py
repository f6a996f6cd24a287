"""The engine as the settings want it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from webapp.settings import Settings, get_settings
from worker.delivery.egress import EgressPolicy
from worker.delivery.engine import Engine
from worker.delivery.mta_sts import PolicyFetcher
from worker.delivery.resolver import Resolver
from worker.delivery.sts_policies import StsPolicies
from worker.delivery.types import Limits, Timeouts
from worker.dispatch.transport import TransportStore


def make_engine() -> tuple[Engine, TransportStore]:
    """An engine with resolver, egress policy, limits, time-outs and TLS policies of this process's settings, and the store of its TLS results, to be
    closed at the end. Call it on the loop it will live on."""
    settings = get_settings()
    resolver = Resolver(settings.dns_servers, hosts=_hosts(settings.dns_hosts), trusted=settings.dns_trusted)
    engine = Engine(resolver, EgressPolicy.from_texts(settings.egress_allow), _limits(settings))
    own = frozenset({settings.bounce_domain.lower(), settings.mail_hostname.lower()})
    engine.takes_mail_for = own.__contains__
    store = TransportStore(engine.tls_tally)
    if settings.mta_sts:
        fetcher = PolicyFetcher(resolver, engine.egress, engine.tls_contexts.verified, port=settings.mta_sts_port)
        engine.sts = StsPolicies(resolver, fetcher, store, engine.tls_tally)
    store.start()
    return engine, store


def _limits(settings: Settings) -> Limits:
    default = Timeouts()
    scaled = {f.name: getattr(default, f.name) * settings.smtp_timeout_scale for f in dataclasses.fields(Timeouts)}
    return Limits(
        mx_port=settings.delivery_port,
        timeouts=Timeouts(**scaled),
        window=settings.delivery_window,
        tls_ca_file=settings.smtp_ca_file or None,
        plain_auth_on_loopback=settings.relay_plain_auth_on_loopback,
        own_names=frozenset({settings.ehlo_name.lower(), settings.mail_hostname.lower()}) - {"localhost"},
    )


def _hosts(entries: Iterable[str]) -> dict[str, list[str]]:
    hosts: dict[str, list[str]] = {}
    for entry in entries:
        name, _, address = entry.partition("=")
        hosts.setdefault(name.strip().lower(), []).append(address.strip())
    return hosts
