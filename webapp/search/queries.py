"""What a person may find by a word or an id: only what their role lets them open."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa

from webapp.bridges.models import Bridge
from webapp.bridges.service import list_bridges
from webapp.content.models import EmailTemplate
from webapp.domains.models import Domain
from webapp.kernel.ids import parse_uuid
from webapp.kernel.permissions import Permission
from webapp.kernel.scope import Scope
from webapp.messages.service import LogFilter, list_recipients

_EACH = 5


@dataclass(frozen=True, slots=True)
class Hit:
    """One thing found; ``endpoint`` and ``values`` name its page."""

    title: str
    note: str
    endpoint: str
    values: dict[str, str]


@dataclass(frozen=True, slots=True)
class HitGroup:
    """Hits of one kind."""

    label: str
    icon: str
    hits: list[Hit]


def search(scope: Scope, text: str) -> list[HitGroup]:
    """Everything found, group by group; nothing for an empty text."""
    words = text.strip()
    if not words:
        return []
    allowed = [kind for kind in _KINDS if scope.permissions.allows(kind[2])]
    return [HitGroup(label, icon, hits) for label, icon, _, look in allowed if (hits := look(scope, words))]


def _bridges(scope: Scope, text: str) -> list[Hit]:
    by_id = sa.select(Bridge).where(Bridge.id == parse_uuid(text), Bridge.deleted_at.is_(None))
    rows = scope.session.scalars(by_id).all() if parse_uuid(text) else list_bridges(scope, search=text, limit=_EACH).items
    return [Hit(bridge.name, f"{bridge.mode} bridge", "bridges.show", _id("bridge_id", bridge.id)) for bridge in rows]


def _domains(scope: Scope, text: str) -> list[Hit]:
    wanted = sa.select(Domain).where(Domain.name.contains(text.lower(), autoescape=True)).order_by(Domain.name).limit(_EACH)
    return [Hit(domain.name, "Domain", "domains.show", _id("domain_id", domain.id)) for domain in scope.session.scalars(wanted)]


def _templates(scope: Scope, text: str) -> list[Hit]:
    parts = sa.or_(*(column.icontains(text, autoescape=True) for column in (EmailTemplate.name, EmailTemplate.slug, EmailTemplate.subject)))
    wanted = sa.select(EmailTemplate).where(parts).order_by(EmailTemplate.name).limit(_EACH)
    return [Hit(one.name, one.slug, "content.edit", _id("template_id", one.id)) for one in scope.session.scalars(wanted)]


def _mail(scope: Scope, text: str) -> list[Hit]:
    rows = list_recipients(scope, LogFilter(search=text), limit=_EACH).items
    return [
        Hit(row.message.subject or "(no subject)", f"{row.recipient.address} · {row.recipient.state}", "messages.show", _id("message_id", row.message.id))
        for row in rows
    ]


def _id(name: str, value: UUID) -> dict[str, str]:
    return {name: str(value)}


_KINDS: tuple[tuple[str, str, Permission, Callable[[Scope, str], list[Hit]]], ...] = (
    ("Bridges", "cable", Permission.BRIDGE_READ, _bridges),
    ("Domains", "globe", Permission.DOMAIN_READ, _domains),
    ("Templates", "file-text", Permission.TEMPLATE_READ, _templates),
    ("Messages", "mail", Permission.LOGS_READ, _mail),
)
