"""The engine as the settings want it."""

from __future__ import annotations

import dataclasses

from webapp.settings import get_settings
from worker.delivery.egress import EgressPolicy
from worker.delivery.engine import Engine
from worker.delivery.resolver import Resolver
from worker.delivery.types import Limits, Timeouts


def make_engine() -> Engine:
    """An engine with resolver, egress policy, limits and time-outs of this process's settings. Call it on the loop it will live on."""
    settings = get_settings()
    default = Timeouts()
    scaled = {f.name: getattr(default, f.name) * settings.smtp_timeout_scale for f in dataclasses.fields(Timeouts)}
    limits = Limits(mx_port=settings.delivery_port, timeouts=Timeouts(**scaled), window=settings.delivery_window)
    return Engine(Resolver(settings.dns_servers), EgressPolicy.from_texts(settings.egress_allow), limits)
