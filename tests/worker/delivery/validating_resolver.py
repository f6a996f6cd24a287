"""A validating resolver on loopback: unbound with zones signed on the spot. Tests that need it are skipped where unbound is not installed."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dns.dnssec
import dns.name
import dns.rdata
import dns.rdataset
import dns.zone
import pytest
from cryptography.hazmat.primitives.asymmetric import ec


def _signed(name: str, records: list[str], *, foreign_anchor: bool = False) -> tuple[str, str]:
    """A zone in text, signed, and the DS record that vouches for it; of a key that never signed it when `foreign_anchor`."""
    head = ["@ 60 SOA ns hostmaster 1 60 60 600 60", "@ 60 NS ns", "ns 60 A 127.0.0.1"]
    zone = dns.zone.from_text("\n".join([*head, *records]) + "\n", origin=name, relativize=False, check_origin=False)
    keys = []
    for _ in range(2):
        key = ec.generate_private_key(ec.SECP256R1())
        keys.append((key, dns.dnssec.make_dnskey(key.public_key(), dns.dnssec.Algorithm.ECDSAP256SHA256, 257)))
    (key, dnskey), (_, stranger) = keys
    dns.dnssec.sign_zone(zone, keys=[(key, dnskey)], lifetime=86400, add_dnskey=True)
    ds = dns.dnssec.make_ds(dns.name.from_text(name), stranger if foreign_anchor else dnskey, "SHA256")
    return zone.to_text(relativize=False), f"{name} DS {ds.to_text()}"


@contextmanager
def unbound(folder: Path, signed: dict[str, list[str]], unsigned: dict[str, list[str]], bogus: dict[str, list[str]]) -> Iterator[str]:
    """The address of a running resolver over these zones, as the settings want it. Skips when there is no unbound."""
    program = shutil.which("unbound", path="/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin")
    if program is None:
        pytest.skip("unbound is not installed, so there is no validating resolver to ask")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    lines = [
        "server:", "  verbosity: 1", f"  interface: 127.0.0.1@{port}", "  do-daemonize: no", '  username: ""', '  chroot: ""', f'  directory: "{folder}"',
        f'  pidfile: "{folder}/unbound.pid"', "  use-syslog: no", f'  logfile: "{folder}/unbound.log"', "  access-control: 127.0.0.0/8 allow",
        '  module-config: "validator iterator"', "  do-ip6: no",
    ]  # fmt: skip
    zones: list[str] = []
    for kind, group in (("signed", signed), ("unsigned", unsigned), ("bogus", bogus)):
        for name, records in group.items():
            text = "\n".join([f"@ 60 SOA ns.{name} h.{name} 1 60 60 600 60", "@ 60 NS ns", "ns 60 A 127.0.0.1", *records])
            if kind != "unsigned":
                text, anchor = _signed(name, records, foreign_anchor=kind == "bogus")
                lines.append(f'  trust-anchor: "{anchor}"')
            path = folder / f"{name}zone"
            path.write_text(f"$ORIGIN {name}\n{text}\n")
            zones += ["auth-zone:", f'  name: "{name}"', f'  zonefile: "{path}"', "  for-downstream: no", "  for-upstream: yes"]
    config = folder / "unbound.conf"
    config.write_text("\n".join([*lines, *zones, "remote-control:", "  control-enable: no"]) + "\n")
    process = subprocess.Popen([program, "-c", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait(process, port, folder / "unbound.log")
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    for _ in range(100):
        if process.poll() is not None:
            break
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError(f"unbound did not start: {log.read_text() if log.exists() else ''}")
