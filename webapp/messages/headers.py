"""Rules for custom headers: a name or value must not change what other headers say, nor reach into what Postbridge writes itself.

Why so strict: CRLF in a header name adds headers of the attacker's, and encoded words can hide one (study of CVE-2024-6923 and kin).
"""

from __future__ import annotations

import re

from webapp.messages.mime_headers import decode_words

MOST_HEADERS = 30
#: RFC 5322 section 2.1.1, without the line end.
LONGEST_VALUE = 998

_NAME = re.compile(r"[A-Za-z0-9-]{1,76}")
#: Control characters but TAB, DEL, the C1 block with U+0085, and the line separators of Unicode.
_FORBIDDEN = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")

#: Headers that describe the message to people and programs and give no authority.
_ALLOWED = frozenset(
    "accept-language auto-submitted comments content-language importance in-reply-to keywords list-archive list-help list-id list-owner list-post "
    "list-subscribe organization precedence priority references sensitivity thread-index thread-topic".split()
)
#: Named in the refusal as written by Postbridge or by the servers on the way.
_RESERVED = frozenset(
    "from sender to cc bcc reply-to subject date message-id received return-path mime-version feedback-id authentication-results dkim-signature "
    "list-unsubscribe list-unsubscribe-post delivered-to received-spf resent-from resent-to".split()
)
_RESERVED_PREFIXES = ("content-", "arc-", "x-postbridge-", "resent-")


def fault_of_name(name: str) -> str | None:
    """Why a header of this name is not taken, or None."""
    if not _NAME.fullmatch(name):
        return "A header name has 1 to 76 letters, digits and hyphens."
    lowered = name.lower()
    if lowered in _ALLOWED or (lowered.startswith("x-") and not lowered.startswith(_RESERVED_PREFIXES)):
        return None
    if lowered in _RESERVED or lowered.startswith(_RESERVED_PREFIXES):
        return f"The header {name} is written by Postbridge and cannot be set here."
    return f"The header {name} cannot be set; names that begin with X- can."


def fault_of_value(value: str) -> str | None:
    """Why a header value is not taken, or None. Looks at the value as written and as decoded (RFC 2047)."""
    if len(value) > LONGEST_VALUE or (not value.isascii() and len(value.encode()) > LONGEST_VALUE):
        return f"A header value has at most {LONGEST_VALUE} octets."
    if has_forbidden(value) or ("=?" in value and has_forbidden(decode_words(value))):
        return "A header value is one line without control characters, also after decoding."
    return None


def has_forbidden(text: str) -> bool:
    """Whether text holds a character that may end a line or is a control character (TAB is allowed)."""
    return _FORBIDDEN.search(text) is not None
