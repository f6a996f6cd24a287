"""``python -m bench [suite ...] [--rounds N] [--quick]``: one table of what Postbridge does beside its peers on this machine, now."""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import time
from subprocess import TimeoutExpired

from bench.machine import NotReady
from bench.peers.packages import Missing
from bench.place import VAR, say
from bench.plan import ALL, Plan, Suite
from bench.report import Row, skipped, table
from bench.sinks import running_sink
from bench.stack import running_stack
from bench.suites import api, drain, first_attempt, hits, idle, memory, reading, smtp, webhooks
from webapp.stack.errors import StackError

SUITES: dict[str, Suite] = {
    "api_accept": api.accept,
    "batch": api.batch,
    "smtp_accept": smtp.accept,
    "smtp_to_sink": smtp.to_sink,
    "drain": drain.drain,
    "distance": drain.distance,
    "first_attempt": first_attempt.first_attempt,
    "hits": hits.hits,
    "webhooks": webhooks.webhooks,
    "idle": idle.idle,
    "memory": memory.memory,
    "reading": reading.reading,
}


def main() -> int:
    """Measure, print the table; 1 when a goal was missed or something did not run."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("suite", nargs="*", choices=[[], *SUITES], help=f"default: all of {', '.join(SUITES)}")
    parser.add_argument("--rounds", type=int, default=3, help="how often each candidate is measured, in turn (default 3)")
    parser.add_argument("--quick", action="store_true", help="one small round: shows that it works, too small to quote")
    full = "reading: ten million recipients instead of one (20 GB of disk); memory: a million messages; half an hour each"
    parser.add_argument("--full", action="store_true", help=full)
    parser.add_argument("--both-signatures", action="store_true", help="sign with RSA-2048 and Ed25519, as Postbridge does by default; peers sign nothing")
    options = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(143))  # as an exception, so that everything started is ended
    shutil.rmtree(VAR / "logs", ignore_errors=True)
    rows = _run(options.suite or list(SUITES), 1 if options.quick else max(1, options.rounds), options.quick, options.full, options.both_signatures)
    print(table(rows))
    return 0 if all(row.ok is not False for row in rows) else 1


def _run(names: list[str], rounds: int, quick: bool, full: bool, both: bool) -> list[Row]:
    rows: list[Row] = []
    with running_sink() as sink, running_stack(sink.port, ALL, both_signatures=both) as stack:
        plan = Plan(stack, sink, rounds, quick, full, both)
        for name in names:
            say(name)
            start = time.monotonic()
            try:
                rows += SUITES[name](plan)
            except Missing as error:
                rows.append(skipped(name, str(error)))
            except (NotReady, OSError, TimeoutExpired) as error:
                rows.append(Row(name, "-", "-", str(error) or type(error).__name__, "to run", False))
            say(f"{name} took {time.monotonic() - start:.0f} s")
    return rows


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (NotReady, StackError) as error:
        sys.exit(f"bench: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
