"""The engines fail: F04 (broker flushed), F05 (broker away), F06 (database crashes), F07 (its sessions are cut)."""

from __future__ import annotations

import http.client
import signal
import time
from concurrent.futures import ThreadPoolExecutor

from tests.chaos.ledger import Figures, count, count_addresses, drain
from tests.chaos.load import ApiLoad, Load, SmtpLoad, message, post
from tests.chaos.place import Place, place
from tests.chaos.scenarios import Run


def broker_flushed(run: Run) -> Figures:
    """F04: a full queue, workers stopped, FLUSHALL, workers started. Recovery: from their start until the queue is empty."""
    figures = Figures("F04", "FLUSHALL with a full queue")
    with place(run.engines, "chaos_f04", run.var) as ground:
        workers = [name for name in ground.stack.running if name not in ("web", "submission")]
        for name in workers:
            ground.stack.stop(name)
        addresses = _fill(ground, run.pick(10_000, 1_000))
        ground.flush_broker()
        queued = ground.one("select count(*) from queue_entries")
        figures.must(queued == len(addresses), f"{queued} of {len(addresses)} were queued")
        for name in workers:
            ground.stack.start(name)
        figures.recovery = drain(ground, 480)
        count_addresses(ground, figures, addresses)
        figures.must(figures.duplicated == 0, "something was sent twice")
    return figures


def _fill(ground: Place, number: int) -> list[str]:
    """Queue that many messages, a hundred a request; their recipients."""
    addresses = [f"ok-{i}@dest.example" for i in range(number)]

    def send(start: int) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", ground.stack.settings.web_port, timeout=60)
        batch = {"emails": [message(address) for address in addresses[start : start + 100]]}
        status, _, body = post(connection, ground.secrets.token, batch, path="/api/v1/email/send/batch")
        connection.close()
        assert status in (200, 202), (status, body)
        return status

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(send, range(0, number, 100)))
    return addresses


def broker_away(run: Run) -> Figures:
    """F05: kill -9 of Valkey under load, and nothing in its place for a while. Recovery: from its return until the queue is empty."""
    figures = Figures("F05", "Valkey killed and away under load")
    away = run.pick(60, 10)
    with place(run.engines, "chaos_f05", run.var) as ground:
        load = ApiLoad(ground, run.pick(4000, 600), away + 10).start()
        time.sleep(5)
        before = ground.resident("web")
        run.engines.crash(run.engines.valkey, signal.SIGKILL)
        time.sleep(away)
        grown = ground.resident("web") - before
        run.engines.start_one(run.engines.valkey)
        back = time.monotonic()
        load.finish()
        drain(ground, 60)
        figures.recovery = time.monotonic() - back
        count(ground, figures, [load])
        figures.must(load.statuses() <= {"202", "200", "503"}, f"answers {dict(load.answers)}")
        figures.must(figures.duplicated == 0, "something was sent twice")
        figures.must(grown < 64, f"the web server grew by {grown:.0f} MB while the broker was away")
        figures.notes.append(f"web {before:.0f} MB, {grown:+.1f} MB after {away} s without a broker")
    return figures


def database_crashes(run: Run) -> Figures:
    """F06: PostgreSQL ends in immediate mode and comes back, again and again. Recovery: the longest time from there to the next acceptance."""
    figures = Figures("F06", "PostgreSQL crashes under load")
    with place(run.engines, "chaos_f06", run.var) as ground:
        seconds = run.pick(100, 20)
        loads = [ApiLoad(ground, run.pick(4000, 500), seconds).start(), SmtpLoad(ground, run.pick(800, 100), seconds, threads=4).start()]
        back = []
        for _ in range(run.pick(5, 3)):
            time.sleep(run.pick(15, 4))
            run.engines.crash(run.engines.postgres, signal.SIGQUIT)
            time.sleep(2)
            run.engines.start_one(run.engines.postgres)
            back.append(time.monotonic())
        for load in loads:
            load.finish()
        drain(ground, 120)
        _judge_database(ground, figures, loads)
        waits = [load.first_after(moment) for moment in back for load in loads if load.moments and max(load.moments) > moment]
        figures.recovery = max((wait for wait in waits if wait is not None), default=None)
        figures.must((figures.recovery or 0) <= 10, "mail was taken again more than 10 s after the database was back")
    return figures


def sessions_cut(run: Run) -> Figures:
    """F07: pg_terminate_backend on every session every two seconds. Recovery: from the last cut until the queue is empty."""
    figures = Figures("F07", "all database sessions ended every 2 s")
    with place(run.engines, "chaos_f07", run.var) as ground:
        seconds = run.pick(60, 16)
        loads = [ApiLoad(ground, run.pick(3000, 500), seconds).start(), SmtpLoad(ground, run.pick(600, 100), seconds, threads=4).start()]
        cuts = 0
        while any(load.running for load in loads) and cuts < seconds:
            time.sleep(2)
            ground.rows("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'postbridge'")
            cuts += 1
        ended = time.monotonic()
        for load in loads:
            load.finish()
        drain(ground, 120)
        figures.recovery = time.monotonic() - ended
        figures.notes.append(f"{cuts} cuts")
        _judge_database(ground, figures, loads)
    return figures


def _judge_database(ground: Place, figures: Figures, loads: list[Load]) -> None:
    count(ground, figures, loads)
    api, smtp = loads
    figures.must(api.statuses() <= {"202", "200", "503", "409"}, f"API answers {dict(api.answers)}")
    figures.must(api.bare == 0, f"{api.bare} answers 503 without Retry-After")
    figures.must(smtp.statuses() <= {"250 2.0.0", "451 4.3.0", "454 4.7.0", "421 4.3.2"}, f"SMTP answers {dict(smtp.answers)}")
