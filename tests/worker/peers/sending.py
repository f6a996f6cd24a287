"""How the tests of real servers send: an engine with time-outs that such servers need, closed to the last transport."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from tests.worker.delivery.engine_rig import QUICK, deliver, make_engine
from worker.delivery.types import AttemptResult, Delivery

#: They look up names and write to disk before they answer.
_PATIENT = replace(QUICK, connect=10, banner=20, ehlo=20, starttls=20, auth=20, mail=20, rcpt=20, data=20, data_block=20, end_of_data=20)


def send(pem: Path, deliveries: Iterable[Delivery]) -> list[AttemptResult]:
    """What came of them, in their order. ``pem``: the certificate that is trusted."""

    async def run() -> list[AttemptResult]:
        engine = make_engine(timeouts=_PATIENT, tls_ca_file=str(pem), stop_grace=5.0, patience=20.0)
        results = await deliver(engine, deliveries)
        await engine.close()
        await asyncio.sleep(0.1)  # TLS says goodbye
        return results

    return asyncio.run(asyncio.wait_for(run(), 60))


def wait_for(condition: Callable[[], object], words: Callable[[], str]) -> None:
    """Until it holds. Raises AssertionError with these words."""
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, words()
        time.sleep(0.05)
