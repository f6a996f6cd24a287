"""The same through a resolver that people run: Unbound, recursing to a name server on loopback."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.dns_server import DnsServer
from tests.domains.acts import add, publish, read, record, records, verify
from tests.fixtures import Cast
from webapp.domains.types import RecordState
from webapp.kernel import dns
from webapp.settings import get_settings

UNBOUND = shutil.which("unbound") or shutil.which("unbound", path="/usr/sbin:/usr/local/sbin")
pytestmark = pytest.mark.skipif(UNBOUND is None, reason="Unbound is not installed (apt-get install unbound)")

_CONF = """
server:
  interface: 127.0.0.1
  port: {port}
  do-ip6: no
  do-daemonize: no
  username: ""
  chroot: ""
  directory: "{folder}"
  pidfile: ""
  use-syslog: no
  verbosity: 0
  do-not-query-localhost: no
  module-config: "iterator"
  cache-max-negative-ttl: 0
  cache-max-ttl: 0
{stubs}
remote-control:
  control-enable: no
"""
_STUB = 'stub-zone:\n  name: "{name}"\n  stub-addr: {address}\n  stub-prime: no\n'


@pytest.fixture
def unbound(zone: DnsServer, tmp_path: Path, free_port: Callable[[], int], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A resolver in front of the zone, and the process set to ask it."""
    assert UNBOUND is not None
    port = free_port()
    stubs = "".join(_STUB.format(name=name, address=zone.address.replace(":", "@")) for name in ("com", "example"))
    (tmp_path / "unbound.conf").write_text(_CONF.format(port=port, folder=tmp_path, stubs=stubs))
    process = subprocess.Popen([UNBOUND, "-d", "-c", str(tmp_path / "unbound.conf")], stderr=subprocess.PIPE)
    try:
        _wait_for(port, process)
        monkeypatch.setenv("POSTBRIDGE_DNS_SERVERS", f"127.0.0.1:{port}")
        get_settings.cache_clear()
        dns.resolver.cache_clear()
        yield
    finally:
        process.terminate()
        process.communicate(timeout=10)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        assert process.poll() is None, process.stderr.read() if process.stderr else ""
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("Unbound does not listen")


def test_a_domain_is_verified_through_a_recursing_resolver(cast: Cast, zone: DnsServer, unbound: None) -> None:
    assert verify(cast.owner, add(cast.owner, "absent.com")) == "pending"
    domain_id = add(cast.owner)  # another name: resolvers remember for a while that one does not exist
    publish(zone, records(cast.owner, domain_id))
    zone.queries.clear()
    assert verify(cast.owner, domain_id) == "verified"
    assert {r.key: r.state for r in records(cast.owner, domain_id)} == {r.key: RecordState.OK for r in records(cast.owner, domain_id)}
    assert read(cast.owner, domain_id).score == 95
    assert any(name == "bounces.example.com" for name, _, _ in zone.queries)


def test_trouble_behind_the_resolver_is_told_from_absence(cast: Cast, zone: DnsServer, unbound: None) -> None:
    domain_id = add(cast.owner)
    publish(zone, records(cast.owner, domain_id)[1:])
    zone.failing.add("_dmarc.example.com")
    verify(cast.owner, domain_id)
    assert record(cast.owner, domain_id, "challenge").state is RecordState.MISSING
    assert record(cast.owner, domain_id, "dmarc").state is RecordState.UNREACHABLE
