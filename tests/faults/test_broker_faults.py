"""What stands in the broker is believed by nobody: poisoned jobs, unknown jobs, a flush."""

from __future__ import annotations

import os
import pickle
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import redis
from rq import Queue
from rq.job import Job
from rq.serializers import DefaultSerializer, JSONSerializer

from tests.faults.conftest import Shop
from tests.sinks import SmtpSink
from webapp.kernel.jobs import QueueName, worker_broker
from webapp.messages.service.claim import lost_leases
from worker.dispatch.dispatcher import Dispatcher
from worker.rq_worker import Worker


class Bomb:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


def burst(connection: redis.Redis) -> None:
    """One of our workers runs what waits in the queue "default"."""
    queue = Queue(QueueName.DEFAULT.value, connection=connection, serializer=JSONSerializer)
    Worker([queue], connection=connection, serializer=JSONSerializer).work(burst=True, logging_level="CRITICAL")


def test_a_pickle_from_the_broker_is_never_opened(redis_client: redis.Redis, redis_url: str, tmp_path: Path) -> None:
    redis_client.flushdb()
    connection = redis.Redis.from_url(redis_url)
    poisoned = Queue(QueueName.DEFAULT.value, connection=connection, serializer=DefaultSerializer)
    job = poisoned.enqueue("worker.jobs.delivery.sweep", 0)
    connection.hset(job.key, "data", zlib.compress(pickle.dumps(Bomb(tmp_path / "bang"))))
    poisoned.enqueue(os.mkdir, str(tmp_path / "bang"))
    burst(connection)
    assert not (tmp_path / "bang").exists()
    assert len(poisoned) == 0


def test_jobs_that_nobody_knows_stop_nothing(shop: Shop, redis_url: str) -> None:
    connection = redis.Redis.from_url(redis_url)
    queue = Queue(QueueName.DEFAULT.value, connection=connection, serializer=JSONSerializer)
    queue.enqueue("worker.jobs.nowhere.nothing", 1)
    queue.enqueue("worker.jobs.delivery.sweep", "not", "its", "arguments")
    last = queue.enqueue("worker.jobs.delivery.sweep", 0, result_ttl=60)
    burst(connection)
    assert Job.fetch(last.id, connection=connection, serializer=JSONSerializer).is_finished
    assert shop.rows(lost_leases(60)) == []


def test_a_flushed_broker_loses_no_mail(shop: Shop, sink: SmtpSink, redis_client: redis.Redis, worker: Callable[[], Dispatcher]) -> None:
    for number in range(20):
        shop.send(f"ok-{number}@example.net")
    redis_client.flushdb()
    worker().drain(10)
    assert len(sink.state.recipients) == 20
    worker_broker.cache_clear()
