"""The same request many times: F10 (50 threads with the same keys, another body, the server killed in mid-request)."""

from __future__ import annotations

import http.client
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from tests.chaos.ledger import Figures, count_addresses, drain
from tests.chaos.load import message, post
from tests.chaos.place import Place, place
from tests.chaos.scenarios import Run

_THREADS = 50
_KEYS = 20


def same_key(run: Run) -> Figures:
    """F10: one message a key, whatever happens. Recovery: from the kill of the web server until all 50 had their answer."""
    figures = Figures("F10", "50 threads with the same idempotency keys")
    with place(run.engines, "chaos_f10", run.var) as ground:
        numbers = range(_KEYS if not run.quick else 8)
        answers: Counter[int] = Counter()
        for number in numbers:
            identities = _at_once(ground, f"ok-{number}@dest.example", f"key-{number}", answers)
            figures.must(len(identities) == 1, f"key {number} gave {len(identities)} messages")
        figures.must(set(answers) <= {200, 202, 409} and answers[202] == len(numbers), f"answers {dict(answers)}")
        status, _, body = _once(ground, "ok-other@dest.example", "key-0")
        figures.must(status == 409, f"another body under a used key: {status} {body}")
        figures.recovery = _killed_meanwhile(ground, figures)
        drain(ground, 60)
        count_addresses(ground, figures, [*(f"ok-{number}@dest.example" for number in numbers), "ok-killed@dest.example"])
        stored = ground.one("select count(*) from messages")
        figures.must(stored == len(numbers) + 1, f"{stored} messages are stored")
        figures.notes.append(f"{answers[202]} x 202, {answers[200]} x 200 with the same id, {answers[409]} x 409")
    return figures


def _once(ground: Place, address: str, key: str) -> tuple[int, http.client.HTTPMessage, dict[str, object]]:
    connection = http.client.HTTPConnection("127.0.0.1", ground.stack.settings.web_port, timeout=45)
    try:
        return post(connection, ground.secrets.token, message(address), key=key)
    finally:
        connection.close()


def _at_once(ground: Place, address: str, key: str, answers: Counter[int]) -> set[object]:
    barrier = threading.Barrier(_THREADS)

    def send(_: int) -> tuple[int, object]:
        barrier.wait()
        status, _headers, body = _once(ground, address, key)
        return status, body.get("id")

    with ThreadPoolExecutor(_THREADS) as threads:
        results = list(threads.map(send, range(_THREADS)))
    answers.update(status for status, _ in results)
    return {identity for status, identity in results if status in (200, 202)}


def _killed_meanwhile(ground: Place, figures: Figures) -> float:
    """50 clients repeat one request until it is answered; the server is killed with their first tries under way."""
    identities: set[object] = set()

    def insist(_: int) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                status, _headers, body = _once(ground, "ok-killed@dest.example", "key-killed")
            except (OSError, http.client.HTTPException):
                time.sleep(0.2)
                continue
            if status in (200, 202):
                identities.add(body["id"])
                return
            time.sleep(0.2)
        figures.faults.append("a client had no answer for 60 s after the kill")

    with ThreadPoolExecutor(_THREADS) as threads:
        waiting = [threads.submit(insist, number) for number in range(_THREADS)]
        time.sleep(0.05)
        ground.stack.kill("web")
        killed = time.monotonic()
        for one in waiting:
            one.result()
    figures.must(len(identities) == 1, f"the key gave {len(identities)} messages over a kill")
    return time.monotonic() - killed
