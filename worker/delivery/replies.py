"""Reading SMTP replies, and what they mean: first the enhanced status, then the provider's words, the code, the stage.

Two facts rule the tables. "5xx means a bad address" would wrongly suppress most of the recipients it hits (measured on public
bounces: full boxes, policy, authentication, blocks); and a temporary code may hide an unknown user. So only a class whose
trouble is the recipient's ever suppresses, and words about our address or domain beat a status that blames the recipient.
"""

from __future__ import annotations

import re

from worker.delivery.reply_tables import (
    AMBIGUOUS,
    BANNER_STAGES,
    CODES,
    CODES_AT_STAGE,
    DECISIVE,
    GENERAL,
    GENERAL_SUBJECT,
    NOT_HOPELESS,
    RANGES,
    WORDS,
)
from worker.delivery.types import Blame, ReplyClass, Stage, Verdict

MAX_REPLY_TEXT = 1000

_ENHANCED = re.compile(r"\s*([245])\.(\d{1,3})\.(\d{1,3})(?![\d.])")
_HOPELESS_NOW = frozenset({ReplyClass.UNKNOWN_USER, ReplyClass.BAD_DOMAIN})

# class: (whose trouble, try again, suppress at once)
POLICY: dict[ReplyClass, tuple[Blame, bool, bool]] = {
    ReplyClass.DELIVERED: (Blame.NOBODY, False, False),
    ReplyClass.UNKNOWN_USER: (Blame.RECIPIENT, False, True),
    ReplyClass.BAD_DOMAIN: (Blame.RECIPIENT, False, True),
    ReplyClass.MAILBOX_FULL: (Blame.RECIPIENT, True, False),
    ReplyClass.INACTIVE: (Blame.RECIPIENT, False, False),
    ReplyClass.GREYLIST: (Blame.REMOTE, True, False),
    ReplyClass.THROTTLE: (Blame.OUR_IP, True, False),
    ReplyClass.BLOCK: (Blame.OUR_IP, True, False),
    ReplyClass.POLICY_AUTH: (Blame.OUR_DOMAIN, False, False),
    ReplyClass.CONTENT: (Blame.CONTENT, False, False),
    ReplyClass.TLS: (Blame.REMOTE, True, False),
    ReplyClass.NET: (Blame.REMOTE, True, False),
    ReplyClass.EXPIRED: (Blame.REMOTE, False, False),
    ReplyClass.PROTOCOL: (Blame.OURS, False, False),
    ReplyClass.RELAY: (Blame.OURS, True, False),
    ReplyClass.TEMPORARY: (Blame.REMOTE, True, False),
    ReplyClass.REJECTED: (Blame.REMOTE, False, False),
    ReplyClass.UNKNOWN_AFTER_DATA: (Blame.REMOTE, True, False),
    ReplyClass.NOT_TRIED: (Blame.NOBODY, True, False),
}


def verdict_of(reply_class: ReplyClass) -> Verdict:
    """The standing verdict of a class, for endings that are no reply (a lost connection, a missing domain)."""
    return _VERDICTS[reply_class]


def parse_enhanced(text: str) -> str | None:
    """The enhanced status at the start of a reply's text (RFC 3463), such as "5.1.1"; None for none or a malformed one.

    Forms with two numbers ("5.1 unknown") and with four are not statuses.
    """
    found = _ENHANCED.match(text)
    return f"{found[1]}.{int(found[2])}.{int(found[3])}" if found else None


def classify(code: int | None, enhanced: str | None, text: str, stage: Stage) -> Verdict:
    """What a negative (or missing) reply means.

    `code` is the three-digit reply code or None (a bounce mail may have none), `enhanced` the status as `parse_enhanced`
    gives it, `text` the words (hostile: only searched, never shown from here), `stage` where it was said. With
    Stage.DSN the other side has given up already: nothing is retried and a temporary status means expiry.
    """
    if code is not None and 200 <= code < 300:
        return _VERDICTS[ReplyClass.DELIVERED]
    words = " ".join(text[:MAX_REPLY_TEXT].lower().split())
    temporary = _is_temporary(code, enhanced)
    reply_class = (
        _by_status(enhanced, code, words, stage) or _by_words(words, temporary, stage) or _by_general_status(enhanced, code) or _by_code(code, stage, temporary)
    )
    return _settle(reply_class, temporary=temporary, stage=stage)


def _is_temporary(code: int | None, enhanced: str | None) -> bool:
    if code is not None:
        return code < 500
    return enhanced is not None and enhanced[0] == "4"


def _by_status(enhanced: str | None, code: int | None, words: str, stage: Stage) -> ReplyClass | None:
    """The class that the status alone decides, unless the words contradict it or the status is used for many things."""
    if enhanced is None or enhanced in AMBIGUOUS:
        return None
    if stage is Stage.DSN and enhanced in ("4.4.7", "5.4.7"):
        return ReplyClass.EXPIRED
    found = DECISIVE.get((enhanced, code)) or DECISIVE.get((enhanced, None)) or _by_range(enhanced)
    if found in _HOPELESS_NOW:
        # A wrong suppression is the dearest mistake: "5.1.1 blocked using zen.spamhaus.org" is about us.
        return next((other.reply_class for other in NOT_HOPELESS if other.pattern.search(words)), found)
    return found


def _by_range(enhanced: str) -> ReplyClass | None:
    prefix, detail = enhanced[:4], enhanced[4:]
    if not detail.isdigit():
        return None
    return next((row.reply_class for row in RANGES if row.prefix == prefix and row.low <= int(detail) <= row.high), None)


def _by_words(words: str, temporary: bool, stage: Stage) -> ReplyClass | None:
    for entry in WORDS:
        if (entry.only_temporary and not temporary) or (entry.only_dsn and stage is not Stage.DSN):
            continue
        if entry.pattern.search(words):
            return entry.reply_class
    return None


def _by_general_status(enhanced: str | None, code: int | None) -> ReplyClass | None:
    if enhanced is None:
        return None
    return GENERAL.get((enhanced, code)) or GENERAL.get((enhanced, None)) or GENERAL_SUBJECT.get(enhanced[:4])


def _by_code(code: int | None, stage: Stage, temporary: bool) -> ReplyClass:
    if code is None:
        return ReplyClass.TEMPORARY if temporary else ReplyClass.REJECTED
    if code >= 500 and stage in BANNER_STAGES:
        return ReplyClass.BLOCK  # nobody has been named yet: it is our address that is refused
    found = CODES_AT_STAGE.get((code, stage)) or CODES.get(code)
    return found or (ReplyClass.TEMPORARY if temporary else ReplyClass.REJECTED)


def _settle(reply_class: ReplyClass, *, temporary: bool, stage: Stage) -> Verdict:
    """Turn the class into a verdict: a 4xx is always worth another try and never suppresses; a DSN is the end."""
    verdict = _VERDICTS[reply_class]
    if stage is Stage.DSN:
        if reply_class in (ReplyClass.TEMPORARY, ReplyClass.NET, ReplyClass.GREYLIST):
            verdict = _VERDICTS[ReplyClass.EXPIRED]
        return Verdict(verdict.reply_class, verdict.blame, False, verdict.suppress)
    if temporary and (verdict.suppress or not verdict.retry):
        return Verdict(reply_class, verdict.blame, True, False)
    return verdict


_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")


def clean_text(raw: bytes, limit: int = MAX_REPLY_TEXT) -> str:
    """Bytes of a remote server as bounded, printable text on one line; undecodable bytes are shown as \\xNN."""
    text = raw[:limit].decode("utf-8", "backslashreplace")
    if not text.isprintable():
        text = _UNSAFE.sub(" ", text)
    return text[:limit]


_VERDICTS = {reply_class: Verdict(reply_class, *policy) for reply_class, policy in POLICY.items()}
