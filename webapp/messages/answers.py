"""The flat answers of the Sending API, for the quick door and for Flask's: the same bytes for the same thing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from webapp.http.envelope import error_object, problem_objects
from webapp.kernel.errors import DomainError
from webapp.messages.service import Unit, answer_of
from webapp.messages.types import Accepted

Answer = tuple[int, dict[str, Any]]
REPLAYED = {"Idempotent-Replayed": "true"}


def single_answer(unit: Unit) -> Answer:
    """Status and body of one message: 202, or 200 when an earlier answer is given again. Raises the refusal."""
    result = unit.results[0]
    if isinstance(result, DomainError):
        raise result
    return (200 if unit.replayed else 202), answer_of(result)


def batch_answer(unit: Unit, results: Sequence[Accepted | DomainError]) -> Answer:
    """Status and body of a batch: each message has its own result, in the order of the request. Raises what refuses the whole."""
    if unit.error is not None:
        raise unit.error
    return (200 if unit.replayed else 202), {"results": [_result(result) for result in results]}


def _result(result: Accepted | DomainError) -> dict[str, Any]:
    if not isinstance(result, DomainError):
        return answer_of(result)
    refused: dict[str, Any] = {"status": "rejected", "error": error_object(result)}
    if result.problems:
        refused["errors"] = problem_objects(result)
    return refused
