"""Who may report, how it is proven and read, and what a person must set up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from webapp.webhooks.providers import others, sns
from webapp.webhooks.types import MtaReport, Provider


@dataclass(frozen=True, slots=True)
class ProviderDoor:
    """One provider. ``secret_is``: what its secret is and where to find it, in words for a page. ``made``: whether we make the secret ourselves."""

    name: str
    secret_is: str
    verify: Callable[[str, Mapping[str, str], bytes], None]
    read: Callable[[bytes], list[MtaReport]]
    made: bool = False


PROVIDERS: Mapping[Provider, ProviderDoor] = {
    Provider.SES: ProviderDoor("Amazon SES", "The ARN of the SNS topic that the notifications go to.", sns.verify, sns.read),
    Provider.SENDGRID: ProviderDoor(
        "SendGrid", "The verification key of the signed event webhook (Mail settings, Event webhooks).", others.verify_sendgrid, others.read_sendgrid
    ),
    Provider.MAILGUN: ProviderDoor("Mailgun", "The HTTP webhook signing key (Sending, Webhooks).", others.verify_mailgun, others.read_mailgun),
    Provider.POSTMARK: ProviderDoor(
        "Postmark", "A secret of your own: give it there as the password of Basic authentication.", others.verify_shared_secret, others.read_postmark, True
    ),
    Provider.BREVO: ProviderDoor("Brevo", "A secret of your own: give it there as the Bearer token.", others.verify_shared_secret, others.read_brevo, True),
    Provider.GENERIC: ProviderDoor(
        "Another system", "A whsec_ secret: reports are signed as Standard Webhooks.", others.verify_generic, others.read_generic, True
    ),
}
