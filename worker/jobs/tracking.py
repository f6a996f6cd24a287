"""Hits: from the stream to events, grouped."""

from __future__ import annotations

from typing import cast

from webapp.kernel.db import raw_of, unscoped
from webapp.kernel.jobs import answer_wake, broker
from webapp.tracking.service import read_hit, record_hits
from webapp.tracking.stream import HITS

_BATCH = 2000


def aggregate(slot: int) -> int:
    """Record what waits in the stream. An entry leaves the stream only after its event is committed. Returns the new events."""
    answer_wake("worker.jobs.tracking.aggregate", slot)
    total = 0
    while entries := cast("list[tuple[bytes, dict[bytes, bytes]]]", broker().xrange(HITS, count=_BATCH)):
        hits = [hit for stream_id, fields in entries if (hit := read_hit(stream_id, fields))]
        with unscoped("hits of all tenants come in one stream") as session:
            total += record_hits(raw_of(session), hits)
        broker().xdel(HITS, *[stream_id for stream_id, _ in entries])
    return total
