"""A tenant's mail whose fate the test decides: messages come in by accept, and outcomes are written as the dispatcher writes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from tests.fixtures import Cast, Person
from webapp.bridges.service import BridgeInput, create_bridge
from webapp.kernel.addresses import parse_address
from webapp.kernel.clock import now
from webapp.kernel.db import raw_of, unscoped
from webapp.kernel.ids import uuid7
from webapp.messages.service import accept, forget_facts
from webapp.messages.service.claim import claim
from webapp.messages.service.outcomes import Outcome, record_outcomes
from webapp.messages.types import Door, MessageSubmission, RecipientInput, RecipientState
from webapp.pools.models import Pool
from webapp.suppressions.service import note_bounces
from webapp.suppressions.types import Bounce


@dataclass(frozen=True)
class Said:
    """What a server answers. The default: the mailbox does not exist."""

    state: RecipientState = RecipientState.BOUNCED
    reply: str = "550 5.1.1 no such user"
    reply_class: str = "hard.unknown_user"
    blame: str = "recipient"
    suppress: bool = True
    host: str = "mx1.example.net"
    code: int = 550
    member_id: UUID | None = None


GONE = Said()
TAKEN = Said(RecipientState.DELIVERED, "250 2.0.0 taken", "delivered", "nobody", False, code=250)
FULL = Said(RecipientState.BOUNCED, "552 5.2.2 mailbox full", "soft.mailbox_full", "recipient", False, code=552)
OFF = Said(RecipientState.BOUNCED, "550 5.2.1 mailbox disabled", "soft.inactive", "recipient", False)
OUR_DNS = Said(RecipientState.BOUNCED, "550 5.7.26 SPF failed", "policy.auth", "our_domain", False)


@dataclass
class Post:
    """One person's outgoing mail."""

    person: Person
    bridge_id: UUID
    domain: str = "acme.test"

    def send(self, *to: str, subject: str = "Order", stream: str = "transactional", **more: Any) -> UUID:
        """Accepted and committed; the message's id."""
        submission = MessageSubmission(
            from_address=parse_address(f"shop@{self.domain}"), recipients=tuple(RecipientInput(parse_address(a)) for a in to), subject=subject, door=Door.API,
            text="Thanks", bridge_id=self.bridge_id, list_mail=stream == "bulk", **more,
        )  # fmt: skip
        with self.person.scope() as scope:
            return accept(scope, submission).id

    def answer(self, said: Said, most: int = 100_000) -> int:
        """Claim what is due, and have the server say this about each recipient. Returns how many there were."""
        with unscoped("test") as session:
            claimed = claim(raw_of(session), owner="test", batch=most, lease_seconds=60)
            moment = now()
            outcomes = [
                Outcome(
                    c.recipient_id, uuid7(), c.attempt, said.state, None, True, said.code, None, said.reply, said.reply_class, said.blame, "rcpt",
                    said.member_id, said.host, "192.0.2.1", None, False, moment, moment, None,
                )
                for c in claimed
            ]  # fmt: skip
            recorded = {row.recipient_id: row for row in record_outcomes(raw_of(session), outcomes)}
            note_bounces(
                session,
                [
                    Bounce(
                        c.tenant_id, recorded[c.recipient_id].address, c.recipient_id, c.message_id, said.reply_class, said.blame, said.suppress,
                        said.reply, "delivery",
                    )
                    for c in claimed
                ],
            )  # fmt: skip
        return len(claimed)

    def states(self) -> dict[str, str]:
        """Address -> state, of all recipients; of several the newest."""
        return {row[0]: row[1] for row in rows("select address, state from recipients where tenant_id = :t order by id", t=self.person.tenant_id)}

    def suppressed(self) -> dict[str, str]:
        """Address -> reason, of the tenant's suppressions in force."""
        found = rows("select address, reason from suppressions where tenant_id = :t and (expires_at is null or expires_at > now())", t=self.person.tenant_id)
        return {row[0]: row[1] for row in found}

    def figures(self) -> dict[str, int]:
        """The tenant's figures, folded or not."""
        names = ("accepted", "sent", "delivered", "bounced", "hard_bounced")
        sums = ", ".join(f"coalesce(sum({name}), 0)" for name in names)
        both = " union all ".join(f"select {', '.join(names)} from {table} where tenant_id = :t" for table in ("stats_deltas", "stats_hours"))
        return dict(zip(names, rows(f"select {sums} from ({both}) x", t=self.person.tenant_id)[0], strict=True))


def rows(statement: str, **parameters: Any) -> Sequence[Any]:
    """Rows as somebody sees them who sees all tenants."""
    with unscoped("test") as session:
        return session.execute(sa.text(statement), parameters).all()


def make_post(person: Person, pool_id: UUID, domain: str = "acme.test") -> Post:
    """A person whose domain is verified and who has a bridge."""
    with unscoped("test") as session:
        session.execute(
            sa.text("insert into domains (tenant_id, name, status, challenge, verified_at) values (:t, :name, 'verified', 'x', :at)"),
            {"t": person.tenant_id, "name": domain, "at": now()},
        )
    with person.scope() as scope:
        bridge, _ = create_bridge(scope, BridgeInput(name="shop", pool_id=pool_id))
        return Post(person, bridge.id, domain)


@pytest.fixture
def pool_id(cast: Cast) -> UUID:
    """A shared pool."""
    with unscoped("test") as session:
        pool = Pool(name="Shared", is_default=True)
        session.add(pool)
        session.flush()
        return pool.id


@pytest.fixture
def post(cast: Cast, pool_id: UUID) -> Post:
    """The owner's mail."""
    forget_facts()
    return make_post(cast.owner, pool_id)


