"""Who wrote a message: a mail system reporting on delivery, an automatic responder, or a person."""

from __future__ import annotations

import re
from collections.abc import Sequence

from webapp.messages.mime_headers import Header, decode_words, find_header, one_line
from webapp.messages.mime_parts import Part, parse_parameters

_MACHINE = re.compile(r"mailer-daemon|postmaster|mail-daemon|mdaemon|mail ?delivery|delivery sub-?system|microsoftexchange|mail administrator", re.IGNORECASE)
_BOUNCE_SUBJECT = re.compile(
    r"undeliver|delivery (?:status|failure|has failed|failed|problem|report|warning)|(?:mail|message) (?:delivery )?fail|failure notice|returned mail"
    r"|mail delivery|delivery notification|non[- ]?delivery|mail (?:system )?error|(?:could|can) ?not (?:send|be (?:sent|delivered))|not delivered"
    r"|returned to sender|non remis|échec de (?:la )?remise|unzustellbar|nicht zugestellt|zustellung|no se puede entregar|no entregado|mancata consegna"
    r"|falha na entrega|não entregue|niet bezorgd|onbestelbaar|не доставлено|недоставлен|не может быть доставлено|退信|无法(?:送达|投递)|配信(?:不能|エラー)",
    re.IGNORECASE,
)
_AWAY_SUBJECT = re.compile(
    r"out of (?:the )?office|auto(?:matic|mated)?[- ]?(?:reply|response)|abwesen|automatische antwort|vacation|réponse automatique"
    r"|respuesta automática|risposta automatica|away from",
    re.IGNORECASE,
)
_RESPONDERS = ("X-Autoreply", "X-Autorespond", "X-Auto-Reply-From")
_READ = re.compile(r";\s*(?:displayed|dispatched|processed)", re.IGNORECASE)


def subject_of(headers: list[Header]) -> str:
    """The decoded subject in one line, bounded."""
    return one_line(decode_words(find_header(headers, "Subject") or ""))[:2000]


def is_about_delivery(headers: list[Header]) -> bool:
    """Whether a mail system seems to report on delivery: by its sender, its subject, or its type."""
    return is_from_machine(headers) or _BOUNCE_SUBJECT.search(subject_of(headers)) is not None or _type_of(headers) == "multipart/report"


def is_from_machine(headers: list[Header]) -> bool:
    """Whether the sender is a mail system rather than a person or a responder in a person's name."""
    return_path = (find_header(headers, "Return-Path") or "").strip()
    if _MACHINE.search((find_header(headers, "From") or "")[:500]) or find_header(headers, "X-Failed-Recipients") is not None:
        return True
    return return_path in ("<>", "<MAILER-DAEMON>") and _BOUNCE_SUBJECT.search(subject_of(headers)) is not None


def is_auto_reply(headers: list[Header], parts: Sequence[Part]) -> bool:
    """Whether an automatic responder wrote this, or a mail reader that tells of the reading (RFC 8098)."""
    if any(part.content_type == "message/disposition-notification" and _READ.search(part.text()[:4000]) for part in parts):
        return True
    if is_from_machine(headers) or _type_of(headers) == "multipart/report":
        return False
    submitted = (find_header(headers, "Auto-Submitted") or "no").split(";")[0].strip().lower()
    if submitted not in ("no", "") or any(find_header(headers, name) is not None for name in _RESPONDERS):
        return True
    if (find_header(headers, "Precedence") or "").strip().lower() == "auto_reply":
        return True
    return _AWAY_SUBJECT.search(subject_of(headers)) is not None


def _type_of(headers: list[Header]) -> str:
    return parse_parameters(find_header(headers, "Content-Type") or "")[0].lower()
