"""The tables behind `replies.classify`, to be read and corrected as data.

Sources: RFC 3463, 5248, 7293, 7372, 7505 and the IANA registry of enhanced status codes; the help pages of Gmail (answer
3726730), Yahoo (SLN26151) and Microsoft 365 (NDR codes); replies seen in the field.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from worker.delivery.types import ReplyClass, Stage

_C = ReplyClass
StatusKey = tuple[str, int | None]

# Statuses used for so many things that only the words can tell (the general table below speaks last).
AMBIGUOUS = frozenset({"5.7.1", "4.7.1", "5.7.0", "4.7.0", "5.5.0", "4.2.0", "5.2.0", "4.2.1", "5.3.0", "4.3.2", "5.0.0", "4.0.0", "5.4.1", "5.4.4"})

# (status, reply code or None for any): class. Decides alone.
DECISIVE: dict[StatusKey, ReplyClass] = {
    ("5.1.1", None): _C.UNKNOWN_USER,
    ("5.1.2", None): _C.UNKNOWN_USER,
    ("5.1.3", None): _C.UNKNOWN_USER,
    ("5.1.6", None): _C.UNKNOWN_USER,  # mailbox has moved
    ("5.7.17", None): _C.UNKNOWN_USER,  # mailbox owner has changed
    ("5.1.10", None): _C.BAD_DOMAIN,  # recipient has null MX
    ("5.7.18", None): _C.BAD_DOMAIN,  # domain owner has changed
    ("4.2.2", None): _C.MAILBOX_FULL,
    ("5.2.2", None): _C.MAILBOX_FULL,
    ("4.3.1", None): _C.MAILBOX_FULL,
    ("5.3.1", None): _C.MAILBOX_FULL,
    ("5.2.1", None): _C.INACTIVE,
    ("5.7.13", None): _C.INACTIVE,
    ("4.7.28", None): _C.THROTTLE,
    ("5.7.28", None): _C.THROTTLE,
    ("5.4.5", None): _C.THROTTLE,  # sending quota
    ("5.7.20", None): _C.POLICY_AUTH,  # no passing DKIM signature
    ("5.7.21", None): _C.POLICY_AUTH,
    ("5.7.22", None): _C.POLICY_AUTH,
    ("5.7.23", None): _C.POLICY_AUTH,  # SPF
    ("5.7.24", None): _C.POLICY_AUTH,
    ("5.7.25", None): _C.POLICY_AUTH,  # reverse DNS
    ("5.7.26", None): _C.POLICY_AUTH,
    ("4.7.26", None): _C.POLICY_AUTH,
    ("5.7.27", None): _C.POLICY_AUTH,  # *sender* has null MX (RFC 7505); Gmail: SPF. Never the recipient's fault
    ("4.7.27", None): _C.POLICY_AUTH,
    ("5.7.30", None): _C.POLICY_AUTH,
    ("4.7.30", None): _C.POLICY_AUTH,
    ("5.7.32", None): _C.POLICY_AUTH,
    ("5.7.515", None): _C.POLICY_AUTH,  # Microsoft: bulk sender without SPF, DKIM, DMARC
    ("5.1.8", None): _C.POLICY_AUTH,  # bad sender's domain
    ("5.7.509", None): _C.POLICY_AUTH,  # Microsoft: DMARC
    ("5.7.10", None): _C.TLS,  # encryption needed
    ("5.7.29", None): _C.TLS,
    ("4.7.29", None): _C.TLS,
    ("5.3.4", None): _C.CONTENT,  # too big
    ("5.2.3", None): _C.CONTENT,  # too long
    ("4.4.1", None): _C.NET,
    ("4.4.2", None): _C.NET,
    ("4.4.3", None): _C.NET,
    ("4.4.7", None): _C.NET,
    ("5.7.8", None): _C.RELAY,  # our credentials
    ("5.7.9", 534): _C.RELAY,
    ("5.7.9", 535): _C.RELAY,
    ("5.7.9", 554): _C.POLICY_AUTH,  # Yahoo: "not accepted for policy reasons", said of mail that fails authentication
    ("4.7.12", None): _C.RELAY,
    ("5.7.57", None): _C.RELAY,  # Microsoft: client was not authenticated
    ("4.7.32", None): _C.POLICY_AUTH,  # Gmail: From is not aligned
    ("4.7.40", None): _C.POLICY_AUTH,  # Gmail: no DMARC record
    ("5.7.40", None): _C.POLICY_AUTH,
    ("4.7.23", None): _C.POLICY_AUTH,
    ("4.7.25", None): _C.POLICY_AUTH,
    ("5.2.121", None): _C.THROTTLE,  # Microsoft: the recipient gets too much
    ("5.2.122", None): _C.THROTTLE,
    ("5.4.6", None): _C.REJECTED,  # a loop on their side
    ("5.4.310", None): _C.BAD_DOMAIN,  # Microsoft: DNS domain does not exist
    ("5.7.511", None): _C.BLOCK,  # Microsoft: banned address
    ("5.7.705", None): _C.THROTTLE,
    ("5.7.708", None): _C.BLOCK,
    ("5.7.750", None): _C.POLICY_AUTH,  # Microsoft: unregistered domain
}


class Range(NamedTuple):
    """Statuses `prefix` + low to high, ends included, of one class."""

    prefix: str
    low: int
    high: int
    reply_class: ReplyClass


# Microsoft numbers its own reasons. Decides alone, after DECISIVE.
RANGES: tuple[Range, ...] = (
    Range("4.7.", 500, 699, _C.THROTTLE),
    Range("5.7.", 501, 503, _C.BLOCK),
    Range("5.7.", 606, 649, _C.BLOCK),
)


class Words(NamedTuple):
    """A class and the phrases (regular expressions over lower-cased words, blanks folded) that give it away.

    only_temporary: in 4xx replies only; only_dsn: only in bounces that came by mail.
    """

    reply_class: ReplyClass
    pattern: re.Pattern[str]
    only_temporary: bool = False
    only_dsn: bool = False


def _words(reply_class: ReplyClass, *phrases: str, only_temporary: bool = False, only_dsn: bool = False) -> Words:
    return Words(reply_class, re.compile("|".join(phrases)), only_temporary, only_dsn)


# Words about our address or domain. Looked at before any status that would suppress the recipient.
OUR_TROUBLE: tuple[Words, ...] = (
    _words(_C.THROTTLE, r"tss0[45]", r"ipts0[45]", r"frequency limited", r"\brp:(qrc|cel|trc|ucc)\b"),
    _words(
        _C.BLOCK,
        r"tss(03|11)|ipts03|\[bl\d\d\]|\brtr:bl|\bmi:(ipb|sfq|dmc|stc)\b",
        r"weren'?t sent|block for spam|suspected spam ip",
        r"spamhaus|barracuda(central| reputation)|spamcop|sorbs|uceprotect|invaluement|dnsbl|\brbls?\b|proofpoint\.com/\?ip",
        r"block(ed)?[ -]?list|blacklist|blocked using",
        r"\b(ip|client|host|address|sender)\b .{0,40}\b(block(ed|ing)?|listed|banned)\b|banned sending ip",
        r"not authorized to send e?-?mail directly",
        r"(poor|low|bad) reputation|reputation .{0,20}(is )?(poor|low|bad)",
    ),
    _words(
        _C.POLICY_AUTH,
        r"\bspf\b|\bdkim\b|\bdmarc\b|sender id|anti-?spoof",
        r"unauthenticated|not authenticated",
        r"reverse dns|\bptr\b|cannot find your (reverse )?host ?name",
        r"\b(ip|client|helo|ehlo)\b .{0,40}\b(unknown|not found|invalid|rejected|does ?n[o']t (exist|resolve))",
        # Callouts ask our own server about the sender and quote its answer: "no such user" is about us then.
        r"sender verif|verification failed for|verify (the |your )?sender|(unknown|invalid|forged) sender",
        r"((?<!to )(?<!to the )\bsender|return[- ]path|\bfrom (address|domain))\b.{0,60}(rejected|unknown|invalid|does ?n[o']t exist|not found|no such)",
        r"(absender|exp[eé]diteur|remitente|mittente|remetente|отправител).{0,60}"
        r"(abgelehnt|unbekannt|rejet|invalide|n'existe|rechaz|no existe|rifiut|non esiste|rejeit|n[ãa]o existe|не существует|отклон)",
        r"domain of sender",
    ),
)
# A status that says "no such user" is sometimes sent with these words.
NOT_HOPELESS: tuple[Words, ...] = (
    *OUR_TROUBLE,
    _words(_C.MAILBOX_FULL, r"over ?quota|(mailbox|inbox) (is |was )?full|quota exceeded|exceeded .{0,20}(storage|quota)|bo[iî]te .{0,30}pleine"),
)

# In this order, the first that matches.
WORDS: tuple[Words, ...] = (
    _words(
        _C.TLS,
        r"must issue (a )?starttls",
        r"(starttls|encryption|tls) (is )?(needed|required)",
        r"requires? (tls|encryption)",
        r"mta-sts",
    ),
    _words(_C.GREYLIST, r"gr[ea]y-?list", r"try again (in|after) \d+ sec", only_temporary=True),
    _words(
        _C.EXPIRED,
        r"in the queue too long|queue period|retry time(out)? exceeded|maximum[- ]time[- ]expired|(delivery time|message) (has )?expired",
        r"\d+ attempts?\(s\) to deliver|maximum delivery attempts|not (be |been )?(delivered|collected) (within|after) \d+|aborted after \d",
        only_dsn=True,
    ),
    *OUR_TROUBLE,
    _words(
        _C.THROTTLE,
        r"rate[ -]?limit",
        r"too (many(?! hops)|quickly|fast)|(sen[dt]|sending|receiv(ed|ing)) too much mail|trop de connexions",
        r"throttl",
        r"receiving e?-?mail at a rate",
        r"unusual rate",
        r"(exceeded|over).{0,30}(sending|message|rate|hourly|daily).{0,15}(limit|quota)|(daily|hourly|sending|send) .{0,10}(limit|quota) exceeded",
        r"temporarily deferred|slow down|server (is )?busy",
    ),
    _words(
        _C.MAILBOX_FULL,
        r"(mail ?box|inbox|user|mail ?folder|postfach|bo[iî]te) .{0,15}(is |was |ist )?(over )?(full|quota|voll|pleine|not enough)|full (mail ?box|inbox)",
        r"over (disk )?quota|overquota|quota (has been )?exceeded|quota violation|mailbox size limit",
        r"exceed(s|ed|ing).{0,20}(mailbox|storage|quota)",
        r"out of storage|insufficient (system )?storage|(not enough|no) (disk )?space",
    ),
    _words(
        _C.INACTIVE,
        r"(account|mailbox|user|recipient|address).{0,30}(disabled|inactive|suspended|deactivated|locked|on hold|not active|discontinued)",
    ),
    _words(
        _C.BAD_DOMAIN,
        r"null mx|domain .{0,60}(does not|doesn'?t) accept (e-?)?mail",
        r"(recipient|destination) domain .{0,60}(does not exist|not found)|dns domain .{0,60}does not exist",
    ),
    _words(_C.BAD_DOMAIN, r"(?<!sender )domain does not exist", only_dsn=True),
    _words(
        _C.UNKNOWN_USER,
        r"(user|mailbox|recipient|address|account|alias).{0,40}(unknown(?! host)|does ?n[o']t exist|not (found|known|listed|recogni[sz]ed)"
        r"|no longer (exists|available|valid)|invalid|is wrong)",
        r"(unknown|no such|invalid|non-?existent|illegal) (or illegal )?(user|mailbox|recipient|address|account|local|final delivery)",
        r"not a valid (mailbox|user|recipient)|no mailbox here|mailbox (is )?unavailable|not our customer",
        r"user not local|no one by that name|addressee unknown|doesn'?t have an? .{0,60}account|does not have a final email delivery point",
        r"recipient address(es)? rejected: user|(?<!>: )recipient address rejected: access denied|recipientnotfound|adresse .{0,40}invalide",
        r"did not exactly match|no user by that name",
        r"(empf.{1,2}nger|benutzer|nutzer|adresse|postfach|konto).{0,40}unbekannt|unbekannte[rns]? (empf|benutzer|nutzer|adresse|postfach|konto)",
        r"(adresse|destinataire|utilisateur|bo[iî]te|compte|usuario|direcci[oó]n|destinatario|cuenta|buz[oó]n|utente|casella|indirizzo|usu[aá]rio|conta)"
        r".{0,60}(n'existe pas|no existe|non esiste|n[ãa]o existe)",
        r"(пользовател|ящик|адрес|получател).{0,40}(не существует|не найден)|нет такого (пользовател|адрес|ящик)|(用户|收件人|邮箱|帐号)不存在",
    ),
    _words(
        _C.CONTENT,
        r"(message|mail|size|attachment).{0,30}(too (big|large)|exceed.{0,30}(size|limit|maximum))",
        r"maximum.{0,20}size|size limit",
        r"\bspam\b|\bvirus(es)?\b|malware|phish|unsolicited|\bbulk\b|spamsignature|\bdt:spm\b",
        r"content (rejected|filter|denied)|looks like|message (was )?(filtered|refused as)|potential security issue|\[cs01\]",
    ),
    _words(
        _C.NET,
        r"timed? ?out|connection (reset|refused|lost)|\bdns\b (error|failure)|temporary lookup failure",
        only_temporary=True,
    ),
)

# (status, code or None): class. Asked when neither a decisive status nor the words spoke.
GENERAL: dict[StatusKey, ReplyClass] = {
    ("4.7.0", 421): _C.THROTTLE,
    ("4.7.1", 421): _C.THROTTLE,
    ("4.2.1", 421): _C.THROTTLE,
    ("4.2.1", 450): _C.TEMPORARY,
    ("4.3.2", 421): _C.THROTTLE,
    ("4.2.0", 450): _C.GREYLIST,
    ("4.2.0", 451): _C.GREYLIST,
    ("4.7.0", 450): _C.GREYLIST,
    ("4.7.0", 451): _C.GREYLIST,
    ("4.7.1", 450): _C.GREYLIST,
    ("4.7.1", 451): _C.GREYLIST,
    ("5.5.0", None): _C.REJECTED,  # widely used for "mailbox unavailable"; the words above catch that
    ("5.7.0", 530): _C.RELAY,
    ("5.4.7", None): _C.EXPIRED,
}
# First two numbers of the status with their dots.
GENERAL_SUBJECT: dict[str, ReplyClass] = {
    "5.6.": _C.CONTENT,
    "4.6.": _C.CONTENT,
    "5.5.": _C.PROTOCOL,
    "4.5.": _C.TEMPORARY,
    "4.4.": _C.NET,
}

CODES: dict[int, ReplyClass] = {
    421: _C.THROTTLE,
    452: _C.MAILBOX_FULL,
    454: _C.TLS,
    500: _C.PROTOCOL,
    501: _C.PROTOCOL,
    502: _C.PROTOCOL,
    503: _C.PROTOCOL,
    504: _C.PROTOCOL,
    523: _C.TLS,
    525: _C.INACTIVE,
    530: _C.RELAY,
    534: _C.RELAY,
    535: _C.RELAY,
    538: _C.RELAY,
    552: _C.MAILBOX_FULL,
    555: _C.PROTOCOL,
    556: _C.BAD_DOMAIN,  # domain does not accept mail (RFC 7504)
}
# The same code at another stage is about something else.
CODES_AT_STAGE: dict[tuple[int, Stage], ReplyClass] = {
    (552, Stage.MAIL): _C.CONTENT,  # the announced size
    (552, Stage.DATA): _C.CONTENT,
    (552, Stage.END_OF_DATA): _C.CONTENT,
    (554, Stage.END_OF_DATA): _C.CONTENT,
    (550, Stage.END_OF_DATA): _C.CONTENT,
    (454, Stage.AUTH): _C.RELAY,
    (500, Stage.AUTH): _C.RELAY,
    (501, Stage.AUTH): _C.RELAY,
    (502, Stage.AUTH): _C.RELAY,
    (503, Stage.AUTH): _C.RELAY,
    (504, Stage.AUTH): _C.RELAY,
}
BANNER_STAGES = frozenset({Stage.BANNER, Stage.EHLO})
