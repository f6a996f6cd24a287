"""`python -m worker jobs delivery|default|webhooks`, `ticker`, `submission`, `inbound`: as many processes of each as you like (the ticker elects one)."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial

from webapp.loading import loading


def main(argv: list[str] | None = None) -> None:
    """Start the process named on the command line."""
    parser = argparse.ArgumentParser(prog="python -m worker", description=__doc__)
    kinds = parser.add_subparsers(dest="kind", required=True)
    kinds.add_parser("jobs", help="run RQ jobs of one queue").add_argument("queue", choices=["delivery", "default", "webhooks"])
    kinds.add_parser("ticker", help="wake what is due")
    kinds.add_parser("submission", help="take mail from bridges over SMTP")
    kinds.add_parser("inbound", help="take bounces and complaints, and run the simulator")
    arguments = parser.parse_args(argv)
    with loading():
        run = _load(arguments.kind, getattr(arguments, "queue", ""))
    run()


def _load(kind: str, queue: str = "") -> Callable[[], None]:
    """Import what a process of that kind runs, and nothing else."""
    if kind == "jobs":
        from webapp.kernel.jobs import QueueName
        from worker.rq_worker import main as run_jobs

        name = QueueName(queue)
        if name is QueueName.DELIVERY:
            import worker.jobs.delivery  # RQ would load it with the first job
        if name is QueueName.WEBHOOKS:
            import worker.jobs.webhooks  # noqa: F401
        return partial(run_jobs, name)
    if kind == "ticker":
        from worker.ticker import main as run_ticker

        return run_ticker
    if kind == "submission":
        from worker.smtp.submission import main as run_submission

        return run_submission
    from worker.smtp.inbound import main as run_inbound

    return run_inbound


if __name__ == "__main__":
    main()
