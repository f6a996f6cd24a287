"""One check of a domain: look everything up at once and judge each record. Slow: no database connection may be held meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from webapp.domains import dkim, dmarc, hints, spf
from webapp.domains.lookup import Ask, Look
from webapp.domains.records import zone_of
from webapp.domains.types import DnsRecord, Purpose, RecordState
from webapp.kernel.dns import Answer, LookUp

#: Longest text, and how many texts, are kept of what a stranger's zone holds.
_KEPT, _KEPT_TEXTS = 600, 10
#: Look-ups that run side by side.
_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Judgement:
    """What became of one record. ``todo``: what is wrong and what to do; ``note``: good to know."""

    state: RecordState
    found: tuple[str, ...] = ()
    todo: str | None = None
    note: str | None = None


def check(name: str, return_path: str, records: Sequence[DnsRecord], ask: Ask | None = None) -> dict[str, Any]:
    """Everything DNS says about a domain and its records: a finding per record key, and the facts ``_spf``, ``_dmarc`` and ``_zone``."""
    ask = ask or Look()
    zone = zone_of(name)
    with ThreadPoolExecutor(_AT_ONCE, "dns") as threads:
        judged = threads.map(lambda record: _judge(record, name, zone, ask), records)
        policy = threads.submit(dmarc.examine, name, ask)
        sender, bounce = (threads.submit(spf.examine, host, ask) for host in (name, return_path))
        provider = threads.submit(hints.find_provider, zone, ask)
        findings: dict[str, Any] = {record.key: _kept(record, found) for record, found in zip(records, judged, strict=True)}
        findings["_dmarc"] = policy.result().as_json()
        findings["_spf"] = {"domain": sender.result().as_json(), "return_path": bounce.result().as_json()}
        findings["_zone"] = {"name": zone, "provider": provider.result()}
    return findings


def _kept(record: DnsRecord, found: Judgement) -> dict[str, Any]:
    kept = [text[:_KEPT].replace("\x00", "") for text in found.found[:_KEPT_TEXTS]]
    return {"state": found.state.value, "found": kept, "todo": found.todo, "note": found.note, "expected": record.value}


def _judge(record: DnsRecord, name: str, zone: str, ask: Ask) -> Judgement:
    judges: dict[Purpose, Callable[[DnsRecord, str, Ask], Judgement]] = {
        Purpose.CHALLENGE: _challenge, Purpose.DKIM: _dkim, Purpose.RETURN_PATH: _alias, Purpose.TRACKING: _alias, Purpose.DMARC: _dmarc, Purpose.MX: _mx,
    }  # fmt: skip
    found = judges[record.purpose](record, name, ask)
    if found.state is RecordState.MISSING and (doubled := _find_doubled(record, zone, ask)):
        return doubled
    return found


def _find_doubled(record: DnsRecord, zone: str, ask: Ask) -> Judgement | None:
    """Whether the provider added the zone once more to a name that was typed in full."""
    wrong = f"{record.name}.{zone}"
    if record.purpose in (Purpose.MX, Purpose.DMARC) or ask(wrong, record.type).outcome is not LookUp.FOUND:
        return None
    host = record.name.removesuffix(f".{zone}")
    return Judgement(
        RecordState.MISSING, ask(wrong, record.type).values,
        f"It stands at {wrong}: your provider adds {zone} itself. Change the record's name to {host}.",
    )  # fmt: skip


def _unanswered(record: DnsRecord) -> Judgement:
    return Judgement(RecordState.UNREACHABLE, (), f"The name servers of {record.name} did not answer. Nothing changes until they do.")


def _missing(record: DnsRecord) -> Judgement:
    return Judgement(RecordState.MISSING, (), f"There is no {record.type} record at {record.name} yet. New records can take minutes, seldom hours, to be seen.")


def _challenge(record: DnsRecord, name: str, ask: Ask) -> Judgement:
    answer = ask(record.name, "TXT")
    if answer.outcome is LookUp.FAILED:
        return _unanswered(record)
    if any(text.strip() == record.value for text in answer.values):
        return Judgement(RecordState.OK, answer.values)
    if not answer.values:
        return _missing(record)
    return Judgement(RecordState.DIFFERENT, answer.values, "Another text stands there. Add this value as a record of its own; other TXT records may stay.")


def _dkim(record: DnsRecord, name: str, ask: Ask) -> Judgement:
    answer = ask(record.name, "TXT")
    if answer.outcome is LookUp.FAILED:
        return _unanswered(record)
    if not answer.values:
        return _missing(record)
    if not any(dkim.same_record(record.value, text) for text in answer.values):
        return Judgement(RecordState.DIFFERENT, answer.values, _dkim_todo(record, answer))
    if len(answer.values) > 1:
        todo = f"{len(answer.values)} records stand at this name, and receivers may take any of them. Keep only this value."
        return Judgement(RecordState.DIFFERENT, answer.values, todo)
    return Judgement(RecordState.OK, answer.values)


def _dkim_todo(record: DnsRecord, answer: Answer) -> str:
    found = dkim.public_key_of(answer.values[0])
    if found == "":
        return "The record says that the key is revoked (p= is empty). Publish this value instead."
    wanted = dkim.public_key_of(record.value) or ""
    if found and wanted.startswith(found):
        return "The value was cut off. Providers take long values as several strings of at most 255 characters, or all at once: paste it again in full."
    return "Another key is published here, so mail is not signed with ours. Replace the record's value."


def _alias(record: DnsRecord, name: str, ask: Ask) -> Judgement:
    answer = ask(record.name, "CNAME")
    if answer.outcome is LookUp.FAILED:
        return _unanswered(record)
    if answer.values:
        if answer.values[0] == record.value:
            return Judgement(RecordState.OK, answer.values)
        return Judgement(RecordState.DIFFERENT, answer.values, f"It points to {answer.values[0]}; let it point to {record.value}.")
    addresses = ask(record.name, "A").values + ask(record.name, "AAAA").values
    if addresses:
        todo = (
            "The name answers with addresses instead of a CNAME. When a proxy is switched on for it (the orange cloud at Cloudflare), "
            "switch it to DNS only; when there is an A record, replace it by the CNAME."
        )
        return Judgement(RecordState.DIFFERENT, addresses, todo)
    if ask(record.name, "TXT").values or ask(record.name, "MX").values:
        todo = "Other records stand at this name, and a CNAME must stand alone. Remove them, or choose another host below."
        return Judgement(RecordState.DIFFERENT, (), todo)
    return _missing(record)


def _dmarc(record: DnsRecord, name: str, ask: Ask) -> Judgement:
    found = dmarc.examine(name, ask)
    own = ask(record.name, "TXT").values
    if not found.reached:
        return _unanswered(record)
    if found.problems:
        return Judgement(RecordState.DIFFERENT, own, found.problems[0])
    if found.at is None:
        return Judgement(RecordState.MISSING, own, "No DMARC record was found here or above. Gmail, Yahoo and Microsoft ask for one from bulk senders.")
    if found.at != name:
        return Judgement(RecordState.OK, (found.record or "",), note=f"The record of {found.at} applies here too; one of your own is not needed.")
    note = "p=none only watches. Once your reports are clean, p=quarantine or p=reject protects your name." if found.policy == "none" else None
    return Judgement(RecordState.OK, (found.record or "",), note=note)


def _mx(record: DnsRecord, name: str, ask: Ask) -> Judgement:
    answer = ask(name, "MX")
    if answer.outcome is LookUp.FAILED:
        return _unanswered(record)
    if any(value.split()[-1:] == ["."] for value in answer.values):
        todo = "The domain says that it takes no mail at all (a null MX). Replies fail, and some receivers refuse such senders."
        return Judgement(RecordState.DIFFERENT, answer.values, todo)
    if record.value.lower() in answer.values:
        return Judgement(RecordState.OK, answer.values)
    if answer.values:
        note = "Replies go where they went before. Change nothing, unless Postbridge should receive the domain's mail."
        return Judgement(RecordState.OK, answer.values, note=note)
    todo = "The domain takes no mail: replies fail, and some receivers refuse senders that cannot be answered. Any mail server will do."
    return Judgement(RecordState.MISSING, (), todo)
