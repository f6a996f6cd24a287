"""PostgreSQL and Valkey: versions, what keeps data safe, the schema, the clock."""

from __future__ import annotations

import datetime as dt
import socket
import struct
from collections.abc import Iterator
from typing import Any

import psycopg
import redis
import sqlalchemy as sa

from webapp.cli.doctor.findings import Finding, Place, ok, warn, wrong
from webapp.stack import migrations

_OLDEST_POSTGRES = 180000
#: Settings without which an accepted message can be lost, and what must hold.
_SAFE = {"fsync": ("on",), "full_page_writes": ("on",), "synchronous_commit": ("on", "remote_apply", "remote_write", "local")}
_CLOCK_WARN, _CLOCK_WRONG = 1.0, 30.0
_NTP_EPOCH = 2208988800


def connect(url: str) -> psycopg.Connection[Any]:
    """A connection of its own, so that a database that hangs holds up nothing else."""
    plain = sa.make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(plain, autocommit=True, connect_timeout=5)


def check_database(place: Place) -> Iterator[Finding]:
    """Version, safety and schema."""
    if not place.database_url:
        yield ok("database", "not running, nothing to ask")
        return
    with connect(place.database_url) as connection:
        yield _version(connection)
        for name, wanted in _SAFE.items():
            value = _one(connection, f"show {name}")
            if value not in wanted:
                yield wrong("database", f"{name} is {value}: mail that was accepted can be lost; set it to {wanted[0]}")
        synchronous = _one(connection, "show synchronous_commit")
        yield ok("database", f"fsync {_one(connection, 'show fsync')}, synchronous_commit {synchronous}: what is accepted is on disk")
        used, most = _one(connection, "select count(*) from pg_stat_activity"), int(_one(connection, "show max_connections"))
        text = f"{used} of {most} connections in use"
        yield warn("database", f"{text}: raise max_connections, or put pgbouncer in front") if int(used) > 0.8 * most else ok("database", text)
    current, head = migrations.current_and_head(place.database_url)
    text = f"schema at {current}"
    yield ok("database", text) if current == head else wrong("database", f"{text}; this release wants {head}: run `postbridge db upgrade`")


def _version(connection: psycopg.Connection[Any]) -> Finding:
    number = int(_one(connection, "show server_version_num"))
    text = f"PostgreSQL {_one(connection, 'show server_version')} answers"
    return ok("database", text) if number >= _OLDEST_POSTGRES else wrong("database", f"{text}; 18 or newer is needed")


def _one(connection: psycopg.Connection[Any], statement: str) -> str:
    row = connection.execute(statement.encode()).fetchone()
    return str(row[0]) if row else ""


def check_broker(place: Place) -> Iterator[Finding]:
    """Version, memory policy and persistence. Nothing here is the truth; evicting keys would still lose opens and clicks not yet counted."""
    if not place.redis_url:
        yield ok("broker", "not running, nothing to ask")
        return
    with redis.Redis.from_url(place.redis_url, socket_timeout=3, socket_connect_timeout=3) as client:
        client.ping()
        info: dict[str, Any] = client.info()
    name, version = ("Valkey", info["valkey_version"]) if "valkey_version" in info else ("Redis", info.get("redis_version", "?"))
    yield ok("broker", f"{name} {version} answers, {int(info.get('used_memory', 0)) // 2**20} MB used")
    policy = str(info.get("maxmemory_policy", "noeviction"))
    if policy != "noeviction" and int(info.get("maxmemory", 0)):
        yield warn("broker", f"maxmemory-policy is {policy}: hits that were not counted yet may be dropped when memory is short; set noeviction")
    else:
        yield ok("broker", f"maxmemory-policy {policy}")
    if not int(info.get("aof_enabled", 0)):
        yield warn("broker", "no append-only file: opens and clicks of the last seconds are lost when it stops; mail is not")


def check_clock(place: Place) -> Iterator[Finding]:
    """This machine's clock against the database's, and against a time server when one is named."""
    if place.database_url:
        with connect(place.database_url) as connection:
            before = dt.datetime.now(dt.UTC)
            row = connection.execute("select clock_timestamp()").fetchone()
            after = dt.datetime.now(dt.UTC)
        assert row is not None
        yield _apart("the database's", (row[0] - before - (after - before) / 2).total_seconds())
    else:
        yield ok("clock", f"{dt.datetime.now(dt.UTC):%Y-%m-%d %H:%M:%S} UTC; the database is not running, nothing to compare with")
    if place.ntp:
        yield _apart(f"that of {place.ntp}", ntp_offset(place.ntp))


def _apart(whose: str, seconds: float) -> Finding:
    text = f"this machine's clock is {abs(seconds):.3f} s {'behind' if seconds > 0 else 'ahead of'} {whose}"
    if abs(seconds) >= _CLOCK_WRONG:
        return wrong("clock", f"{text}: DKIM signatures and tokens will be refused; let NTP set the clocks")
    return warn("clock", f"{text}: let NTP set the clocks") if abs(seconds) >= _CLOCK_WARN else ok("clock", text)


def ntp_offset(server: str, port: int = 123) -> float:
    """Seconds by which ``server`` is ahead of us, by one SNTP question (RFC 4330). Raises OSError when it does not answer."""
    host, _, number = server.partition(":")
    family, kind, _, _, address = socket.getaddrinfo(host, int(number or port), type=socket.SOCK_DGRAM)[0]
    with socket.socket(family, kind) as client:
        client.settimeout(5)
        sent = dt.datetime.now(dt.UTC).timestamp()
        client.sendto(b"\x23" + bytes(47), address)
        answer = client.recv(512)
        back = dt.datetime.now(dt.UTC).timestamp()
    if len(answer) < 48:
        raise OSError(f"{server} gave no answer of a time server")
    return ((_ntp_time(answer[32:40]) - sent) + (_ntp_time(answer[40:48]) - back)) / 2


def _ntp_time(octets: bytes) -> float:
    whole, part = struct.unpack("!II", octets)
    return float(whole - _NTP_EPOCH + part / 2**32)
