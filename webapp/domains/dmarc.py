"""DMARC as RFC 9989 defines it: records are found by walking up the DNS tree, not by a list of public suffixes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from webapp.domains.lookup import Ask
from webapp.kernel.dns import LookUp

#: A walk that starts deeper than this jumps to seven labels (RFC 9989 section 4.10), so that long names cost no more questions.
_DEEPEST = 8
_POLICIES = ("none", "quarantine", "reject")


@dataclass(frozen=True, slots=True)
class DmarcReport:
    """What DMARC says about mail from ``name``.

    ``at``: the domain whose record applies, None without one. ``organization``: the organizational domain. ``policy``: none, quarantine or
    reject. ``strict_dkim``/``strict_spf``: whether identifiers must be equal instead of under one organizational domain.
    """

    name: str
    at: str | None
    organization: str
    record: str | None = None
    policy: str | None = None
    strict_dkim: bool = False
    strict_spf: bool = False
    reports: bool = False
    problems: tuple[str, ...] = ()
    reached: bool = True

    def as_json(self) -> dict[str, Any]:
        """As it is kept among a domain's findings."""
        return {
            "at": self.at, "organization": self.organization, "record": self.record, "policy": self.policy, "strict_dkim": self.strict_dkim,
            "strict_spf": self.strict_spf, "reports": self.reports, "problems": list(self.problems), "reached": self.reached,
        }  # fmt: skip


def examine(name: str, ask: Ask) -> DmarcReport:
    """Find the record that governs mail from ``name``."""
    found: dict[str, dict[str, str]] = {}
    problems: list[str] = []
    for step in walk(name):
        answer = ask(f"_dmarc.{step}", "TXT")
        if answer.outcome is LookUp.FAILED:
            return DmarcReport(name, None, name, reached=False)
        records = dmarc_records(answer.values)
        if len(records) > 1:
            problems.append(f"There are {len(records)} DMARC records at _dmarc.{step}; receivers then ignore all of them. Keep one.")
        if len(records) == 1:
            found[step] = tags_of(records[0])
            if found[step].get("psd") in ("y", "n"):
                break
    return _report(name, found, problems)


def walk(name: str) -> list[str]:
    """The names that are asked, from ``name`` upwards (RFC 9989 section 4.10): at most eight."""
    labels = name.split(".")
    upper = labels[-_DEEPEST + 1 :] if len(labels) >= _DEEPEST else labels[1:]
    return [name, *(".".join(upper[start:]) for start in range(len(upper)))]


def dmarc_records(texts: Sequence[str]) -> list[str]:
    """Those of ``texts`` that are DMARC records: ``v=DMARC1`` stands first, in exactly these letters."""
    return [text for text in texts if text.partition(";")[0].replace(" ", "") == "v=DMARC1"]


def tags_of(record: str) -> dict[str, str]:
    """The tags of a record; names in lower case."""
    pairs = (part.partition("=") for part in record.split(";") if "=" in part)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _organization(name: str, found: Mapping[str, Mapping[str, str]]) -> str:
    """RFC 9989 section 4.10.2: psd=n marks it; below psd=y it begins; else the highest record; without any record the name itself."""
    for step, tags in found.items():
        if tags.get("psd") == "n":
            return step
        if tags.get("psd") == "y" and step != name:
            return ".".join(name.split(".")[-len(step.split(".")) - 1 :])
    return min(found, key=lambda step: step.count("."), default=name)


def _report(name: str, found: Mapping[str, dict[str, str]], problems: list[str]) -> DmarcReport:
    organization = _organization(name, found)
    at = next((step for step in (name, organization, *found) if step in found), None)
    if at is None:
        return DmarcReport(name, None, organization, problems=tuple(problems))
    tags = found[at]
    wanted = tags.get("p", "none") if at == name else tags.get("sp", tags.get("p", "none"))
    if wanted.lower() not in _POLICIES:
        problems.append(f"The DMARC record at _dmarc.{at} has no readable policy; write p=none, p=quarantine or p=reject.")
    return DmarcReport(
        name, at, organization, "; ".join(f"{tag}={value}" for tag, value in tags.items()), wanted.lower() if wanted.lower() in _POLICIES else "none",
        tags.get("adkim", "r").lower() == "s", tags.get("aspf", "r").lower() == "s", "rua" in tags, tuple(problems),
    )  # fmt: skip
