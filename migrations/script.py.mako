"""${message}

Rules of this house: must not break the previous release (expand, backfill in batches, contract a release later); no lock over 5 s;
a new tenant-owned table gets its row-level security here; number the file and write its number to migrations/HEAD.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    ${downgrades if downgrades else "pass"}
