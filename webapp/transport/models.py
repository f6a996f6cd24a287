"""MTA-STS policies and results of TLS. Facts about other people's domains, gathered from all mail: they belong to no tenant."""

from __future__ import annotations

import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from webapp.kernel.db import Base


class MtaStsPolicy(Base):
    """A policy as it was last fetched; it holds until ``expires_at`` whatever becomes of its host (RFC 8461)."""

    __tablename__ = "mta_sts_policies"

    domain: Mapped[str] = mapped_column(primary_key=True)
    #: The id in the DNS record it was fetched for.
    policy_id: Mapped[str]
    #: enforce, testing or none
    mode: Mapped[str]
    mx: Mapped[list[str]]
    fetched_at: Mapped[datetime.datetime]
    expires_at: Mapped[datetime.datetime] = mapped_column(index=True)


class TlsResultRow(Base):
    """How many sessions of a day (UTC) with a domain's host went the same way (RFC 8460)."""

    __tablename__ = "tls_results"

    day: Mapped[datetime.date] = mapped_column(sa.Date(), primary_key=True)
    domain: Mapped[str] = mapped_column(primary_key=True)
    #: sts, tlsa or no-policy-found
    policy_type: Mapped[str] = mapped_column(primary_key=True)
    #: ``successful``, or a result type of RFC 8460 4.3
    result: Mapped[str] = mapped_column(primary_key=True)
    mx: Mapped[str] = mapped_column(primary_key=True)
    source_ip: Mapped[str] = mapped_column(primary_key=True)
    remote_ip: Mapped[str] = mapped_column(primary_key=True)
    sessions: Mapped[int]
    reason: Mapped[str] = mapped_column(server_default="")
    #: The policy as text, as it was last seen.
    policy: Mapped[str] = mapped_column(server_default="")
