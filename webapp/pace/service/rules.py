"""What replies lead to: the first rule that fits a reply says how long a way out is slowed, paused or left out.

Sources: KumoMTA's traffic-shaping rules (community/shaping.toml), ZoneMTA's bounce rules, the help pages of Yahoo (SLN3434) and Google (81126).
Classes and stages are the delivery engine's words (`worker.delivery.types`), which this side of the import rule cannot name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from webapp.pace.types import Action, Signal

_HOUR = 3600.0
_NO_CLASS: frozenset[str] = frozenset()
_BEFORE_MAIL = frozenset({"dns", "connect", "banner", "ehlo", "starttls", "auth"})
_THROTTLE = frozenset({"throttle"})
_BLOCK = frozenset({"block.reputation"})
#: A reply about the recipient's own mailbox says nothing about our pace: RFC 3463 X.2.X, and limits that one recipient set.
_OF_MAILBOX = re.compile(r"^\d{3}[ -][45]\.2\.\d|\brecipient\b.{0,40}\b(rate|too (quickly|many))", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Rule:
    """``action`` for ``seconds`` once the rule was met ``threshold`` times within an hour; before that the way out is slowed only.

    ``says``: why, for people. Empty ``classes`` and ``stages``: any. ``longest``: bound of the doubling when it is met again right afterwards.
    """

    name: str
    action: Action
    seconds: float
    says: str
    kind: str | None = None
    provider: str | None = None
    classes: frozenset[str] = _NO_CLASS
    stages: frozenset[str] = frozenset()
    pattern: re.Pattern[str] | None = None
    threshold: int = 1
    longest: float = 12 * _HOUR

    def fits(self, signal: Signal) -> bool:
        """Whether a reply is one of those meant. Its text is hostile: it is only searched, and bounded."""
        return (
            (self.kind is None or self.kind == signal.kind)
            and (self.provider is None or self.provider == signal.provider)
            and (not self.classes or signal.reply_class in self.classes)
            and (not self.stages or signal.stage in self.stages)
            and (self.pattern is None or self.pattern.search(signal.reply[:1000]) is not None)
        )


def _words(text: str) -> re.Pattern[str]:
    return re.compile(text, re.IGNORECASE)


_QUOTA = _words(r"quota|(daily|hourly|monthly|sending|message|rate) (sending )?limit|limit (was |has been )?(exceeded|reached)|too many messages (today|this)")

#: What a slowed way out is slowed for, from the last time it was told to.
SLOW_SECONDS = 1800.0

RULES: tuple[Rule, ...] = (
    Rule("yahoo.tss05", Action.PAUSE, 4 * _HOUR, "Yahoo said TSS05", "ip", "yahoo", pattern=_words(r"\[(IP)?TSS?05\]"), threshold=2),
    Rule("yahoo.tss04", Action.PAUSE, 2 * _HOUR, "Yahoo said TSS04", "ip", "yahoo", pattern=_words(r"\[(IP)?TSS?04\]"), threshold=2),
    Rule("yahoo.ts03", Action.PAUSE, 0.5 * _HOUR, "Yahoo said TS03", "ip", "yahoo", pattern=_words(r"\[(IP)?TSS?0[123]\]"), threshold=3),
    Rule("relay.login", Action.OUT, 300.0, "the relay refuses our login", "relay", classes=frozenset({"relay"}), stages=frozenset({"auth", "mail"})),
    Rule(
        "relay.quota", Action.OUT, _HOUR, "the relay says that its quota is used up", "relay",
        classes=frozenset({"throttle", "relay", "temporary", "rejected", "block.reputation"}), pattern=_QUOTA,
    ),
    Rule("relay.block", Action.OUT, _HOUR, "the relay blocks us", "relay", classes=_BLOCK, stages=_BEFORE_MAIL | {"mail"}),
    Rule("relay.slow", Action.SLOW, SLOW_SECONDS, "the relay asks to slow down", "relay", classes=_THROTTLE),
    Rule("relay.away", Action.OUT, 30.0, "the relay cannot be reached", "relay", stages=_BEFORE_MAIL, longest=0.5 * _HOUR),
    Rule("ip.block", Action.MOVE, 1.5 * _HOUR, "the address is blocked there", "ip", classes=_BLOCK),
    Rule("ip.slow", Action.PAUSE, 900.0, "it was told to slow down", "ip", classes=_THROTTLE, threshold=10, longest=4 * _HOUR),
)  # fmt: skip


def find_rule(signal: Signal) -> Rule | None:
    """The rule that a reply falls under; None when it is about somebody else (a mailbox, a content, a recipient's server that is down)."""
    if signal.reply_class == "throttle" and _OF_MAILBOX.search(signal.reply[:1000]):
        return None
    return next((rule for rule in RULES if rule.fits(signal)), None)


def is_about_quota(reply: str) -> bool:
    """Whether words of a relay are about its own quota, whoever the recipient is."""
    return _QUOTA.search(reply[:1000]) is not None


def times(count: int) -> str:
    """How often, for people."""
    return {1: "", 2: " twice"}.get(count, f" {count} times")
