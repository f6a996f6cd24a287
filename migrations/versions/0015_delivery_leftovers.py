"""header fields that relays want to see, by sending account"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.add_column("sending_accounts", sa.Column("headers", pg.JSONB(), server_default="{}", nullable=False))


def downgrade() -> None:
    op.drop_column("sending_accounts", "headers")
