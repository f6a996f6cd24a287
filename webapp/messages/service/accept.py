"""The one way into the platform: every door hands its messages to ``accept`` or, many at once, to ``accept_units``.

Written for speed: no ORM objects, and two round trips to the database for a whole group of one tenant's messages (see ``rounds``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import psycopg
from psycopg import errors as pg

from webapp.kernel.db import after_commit
from webapp.kernel.errors import DomainError, Unavailable
from webapp.kernel.jobs import wake_delivery
from webapp.kernel.scope import Scope
from webapp.messages.service.rounds import Round
from webapp.messages.service.sender import Sender, raw_connection
from webapp.messages.service.units import Unit, unit_of
from webapp.messages.service.wire import Wire, wired
from webapp.messages.types import Accepted, MessageSubmission, RecipientState


def accept(scope: Scope, submission: MessageSubmission, *, sender: Sender | None = None) -> Accepted:
    """Accept one message in the scope's transaction; delivery is woken once that commits.

    Raises the refusals of ``checks``, ``ValidationFailed`` (template, suppression), ``NotFound`` (bridge, template), ``LimitExceeded`` (daily quota),
    ``IdempotencyConflict`` and ``Unavailable`` (the database failed: nothing was kept).
    """
    unit = unit_of(sender or Sender.of_scope(scope), submission)
    _accept_in_scope(scope, unit)
    result = unit.results[0]
    if isinstance(result, DomainError):
        raise result
    return result


def accept_batch(
    scope: Scope, submissions: Sequence[MessageSubmission], *, key: str | None = None, fingerprint: bytes = b"", sender: Sender | None = None
) -> Unit:
    """Accept several messages in the scope's transaction, each on its own. Raises what refuses the batch as a whole."""
    unit = Unit(sender or Sender.of_scope(scope), submissions, key, fingerprint, is_batch=True)
    _accept_in_scope(scope, unit)
    if unit.error is not None:
        raise unit.error
    return unit


def accept_many(connection: psycopg.Connection[Any], submissions: Sequence[tuple[Sender, MessageSubmission]]) -> list[Accepted | DomainError]:
    """Accept messages of one tenant, each on its own, in the connection's transaction, which the caller commits. Results stand in order.

    The connection must act for that tenant (``app.tenant_id``). Raises ``psycopg.Error`` when the database fails: then nothing may be acknowledged.
    """
    units = [unit_of(sender, submission) for sender, submission in submissions]
    accept_units(connection, units)
    return [unit.results[0] for unit in units]


def accept_units(connection: psycopg.Connection[Any], units: Sequence[Unit]) -> None:
    """The same for requests of one or more messages: fills in their ``results``. Raises ``psycopg.Error``."""
    with wired(connection) as wire:
        accept_on_wire(wire, units)


def accept_on_wire(wire: Wire, units: Sequence[Unit], *, commit: Callable[[], None] | None = None) -> None:
    """The same on a connection in pipeline mode. ``commit`` ends the transaction; it is called so that COMMIT leaves together with the last rows."""
    waiting = list(units)
    while waiting:
        first, waiting = _split_by_key(waiting)
        Round(wire, first, commit=None if waiting else commit).run()


def _split_by_key(units: list[Unit]) -> tuple[list[Unit], list[Unit]]:
    """Units to take now, and those whose idempotency key a unit before them uses: they wait for its result."""
    seen: set[str] = set()
    first: list[Unit] = []
    later: list[Unit] = []
    for unit in units:
        (later if unit.key in seen else first).append(unit)
        if unit.key is not None:
            seen.add(unit.key)
    return first, later


def _accept_in_scope(scope: Scope, unit: Unit) -> None:
    try:
        accept_units(raw_connection(scope), [unit])
    except psycopg.Error as error:
        raise refusal_of(error) from error
    if needs_wake(unit):
        after_commit(scope.session, wake_delivery)


def needs_wake(unit: Unit) -> bool:
    """Whether something of this unit was queued just now and is due."""
    return any(isinstance(result, Accepted) and result.status is RecipientState.QUEUED and not result.replayed for result in unit.results)


def refusal_of(error: psycopg.Error) -> Unavailable:
    """What to answer when the database failed: nothing was kept, and the same request may succeed later."""
    if isinstance(error, pg.DiskFull):
        return Unavailable("The server has no disk space left; nothing was stored.", retry_after=30)
    return Unavailable("The message could not be stored at the moment; nothing was kept. Try again.", retry_after=2)
