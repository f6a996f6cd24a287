"""`postbridge doctor`: each finding against something that is really so."""

from __future__ import annotations

import datetime as dt
import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from tests.dns_server import DnsServer, dns_in_thread
from tests.fixtures import Cast
from tests.sinks import sink_in_thread
from webapp.cli import main
from webapp.cli.doctor import engines, findings, machine, network, work
from webapp.cli.doctor.findings import Finding, Level, Place
from webapp.kernel import dns
from webapp.kernel.db import unscoped
from webapp.settings import Settings, get_settings
from webapp.stack.certificates import ensure_certificate


@pytest.fixture
def place(cast: Cast, tmp_path: Path) -> Place:
    """The test's own engines, and a folder of its own."""
    return Place(replace(get_settings(), var_dir=tmp_path), None)


def levels(found: Iterator[Finding]) -> list[tuple[str, str]]:
    return [(finding.level.value, finding.text) for finding in found]


def run_sql(statement: str) -> None:
    with unscoped("test") as session:
        session.execute(sa.text(statement))


def test_engines_are_named_with_what_keeps_data_safe(place: Place) -> None:
    said = [text for level, text in levels(engines.check_database(place)) if level == "ok"]
    assert any(text.startswith("PostgreSQL 18") for text in said)
    assert any("fsync" in text and "synchronous_commit" in text for text in said)
    assert any(text.startswith("schema at ") for text in said)
    assert any("maxmemory-policy" in text for _, text in levels(engines.check_broker(place)))


def test_an_old_schema_is_wrong_and_says_what_to_do(place: Place) -> None:
    run_sql("update alembic_version set version_num = '0001'")
    try:
        assert ("wrong", True) in [(level, "postbridge db upgrade" in text) for level, text in levels(engines.check_database(place))]
        assert [level for level, _ in levels(work.check_work(place))] == ["ok"]
    finally:
        run_sql(f"update alembic_version set version_num = '{Path('migrations/HEAD').read_text().strip()}'")


def test_a_database_that_is_away_is_one_line_without_its_password(place: Place) -> None:
    away = replace(place.settings, database_url="postgresql://u:hidden-word@127.0.0.1:1/x", redis_url="redis://:hidden-word@127.0.0.1:1/0")
    found = [finding for finding in findings(Place(away, None)) if finding.check in ("database", "broker", "work")]
    assert found and all(finding.level is Level.WRONG for finding in found)
    assert not any("hidden-word" in finding.text or "\n" in finding.text for finding in found)


def test_processes_alive_silent_and_missing(place: Place) -> None:
    assert levels(work.check_processes(place)) == [("ok", "none has run in the last hour")]
    beat = "insert into heartbeats (name, kind, host, pid, version, seen_at) values ('{0}@h#1', '{0}', 'h', 1, '1', now() - interval '{1} seconds')"
    for kind, age in (("ticker", 2), ("delivery", 300), ("jobs", 2), ("webhooks", 2), ("submission", 2)):
        run_sql(beat.format(kind, age))
    said = {finding.text.partition(":")[0]: finding.level for finding in work.check_processes(place)}
    assert said == {"submission": Level.OK, "inbound": Level.WRONG, "delivery": Level.WRONG, "jobs": Level.OK, "webhooks": Level.OK, "ticker": Level.OK}


def test_work_that_stands_still(place: Place) -> None:
    assert [level for level, _ in levels(work.check_work(place))] == ["ok"]
    run_sql("insert into guard_progress (id, seen_until) values (1, now() - interval '10 minutes')")
    assert [(level, "guard of bridges" in text) for level, text in levels(work.check_work(place))] == [("wrong", True)]


def test_certificates_end_and_name(place: Place) -> None:
    assert [level for level, _ in levels(machine.check_certificate(place))] == ["ok"]
    settings = replace(place.settings, mail_hostname="mail.localhost")
    ensure_certificate(settings.var_dir, "mail.localhost")
    assert {level for level, _ in levels(machine.check_certificate(Place(settings, None)))} == {"ok"}
    elsewhere = levels(machine.check_certificate(Place(replace(settings, mail_hostname="mail.postbridge.io"), None)))
    assert ("wrong", True) in [(level, "not for mail.postbridge.io" in text) for level, text in elsewhere]
    assert ("warn", True) in [(level, "self-signed" in text) for level, text in elsewhere]


def test_disk_and_ports(place: Place, free_port: Callable[[], int]) -> None:
    assert [level for level, _ in levels(machine.check_disk(place))] == ["ok"]
    full = replace(place.settings, disk_minimum_bytes=2**60)
    assert [level for level, _ in levels(machine.check_disk(Place(full, None)))] == ["wrong"]
    with socket.create_server(("127.0.0.1", 0)) as held:
        ports = replace(place.settings, web_port=held.getsockname()[1], submission_port=free_port())
        said = {text.partition("(")[2].partition(")")[0]: level for level, text in levels(machine.check_ports(Place(ports, None)))}
    assert (said["web"], said["submission"]) == ("ok", "warn")


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Iterator[DnsServer]:
    """A name server on loopback, which all look-ups of this process ask."""
    with dns_in_thread() as server:
        monkeypatch.setenv("POSTBRIDGE_DNS_SERVERS", server.address)
        get_settings.cache_clear()
        dns.resolver.cache_clear()
        yield server
    monkeypatch.undo()
    get_settings.cache_clear()
    dns.resolver.cache_clear()


def test_addresses_need_a_name_that_leads_back(place: Place, names: DnsServer) -> None:
    for number in (7, 8, 9):
        run_sql(f"insert into ip_addresses (address, helo_name) values ('93.184.216.{number}', 'out{number}.sender.example')")
    run_sql("insert into ip_addresses (address, helo_name) values ('93.184.216.6', 'out6.sender.example'), ('0.0.0.0', 'out.sender.example')")
    names.failing.add("6.216.184.93.in-addr.arpa")
    names.zone |= {
        ("7.216.184.93.in-addr.arpa", "PTR"): ["out7.sender.example."], ("out7.sender.example", "A"): ["93.184.216.7"],
        ("8.216.184.93.in-addr.arpa", "PTR"): ["other.sender.example."],
    }  # fmt: skip
    said = levels(network.check_addresses(Place(get_settings(), None)))
    assert ("ok", "93.184.216.7 is out7.sender.example, forward and back") in said
    assert any(level == "wrong" and "is called other.sender.example, and that name does not lead back" in text for level, text in said)
    assert ("warn", "93.184.216.6: its PTR record cannot be looked up, the name servers do not answer") in said
    assert any(level == "warn" and text.startswith("0.0.0.0: mail leaves from whatever address") for level, text in said)
    assert any(level == "wrong" and text.startswith("93.184.216.9 has no PTR record") for level, text in said)


def test_outbound_is_dialled_only_when_asked(place: Place) -> None:
    assert levels(network.check_outbound(place)) == []
    with sink_in_thread() as sink:
        open_way = Place(replace(place.settings, delivery_port=sink.port), None, outbound="localhost")
        assert [level for level, _ in levels(network.check_outbound(open_way))] == ["ok"]
    assert [level for level, _ in levels(network.check_outbound(open_way))] == ["wrong"]


def test_the_clock_against_a_time_server() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))

        def answer() -> None:
            _, client = server.recvfrom(512)
            moment = int(dt.datetime.now(dt.UTC).timestamp()) + 2208988800 + 3600
            server.sendto(bytes(32) + struct.pack("!II", moment, 0) * 2, client)

        thread = threading.Thread(target=answer)
        thread.start()
        offset = engines.ntp_offset(f"127.0.0.1:{server.getsockname()[1]}")
        thread.join()
    assert 3590 < offset < 3610


def test_the_command_prints_lines_or_json_and_ends_with_the_worst(cast: Cast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTBRIDGE_DISK_MINIMUM_BYTES", str(2**60))
    get_settings.cache_clear()
    try:
        result = CliRunner().invoke(main, ["doctor", "--json"])
        found = json.loads(result.output)
        assert (result.exit_code, found["level"]) == (2, "wrong")
        assert {"machine", "disk", "ports", "database", "broker", "clock", "processes", "work", "dns"} <= {line["check"] for line in found["findings"]}
        lines = CliRunner().invoke(main, ["doctor"]).output.splitlines()
        assert len(lines) == len(found["findings"]) and any(line.startswith("WRONG disk") for line in lines)
    finally:
        monkeypatch.undo()
        get_settings.cache_clear()
    assert isinstance(get_settings(), Settings)
