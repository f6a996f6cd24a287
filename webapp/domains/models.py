"""Sender domains, their DKIM keys, what DNS said about them over time, and the notices their owners get."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from webapp.domains.types import DkimAlgorithm, DomainStatus, KeyState
from webapp.kernel.db import Base, HasId, TenantOwned, Timestamps


class Domain(HasId, TenantOwned, Timestamps, Base):
    """A domain a tenant sends from. Verified by a TXT challenge bound to the tenant; only one tenant can hold it verified."""

    __tablename__ = "domains"
    __table_args__ = (
        sa.UniqueConstraint("tenant_id", "name"),
        sa.UniqueConstraint("tenant_id", "id"),
        sa.Index("uq_domains_verified_name", "name", unique=True, postgresql_where=sa.text("verified_at is not null")),
        sa.Index(None, "next_check_at", postgresql_where=sa.text("next_check_at is not null")),
    )

    tenant_id: Mapped[UUID] = mapped_column(sa.ForeignKey("tenants.id", ondelete="CASCADE"))
    name: Mapped[str]
    status: Mapped[str] = mapped_column(default=DomainStatus.PENDING, server_default=DomainStatus.PENDING)
    challenge: Mapped[str]
    #: When the challenge was given out. A take-over needs one that is younger than the other tenant's verification.
    challenge_at: Mapped[datetime] = mapped_column(server_default=sa.func.now())
    #: The domain at which the proof is asked for: a parent that another tenant has verified with its sub-domains; empty: the domain itself.
    proof_at: Mapped[str | None]
    covers_subdomains: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    #: The operator answers for it: no proof in DNS is asked for, now or later.
    vouched: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    #: Set while mail may leave from it, in the states verified and failing.
    verified_at: Mapped[datetime | None]
    failing_since: Mapped[datetime | None]
    off_reason: Mapped[str | None]
    return_path_label: Mapped[str] = mapped_column(default="bounces", server_default="bounces")
    return_path_verified_at: Mapped[datetime | None]
    tracking_label: Mapped[str] = mapped_column(default="links", server_default="links")
    tracking_verified_at: Mapped[datetime | None]
    checked_at: Mapped[datetime | None]
    next_check_at: Mapped[datetime | None]
    score: Mapped[int | None]
    #: Why it is not verified although its challenge was found.
    problem: Mapped[str | None]
    #: What the last check found: by record {"challenge": {"state": "ok", "found": [...], "todo": ...}}, and facts under "_spf", "_dmarc", "_zone".
    findings: Mapped[dict[str, Any]] = mapped_column(server_default="{}", default=dict)

    @property
    def return_path_host(self) -> str:
        """The host of return paths under this domain, published or not."""
        return f"{self.return_path_label}.{self.name}"

    @property
    def tracking_host(self) -> str:
        """The host of tracked links under this domain, published or not."""
        return f"{self.tracking_label}.{self.name}"

    @property
    def may_send(self) -> bool:
        """Whether live mail may leave from it."""
        return self.verified_at is not None


class DkimKey(HasId, TenantOwned, Timestamps, Base):
    """One signing key of a domain. ``private_key`` is sealed; ``active_at`` set once its record was seen in DNS.

    ``number`` counts rotations. The newest active key of each algorithm signs; ``replaced_at`` is when this one stopped being it.
    """

    __tablename__ = "dkim_keys"
    __table_args__ = (
        sa.ForeignKeyConstraint(["tenant_id", "domain_id"], ["domains.tenant_id", "domains.id"], ondelete="CASCADE"),
        sa.UniqueConstraint("domain_id", "selector"),
    )

    domain_id: Mapped[UUID]
    algorithm: Mapped[str]
    selector: Mapped[str]
    number: Mapped[int] = mapped_column(default=1, server_default="1")
    private_key: Mapped[bytes]
    public_record: Mapped[str]
    active_at: Mapped[datetime | None]
    #: Since when DNS holds another key, or none, under this selector.
    withdrawn_at: Mapped[datetime | None]
    replaced_at: Mapped[datetime | None]
    retired_at: Mapped[datetime | None]

    @property
    def state(self) -> KeyState:
        """What it is used for at present."""
        if self.retired_at:
            return KeyState.RETIRED
        if self.replaced_at:
            return KeyState.REPLACED
        if self.withdrawn_at:
            return KeyState.WITHDRAWN
        return KeyState.SIGNING if self.active_at else KeyState.WAITING

    @property
    def is_rsa(self) -> bool:
        """Whether it is the key that every receiver understands."""
        return self.algorithm == DkimAlgorithm.RSA


class RecordCheck(HasId, TenantOwned, Base):
    """A stretch of time in which checks of one record had one and the same result."""

    __tablename__ = "domain_checks"
    __table_args__ = (
        sa.ForeignKeyConstraint(["tenant_id", "domain_id"], ["domains.tenant_id", "domains.id"], ondelete="CASCADE"),
        sa.Index(None, "domain_id", "key", "last_at"),
    )

    domain_id: Mapped[UUID]
    key: Mapped[str]
    type: Mapped[str]
    name: Mapped[str]
    expected: Mapped[str]
    state: Mapped[str]
    found: Mapped[list[str]]
    todo: Mapped[str | None]
    first_at: Mapped[datetime] = mapped_column(server_default=sa.func.now())
    last_at: Mapped[datetime] = mapped_column(server_default=sa.func.now())
    times: Mapped[int] = mapped_column(default=1, server_default="1")


class DomainNotice(HasId, TenantOwned, Base):
    """A letter to the tenant's owners about a domain; ``mailed_at`` empty: the job that mails it has still to come by."""

    __tablename__ = "domain_notices"
    __table_args__ = (
        sa.ForeignKeyConstraint(["tenant_id", "domain_id"], ["domains.tenant_id", "domains.id"], ondelete="CASCADE"),
        sa.Index(None, "domain_id", "kind"),
        sa.Index("ix_domain_notices_unmailed", "created_at", postgresql_where=sa.text("mailed_at is null")),
    )

    domain_id: Mapped[UUID]
    kind: Mapped[str]
    #: What the letter says besides the domain's name: record names, the time of the switch-off.
    facts: Mapped[dict[str, Any]] = mapped_column(server_default="{}", default=dict)
    created_at: Mapped[datetime] = mapped_column(server_default=sa.func.now())
    mailed_at: Mapped[datetime | None]
