"""Postfix as a relay, tuned for bulk, with a configuration and a spool of its own. Its queue is synced to disk as shipped; it signs nothing.

Tuning (postconf(5)): no delay of input while the queue fills, many processes, high concurrency to the one destination, connections kept, no look-up
of the client's name. The instance is a child of ours; the system's own Postfix, if there is one, is not touched.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.children import Child
from bench.machine import LOOPBACK, NotReady, cpu_seconds, free_port
from bench.peers.packages import Missing, program
from bench.place import VAR
from webapp.stack.binaries import is_reachable, public_home

NAME = "Postfix"
_DAEMONS = (Path("/usr/lib/postfix/sbin"), Path("/usr/libexec/postfix"))
#: Service, private, chroot, wake-up seconds, most processes, program (master(5)).
_SERVICES = (
    "pickup unix n - n 60 1 pickup", "cleanup unix n - n - 0 cleanup", "qmgr unix n - n 300 1 qmgr", "tlsmgr unix - - n 1000? 1 tlsmgr",
    "rewrite unix - - n - - trivial-rewrite", "bounce unix - - n - 0 bounce", "defer unix - - n - 0 bounce", "trace unix - - n - 0 bounce",
    "verify unix - - n - 1 verify", "flush unix n - n 1000? 0 flush", "proxymap unix - - n - - proxymap", "proxywrite unix - - n - 1 proxymap",
    "smtp unix - - n - - smtp", "relay unix - - n - - smtp", "showq unix n - n - - showq", "error unix - - n - - error", "retry unix - - n - - error",
    "discard unix - - n - - discard", "anvil unix - - n - 1 anvil", "scache unix - - n - 1 scache", "postlog unix-dgram n - n - 1 postlogd",
)  # fmt: skip


class Postfix:
    """An instance that relays everything to one port of loopback."""

    name = NAME

    def __init__(self, folder: Path, sink_port: int, connections: int) -> None:
        """``connections``: how many it may keep open to the sink at once."""
        self.port = free_port()
        self._folder, self._etc = folder, folder / "etc"
        self._postfix = program("postfix", "postfix")
        self._daemons = _daemons()
        for name in ("etc", "data", "spool"):
            (folder / name).mkdir()
        owner = pwd.getpwnam("postfix")
        os.chown(folder / "data", owner.pw_uid, owner.pw_gid)
        self._write("main.cf", [f"{name} = {value}" for name, value in self._main(sink_port, connections).items()])
        self._write("master.cf", [f"{LOOPBACK}:{self.port} inet n - n - - smtpd", *_SERVICES])
        self._child: Child | None = None

    def start(self) -> None:
        """Return when it takes mail. Raises ``NotReady``.

        ``check`` makes the folders of the queue; ``-d`` keeps the master our child, so that we can end it by its pid.
        """
        self._control(self._postfix, "-c", self._etc, "check")
        self._child = Child([self._daemons / "master", "-c", self._etc, "-d"], VAR / "logs" / "postfix.log")
        self._child.wait_for(self.port, 20)

    def _main(self, sink_port: int, connections: int) -> dict[str, str]:
        folder, daemons = self._folder, self._daemons
        relay = f"[{LOOPBACK}]:{sink_port}"
        return {
            "compatibility_level": "3.6", "queue_directory": f"{folder}/spool", "data_directory": f"{folder}/data", "daemon_directory": str(daemons),
            "command_directory": str(self._postfix.parent), "mail_owner": "postfix", "setgid_group": "postdrop",
            "maillog_file": f"{folder}/maillog", "maillog_file_prefixes": str(folder),
            "myhostname": "peer.example.org", "mydomain": "example.org", "myorigin": "peer.example.org", "mydestination": "", "alias_maps": "",
            "local_recipient_maps": "", "local_transport": "error:no local mail", "inet_interfaces": LOOPBACK, "inet_protocols": "ipv4",
            "mynetworks": "127.0.0.0/8", "smtpd_relay_restrictions": "permit_mynetworks, reject", "relayhost": relay, "smtputf8_enable": "no",
            # Tuning
            "in_flow_delay": "0", "default_process_limit": str(max(100, connections)), "initial_destination_concurrency": str(connections),
            "default_destination_concurrency_limit": str(connections), "smtp_connection_cache_on_demand": "yes",
            "smtp_connection_cache_destinations": relay, "qmgr_message_active_limit": "40000", "smtpd_peername_lookup": "no",
            "smtpd_client_connection_count_limit": "0", "smtpd_client_connection_rate_limit": "0",
        }  # fmt: skip

    def _write(self, name: str, lines: list[str]) -> None:
        (self._etc / name).write_text("\n".join(lines) + "\n")

    def _control(self, *words: str | Path) -> None:
        subprocess.run(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60, check=True)

    def cpu(self) -> float:
        """Seconds of CPU of all its processes so far."""
        return cpu_seconds([self._child.pid]) if self._child else 0.0

    def hold_back(self) -> None:
        """Queue from now on instead of delivering."""
        self._set("defer_transports = smtp")
        time.sleep(1)  # until the queue manager has read it

    def flush(self) -> float:
        """Deliver what is queued; returns the monotonic time at which it was told to."""
        self._set("defer_transports =", reload=False)
        start = time.monotonic()
        self._control(self._postfix, "-c", self._etc, "reload")
        self._control(program("postqueue", "postfix"), "-c", self._etc, "-f")
        return start

    def _set(self, line: str, *, reload: bool = True) -> None:
        self._control(program("postconf", "postfix"), "-c", self._etc, "-e", line)
        if reload:
            self._control(self._postfix, "-c", self._etc, "reload")

    def wait_until_deferred(self, seconds: float = 60) -> None:
        """Return when nothing is on its way in any more. Raises ``NotReady``."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if not any(files for name in ("maildrop", "incoming", "active") for _, _, files in os.walk(self._folder / "spool" / name)):
                return
            time.sleep(0.2)
        raise NotReady("Postfix did not put its queue aside")

    def stop(self) -> None:
        """End all of its processes."""
        if self._child is not None:
            self._child.stop()


def _daemons() -> Path:
    found = next((path for path in _DAEMONS if path.is_dir()), None)
    if found is None:
        raise Missing("Postfix is installed, but its daemons are in an unknown place")
    return found


@contextmanager
def running(sink_port: int, connections: int) -> Iterator[Postfix]:
    """An instance for the length of a block, in a folder that its own user can enter. Raises ``Missing``."""
    if os.geteuid() != 0:
        raise Missing("Postfix can be started by root only")
    program("postfix", "postfix")
    base = VAR if is_reachable(VAR / "inside") else public_home()
    folder = Path(tempfile.mkdtemp(prefix="postfix-", dir=base))
    folder.chmod(0o755)
    try:
        postfix = Postfix(folder, sink_port, connections)
        try:
            postfix.start()
            yield postfix
        finally:
            postfix.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
