"""Prometheus metrics of all processes of a host: each writes to files under ``var_dir/metrics``, /metrics adds them up.

No label holds a tenant, a domain or an address: label sets stay small for ever. What can be read from the database (queue depth, ages) is read at
the scrape, so that it is right after any crash.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterable

from webapp.settings import get_settings

_folder = get_settings().var_dir / "metrics"
os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", str(_folder))
os.makedirs(os.environ["PROMETHEUS_MULTIPROC_DIR"], exist_ok=True)

# The library decides at import whether it counts for one process or many, by the variable set above.
import prometheus_client as prom  # noqa: E402
import sqlalchemy as sa  # noqa: E402
from prometheus_client import multiprocess  # noqa: E402
from prometheus_client.core import GaugeMetricFamily, Metric  # noqa: E402
from prometheus_client.registry import Collector  # noqa: E402

from webapp.kernel.db import unscoped  # noqa: E402

CONTENT_TYPE = prom.CONTENT_TYPE_LATEST
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 1800, 7200, 86400)

ACCEPTED = prom.Counter("esp_messages_accepted_total", "Messages accepted, by door and mode.", ["source", "mode"])
REPLAYED = prom.Counter("esp_idempotent_replays_total", "Requests answered again by their idempotency key.")
ATTEMPTS = prom.Counter("esp_attempts_total", "Delivery attempts, by the class of their outcome.", ["class"])
FIRST_ATTEMPT = prom.Histogram("esp_accept_to_first_attempt_seconds", "From acceptance to the end of the first attempt.", buckets=_SECONDS)
DELIVERY = prom.Histogram("esp_delivery_seconds", "From acceptance to delivery.", buckets=_SECONDS)
DUPLICATE = prom.Counter("esp_duplicate_possible_total", "Attempts after which nobody can know whether the mail arrived.")
WEBHOOKS = prom.Counter("esp_webhook_attempts_total", "Attempts to deliver webhooks, by result.", ["result"])
LEASES = prom.Counter("esp_lease_expired_total", "Leases taken back from lost workers.")
SMTP_LOGINS = prom.Counter("esp_smtp_auth_total", "SMTP logins, by result.", ["result"])
REQUESTS = prom.Counter("esp_http_requests_total", "HTTP requests that reached the application, by status class.", ["status"])
HITS = prom.Counter("esp_hits_total", "Pixels and links fetched.", ["kind"])

_QUEUE = """
select case when held is not null then 'held' when lease_until is not null then 'sending' when scheduled then 'scheduled'
  when attempt > 0 then 'deferred' else 'queued' end as state, priority,
  count(*), extract(epoch from now() - min(created_at) filter (where not scheduled and held is null))
from queue_entries group by 1, 2
"""
_STREAMS = {0: "transactional", 1: "bulk"}


class _Database(Collector):
    """Gauges read from PostgreSQL at the scrape, at most every five seconds."""

    def __init__(self) -> None:
        self._until = 0.0
        self._kept: list[Metric] = []

    def collect(self) -> Iterable[Metric]:
        if time.monotonic() > self._until:
            self._kept, self._until = self._read(), time.monotonic() + 5
        return self._kept

    def _read(self) -> list[Metric]:
        depth = GaugeMetricFamily("esp_queue_depth", "Recipients in flight, by state.", labels=["state"])
        oldest = GaugeMetricFamily("esp_queue_oldest_seconds", "Age of the oldest recipient in flight, by stream.", labels=["stream"])
        beats = GaugeMetricFamily("esp_heartbeat_age_seconds", "Seconds since the youngest sign of life, by kind of process.", labels=["kind"])
        states: dict[str, int] = dict.fromkeys(("queued", "deferred", "sending", "scheduled", "held"), 0)
        ages: dict[str, float] = dict.fromkeys(_STREAMS.values(), 0.0)
        with unscoped("metrics count the queue of all tenants") as session:
            for state, priority, count, age in session.execute(sa.text(_QUEUE)):
                states[state] += count
                stream = _STREAMS.get(priority, "bulk")
                ages[stream] = max(ages[stream], float(age or 0))
            alarms = session.execute(sa.text("select count(*) from suppression_alarms where settled_at is null")).scalar_one()
            for kind, age in session.execute(sa.text("select kind, extract(epoch from now() - max(seen_at)) from heartbeats group by 1")):
                beats.add_metric([kind], float(age))
        for state, count in states.items():
            depth.add_metric([state], count)
        for stream, seconds in ages.items():
            oldest.add_metric([stream], seconds)
        free = GaugeMetricFamily("esp_disk_free_bytes", "Free space where data is kept.", value=shutil.disk_usage(get_settings().var_dir).free)
        washing = GaugeMetricFamily("esp_suppression_alarms_open", "Tenants that took many addresses off their lists, not looked at yet.", value=alarms)
        return [depth, oldest, beats, free, washing]


_database = _Database()


def exposition() -> bytes:
    """The text that Prometheus scrapes: counters of all processes of this host, gauges of the database."""
    registry = prom.CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    registry.register(_database)
    return prom.generate_latest(registry)
