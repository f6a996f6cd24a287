"""`python -m worker jobs delivery|default`, `ticker`, `submission`, `inbound`: one process each, as many of each as you like (the ticker elects one)."""

from __future__ import annotations

import argparse

from webapp.kernel.jobs import QueueName


def main(argv: list[str] | None = None) -> None:
    """Start the process named on the command line."""
    parser = argparse.ArgumentParser(prog="python -m worker", description=__doc__)
    kinds = parser.add_subparsers(dest="kind", required=True)
    kinds.add_parser("jobs", help="run RQ jobs of one queue").add_argument("queue", choices=[name.value for name in QueueName])
    kinds.add_parser("ticker", help="wake what is due")
    kinds.add_parser("submission", help="take mail from bridges over SMTP")
    kinds.add_parser("inbound", help="take bounces and complaints, and run the simulator")
    arguments = parser.parse_args(argv)
    if arguments.kind == "jobs":
        from worker.rq_worker import main as run_jobs

        run_jobs(QueueName(arguments.queue))
    elif arguments.kind == "ticker":
        from worker.ticker import main as run_ticker

        run_ticker()
    elif arguments.kind == "submission":
        from worker.smtp.submission import main as run_submission

        run_submission()
    else:
        from worker.smtp.inbound import main as run_inbound

        run_inbound()


if __name__ == "__main__":
    main()
