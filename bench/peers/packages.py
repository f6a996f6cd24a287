"""Gets the peers: Debian packages by apt where we may, Python packages into a virtual environment of the measurements' own.

What cannot be had is named, and its rows are skipped; nothing else depends on it.
"""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from bench.place import VAR, say

_POLICY = Path("/usr/sbin/policy-rc.d")
_SBIN = "/usr/sbin:/sbin"
_APT_SECONDS = 600
_DJANGO = ("django>=5,<7", "django-post-office>=3.9,<4", "psycopg[binary,pool]>=3.2", f"granian=={version('granian')}")


class Missing(Exception):
    """A peer cannot be had here; the text says which and why."""


def program(name: str, package: str) -> Path:
    """The path of a program, its Debian package installed when absent. Raises ``Missing``."""
    found = _which(name)
    if found is None:
        _apt_install(package)
        found = _which(name)
    if found is None:
        raise Missing(f"{name} is missing: install the package {package}")
    return Path(found)


def _which(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:{_SBIN}")


@functools.cache
def _apt_install(package: str) -> None:
    """Install without starting any service. Quiet when it does not work: the caller looks for the program."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return
    say(f"installing {package} (apt)")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with _no_services(), (VAR / "apt.log").open("ab") as log:
        if package == "postfix" and (debconf := shutil.which("debconf-set-selections")):
            wish = b"postfix postfix/main_mailer_type select No configuration\n"
            subprocess.run([debconf], input=wish, stdout=log, stderr=log, check=False)
        for words in (["update", "-q"], ["install", "-y", "-q", "--no-install-recommends", package]):
            with contextlib.suppress(subprocess.TimeoutExpired):
                subprocess.run(["apt-get", *words], env=environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL, timeout=_APT_SECONDS, check=False)


@contextlib.contextmanager
def _no_services() -> Iterator[None]:
    """Debian's own way to keep a package from starting its daemon: a policy-rc.d that says 101 ("forbidden")."""
    if _POLICY.exists():
        yield
        return
    _POLICY.write_text("#!/bin/sh\nexit 101\n")
    _POLICY.chmod(0o755)
    try:
        yield
    finally:
        _POLICY.unlink(missing_ok=True)


@functools.cache
def django_python() -> Path:
    """The interpreter of the environment with django-post-office, made when absent. Raises ``Missing``."""
    folder = VAR / "venv"
    python = folder / "bin" / "python"
    if not (folder / ".complete").exists():
        say("installing django-post-office (pip)")
        commands = [[sys.executable, "-m", "venv", "--clear", str(folder)]]
        commands.append([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *_DJANGO])
        for command in commands:
            done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
            if done.returncode != 0:
                last = (done.stderr or done.stdout).strip().splitlines()[-1:]
                raise Missing(f"django-post-office could not be installed: {' '.join(last)}")
        (folder / ".complete").touch()
    return python
