"""How a text strikes spam filters. Content counts for little today, so these are notes unless many come together."""

from __future__ import annotations

import re
from collections.abc import Iterator

from webapp.messages.content_checks.types import Check, Tone, Topic

#: Phrases that classic rule sets weigh (SpamAssassin's body rules and their kin).
_PHRASES = (
    "100% free", "act now", "additional income", "as seen on", "be your own boss", "buy now", "cash bonus", "cheap meds", "click below", "click here now",
    "congratulations you", "dear friend", "double your", "earn extra cash", "eliminate debt", "extra income", "fast cash", "financial freedom", "free gift",
    "free money", "get paid", "guaranteed winner", "increase sales", "incredible deal", "limited time only", "lose weight", "lowest price", "make money",
    "million dollars", "miracle", "no catch", "no cost", "no credit check", "no hidden", "no obligation", "no strings attached", "once in a lifetime",
    "order now", "pre-approved", "prize", "pure profit", "risk free", "risk-free", "satisfaction guaranteed", "special promotion", "this is not spam",
    "urgent response", "viagra", "while supplies last", "winner", "work from home", "you have been selected",
)  # fmt: skip
_MANY = 4
_PATTERN = re.compile(r"(?<!\w)(?:" + "|".join(re.escape(phrase) for phrase in _PHRASES) + r")(?!\w)", re.IGNORECASE)


def look_at_words(subject: str, text: str) -> Iterator[Check]:
    """Phrases, shouting and punctuation in subject and text."""
    found = sorted({hit.lower() for hit in _PATTERN.findall(f"{subject}\n{text[:200_000]}")})
    if found:
        named = ", ".join(f"“{phrase}”" for phrase in found[:6])
        tone = Tone.WARN if len(found) >= _MANY else Tone.NOTE
        yield Check(tone, "Phrases that filters know from spam", f"{named}. One is harmless; together they add up.", Topic.FILTERS)
    letters = [c for c in subject if c.isalpha()]
    if len(letters) >= 8 and sum(c.isupper() for c in letters) > 0.7 * len(letters):
        yield Check(Tone.WARN, "The subject shouts", "Most of it is in capital letters.", Topic.FILTERS)
    if re.search(r"[!?]{2,}|[$€£]{2,}", subject):
        yield Check(Tone.WARN, "Repeated signs in the subject", "One ! or ? is enough.", Topic.FILTERS)
    if re.match(r"(?:re|fwd?|aw|wg)\s*:", subject, re.IGNORECASE):
        yield Check(Tone.NOTE, "The subject looks like an answer", "Re: and Fwd: on a first mail read as a trick.", Topic.FILTERS)
