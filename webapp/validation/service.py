"""The judgement of addresses: syntax, the domain's mail servers, throw-away and role addresses, typing mistakes, the tenant's own suppressions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from webapp.bridges.types import Stream
from webapp.kernel.addresses import Address, BadAddress, parse_address
from webapp.kernel.permissions import Permission
from webapp.kernel.scope import Scope
from webapp.settings import get_settings
from webapp.suppressions.service import find_suppressed
from webapp.validation.lists import is_disposable, is_role
from webapp.validation.mailservers import facts_of
from webapp.validation.spelling import suggest_domain
from webapp.validation.types import Check, DomainFacts, MailServers, Outcome, Result, Verdict

MOST_IN_A_BATCH = 100
LONGEST_INPUT = 320

#: Reasons against an address, the gravest first, and what they make of it.
VERDICTS = {
    "syntax": Verdict.INVALID,
    MailServers.NULL.value: Verdict.INVALID,
    MailServers.NONE.value: Verdict.INVALID,
    "suppressed": Verdict.INVALID,
    MailServers.UNKNOWN.value: Verdict.UNKNOWN,
    "disposable": Verdict.RISKY,
    "typo": Verdict.RISKY,
    "role": Verdict.RISKY,
    "suppressed_bulk": Verdict.RISKY,
    MailServers.IMPLICIT.value: Verdict.RISKY,
}
_PASSED, _SKIPPED = Check(Outcome.PASSED), Check(Outcome.SKIPPED)
_DNS = {
    MailServers.MX: (Outcome.PASSED, None),
    MailServers.IMPLICIT: (Outcome.WARNING, "The domain names no mail server; mail would go to its address."),
    MailServers.NULL: (Outcome.FAILED, "The domain says that it takes no mail."),
    MailServers.NONE: (Outcome.FAILED, "The domain does not exist, or has neither a mail server nor an address."),
    MailServers.UNKNOWN: (Outcome.UNKNOWN, "The domain's name servers did not answer in time; ask again."),
}
_CHECKS = ("syntax", "mx", "disposable", "role", "typo", "suppression")

Suppressed = Mapping[Stream, Mapping[str, str]]


def validate(scope: Scope, emails: Sequence[str]) -> list[Result]:
    """Judge addresses, in order. DNS is asked for all of them together and has ``validation_seconds``; what it does not say by then is unknown.

    Raises ``Forbidden``.
    """
    scope.require(Permission.EMAIL_VALIDATE)
    parsed = [_parsed(email) for email in emails]
    good = [entry for entry in parsed if isinstance(entry, Address)]
    facts = facts_of([address.domain for address in good], scope.tenant_id, get_settings().validation_seconds)
    addresses = {address.canonical for address in good}
    # Asked last: no database connection is held while name servers think.
    suppressed = {stream: find_suppressed(scope.session, scope.tenant_id, addresses, stream) for stream in Stream}
    return [
        judge(email, entry, facts[entry.domain], suppressed) if isinstance(entry, Address) else _malformed(email, entry)
        for email, entry in zip(emails, parsed, strict=True)
    ]  # fmt: skip


def _parsed(email: str) -> Address | BadAddress:
    if len(email) > LONGEST_INPUT:
        return BadAddress("it is longer than 254 characters")
    try:
        if "<" in email:
            raise BadAddress("write it alone, without a name and angle brackets")
        return parse_address(email)
    except BadAddress as error:
        return error


def _malformed(email: str, error: BadAddress) -> Result:
    checks = {**dict.fromkeys(_CHECKS, _SKIPPED), "syntax": Check(Outcome.FAILED, f"Not an email address: {error}.")}
    return Result(email, None, Verdict.INVALID, ("syntax",), None, checks)


def judge(email: str, address: Address, facts: DomainFacts, suppressed: Suppressed) -> Result:
    """The judgement of a well-formed address from what is known about it."""
    reasons: list[str] = []
    checks = {"syntax": _PASSED}
    outcome, detail = _DNS[facts.mail]
    checks["mx"] = Check(outcome, detail, facts.hosts)
    if facts.mail is not MailServers.MX:
        reasons.append(facts.mail.value)
    checks["disposable"] = _warning("disposable", is_disposable(address.domain), "Mailboxes of this domain are thrown away after minutes.", reasons)
    checks["role"] = _warning("role", is_role(address.local), "It belongs to a desk, not to a person.", reasons)
    right = suggest_domain(address.domain)
    checks["typo"] = _warning("typo", right is not None, f"Probably {right} was meant.", reasons)
    checks["suppression"] = _suppression(address.canonical, suppressed, reasons)
    ranked = tuple(reason for reason in VERDICTS if reason in reasons)
    verdict = VERDICTS[ranked[0]] if ranked else Verdict.VALID
    return Result(email, address.email, verdict, ranked, f"{address.local}@{right}" if right else None, checks)


def _warning(reason: str, applies: bool, detail: str, reasons: list[str]) -> Check:
    if not applies:
        return _PASSED
    reasons.append(reason)
    return Check(Outcome.WARNING, detail)


def _suppression(address: str, suppressed: Suppressed, reasons: list[str]) -> Check:
    transactional, bulk = suppressed[Stream.TRANSACTIONAL].get(address), suppressed[Stream.BULK].get(address)
    if transactional:
        reasons.append("suppressed")
        return Check(Outcome.FAILED, f"It is on your suppression list: {_words(transactional)}.")
    if bulk:
        reasons.append("suppressed_bulk")
        return Check(Outcome.WARNING, f"It gets no bulk mail from you: {_words(bulk)}.")
    return _PASSED


def _words(reason: str) -> str:
    return str(reason).replace("_", " ")
