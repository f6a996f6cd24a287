"""Tasks that take their first step at once."""

from __future__ import annotations

import asyncio

import pytest

from worker.smtp.eager import begin_now


async def steps(log: list[str], pauses: int, error: Exception | None = None) -> str:
    log.append("begun")
    for number in range(pauses):
        await asyncio.sleep(0.001 * number)
        log.append(f"step {number}")
    if error is not None:
        raise error
    return "done"


@pytest.mark.parametrize("pauses", [0, 1, 3])
def test_first_step_is_taken_at_once(pauses: int) -> None:
    async def scenario() -> None:
        log: list[str] = []
        future = begin_now(steps(log, pauses))
        assert log == ["begun"]
        assert await future == "done"
        assert len(log) == pauses + 1

    asyncio.run(scenario())


@pytest.mark.parametrize("pauses", [0, 2])
def test_errors_arrive(pauses: int) -> None:
    async def scenario() -> None:
        with pytest.raises(ValueError, match="boom"):
            await begin_now(steps([], pauses, ValueError("boom")))

    asyncio.run(scenario())


def test_cancelling_reaches_the_work() -> None:
    async def scenario() -> None:
        log: list[str] = []

        async def work() -> None:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                log.append("cancelled")
                raise

        future = begin_now(work())
        await asyncio.sleep(0)
        future.cancel()
        with pytest.raises(asyncio.CancelledError):
            await future
        assert log == ["cancelled"]

    asyncio.run(scenario())
