"""Message templates."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from webapp.kernel.db import Base, HasId, TenantOwned, Timestamps


class EmailTemplate(HasId, TenantOwned, Timestamps, Base):
    """A template found by its slug; ``active`` ones can be sent with."""

    __tablename__ = "email_templates"
    __table_args__ = (sa.UniqueConstraint("tenant_id", "slug"),)

    tenant_id: Mapped[UUID] = mapped_column(sa.ForeignKey("tenants.id", ondelete="CASCADE"))
    slug: Mapped[str]
    name: Mapped[str]
    subject: Mapped[str]
    html: Mapped[str | None]
    text: Mapped[str | None]
    active: Mapped[bool] = mapped_column(default=True, server_default=sa.true())
    version: Mapped[int] = mapped_column(default=1, server_default="1")
