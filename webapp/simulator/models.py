"""Mail that the built-in simulator took in."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from webapp.kernel.db import Base, HasId, TenantOwned, Timestamps


class SimulatedMail(HasId, TenantOwned, Timestamps, Base):
    """One mail as a receiver got it. The tenant is known from the return path, which names the recipient."""

    __tablename__ = "simulated_mails"
    __table_args__ = (sa.Index(None, "tenant_id", "id"), sa.Index(None, "recipient_id"))

    tenant_id: Mapped[UUID] = mapped_column(sa.ForeignKey("tenants.id", ondelete="CASCADE"))
    recipient_id: Mapped[UUID]
    message_id: Mapped[UUID]
    address: Mapped[str]
    return_path: Mapped[str]
    raw: Mapped[bytes]
