"""The DNS records of a domain: what to publish, and what a look-up says about each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from webapp.domains import dkim
from webapp.domains.models import DkimKey, Domain
from webapp.domains.types import DnsRecord, RecordState
from webapp.kernel import dns

#: Longest text kept of what a stranger's zone holds.
_KEPT = 600


def records_of(domain: Domain, keys: Sequence[DkimKey]) -> list[DnsRecord]:
    """The records to publish, with the findings of the last check: the challenge first."""
    wanted = [
        ("challenge", f"_postbridge.{domain.name}", domain.challenge, True),
        *((f"dkim:{key.selector}", f"{key.selector}._domainkey.{domain.name}", key.public_record, False) for key in keys),
        ("dmarc", f"_dmarc.{domain.name}", "v=DMARC1; p=none", False),
    ]
    return [_record(domain.findings or {}, *entry) for entry in wanted]


def _record(findings: dict[str, Any], key: str, name: str, value: str, required: bool) -> DnsRecord:
    finding = findings.get(key, {})
    state = RecordState(finding.get("state", RecordState.UNCHECKED))
    return DnsRecord(key.partition(":")[0], "TXT", name, value, required, state, tuple(finding.get("found", ())))


def check(records: Sequence[DnsRecord]) -> dict[str, dict[str, Any]]:
    """Look every record up and say what was found; the keys are those ``records_of`` reads. Slow: no connection may be held meanwhile."""
    findings: dict[str, dict[str, Any]] = {}
    for record in records:
        answer = dns.texts(record.name)
        state = _judge(record, answer)
        findings[_key(record)] = {"state": state.value, "found": [text[:_KEPT] for text in answer.texts[:10]]}
    return findings


def _key(record: DnsRecord) -> str:
    return f"dkim:{record.name.partition('.')[0]}" if record.purpose == "dkim" else record.purpose


def _judge(record: DnsRecord, answer: dns.TxtAnswer) -> RecordState:
    if answer.outcome is dns.LookUp.FAILED:
        return RecordState.UNREACHABLE
    same: Callable[[str], bool] = {
        "challenge": lambda text: text.strip() == record.value,
        "dkim": lambda text: dkim.same_record(record.value, text),
        # Any policy will do: the tenant's own may well be stricter than ours.
        "dmarc": lambda text: text.replace(" ", "").lower().startswith("v=dmarc1;p="),
    }[record.purpose]
    if any(same(text) for text in answer.texts):
        return RecordState.OK
    return RecordState.DIFFERENT if answer.texts else RecordState.MISSING


def zone_line(record: DnsRecord) -> str:
    """A record as a line of a zone file (RFC 1035 section 5): strings of at most 255 octets, quoted."""
    parts = [record.value[start : start + 255] for start in range(0, len(record.value), 255)]
    text = " ".join('"' + part.replace("\\", "\\\\").replace('"', '\\"') + '"' for part in parts)
    return f"{record.name}. 3600 IN {record.type} {text}"
