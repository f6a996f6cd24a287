"""How well a domain is set up, from 0 to 100, every part with its reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from webapp.domains.models import DkimKey, Domain
from webapp.domains.types import DkimAlgorithm, DnsRecord, KeyState, Purpose, RecordState, Score, ScoreItem

_Part = tuple[int, str]
_UNCHECKED = (0, "Not checked yet.")


def score_of(domain: Domain, keys: Sequence[DkimKey], records: Sequence[DnsRecord]) -> Score:
    """The score of a domain after its last check."""
    facts = domain.findings or {}
    by_purpose = {record.purpose: record for record in records}
    parts: list[tuple[str, str, int, Callable[[], _Part]]] = [
        ("ownership", "Proof of ownership", 15, lambda: _ownership(domain)),
        ("dkim_rsa", "DKIM, RSA 2048", 20, lambda: _key(keys, DkimAlgorithm.RSA, 20)),
        ("dkim_ed25519", "DKIM, Ed25519", 5, lambda: _key(keys, DkimAlgorithm.ED25519, 5)),
        ("spf", "SPF through the return path", 20, lambda: _spf(domain, facts)),
        ("dmarc", "DMARC", 20, lambda: _dmarc(facts)),
        ("mx", "Replies (MX)", 5, lambda: _plain(by_purpose.get(Purpose.MX), 5, "The domain takes mail, so replies arrive.")),
        ("tracking", "Tracking host", 5, lambda: _tracking(domain, by_purpose.get(Purpose.TRACKING))),
        ("hygiene", "No contradictions", 10, lambda: _hygiene(facts, records)),
    ]
    items = tuple(ScoreItem(key, label, *_cut(part(), most)) for key, label, most, part in parts)
    return Score(sum(item.points for item in items), items, domain.checked_at)


def _cut(part: _Part, most: int) -> tuple[int, int, str]:
    points, reason = part
    return min(points, most), most, reason


def _ownership(domain: Domain) -> _Part:
    if domain.vouched:
        return 15, "The operator answers for this domain."
    if not domain.may_send:
        return 0, domain.problem or "The challenge was not found, so nothing can be sent live."
    if domain.failing_since:
        return 5, "The challenge was found before and is gone now."
    return 15, "The challenge is published."


def _key(keys: Sequence[DkimKey], algorithm: DkimAlgorithm, most: int) -> _Part:
    states = {key.state for key in keys if key.algorithm == algorithm}
    if KeyState.SIGNING in states:
        return most, "The key is published, and mail is signed with it."
    if KeyState.REPLACED in states:
        return most // 2, "Mail is signed with the old key, because the new one is not published rightly."
    if KeyState.WITHDRAWN in states:
        return 0, "DNS holds another key than ours, or none any more: mail is not signed with it."
    return 0, "The key is not published yet: mail is not signed with it."


def _spf(domain: Domain, facts: Mapping[str, Any]) -> _Part:
    report = facts.get("_spf", {}).get("return_path")
    if report is None:
        return _UNCHECKED
    if not domain.return_path_verified_at:
        return 0, "The return path is not published, so SPF passes for this server's own domain only and is not aligned with yours."
    if report["problems"]:
        return 10, str(report["problems"][0])
    if not report["record"]:
        return 12, "The return path is published, but the operator of this server has no SPF record at its target."
    return 20, f"The return path is published and SPF behind it is sound ({report['lookups']} of 10 look-ups)."


def _dmarc(facts: Mapping[str, Any]) -> _Part:
    report = facts.get("_dmarc")
    if report is None or not report["reached"]:
        return _UNCHECKED if report is None else (0, "The name servers did not answer.")
    if report["problems"]:
        return 0, str(report["problems"][0])
    if report["at"] is None:
        return 0, "No DMARC record was found here or above."
    if report["policy"] == "none":
        return 15, f"The record of {report['at']} watches only (p=none)."
    return 20, f"The record of {report['at']} protects the name (p={report['policy']})."


def _plain(record: DnsRecord | None, most: int, good: str) -> _Part:
    if record is None or record.state is RecordState.UNCHECKED:
        return _UNCHECKED
    return (most, good) if record.state is RecordState.OK else (0, record.todo or "Not found.")


def _tracking(domain: Domain, record: DnsRecord | None) -> _Part:
    if record is None:
        return 5, "This installation offers no tracking hosts."
    if domain.tracking_verified_at:
        return 5, f"Tracked links carry your own name, {domain.tracking_host}."
    return 0, "Tracked links carry this server's name instead of yours."


def _hygiene(facts: Mapping[str, Any], records: Sequence[DnsRecord]) -> _Part:
    """Ten points, less what speaks against the domain although every record may be there."""
    if "_spf" not in facts:
        return _UNCHECKED
    problems = [*facts["_spf"]["domain"]["problems"], *facts.get("_dmarc", {}).get("problems", ())]
    problems += [r.todo for r in records if r.purpose is Purpose.DKIM and r.state is RecordState.DIFFERENT and len(r.found) > 1 and r.todo]
    if not problems:
        return 10, "No record stands twice, and SPF of the domain itself stays within its limits."
    return max(0, 10 - 5 * len(problems)), " ".join(str(problem) for problem in problems)
