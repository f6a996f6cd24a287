"""Acts on transport security: keeping MTA-STS policies, counting TLS sessions, making the report of a domain. Callers are unscoped."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import astuple
from itertools import groupby
from typing import Any

import psycopg
from sqlalchemy.orm import Session

from webapp.settings import get_settings
from webapp.transport import queries
from webapp.transport.models import TlsResultRow
from webapp.transport.queries import list_lines
from webapp.transport.types import PolicyRecord, TlsSessions

__all__ = ["add_sessions", "keep_policy", "list_lines", "load_policies", "make_report"]

_ADD = """
insert into tls_results (day, domain, policy_type, result, mx, source_ip, remote_ip, sessions, reason, policy)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
on conflict (day, domain, policy_type, result, mx, source_ip, remote_ip)
do update set sessions = tls_results.sessions + excluded.sessions, reason = excluded.reason, policy = excluded.policy
"""
_KEEP = """
insert into mta_sts_policies (domain, policy_id, mode, mx, fetched_at, expires_at) values (%s, %s, %s, %s, %s, %s)
on conflict (domain) do update set policy_id = excluded.policy_id, mode = excluded.mode, mx = excluded.mx,
  fetched_at = excluded.fetched_at, expires_at = excluded.expires_at where mta_sts_policies.fetched_at < excluded.fetched_at
"""


def add_sessions(connection: psycopg.Connection[Any], counted: Sequence[TlsSessions]) -> None:
    """Add to the day's counts. In the order of the key, so that two writers never wait for each other in a circle."""
    ordered = sorted(counted, key=lambda one: astuple(one)[:7])
    with connection.cursor() as cursor:
        cursor.executemany(_ADD, [tuple(_clean(value) for value in astuple(one)) for one in ordered])


def _clean(value: Any) -> Any:
    """Text from other systems, without what PostgreSQL cannot hold."""
    return value.replace("\0", "") if isinstance(value, str) else value


def load_policies(connection: psycopg.Connection[Any], domains: Sequence[str]) -> dict[str, PolicyRecord]:
    """What is kept for each of the domains, expired or not."""
    rows = connection.execute(
        "select domain, policy_id, mode, mx, fetched_at, expires_at from mta_sts_policies where domain = any(%s)", (list(domains),)
    )
    return {domain: PolicyRecord(domain, policy_id, mode, tuple(mx), fetched, expires) for domain, policy_id, mode, mx, fetched, expires in rows}


def keep_policy(connection: psycopg.Connection[Any], record: PolicyRecord) -> None:
    """Keep a policy in place of an older one of its domain."""
    connection.execute(_KEEP, (record.domain, record.policy_id, record.mode, list(record.mx), record.fetched_at, record.expires_at))


def make_report(session: Session, domain: str, day: datetime.date) -> dict[str, Any]:
    """The TLS report of a policy domain for a day (UTC) in the form of RFC 8460 section 4.4, ready for JSON. No policies when nothing was counted."""
    settings = get_settings()
    organization = settings.mail_hostname
    contact = settings.system_from
    rows = queries.list_results(session, domain, day)
    return {
        "organization-name": organization,
        "date-range": {"start-datetime": f"{day.isoformat()}T00:00:00Z", "end-datetime": f"{day.isoformat()}T23:59:59Z"},
        "contact-info": contact,
        "report-id": f"{day.isoformat()}T00:00:00Z_{domain}@{organization}",
        "policies": [_policy_of(domain, kind, list(group)) for kind, group in groupby(rows, key=lambda row: row.policy_type)],
    }


def _policy_of(domain: str, kind: str, rows: list[TlsResultRow]) -> dict[str, Any]:
    text = next((row.policy for row in rows if row.policy), "")
    policy: dict[str, Any] = {"policy-type": kind, "policy-domain": domain}
    if text:
        policy["policy-string"] = text.splitlines()
    hosts = sorted({row.mx for row in rows if row.mx})
    if hosts:
        policy["mx-host"] = hosts
    failures = [row for row in rows if row.result != "successful"]
    found: dict[str, Any] = {
        "policy": policy,
        "summary": {
            "total-successful-session-count": sum(row.sessions for row in rows if row.result == "successful"),
            "total-failure-session-count": sum(row.sessions for row in failures),
        },
    }
    if failures:
        found["failure-details"] = [_failure_of(row) for row in failures]
    return found


def _failure_of(row: TlsResultRow) -> dict[str, Any]:
    words = {"sending-mta-ip": row.source_ip, "receiving-mx-hostname": row.mx, "receiving-ip": row.remote_ip, "failure-reason-code": row.reason}
    return {"result-type": row.result, **{name: value for name, value in words.items() if value}, "failed-session-count": row.sessions}
