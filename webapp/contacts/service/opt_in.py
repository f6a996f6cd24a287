"""Double opt-in: who is to be asked, the letter that asks, and the answer."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.contacts.confirmation import Membership, make_token
from webapp.contacts.models import Contact, ContactList, ListMember
from webapp.contacts.types import MemberState
from webapp.kernel.letters import render_letter
from webapp.settings import get_settings

_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Question:
    """A letter to one person."""

    list_id: UUID
    contact_id: UUID
    sender: str
    to: str
    subject: str
    text: str
    html: str


def lists_that_ask(session: Session) -> list[tuple[UUID, UUID]]:
    """``(tenant, list)`` of lists on which somebody is to be asked. The session must see all tenants."""
    waiting = sa.exists().where(ListMember.list_id == ContactList.id, ListMember.state == MemberState.PENDING, ListMember.asked_at.is_(None))
    wanted = sa.select(ContactList.tenant_id, ContactList.id).where(waiting, ContactList.problem.is_(None), ContactList.from_address.is_not(None))
    return [(row[0], row[1]) for row in session.execute(wanted)]


def take_questions(session: Session, list_id: UUID, tenant_name: str) -> list[Question]:
    """Letters for some who are to be asked, marked as asked in the caller's transaction: sent in the same one, or not at all."""
    found = session.scalar(sa.select(ContactList).where(ContactList.id == list_id).with_for_update(skip_locked=True))
    if found is None or found.from_address is None:
        return []
    joined = sa.and_(ListMember.tenant_id == Contact.tenant_id, ListMember.contact_id == Contact.id)
    wanted = sa.select(Contact, ListMember).join(ListMember, joined).where(
        ListMember.list_id == list_id, ListMember.state == MemberState.PENDING, ListMember.asked_at.is_(None)
    ).limit(_AT_ONCE)  # fmt: skip
    questions = []
    for contact, member in session.execute(wanted):
        member.asked_at = sa.func.now()
        questions.append(_write(found, contact, tenant_name))
    return questions


def _write(found: ContactList, contact: Contact, tenant_name: str) -> Question:
    link = f"{get_settings().public_url.rstrip('/')}/confirm/{make_token(found.id, contact.id)}"
    values = {"list": found.name, "description": found.description, "tenant": tenant_name, "person": contact.first_name, "link": link}
    subject = f"Please confirm: {found.name}"
    text, html = render_letter("confirm_list", **values, to=contact.email, base=tenant_name, subject=subject)
    return Question(found.id, contact.id, found.from_address or "", contact.email, subject, text, html)


def find_question(session: Session, who: Membership) -> tuple[ContactList, ListMember] | None:
    """The list and the standing that a token names; None when the list or the person is gone. The session must see all tenants."""
    member = session.scalar(sa.select(ListMember).where(ListMember.list_id == who.list_id, ListMember.contact_id == who.contact_id))
    found = session.scalar(sa.select(ContactList).where(ContactList.id == who.list_id))
    return (found, member) if found is not None and member is not None else None


def confirm_membership(session: Session, who: Membership) -> ContactList | None:
    """The person said yes: they are on the list, and when they agreed is kept. Twice is once. None as in ``find_question``."""
    question = find_question(session, who)
    if question is None:
        return None
    found, member = question
    if member.state != MemberState.SUBSCRIBED:
        member.state, member.left_at, member.joined_at = MemberState.SUBSCRIBED, None, sa.func.now()
        agreed = {"consent_source": f"Confirmed by mail: {found.name}"[:200], "consent_at": sa.func.now()}
        session.execute(sa.update(Contact).where(Contact.id == who.contact_id).values(**agreed))
    return found
