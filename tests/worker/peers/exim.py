"""A real Exim on loopback, from a configuration of its own: takes mail for `exim.test` into files, and relays for those who log in."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from webapp.stack.binaries import public_home

#: Where `.ci/run` unpacks it: as a package it would take Postfix's place.
_UNPACKED = Path("/opt/postbridge-peers/exim")
USER, PASSWORD = "shop@exim.test", "p@ss wörd"

_CONFIG = """
primary_hostname = mx.exim.test
exim_path = {program}
spool_directory = {folder}/spool
log_file_path = {folder}/log-%slog
pid_file_path = {folder}/pid
local_interfaces = 127.0.0.1
daemon_smtp_ports = {port} : {tls_port}
tls_on_connect_ports = {tls_port}
tls_certificate = {pem}
tls_privatekey = {pem}
tls_advertise_hosts = *
smtputf8_advertise_hosts = *
pipelining_advertise_hosts = *
dsn_advertise_hosts = *
message_size_limit = 2M
deliver_drop_privilege = true
never_users =
queue_run_max = 2
host_lookup =
rfc1413_query_timeout = 0s
keep_environment = LD_LIBRARY_PATH
acl_smtp_rcpt = rcpt
acl_smtp_data = data
trusted_users = {user}
allow_utf8_domains = true
begin acl
rcpt:
  deny local_parts = nouser
    message = no such user here
  defer local_parts = later
    message = please come back later
  accept domains = exim.test
  accept authenticated = *
  deny message = relaying denied
data:
  deny condition = ${{if match{{$h_subject:}}{{refuse me}}}}
    message = this looks like spam
  accept
begin routers
taken:
  driver = accept
  domains = exim.test
  transport = files
onward:
  driver = manualroute
  route_list = * 127.0.0.1::{sink_port} byname
  self = send
  transport = onward
begin transports
files:
  driver = appendfile
  file = {folder}/mail/$message_exim_id
  message_prefix =
  message_suffix =
  return_path_add = false
  envelope_to_add = false
  delivery_date_add = false
  check_owner = false
  mode = 0644
  user = {user}
onward:
  driver = smtp
  hosts_avoid_tls = *
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${{if and{{{{eq{{$auth2}}{{{login}}}}}{{eq{{$auth3}}{{{password}}}}}}}}}
  server_set_id = $auth2
  server_advertise_condition = ${{if def:tls_in_cipher}}
login:
  driver = plaintext
  public_name = LOGIN
  server_prompts = Username:: : Password::
  server_condition = ${{if and{{{{eq{{$auth1}}{{{login}}}}}{{eq{{$auth2}}{{{password}}}}}}}}}
  server_set_id = $auth1
  server_advertise_condition = ${{if def:tls_in_cipher}}
"""


@dataclass(frozen=True)
class Exim:
    """A running one: ``port`` with STARTTLS, ``tls_port`` with TLS from the start."""

    port: int
    tls_port: int
    folder: Path

    def received(self, count: int = 1, seconds: float = 15) -> list[bytes]:
        """The mail it took for itself, CR LF line ends, without the Received field it put on top. Raises AssertionError."""
        deadline = time.monotonic() + seconds
        while len(files := sorted((self.folder / "mail").glob("*"))) < count:
            assert time.monotonic() < deadline, f"{len(files)} of {count} messages came\n{self.log()}"
            time.sleep(0.05)
        time.sleep(0.1)  # the last file is being written
        return [without_trace(file.read_bytes().replace(b"\n", b"\r\n")) for file in files]

    def log(self) -> str:
        """What it wrote down."""
        return "".join(path.read_text(errors="replace") for path in sorted(self.folder.glob("log-*")))


def without_trace(mail: bytes) -> bytes:
    """The mail below the Received fields on top of it."""
    lines = mail.split(b"\r\n")
    start = 0
    while lines[start].startswith((b"Received:", b"Return-Path:")) or (start and lines[start][:1] in (b" ", b"\t")):
        start += 1
    return b"\r\n".join(lines[start:])


def _program() -> tuple[Path, dict[str, str]]:
    for name in ("exim4", "exim"):
        if found := shutil.which(name, path="/usr/sbin:/usr/bin"):
            return Path(found), {}
    unpacked = _UNPACKED / "usr" / "sbin" / "exim4"
    if not unpacked.exists():
        pytest.skip("Exim is not installed; .ci/run unpacks it to /opt/postbridge-peers")
    libraries = ":".join(str(path) for path in (_UNPACKED / "usr" / "lib").glob("*-linux-gnu*"))
    return unpacked, {"LD_LIBRARY_PATH": libraries}


def _two_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as two:
        for each in (one, two):
            each.bind(("127.0.0.1", 0))
        return one.getsockname()[1], two.getsockname()[1]


@contextmanager
def running_exim(pem: Path, sink_port: int = 9) -> Iterator[Exim]:
    """One for the length of a block. Skips where it cannot be had or not be run."""
    program, environment = _program()
    if os.geteuid() != 0:
        pytest.skip("Exim starts as root only")
    try:
        owner = pwd.getpwnam("Debian-exim")
    except KeyError:
        pytest.skip("Exim is here, but not its user Debian-exim")
    folder = Path(tempfile.mkdtemp(prefix="exim-", dir=public_home()))
    port, tls_port = _two_ports()
    try:
        folder.chmod(0o755)
        for name in ("spool", "mail"):
            (folder / name).mkdir()
        shutil.copy(pem, folder / "pem")
        words = {"program": program, "folder": folder, "port": port, "tls_port": tls_port, "pem": folder / "pem", "user": owner.pw_name, "sink_port": sink_port}
        (folder / "exim.conf").write_text(_CONFIG.format(**words, login=USER, password=PASSWORD))
        for path in (folder, *folder.rglob("*")):
            os.chown(path, owner.pw_uid, owner.pw_gid)
        os.chown(folder / "exim.conf", 0, 0)
        argv = [str(program), "-bdf", "-q1m", "-C", str(folder / "exim.conf")]
        with (folder / "out").open("wb") as out:
            process = subprocess.Popen(argv, env={**os.environ, **environment}, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)
        exim = Exim(port, tls_port, folder)
        try:
            _wait(process, exim)
            yield exim
        finally:
            process.terminate()
            process.wait(10)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _wait(process: subprocess.Popen[bytes], exim: Exim) -> None:
    deadline = time.monotonic() + 15
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", exim.port)) == 0:
                return
        assert process.poll() is None and time.monotonic() < deadline, f"Exim did not start: {(exim.folder / 'out').read_text()}\n{exim.log()}"
        time.sleep(0.05)
