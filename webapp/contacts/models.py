"""Contacts, and how a tenant sorts them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.orm import Mapped, mapped_column

from webapp.kernel.db import Base, HasId, TenantOwned, Timestamps


def _tenant(*, primary_key: bool = False) -> Mapped[UUID]:
    return mapped_column(sa.ForeignKey("tenants.id", ondelete="CASCADE"), primary_key=primary_key)


def _of(table: str, column: str) -> sa.ForeignKeyConstraint:
    """A row of the same tenant; gone with it."""
    return sa.ForeignKeyConstraint(["tenant_id", column], [f"{table}.tenant_id", f"{table}.id"], ondelete="CASCADE")


class Contact(HasId, TenantOwned, Timestamps, Base):
    """A person, one a canonical address. ``meta``: the tenant's own fields. ``last_opened_at``, ``last_clicked_at``: by a human, as far as can be told."""

    __tablename__ = "contacts"
    __table_args__ = (
        sa.UniqueConstraint("tenant_id", "id"),
        sa.UniqueConstraint("tenant_id", "canonical"),
        sa.Index("ix_contacts_metadata", "metadata", postgresql_using="gin", postgresql_ops={"metadata": "jsonb_path_ops"}),
    )

    tenant_id: Mapped[UUID] = _tenant()
    email: Mapped[str]
    canonical: Mapped[str]
    first_name: Mapped[str | None]
    last_name: Mapped[str | None]
    language: Mapped[str | None]
    time_zone: Mapped[str | None]
    status: Mapped[str] = mapped_column(server_default="subscribed", default="subscribed")
    meta: Mapped[dict[str, Any]] = mapped_column("metadata", pg.JSONB(), server_default=sa.text("'{}'"), default=dict)
    consent_source: Mapped[str | None]
    consent_at: Mapped[datetime | None]
    last_sent_at: Mapped[datetime | None]
    last_opened_at: Mapped[datetime | None]
    last_clicked_at: Mapped[datetime | None]

    @property
    def full_name(self) -> str:
        """First and last name, as far as they are known."""
        return " ".join(part for part in (self.first_name, self.last_name) if part)


class ContactList(HasId, TenantOwned, Timestamps, Base):
    """A list that people join and leave.

    ``from_address``: who asks new members of a list with double opt-in to confirm; ``problem``: why that mail was refused.
    """

    __tablename__ = "contact_lists"
    __table_args__ = (sa.UniqueConstraint("tenant_id", "id"), sa.UniqueConstraint("tenant_id", "name"))

    tenant_id: Mapped[UUID] = _tenant()
    name: Mapped[str]
    description: Mapped[str | None]
    double_opt_in: Mapped[bool] = mapped_column(server_default=sa.false(), default=False)
    from_address: Mapped[str | None]
    problem: Mapped[str | None]


class ListMember(TenantOwned, Base):
    """A contact on a list. Who left stays as a row, so that no import brings them back."""

    __tablename__ = "list_members"
    __table_args__ = (
        _of("contact_lists", "list_id"), _of("contacts", "contact_id"), sa.Index(None, "tenant_id", "contact_id"),
        sa.Index("ix_list_members_to_ask", "tenant_id", "list_id", postgresql_where=sa.text("state = 'pending' and asked_at is null")),
    )  # fmt: skip

    tenant_id: Mapped[UUID] = _tenant(primary_key=True)
    list_id: Mapped[UUID] = mapped_column(primary_key=True)
    contact_id: Mapped[UUID] = mapped_column(primary_key=True)
    state: Mapped[str]
    source: Mapped[str]
    joined_at: Mapped[datetime] = mapped_column(server_default=sa.func.now())
    left_at: Mapped[datetime | None]
    asked_at: Mapped[datetime | None]


class Tag(HasId, TenantOwned, Timestamps, Base):
    """A word on a contact. ``color``: #rrggbb."""

    __tablename__ = "tags"
    __table_args__ = (sa.UniqueConstraint("tenant_id", "id"), sa.UniqueConstraint("tenant_id", "name"))

    tenant_id: Mapped[UUID] = _tenant()
    name: Mapped[str]
    color: Mapped[str]


class ContactTag(TenantOwned, Base):
    """A tag on a contact."""

    __tablename__ = "contact_tags"
    __table_args__ = (_of("tags", "tag_id"), _of("contacts", "contact_id"), sa.Index(None, "tenant_id", "contact_id"))

    tenant_id: Mapped[UUID] = _tenant(primary_key=True)
    tag_id: Mapped[UUID] = mapped_column(primary_key=True)
    contact_id: Mapped[UUID] = mapped_column(primary_key=True)


class ContactEvent(HasId, TenantOwned, Base):
    """Something that a contact did, told by the tenant's application."""

    __tablename__ = "contact_events"
    __table_args__ = (
        _of("contacts", "contact_id"),
        sa.Index(None, "tenant_id", "contact_id", "occurred_at"),
        sa.Index(None, "tenant_id", "name", "occurred_at"),
    )

    tenant_id: Mapped[UUID] = _tenant()
    contact_id: Mapped[UUID]
    name: Mapped[str]
    properties: Mapped[dict[str, Any]] = mapped_column(server_default=sa.text("'{}'"), default=dict)
    occurred_at: Mapped[datetime] = mapped_column(server_default=sa.func.now())


class Segment(HasId, TenantOwned, Timestamps, Base):
    """A rule that says who is in."""

    __tablename__ = "segments"
    __table_args__ = (sa.UniqueConstraint("tenant_id", "id"), sa.UniqueConstraint("tenant_id", "name"))

    tenant_id: Mapped[UUID] = _tenant()
    name: Mapped[str]
    description: Mapped[str | None]
    rules: Mapped[dict[str, Any]]


class ContactImport(HasId, TenantOwned, Timestamps, Base):
    """A CSV file on its way into the contacts.

    ``blobs``: names of its pieces in the object store, in UTF-8. ``position``: octets of it that are done, always at the end of a row; it moves in
    the transaction that writes the rows, so a killed worker does nothing twice. ``mapping``: for each column the field it fills, or null.
    """

    __tablename__ = "contact_imports"
    __table_args__ = (
        sa.UniqueConstraint("tenant_id", "id"),
        sa.ForeignKeyConstraint(["tenant_id", "list_id"], ["contact_lists.tenant_id", "contact_lists.id"], ondelete="CASCADE"),
        sa.Index("ix_contact_imports_running", "id", postgresql_where=sa.text("state = 'running'")),
    )

    tenant_id: Mapped[UUID] = _tenant()
    list_id: Mapped[UUID | None]
    filename: Mapped[str]
    started_by: Mapped[str]
    state: Mapped[str]
    blobs: Mapped[list[str]]
    size: Mapped[int] = mapped_column(sa.BigInteger())
    delimiter: Mapped[str]
    has_header: Mapped[bool]
    columns: Mapped[list[str]]
    mapping: Mapped[list[Any]] = mapped_column(pg.JSONB())
    update_existing: Mapped[bool] = mapped_column(server_default=sa.true(), default=True)
    already_confirmed: Mapped[bool] = mapped_column(server_default=sa.false(), default=False)
    tags: Mapped[list[str]] = mapped_column(server_default=sa.text("'{}'"), default=list)
    position: Mapped[int] = mapped_column(sa.BigInteger(), server_default="0", default=0)
    rows: Mapped[int] = mapped_column(server_default="0", default=0)
    created: Mapped[int] = mapped_column(server_default="0", default=0)
    updated: Mapped[int] = mapped_column(server_default="0", default=0)
    unchanged: Mapped[int] = mapped_column(server_default="0", default=0)
    refused: Mapped[int] = mapped_column(server_default="0", default=0)
    problem: Mapped[str | None]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class ContactImportError(TenantOwned, Base):
    """A row of a file that could not be taken, as it stood there."""

    __tablename__ = "contact_import_errors"
    __table_args__ = (_of("contact_imports", "import_id"),)

    tenant_id: Mapped[UUID] = _tenant(primary_key=True)
    import_id: Mapped[UUID] = mapped_column(primary_key=True)
    line: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]
    problem: Mapped[str]
