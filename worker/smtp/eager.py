"""A task whose first step is taken at once instead of in the event loop's next round (Python 3.12 has eager tasks)."""

from __future__ import annotations

import asyncio
import types
from collections.abc import Callable, Coroutine, Generator
from typing import Any, TypeVar

T = TypeVar("T")


def begin_now(work: Coroutine[Any, Any, T]) -> asyncio.Future[T]:
    """Run `work` to its first pause, then go on with it as a task.

    The first step must not ask for the current task: there is none yet.
    """
    done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
    try:
        waited_for = work.send(None)
    except StopIteration as end:
        done.set_result(end.value)
        return done
    except Exception as error:
        done.set_exception(error)
        return done
    return asyncio.ensure_future(_finish(work, waited_for))


async def _finish(work: Coroutine[Any, Any, T], waited_for: Any) -> T:
    return await _resume(work, waited_for)


@types.coroutine
def _resume(work: Coroutine[Any, Any, T], waited_for: Any) -> Generator[Any, Any, T]:
    """Hand the task what the coroutine waits for, and the coroutine what the task sends or throws."""
    step: tuple[Callable[[Any], Any], Any]
    while True:
        try:
            value = yield waited_for
        except BaseException as error:
            step = (work.throw, error)
        else:
            step = (work.send, value)
        try:
            waited_for = step[0](step[1])
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]
