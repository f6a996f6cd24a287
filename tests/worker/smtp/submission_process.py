"""The submission server as a process, as the supervisor would run it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from webapp.settings import get_settings


class SubmissionProcess:
    """`python -m worker submission` on a free port. Can be killed and started again on the same one."""

    def __init__(self, free_port: Callable[[], int], certificate: tuple[Path, Path]) -> None:
        self.port = free_port()
        own = {
            "SUBMISSION_PORT": str(self.port), "SUBMISSION_TLS_PORT": str(free_port()), "VAR_DIR": str(get_settings().var_dir),
            "TLS_CERT": str(certificate[0]), "TLS_KEY": str(certificate[1]), "DISK_MINIMUM_BYTES": "0",
        }  # fmt: skip
        self._environment = {**os.environ, **{f"POSTBRIDGE_{name}": value for name, value in own.items()}}
        self.start()

    def start(self) -> None:
        """Start it, without waiting until it listens."""
        self._process = subprocess.Popen([sys.executable, "-m", "worker", "submission"], env=self._environment, stdout=subprocess.DEVNULL)

    def kill(self) -> None:
        """kill -9."""
        self._process.kill()
        self._process.wait()

    def stop(self) -> int:
        """The exit status after SIGTERM."""
        self._process.terminate()
        return self._process.wait(40)
