"""What staff judge a tenant by: its domains, its sandbox mail, its people, where it came from, and who is like it. Needs an unscoped session."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.accounts.models import Membership, User
from webapp.activity.models import ActivityEntry
from webapp.backoffice.models import StaffRequest
from webapp.domains.models import Domain
from webapp.kernel.ids import uuid7_time
from webapp.kernel.scope import Mode
from webapp.messages.models import Message, MessageContent, Recipient
from webapp.messages.types import RecipientState
from webapp.stats.models import StatsDelta, StatsHour
from webapp.tenants.models import Tenant

#: Sandbox mails whose links are read, and links shown.
_MAILS, _LINKS = 50, 30
_LINK = re.compile(r"https?://[^\s\"'<>)\]]{1,500}", re.IGNORECASE)
#: Hosts that hide where a link leads.
SHORTENERS = frozenset({"bit.ly", "tinyurl.com", "t.co", "goo.gl", "is.gd", "ow.ly", "buff.ly", "cutt.ly", "rb.gy", "shorturl.at", "t.ly", "lnkd.in"})
#: Mail hosts that anybody may use: a common one makes nobody alike.
_FREE_MAIL = frozenset(
    {"gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "live.com", "yahoo.com", "icloud.com", "aol.com", "gmx.de", "gmx.net", "web.de",
     "mail.ru", "yandex.ru", "proton.me", "protonmail.com", "qq.com", "163.com"}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Link:
    """Where links of sandbox mail lead. ``own``: under a domain of the tenant; ``hidden``: through a shortener."""

    host: str
    mails: int
    own: bool
    hidden: bool


@dataclass(frozen=True, slots=True)
class Alike:
    """Another tenant, and in what it is alike."""

    tenant: Tenant
    because: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything on one page. Counts are of recipients."""

    signed_up_at: datetime
    signed_up_from: str | None
    signed_up_by: str | None
    domains: Sequence[Domain]
    sandboxed: int
    suppressed: int
    sandbox_domains: list[tuple[str, int]]
    bounced: int
    sent: int
    complained: int
    subjects: list[str]
    links: list[Link]
    alike: list[Alike]


def gather(session: Session, tenant: Tenant) -> Evidence:
    """All that is known of ``tenant``, from its latest sandbox mail and its whole history of figures."""
    domains = session.scalars(sa.select(Domain).where(Domain.tenant_id == tenant.id).order_by(Domain.name)).all()
    born = _born(session, tenant.id)
    messages = session.scalars(_recent_mail(tenant.id)).all()
    sums = _sums(session, tenant.id)
    return Evidence(
        signed_up_at=uuid7_time(tenant.id), signed_up_from=born.address if born else None, signed_up_by=born.actor_name if born else None, domains=domains,
        sandboxed=sums["sandboxed"], suppressed=sums["suppressed"], bounced=sums["hard_bounced"], sent=sums["sent"], complained=sums["complained"],
        sandbox_domains=_recipient_domains(session, tenant.id), subjects=list(dict.fromkeys(message.subject for message in messages))[:10],
        links=_links(session, messages, [domain.name for domain in domains]), alike=_alike(session, tenant, born, domains),
    )  # fmt: skip


def _born(session: Session, tenant_id: UUID) -> ActivityEntry | None:
    wanted = sa.select(ActivityEntry).where(ActivityEntry.tenant_id == tenant_id, ActivityEntry.action == "tenant.created")
    return session.scalar(wanted.order_by(ActivityEntry.id).limit(1))


def _recent_mail(tenant_id: UUID) -> sa.Select[Message]:
    return sa.select(Message).where(Message.tenant_id == tenant_id, Message.mode == Mode.SANDBOX.value).order_by(Message.id.desc()).limit(_MAILS)


def _sums(session: Session, tenant_id: UUID) -> dict[str, int]:
    names = ("sandboxed", "suppressed", "hard_bounced", "sent", "complained")
    found = dict.fromkeys(names, 0)
    for table in (StatsHour, StatsDelta):
        sums = [sa.func.coalesce(sa.func.sum(getattr(table, name)), 0) for name in names]
        row = session.execute(sa.select(*sums).where(table.tenant_id == tenant_id)).one()
        found = {name: found[name] + int(value) for name, value in zip(names, row, strict=True)}
    return found


def _recipient_domains(session: Session, tenant_id: UUID) -> list[tuple[str, int]]:
    """To whom the latest thousand sandbox mails went: a tenant that tests with a bought list shows here."""
    latest = sa.select(Recipient.address).where(Recipient.tenant_id == tenant_id, Recipient.state == RecipientState.SANDBOXED)
    rows = session.scalars(latest.order_by(Recipient.id.desc()).limit(1000))
    return Counter(address.rpartition("@")[2].lower() for address in rows).most_common(8)


def _links(session: Session, messages: Sequence[Message], own: Sequence[str]) -> list[Link]:
    contents = session.execute(sa.select(MessageContent.html, MessageContent.text).where(MessageContent.id.in_([message.id for message in messages])))
    hosts: Counter[str] = Counter()
    for html, text in contents:
        hosts.update({host for host in map(_host, _LINK.findall(f"{html or ''} {text or ''}"[:500_000])) if host})
    return [Link(host, mails, _is_under(host, own), host in SHORTENERS) for host, mails in hosts.most_common(_LINKS)]


def _host(link: str) -> str:
    try:
        return (urlsplit(link).hostname or "").lower()[:253]
    except ValueError:
        return ""


def _is_under(host: str, domains: Sequence[str]) -> bool:
    return any(host == domain or host.endswith("." + domain) for domain in domains)


def _alike(session: Session, tenant: Tenant, born: ActivityEntry | None, domains: Sequence[Domain]) -> list[Alike]:
    """Tenants from the same network, with members at the same host, with the same domain or website."""
    because: dict[UUID, list[str]] = {}
    for reason, statement in _likenesses(session, tenant, born, domains):
        for id_ in session.scalars(statement.limit(20)):
            if id_ != tenant.id and reason not in because.setdefault(id_, []):
                because[id_].append(reason)
    others = session.scalars(sa.select(Tenant).where(Tenant.id.in_(because)).order_by(Tenant.id.desc()).limit(20))
    return [Alike(other, tuple(because[other.id])) for other in others if because[other.id]]


def _likenesses(
    session: Session, tenant: Tenant, born: ActivityEntry | None, domains: Sequence[Domain]
) -> list[tuple[str, sa.Select[UUID]]]:
    found: list[tuple[str, sa.Select[UUID]]] = []
    if born is not None and born.address and (network := network_of(born.address)):
        same = ActivityEntry.address.startswith(network, autoescape=True)
        found.append((f"signed up from {network}…", sa.select(ActivityEntry.tenant_id).where(ActivityEntry.action == "tenant.created", same)))
    emails = session.scalars(sa.select(User.email).join(Membership, Membership.user_id == User.id).where(Membership.tenant_id == tenant.id))
    for host in sorted({email.rpartition("@")[2].lower() for email in emails} - _FREE_MAIL):
        people = sa.select(Membership.tenant_id).join(User, User.id == Membership.user_id).where(User.email.iendswith(f"@{host}", autoescape=True))
        found.append((f"members at {host}", people))
    for domain in domains[:10]:
        found.append((f"the domain {domain.name}", sa.select(Domain.tenant_id).where(Domain.name == domain.name)))
    for website in session.scalars(sa.select(StaffRequest.website).where(StaffRequest.tenant_id == tenant.id, StaffRequest.website.is_not(None)).distinct()):
        found.append((f"the website {website}", sa.select(StaffRequest.tenant_id).where(StaffRequest.website == website)))
    return found


def network_of(address: str) -> str | None:
    """The beginning of an address that its network shares: three of four numbers of IPv4 (/24), three groups of IPv6 (/48)."""
    if re.fullmatch(r"\d{1,3}(\.\d{1,3}){3}", address):
        return address.rpartition(".")[0] + "."
    groups = address.split(":")
    return ":".join(groups[:3]) + ":" if len(groups) > 4 and all(groups[:3]) else None
