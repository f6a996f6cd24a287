"""Was it a person? Mail is opened by image proxies and clicked by link scanners long before anybody reads it.

Sources: the user agents that Gmail, Yahoo and Apple Mail publish or send; what gateways that test links call themselves. A verdict is a judgement, so
its reasons stand beside it, and the raw event stays.
"""

from __future__ import annotations

import functools
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class Verdict(StrEnum):
    """``proxy``: fetched on somebody's behalf, read or not; ``scanner``: a machine that looks for harm."""

    HUMAN = "human"
    PROXY = "proxy"
    SCANNER = "scanner"


@dataclass(frozen=True, slots=True)
class Signal:
    """What is known about one hit. ``url``: None for an open; ``at_ms``: milliseconds since 1970."""

    recipient_id: UUID
    at_ms: int
    user_agent: str
    url: str | None


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict, and why."""

    verdict: Verdict
    reasons: tuple[str, ...] = ()


#: A person does not follow so many different links of a mail in so short a time.
BURST_LINKS = 3
BURST_MS = 3000
_PROGRAM = re.compile(
    r"bot\b|crawl|spider|scan|curl|wget|python|java/|go-http|okhttp|libwww|axios|node-fetch|headless|phantom|barracuda|mimecast|proofpoint|symantec|fireeye|"
    r"forcepoint|trendmicro|zscaler|sophos|mailsafe|linkcheck|preview|monitor",
    re.IGNORECASE,
)


@functools.lru_cache(maxsize=20_000)
def judge_agent(user_agent: str) -> Judgement:
    """What the user agent alone tells."""
    # Only the job that writes hits down asks; half a second to load.
    from ua_parser import parse

    text = user_agent.strip()
    if not text:
        return Judgement(Verdict.SCANNER, ("no_user_agent",))
    if text == "Mozilla/5.0":
        return Judgement(Verdict.PROXY, ("apple_mail_privacy",))
    found = parse(text)
    family = found.user_agent.family if found.user_agent else ""
    if family == "GmailImageProxy":
        return Judgement(Verdict.HUMAN, ("gmail_image_proxy",))  # it asks when the mail is looked at
    if family == "YahooMailProxy":
        return Judgement(Verdict.PROXY, ("yahoo_mail_proxy",))
    if (found.device is not None and found.device.family == "Spider") or _PROGRAM.search(text):
        return Judgement(Verdict.SCANNER, ("program",))
    return Judgement(Verdict.HUMAN)


def judge_all(signals: Iterable[Signal]) -> list[Judgement]:
    """A judgement a signal, in their order: by what each says of itself, and by what a recipient's signals look like together."""
    batch = list(signals)
    rushed = _rushed(batch)
    found = []
    for signal in batch:
        alone = judge_agent(signal.user_agent)
        hurried = signal.url is not None and signal.recipient_id in rushed
        found.append(Judgement(Verdict.SCANNER, (*alone.reasons, "burst")) if hurried else alone)
    return found


def _rushed(batch: list[Signal]) -> set[UUID]:
    """Recipients of whom several different links were followed at once."""
    clicks: dict[UUID, list[tuple[int, str]]] = defaultdict(list)
    for signal in batch:
        if signal.url is not None:
            clicks[signal.recipient_id].append((signal.at_ms, signal.url))
    return {recipient for recipient, times in clicks.items() if _is_burst(sorted(times))}


def _is_burst(times: list[tuple[int, str]]) -> bool:
    return any(len({url for at, url in times[i:] if at - start <= BURST_MS}) >= BURST_LINKS for i, (start, _) in enumerate(times))
