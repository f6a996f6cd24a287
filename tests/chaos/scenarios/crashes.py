"""Our own processes die: F01 (any of them), F02 (submission), F03 (a worker between the final dot and its answer), F18 (all are asked to stop)."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator

from tests.chaos.ledger import Figures, count, drain, wait_until
from tests.chaos.load import ApiLoad, SmtpLoad
from tests.chaos.place import Place, place
from tests.chaos.scenarios import Run


def random_kills(run: Run) -> Figures:
    """F01: kill -9 of a random process every few seconds under API load. Recovery: from the last kill until the queue is empty."""
    figures = Figures("F01", "kill -9 of random processes under API load")
    with place(run.engines, "chaos_f01", run.var) as ground:
        seconds = run.pick(120, 18)
        load = ApiLoad(ground, run.pick(5000, 600), seconds).start()
        victims, kills, began = _deck(ground), 0, time.monotonic()
        while load.running and time.monotonic() - began < seconds:
            time.sleep(run.pick(5, 3))
            ground.stack.kill(next(victims))
            kills += 1
        ended = time.monotonic()
        load.finish()
        drain(ground, 120)
        figures.recovery = time.monotonic() - ended
        figures.notes.append(f"{kills} kills")
        count(ground, figures, [load])
        figures.must(load.statuses() <= {"202", "200", "none", "503", "409"}, f"answers {dict(load.answers)}")
    return figures


def _deck(ground: Place) -> Iterator[str]:
    """Process names in random order, each once before any comes again."""
    while True:
        names = list(ground.stack.specs)
        random.shuffle(names)
        yield from names


def submission_kills(run: Run) -> Figures:
    """F02: kill -9 of the submission server while clients repeat what was not answered. Recovery: from the last kill to the next 250."""
    figures = Figures("F02", "kill -9 of submission under SMTP load, clients repeat")
    with place(run.engines, "chaos_f02", run.var) as ground:
        seconds = run.pick(60, 14)
        load = SmtpLoad(ground, run.pick(2000, 240), seconds, threads=12).start()
        kills: list[float] = []
        began = time.monotonic()
        while load.running and time.monotonic() - began < seconds:
            time.sleep(random.uniform(3, 5))
            if load.running:
                ground.stack.kill("submission")
                kills.append(time.monotonic())
        load.finish()
        figures.recovery = max((load.first_after(kill) or 0.0 for kill in kills), default=None)
        figures.notes.append(f"{len(kills)} kills")
        drain(ground, 60)
        count(ground, figures, [load])
    return figures


def lost_in_doubt(run: Run) -> Figures:
    """F03: the far end took the final dot and says nothing; the worker dies. Recovery: from the kill until all were sent again."""
    figures = Figures("F03", "kill -9 of the workers between final dot and answer")
    with place(run.engines, "chaos_f03", run.var) as ground:
        load = ApiLoad(ground, 50, 1, word="stalldata").start()
        load.finish()
        wait_until(lambda: ground.sink.state.stalled >= 20, 20)
        stalled = ground.sink.state.stalled
        time.sleep(2)
        ground.sink.state.healed = True
        ended = time.monotonic()
        for name in ("delivery-1", "delivery-2"):
            ground.stack.kill(name)
        drain(ground, 90)
        figures.recovery = time.monotonic() - ended
        count(ground, figures, [load])
        unknown = ground.one("select count(*) from delivery_attempts where outcome = 'unknown' and duplicate_possible")
        figures.must(stalled >= 20, f"only {stalled} messages stood in the doubtful window")
        figures.must(unknown >= stalled, f"{unknown} attempts are marked unknown, {stalled} messages were in doubt")
        figures.must(figures.recovery <= ground.stack.settings.lease_silence_seconds + 60, "sent again too late")
        figures.notes.append(f"{stalled} in doubt at the kill, {unknown} attempts marked unknown")
    return figures


def warm_stop(run: Run) -> Figures:
    """F18: SIGTERM to every process under load, then a start. Recovery: how long the slowest took to end."""
    figures = Figures("F18", "SIGTERM to all processes under load")
    with place(run.engines, "chaos_f18", run.var) as ground:
        loads = [ApiLoad(ground, run.pick(2000, 400), run.pick(20, 10)).start(), SmtpLoad(ground, run.pick(400, 100), run.pick(20, 10), threads=4).start()]
        time.sleep(run.pick(8, 4))
        names, began = list(ground.stack.running), time.monotonic()
        slow: list[str] = []

        def end(name: str) -> None:
            if not ground.stack.stop(name, 30):
                slow.append(name)

        stopping = [threading.Thread(target=end, args=(name,)) for name in names]
        for thread in stopping:
            thread.start()
        for thread in stopping:
            thread.join()
        figures.recovery = time.monotonic() - began
        figures.must(not slow, f"had to be killed after 30 s: {slow}")
        for name in names:
            ground.stack.start(name)
        for load in loads:
            load.finish()
        drain(ground, 60)
        count(ground, figures, loads)
        figures.must(figures.duplicated == 0, "a clean stop sent something twice")
    return figures
