"""The RQ worker process: one queue, JSON only, no fork, so that SMTP connections and caches live on between jobs."""

from __future__ import annotations

import os
import time
from typing import Any

import redis
import structlog
from rq import Queue, SimpleWorker
from rq.serializers import JSONSerializer

from webapp.kernel.jobs import QueueName, worker_broker
from webapp.settings import get_settings
from worker.runtime import start_process

log = structlog.get_logger()

#: Called when the process is told to stop, so that a long job can end early; jobs add theirs.
on_stop: list[Any] = []


class Worker(SimpleWorker):
    """Finishes the job under way on SIGTERM, and lets it know."""

    def request_stop(self, signum: Any, frame: Any) -> None:
        """First signal: warm stop. A second one a second later is RQ's cold stop."""
        for act in on_stop:
            act()
        super().request_stop(signum, frame)  # type: ignore[no-untyped-call]


def main(name: QueueName) -> None:
    """Entry of `python -m worker jobs <queue>`; returns after a stop signal."""
    os.nice(get_settings().worker_niceness)  # mail is taken in first, delivered second: a client waits for the one, nobody for the other
    kind = "jobs" if name is QueueName.DEFAULT else name.value
    owner = start_process(kind)
    while True:
        try:
            connection = worker_broker()
            worker = Worker(
                [Queue(name.value, connection=connection, serializer=JSONSerializer)],
                connection=connection, serializer=JSONSerializer, name=f"{owner}-{time.time_ns()}",
            )  # fmt: skip
            worker.work(logging_level="WARNING")
            return
        except redis.RedisError as error:
            log.warning("broker_away", error=str(error))
            time.sleep(1)
