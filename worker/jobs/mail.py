"""The platform's own mail: password resets, invitations. It goes the way of all mail, from a tenant that is the platform itself."""

from __future__ import annotations

from uuid import UUID

import structlog

from webapp.accounts import service as accounts
from webapp.accounts.types import Letter
from webapp.kernel.addresses import parse_address
from webapp.kernel.db import unscoped
from webapp.kernel.errors import DomainError
from webapp.kernel.jobs import answer_wake
from webapp.messages import service as messages
from webapp.messages.types import Door, MessageSubmission, RecipientInput
from webapp.settings import get_settings
from webapp.tenants.service import system_tenant_id
from worker.runtime import unit_of_work

log = structlog.get_logger()


def send_system_mail(kind: str, token_id: str) -> None:
    """Write the letter that the row asks for and accept it, both in one transaction. Does nothing when it was sent already."""
    with unscoped("the platform's own tenant") as session:
        tenant_id = system_tenant_id(session)
    with unit_of_work(tenant_id) as scope:
        letter = accounts.take_letter(scope.session, UUID(token_id))
        if letter is not None:
            accepted = messages.accept(scope, submission_of(letter))
            log.info("system_mail_accepted", kind=kind, message_id=str(accepted.id))


def send_waiting(slot: int) -> None:
    """Send what a lost wake-up left behind; one letter that is refused does not hold up the others."""
    answer_wake("worker.jobs.mail.send_waiting", slot)
    with unscoped("letters of the platform") as session:
        waiting = accounts.list_waiting(session)
    for kind, token_id in waiting:
        try:
            send_system_mail(kind.value, str(token_id))
        except DomainError as error:
            log.warning("system_mail_refused", kind=kind.value, error=error.message)


def submission_of(letter: Letter) -> MessageSubmission:
    """The letter as every door hands its mail in."""
    sender = parse_address(get_settings().system_from)
    return MessageSubmission(
        from_address=sender, recipients=(RecipientInput(parse_address(letter.to)),), subject=letter.subject, door=Door.SYSTEM, html=letter.html,
        text=letter.text, tags=(letter.kind.value,), headers=(("Auto-Submitted", "auto-generated"),),
    )  # fmt: skip
