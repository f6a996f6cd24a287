"""SPF records as receivers count them (RFC 7208): one record a name, at most ten look-ups, at most two that find nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from webapp.domains.lookup import Ask
from webapp.kernel.dns import LookUp

#: RFC 7208 section 4.6.4.
MOST_LOOKUPS, MOST_VOID = 10, 2
_ASKING = {"include", "a", "mx", "ptr", "exists", "redirect"}


@dataclass(frozen=True, slots=True)
class SpfReport:
    """What stands at one name. ``problems``: sentences; empty when the record is sound. ``record`` is None when there is none, or several."""

    name: str
    record: str | None
    lookups: int = 0
    problems: tuple[str, ...] = ()
    reached: bool = True

    def as_json(self) -> dict[str, Any]:
        """As it is kept among a domain's findings."""
        return {"name": self.name, "record": self.record, "lookups": self.lookups, "problems": list(self.problems), "reached": self.reached}


def examine(name: str, ask: Ask) -> SpfReport:
    """Read the SPF record of ``name`` and everything it includes."""
    answer = ask(name, "TXT")
    if answer.outcome is LookUp.FAILED:
        return SpfReport(name, None, reached=False)
    records = spf_records(answer.values)
    if not records:
        return SpfReport(name, None)
    if len(records) > 1:
        problem = f"There are {len(records)} SPF records at {name}. Receivers then treat SPF as broken: merge them into one."
        return SpfReport(name, None, problems=(problem,))
    walk = _Walk(ask)
    walk.count(name, records[0])
    return SpfReport(name, records[0], walk.lookups, tuple(_problems(name, records[0], walk)))


def spf_records(texts: Sequence[str]) -> list[str]:
    """Those of ``texts`` that are SPF records (RFC 7208 section 4.5)."""
    return [text for text in texts if text.lower() == "v=spf1" or text.lower().startswith("v=spf1 ")]


@dataclass(slots=True)
class _Walk:
    """Counts over a record and its includes; stops some way past the limit, however long the chain is."""

    ask: Ask
    lookups: int = 0
    void: int = 0
    broken: list[str] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)

    def count(self, name: str, record: str) -> None:
        self.seen.add(name.lower())
        for kind, target in _terms(record):
            if kind not in _ASKING:
                continue
            self.lookups += 1
            if self.lookups > 2 * MOST_LOOKUPS:
                return
            if kind in ("include", "redirect") and target and "%" not in target:
                self._enter(target)

    def _enter(self, target: str) -> None:
        if target.lower() in self.seen:
            self.broken.append(f"{target} includes itself.")
            return
        answer = self.ask(target, "TXT")
        if answer.outcome is LookUp.FAILED:
            return
        self.void += answer.outcome is LookUp.NONE
        records = spf_records(answer.values)
        if len(records) != 1:
            self.broken.append(f"It includes {target}, which has {'no' if not records else 'more than one'} SPF record.")
            return
        self.count(target, records[0])


def _terms(record: str) -> list[tuple[str, str]]:
    """Mechanisms and modifiers as ``(name, argument)``, in order; the prefix length of addresses is cut off."""
    found = []
    for word in record.split()[1:]:
        bare = word.lstrip("+-~?")
        kind, _, target = bare.replace("=", ":", 1).partition(":") if "=" in bare.partition(":")[0] else bare.partition(":")
        found.append((kind.partition("/")[0].lower(), target.rstrip(".")))
    return found


def _problems(name: str, record: str, walk: _Walk) -> list[str]:
    found = list(dict.fromkeys(walk.broken))
    if walk.lookups > MOST_LOOKUPS:
        count = f"more than {2 * MOST_LOOKUPS}" if walk.lookups > 2 * MOST_LOOKUPS else str(walk.lookups)
        found.append(f"The SPF record of {name} needs {count} look-ups; receivers stop at {MOST_LOOKUPS} and treat it as broken. Remove includes.")
    if walk.void > MOST_VOID:
        found.append(f"{walk.void} of the names that the SPF record of {name} mentions do not exist; receivers stop at {MOST_VOID}.")
    words = record.lower().split()
    if "+all" in words or "all" in words:
        found.append(f"The SPF record of {name} ends with +all: it allows the whole world to send in your name.")
    if any(kind == "ptr" for kind, _ in _terms(record)):
        found.append(f"The SPF record of {name} uses ptr, which receivers are told to ignore (RFC 7208 section 5.5).")
    return found
