"""Waking workers: RQ carries names and ids, never state. What is enqueued here may be lost at any time; the ticker finds the rows again."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Any

import redis
import structlog
from rq import Queue
from rq.serializers import JSONSerializer
from sqlalchemy.orm import Session

from webapp.kernel.db import after_commit
from webapp.settings import get_settings

log = structlog.get_logger()


class QueueName(StrEnum):
    """One queue a worker process: RQ can lose a popped job when a worker listens to several."""

    DELIVERY = "delivery"
    DEFAULT = "default"
    WEBHOOKS = "webhooks"


@functools.cache
def broker() -> redis.Redis:
    """The connection pool to Valkey of this process."""
    return redis.Redis.from_url(
        get_settings().redis_url, socket_timeout=5, socket_connect_timeout=2, health_check_interval=30, max_connections=64
    )


@functools.cache
def worker_broker() -> redis.Redis:
    """A connection pool without a read time-out, for those who block: RQ workers on their queue, readers on a stream."""
    return redis.Redis.from_url(get_settings().redis_url, socket_timeout=None, socket_connect_timeout=2, health_check_interval=30)


@functools.cache
def queue(name: QueueName) -> Queue:
    """The RQ queue of that name, JSON only (a pickle from the broker would be code execution)."""
    return Queue(name.value, connection=broker(), serializer=JSONSerializer, default_timeout=3600)


def enqueue(name: QueueName, function: str, *args: Any) -> bool:
    """Wake a worker to run ``function`` (dotted path under worker.jobs). False when the broker is away: the row waits for the ticker."""
    try:
        queue(name).enqueue(function, *args, result_ttl=0, failure_ttl=86400)
    except redis.RedisError as error:
        log.warning("broker_away", job=function, error=str(error))
        return False
    return True


def enqueue_after_commit(session: Session, name: QueueName, function: str, *args: Any) -> None:
    """Wake a worker once the rows it will look for are committed; nothing is sent when they are rolled back."""
    after_commit(session, lambda: _quietly(functools.partial(enqueue, name, function, *args)))


def _quietly(act: Callable[[], object]) -> None:
    try:
        act()
    except Exception:
        log.exception("after_commit_failed")


#: How long a wake-up flag stands when nobody answers it, in milliseconds. The ticker looks every second anyway.
_WAKE_MS = 5000


def wake_delivery() -> None:
    """Ring for the delivery workers: at most one waiting job a worker, however many messages were accepted.

    The flag is taken down by the job *before* it claims, so a message committed after that rings again and none is overlooked.
    """
    wake_slots(QueueName.DELIVERY, "worker.jobs.delivery.deliver", range(get_settings().delivery_workers))


def wake_slots(name: QueueName, function: str, slots: Sequence[int]) -> None:
    """Enqueue ``function(slot)`` for each slot for which it does not wait already."""
    try:
        with broker().pipeline(transaction=False) as pipe:
            for slot in slots:
                pipe.set(wake_key(function, slot), 1, nx=True, px=_WAKE_MS)
            raised = pipe.execute()
        for slot in (slot for slot, is_new in zip(slots, raised, strict=True) if is_new):
            enqueue(name, function, slot)
    except redis.RedisError as error:
        log.warning("broker_away", job=function, error=str(error))


def wake_key(function: str, slot: int) -> str:
    """Name of the flag that says "rung already"."""
    return f"wake:{function}:{slot}"


def answer_wake(function: str, slot: int) -> None:
    """Take the flag down; called by the job before it looks for work."""
    try:
        broker().delete(wake_key(function, slot))
    except redis.RedisError:
        log.warning("broker_away", job=function)
