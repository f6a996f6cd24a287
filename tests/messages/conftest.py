"""Senders for the tests of accept: real rows in the test database, made with as little as accept needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.fixtures import ApiClient, Cast
from webapp.bridges.models import Bridge
from webapp.domains.models import Domain
from webapp.kernel.addresses import parse_address
from webapp.kernel.db import tenant_session, unscoped
from webapp.kernel.ids import uuid7
from webapp.kernel.permissions import PermissionSet
from webapp.kernel.scope import SYSTEM, Mode, Scope
from webapp.messages.service import Sender, accept, forget_facts
from webapp.messages.types import Accepted, Door, MessageSubmission, RecipientInput, RecipientKind
from webapp.pools.models import Pool
from webapp.tenants.models import Tenant


@dataclass(frozen=True)
class House:
    """An approved tenant with the verified domain ``<slug>.example`` and one live bridge."""

    tenant_id: UUID
    bridge_id: UUID
    slug: str

    @property
    def domain(self) -> str:
        return f"{self.slug}.example"

    def sender(self, mode: Mode = Mode.LIVE, bridge: bool = False) -> Sender:
        """A key, or the bridge's own credential."""
        return Sender(self.tenant_id, mode, self.bridge_id if bridge else None, None if bridge else uuid7())

    def submission(self, **changes: Any) -> MessageSubmission:
        """A plain message to one recipient."""
        fields: dict[str, Any] = {
            "from_address": parse_address(f"shop@{self.domain}"), "recipients": to("anna@dest.example"), "subject": "Hello", "text": "Hi", "door": Door.API,
        }  # fmt: skip
        return MessageSubmission(**{**fields, **changes})

    def accept(self, submission: MessageSubmission | None = None, *, sender: Sender | None = None, **changes: Any) -> Accepted:
        """Through the whole of accept, committed."""
        with tenant_session(self.tenant_id) as session:
            scope = Scope(session, self.tenant_id, SYSTEM, PermissionSet({"*"}))
            return accept(scope, submission or self.submission(**changes), sender=sender or self.sender())

    def rows(self, statement: str, **parameters: Any) -> list[Any]:
        """Rows of any table, as this tenant sees them."""
        with tenant_session(self.tenant_id) as session:
            return list(session.execute(sa.text(statement), parameters).all())

    def change(self, statement: str, **parameters: Any) -> None:
        """Change a row and forget what accept remembers."""
        with unscoped("test") as session:
            session.execute(sa.text(statement), {"tenant": self.tenant_id, **parameters})
        forget_facts()


def to(*addresses: str, kind: RecipientKind = RecipientKind.TO) -> tuple[RecipientInput, ...]:
    """Recipients of one kind."""
    return tuple(RecipientInput(parse_address(address), kind) for address in addresses)


@pytest.fixture
def make_house(db_clean: sa.Engine) -> Iterator[Callable[..., House]]:
    """Makes houses in an empty database."""
    forget_facts()

    def make(slug: str = "acme", status: str = "approved", **columns: Any) -> House:
        with unscoped("test") as session:
            tenant = Tenant(name=slug.title(), slug=slug, status=status, **columns)
            pool = Pool(name="shared", is_default=True)
            session.add_all([tenant, pool])
            session.flush()
            bridge = Bridge(tenant_id=tenant.id, name=f"{slug}-app", pool_id=pool.id)
            session.add_all([bridge, Domain(tenant_id=tenant.id, name=f"{slug}.example", status="verified", challenge="x", verified_at=sa.func.now())])
            session.flush()
            return House(tenant.id, bridge.id, slug)

    yield make
    forget_facts()


@pytest.fixture
def house(make_house: Callable[..., House]) -> House:
    """The one most tests use."""
    return make_house()


@pytest.fixture
def shop(cast: Cast) -> House:
    """The cast's owner as a sender: verified domain and a live bridge."""
    forget_facts()
    assert cast.owner.tenant_id is not None
    with unscoped("test") as session:
        pool = Pool(name="shared", is_default=True)
        session.add(pool)
        session.flush()
        bridge = Bridge(tenant_id=cast.owner.tenant_id, name="app", pool_id=pool.id)
        session.add_all([bridge, Domain(tenant_id=cast.owner.tenant_id, name="acme.example", status="verified", challenge="x", verified_at=sa.func.now())])
        session.flush()
        return House(cast.owner.tenant_id, bridge.id, "acme")


@pytest.fixture
def client(app: Flask, cast: Cast, shop: House) -> ApiClient:
    """The owner's live key."""
    return cast.owner.api(app)


def mail(**changes: Any) -> dict[str, Any]:
    """A good request body; None removes a field."""
    body = {"from": "shop@acme.example", "to": "anna@dest.example", "subject": "Hello", "text": "Hi", **changes}
    return {name: value for name, value in body.items() if value is not None}
