"""What the letters about domains say."""

from __future__ import annotations

from dataclasses import dataclass

from webapp.domains.service.notices import WaitingNotice
from webapp.domains.types import NoticeKind
from webapp.kernel.letters import render_letter
from webapp.settings import get_settings

_SUBJECTS = {
    NoticeKind.FAILING: "{domain}: the proof in DNS is gone",
    NoticeKind.LAST_DAY: "{domain} is switched off tomorrow",
    NoticeKind.SWITCHED_OFF: "{domain} is switched off",
    NoticeKind.TAKEN_OVER: "{domain} is held by another tenant now",
    NoticeKind.DKIM_WITHDRAWN: "{domain}: mail leaves without a DKIM signature",
}
_TEXTS: dict[NoticeKind, tuple[str, ...]] = {
    NoticeKind.FAILING: (
        "The TXT record that proves that {domain} is yours was not found at the last check. Mail still leaves.",
        "Publish the record again, as the domain's page shows it. Unless it is found, the domain is switched off on {ends}, and mail from it is refused.",
    ),
    NoticeKind.LAST_DAY: (
        "The TXT record that proves that {domain} is yours is still missing.",
        "Publish it again today: on {ends} the domain is switched off, and mail from it is refused.",
    ),
    NoticeKind.SWITCHED_OFF: (
        "The TXT record that proves that {domain} is yours stayed away, so live mail from it is refused from now on, and mail that waits is held.",
        "Publish the record again to switch the domain on; it is looked for once a day, and at once when you press Verify.",
    ),
    NoticeKind.TAKEN_OVER: (
        "Another tenant of this server has published a proof of its own for {domain} after yours was removed.",
        "Only one tenant can hold a domain, so live mail from it is refused for you from now on, and mail that waits is held.",
        "If the domain is yours, look who can change its DNS. The domain's page shows a new challenge; publish it and remove the other one to take it back.",
    ),
    NoticeKind.DKIM_WITHDRAWN: (
        "DNS holds none of your DKIM keys for {domain} any more, or holds other ones, so mail is not signed. Receivers may refuse it or file it as spam.",
        "Publish these records again as the domain's page shows them: {records}.",
    ),
}


@dataclass(frozen=True, slots=True)
class DomainLetter:
    """A letter to one owner, ready to be handed to ``messages.service.accept``."""

    to: str
    subject: str
    text: str
    html: str
    kind: NoticeKind


def write_letter(notice: WaitingNotice, to: str) -> DomainLetter:
    """Render the letter of one notice to one address."""
    base = get_settings().public_url.rstrip("/")
    ends = str(notice.facts.get("ends_at") or "").replace("T", " ")[:16]
    facts = {"domain": notice.domain, "ends": f"{ends} UTC", "records": ", ".join(notice.facts.get("records") or ())}
    subject = _SUBJECTS[notice.kind].format(**facts)
    values = {"to": to, "base": base, "link": f"{base}/domains/{notice.domain_id}", "paragraphs": [text.format(**facts) for text in _TEXTS[notice.kind]]}
    text, html = render_letter("domain_notice", **values, subject=subject)
    return DomainLetter(to, subject, text, html, notice.kind)
