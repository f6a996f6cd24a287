"""The DNS records of a domain: what to publish, with the findings of the last check, and as a zone file."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from publicsuffixlist import PublicSuffixList

from webapp.domains.models import DkimKey, Domain
from webapp.domains.types import DnsRecord, KeyState, Need, Purpose, RecordState
from webapp.kernel.clock import rfc3339
from webapp.settings import get_settings

CHALLENGE_LABEL = "_postbridge"
_TTL = 3600


@functools.cache
def suffixes() -> PublicSuffixList:
    """The public suffix list, as it came with its package."""
    return PublicSuffixList()


def zone_of(name: str) -> str:
    """The registrable domain of ``name``, which is nearly always the zone that its owner edits."""
    return str(suffixes().privatesuffix(name) or name)


def tracking_target() -> str | None:
    """The name tenants' tracking hosts point to, None where this installation has no name but an address."""
    settings = get_settings()
    host = settings.tracking_host or urlsplit(settings.tracking_base).hostname or ""
    return host.lower() if "." in host and not host.replace(".", "").isdigit() and ":" not in host else None


def records_of(domain: Domain, keys: Sequence[DkimKey]) -> list[DnsRecord]:
    """The records to publish, the challenge first. ``keys``: those that are not retired."""
    zone = zone_of(domain.name)
    findings = domain.findings or {}
    return [_with_finding(record, findings.get(record.key, {}), zone) for record in _wanted(domain, keys)]


def _wanted(domain: Domain, keys: Sequence[DkimKey]) -> Iterator[DnsRecord]:
    name = domain.name
    proof = f"{CHALLENGE_LABEL}.{domain.proof_at or name}"
    need = Need.OPTIONAL if domain.vouched else Need.REQUIRED
    yield DnsRecord("challenge", Purpose.CHALLENGE, "TXT", proof, domain.challenge, need, note=_proof_note(domain))
    for key in keys:
        need = Need.OPTIONAL if key.state is KeyState.REPLACED else Need.RECOMMENDED
        yield DnsRecord(
            f"dkim:{key.selector}", Purpose.DKIM, "TXT", f"{key.selector}._domainkey.{name}", key.public_record, need, note=_key_note(key)
        )
    bounce = get_settings().bounce_domain.lower()
    yield DnsRecord("return_path", Purpose.RETURN_PATH, "CNAME", domain.return_path_host, bounce, Need.RECOMMENDED)
    yield DnsRecord("dmarc", Purpose.DMARC, "TXT", f"_dmarc.{name}", "v=DMARC1; p=none", Need.RECOMMENDED)
    yield DnsRecord("mx", Purpose.MX, "MX", name, f"10 {get_settings().mail_hostname}", Need.OPTIONAL)
    if target := tracking_target():
        yield DnsRecord("tracking", Purpose.TRACKING, "CNAME", domain.tracking_host, target, Need.OPTIONAL)


def _proof_note(domain: Domain) -> str | None:
    if domain.vouched:
        return "The operator of this server answers for the domain; no proof is asked for."
    if domain.proof_at and domain.proof_at != domain.name:
        return f"{domain.proof_at} is verified by another tenant together with its sub-domains, so the proof is asked for there: its owner must agree."
    return None


def _key_note(key: DkimKey) -> str | None:
    if key.state is KeyState.WAITING and key.number > 1:
        return "New key: mail is signed with it once this record is seen. Keep the old record until then, and for some days after."
    if key.state is KeyState.REPLACED:
        return f"Old key, replaced on {rfc3339(key.replaced_at)}. Keep its record for mail that is still under way; it disappears here when it may go."
    return None


def _with_finding(record: DnsRecord, finding: dict[str, Any], zone: str) -> DnsRecord:
    host = "@" if record.name == zone else record.name.removesuffix(f".{zone}")
    if finding.get("expected") not in (None, record.value):  # found for another value: a new challenge, another target
        finding = {}
    state = RecordState(finding.get("state", RecordState.UNCHECKED))
    return DnsRecord(
        record.key, record.purpose, record.type, record.name, record.value, record.need, host, state, tuple(finding.get("found", ())),
        finding.get("todo"), finding.get("note") or record.note,
    )  # fmt: skip


def zone_line(record: DnsRecord) -> str:
    """A record as a line of a zone file (RFC 1035 section 5): strings of at most 255 octets, quoted; host names absolute."""
    text = f"{record.value}."
    if record.type == "TXT":
        parts = [record.value[start : start + 255] for start in range(0, len(record.value), 255)]
        text = " ".join('"' + part.replace("\\", "\\\\").replace('"', '\\"') + '"' for part in parts)
    return f"{record.name}. {_TTL} IN {record.type} {text}"


def zone_file(domain: Domain, records: Sequence[DnsRecord]) -> str:
    """All records that should be published as one BIND zone file. Optional ones, and a DMARC or MX record that would take the place
    of the tenant's own, stand there as comments."""
    lines = [f"; Records of {domain.name} for Postbridge", "; Import this file at your DNS provider, or copy the lines into your zone."]
    for record in records:
        have_own = record.purpose in (Purpose.DMARC, Purpose.MX) and record.state is RecordState.OK
        comment = "; " if have_own or (record.need is Need.OPTIONAL and record.purpose is not Purpose.DKIM) else ""
        lines.append(f"{comment}{zone_line(record)}")
    return "\n".join(lines) + "\n"
