"""The same idempotency key is one message, however many ask at once."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.messages.conftest import House, to
from webapp.kernel import clock
from webapp.kernel.db import tenant_session
from webapp.kernel.errors import DomainError, Forbidden, IdempotencyConflict, InvalidParameter, LimitExceeded, NotFound, ValidationFailed
from webapp.kernel.permissions import PermissionSet
from webapp.kernel.scope import SYSTEM, Mode, Scope
from webapp.messages.service import Unit, accept_batch, answer_of
from webapp.messages.types import Accepted, MessageSubmission

KEY: dict[str, Any] = {"idempotency_key": "order-1048", "fingerprint": b"f" * 32}


def messages(house: House) -> int:
    return int(house.rows("select count(*) from messages")[0][0])


def test_a_replay_gives_the_original_answer(house: House) -> None:
    first = house.accept(send_at=clock.now().replace(microsecond=0) + timedelta(hours=1), **KEY)
    again = house.accept(**KEY)
    assert again.replayed and not first.replayed
    assert answer_of(again) == answer_of(first) and list(answer_of(again)) == list(answer_of(first))
    assert messages(house) == 1


def test_a_replay_does_not_depend_on_today(house: House) -> None:
    first = house.accept(**KEY)
    house.change("update tenants set status = 'suspended' where id = :tenant")
    assert house.accept(**KEY).id == first.id
    with pytest.raises(Forbidden):
        house.accept()


def test_another_body_is_a_conflict(house: House) -> None:
    house.accept(**KEY)
    with pytest.raises(IdempotencyConflict) as caught:
        house.accept(idempotency_key="order-1048", fingerprint=b"g" * 32)
    assert caught.value.param == "Idempotency-Key"
    assert messages(house) == 1


def test_tenants_and_modes_do_not_share_keys(house: House, make_house: Callable[..., House]) -> None:
    stranger = make_house("stranger")
    ids = {house.accept(**KEY).id, house.accept(sender=house.sender(Mode.SANDBOX), **KEY).id, stranger.accept(**KEY).id}
    assert len(ids) == 3


@pytest.mark.parametrize("key", ["", "x" * 256, "a\x00b", "a\nb"])
def test_keys_that_are_none(house: House, key: str) -> None:
    with pytest.raises(InvalidParameter):
        house.accept(idempotency_key=key)
    assert messages(house) == 0


def test_the_longest_key(house: House) -> None:
    house.accept(idempotency_key="x" * 255)


def test_a_key_is_free_again_after_a_day(house: House) -> None:
    first = house.accept(**KEY)
    house.change("update idempotency_keys set created_at = now() - interval '25 hours'")
    second = house.accept(idempotency_key="order-1048", fingerprint=b"other")
    assert second.id != first.id and not second.replayed
    assert house.accept(idempotency_key="order-1048", fingerprint=b"other").id == second.id


@pytest.mark.parametrize("fault", ["from", "suppressed", "quota", "template", "bridge"])
def test_a_refused_message_leaves_its_key_free(house: House, fault: str) -> None:
    good: MessageSubmission = house.submission(**KEY)
    changes: dict[str, Any] = {}
    if fault == "from":
        changes = {"from_address": to("me@elsewhere.example")[0].address}
    elif fault == "suppressed":
        house.change("insert into suppressions (tenant_id, address, scope, reason, source) values (:tenant, 'x@y.example', 'all', 'manual', 'test')")
        changes = {"recipients": to("x@y.example")}
    elif fault == "quota":
        house.change("update tenants set daily_limit = 1 where id = :tenant")
        changes = {"recipients": to("a@y.example", "b@y.example")}
    elif fault == "template":
        changes = {"template": "absent", "text": None}
    else:
        changes = {"bridge_id": house.tenant_id}
    with pytest.raises((ValidationFailed, LimitExceeded, NotFound)):
        house.accept(**{**KEY, **changes})
    assert house.rows("select 1 from idempotency_keys") == []
    assert not house.accept(good).replayed


def test_fifty_threads_and_twenty_keys(house: House) -> None:
    outcomes: list[tuple[str, Accepted | DomainError]] = []
    start = threading.Barrier(50)

    def run(number: int) -> None:
        start.wait()
        for step in range(20):
            key = f"key-{(number + step) % 20}"
            try:
                outcomes.append((key, house.accept(idempotency_key=key, fingerprint=b"same")))
            except DomainError as error:
                outcomes.append((key, error))

    threads = [threading.Thread(target=run, args=(n,)) for n in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert messages(house) == 20
    ids: dict[str, set[object]] = {}
    kinds: Counter[str] = Counter()
    for key, outcome in outcomes:
        if isinstance(outcome, Accepted):
            ids.setdefault(key, set()).add(outcome.id)
            kinds["replayed" if outcome.replayed else "first"] += 1
        else:
            kinds[type(outcome).__name__] += 1
    assert all(len(found) == 1 for found in ids.values()) and len(ids) == 20
    assert kinds == {"first": 20, "replayed": 980}


def batch(house: House, submissions: list[MessageSubmission], fingerprint: bytes = b"f") -> Unit:
    with tenant_session(house.tenant_id) as session:
        return accept_batch(Scope(session, house.tenant_id, SYSTEM, PermissionSet({"*"})), submissions, key="batch-1", fingerprint=fingerprint)


def test_a_batch_is_answered_one_by_one_and_replayed_as_a_whole(house: House) -> None:
    wrong = house.submission(from_address=to("me@elsewhere.example")[0].address)
    first = batch(house, [house.submission(), wrong, house.submission(recipients=to("b@x.example"))])
    assert [type(result).__name__ for result in first.results] == ["Accepted", "SenderNotVerified", "Accepted"]
    assert messages(house) == 2
    again = batch(house, [house.submission(), wrong, house.submission(recipients=to("b@x.example"))])
    assert again.replayed and messages(house) == 2
    assert [getattr(result, "id", None) for result in again.results] == [getattr(result, "id", None) for result in first.results]
    refusal = again.results[1]
    assert isinstance(refusal, DomainError) and (refusal.code, refusal.status, refusal.param) == ("validation_error", 422, "from")
    with pytest.raises(IdempotencyConflict):
        batch(house, [house.submission()], fingerprint=b"g")
    with pytest.raises(IdempotencyConflict):
        house.accept(idempotency_key="batch-1", fingerprint=b"f")
    assert messages(house) == 2


def test_a_batch_of_refusals_keeps_nothing(house: House) -> None:
    wrong = house.submission(from_address=to("me@elsewhere.example")[0].address)
    assert not batch(house, [wrong, wrong]).replayed
    assert house.rows("select 1 from idempotency_keys") == []
