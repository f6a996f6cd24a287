"""Addresses that many people read, and domains that throw their mailboxes away."""

from __future__ import annotations

import disposable_email_domains

#: RFC 2142, and what organisations give to a desk and not to a person.
_ROLES = frozenset(
    "abuse accounting accounts admin administrator all billing bookings careers compliance contact customerservice dev devnull dns enquiries everyone "
    "feedback finance ftp hello help helpdesk hostmaster hr info inquiries invoice invoices it jobs legal list mail mailer-daemon maildaemon marketing "
    "media news newsletter no-reply nobody noc noreply office operations orders phish phishing postbox postmaster press privacy purchasing recruiting "
    "registrar reservations returns root sales security service shop spam staff subscribe support sysadmin team tech undisclosed-recipients unsubscribe "
    "usenet uucp webmaster www".split()
)


def is_role(local: str) -> bool:
    """Whether the part before the @ names a desk; a +tag does not change that."""
    return local.lower().partition("+")[0] in _ROLES


def is_disposable(domain: str) -> bool:
    """Whether ``domain`` or one above it is on the public list of throw-away mailboxes."""
    while domain.count("."):
        if domain in disposable_email_domains.allowlist:
            return False
        if domain in disposable_email_domains.blocklist:
            return True
        domain = domain.partition(".")[2]
    return False
