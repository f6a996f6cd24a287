"""`python -m tests.chaos [scenario...] [--quick]`: run scenarios, print the table, end with 1 when a figure that must be 0 is not."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

from tests.chaos.ledger import Figures
from tests.chaos.place import Engines
from tests.chaos.report import line, table
from tests.chaos.scenarios import Run, Scenario
from tests.chaos.scenarios.catalogue import SCENARIOS


def main(argv: Sequence[str] | None = None) -> int:
    """Entry of the command."""
    parser = argparse.ArgumentParser(prog="./run chaos", description="Kill things while mail flows, and count what was lost.")
    known = "; ".join(f"{name} {scenario.__name__.replace('_', ' ')}" for name, scenario in SCENARIOS.items())
    parser.add_argument("scenario", nargs="*", help=f"all of these, or: {known}")
    parser.add_argument("--quick", action="store_true", help="small numbers: all scenarios in a few minutes")
    parser.add_argument("--keep", action="store_true", help="keep the folder with the logs")
    arguments = parser.parse_args(argv)
    chosen = [name.upper() for name in arguments.scenario] or list(SCENARIOS)
    unknown = [name for name in chosen if name not in SCENARIOS]
    if unknown:
        parser.error(f"there is no scenario {', '.join(unknown)}; known are {', '.join(SCENARIOS)}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that whatever runs is ended on the way out
    for name in [name for name in os.environ if name.startswith("POSTBRIDGE_")]:
        del os.environ[name]
    folder = Path(tempfile.mkdtemp(prefix="postbridge-chaos-"))
    folder.chmod(0o711)  # root's engines run as somebody else, who must get through
    try:
        results = _run_all(chosen, folder, arguments.quick)
    finally:
        if arguments.keep:
            print(f"Logs: {folder / 'var'}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    print(table(results))
    return 0 if all(figures.passed for figures in results) else 1


def _run_all(chosen: Sequence[str], folder: Path, quick: bool) -> list[Figures]:
    engines = Engines(folder / "engines")
    results = []
    try:
        engines.start()
        run = Run(engines, folder / "var", quick)
        for name in chosen:
            results.append(_run_one(name, SCENARIOS[name], run))
            print(f"{results[-1].seconds:5.0f} s  {line(results[-1])}", *results[-1].faults, sep="\n        ", flush=True)
    finally:
        engines.stop()
    return results


def _run_one(name: str, scenario: Scenario, run: Run) -> Figures:
    began = time.monotonic()
    try:
        figures = scenario(run)
    except Exception as error:
        traceback.print_exc()
        figures = Figures(name, scenario.__name__.replace("_", " "), faults=[f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"])
    figures.seconds = time.monotonic() - began
    for engine in (run.engines.postgres, run.engines.valkey):
        if engine.process is None or engine.process.poll() is not None:  # a scenario that broke off with an engine down
            run.engines.start_one(engine)
    return figures


if __name__ == "__main__":
    sys.exit(main())
