"""second factors, passkeys, sign-in history, identities, and tenants that end"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"

_TABLES = ("identities", "sign_ins", "sign_in_challenges", "passkeys", "recovery_codes", "totp_secrets")


def upgrade() -> None:
    op.add_column("users", _moment("password_changed_at"))
    op.add_column("user_sessions", sa.Column("method", sa.Text(), nullable=True))
    op.add_column("user_sessions", _moment("factor_at"))
    op.add_column("user_sessions", _moment("confirmed_at"))
    op.add_column("one_time_tokens", sa.Column("data", postgresql.JSONB(), server_default="{}", nullable=False))
    op.add_column("tenants", sa.Column("require_second_factor", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("tenants", _moment("delete_at"))
    op.add_column("tenants", sa.Column("delete_asked_by", sa.Text(), nullable=True))
    _make_factors()
    _make_sign_ins()


def _moment(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=True)


def _person(table: str, *, nullable: bool = False) -> tuple[sa.Column[object], sa.ForeignKeyConstraint]:
    key = sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f(f"fk_{table}_user_id"), ondelete="CASCADE")
    return sa.Column("user_id", sa.Uuid(), nullable=nullable), key


def _id(table: str) -> tuple[sa.Column[object], sa.PrimaryKeyConstraint]:
    return sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False), sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}"))


def _times() -> tuple[sa.Column[object], ...]:
    return tuple(sa.Column(name, sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False) for name in ("created_at", "updated_at"))


def _make_factors() -> None:
    op.create_table(
        "totp_secrets",
        *_person("totp_secrets"),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        _moment("confirmed_at"),
        sa.Column("last_step", sa.BigInteger(), server_default="0", nullable=False),
        *_times(),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_totp_secrets")),
    )
    op.create_table(
        "recovery_codes",
        *_person("recovery_codes"),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        _moment("used_at"),
        *_id("recovery_codes"),
        sa.UniqueConstraint("code_hash", name=op.f("uq_recovery_codes_code_hash")),
    )
    op.create_index(op.f("ix_recovery_codes_user_id"), "recovery_codes", ["user_id"])
    op.create_table(
        "passkeys",
        *_person("passkeys"),
        sa.Column("credential_id", sa.LargeBinary(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("transports", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("synced", sa.Boolean(), nullable=False),
        _moment("last_used_at"),
        *_times(),
        *_id("passkeys"),
        sa.UniqueConstraint("credential_id", name=op.f("uq_passkeys_credential_id")),
    )
    op.create_index(op.f("ix_passkeys_user_id"), "passkeys", ["user_id"])


def _make_sign_ins() -> None:
    op.create_table(
        "sign_in_challenges",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        *_person("sign_in_challenges", nullable=True),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("challenge", sa.LargeBinary(), nullable=True),
        sa.Column("data", postgresql.JSONB(), server_default="{}", nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        *_id("sign_in_challenges"),
        sa.UniqueConstraint("token_hash", name=op.f("uq_sign_in_challenges_token_hash")),
    )
    op.create_index(op.f("ix_sign_in_challenges_user_id"), "sign_in_challenges", ["user_id"])
    op.create_table(
        "sign_ins",
        *_person("sign_ins", nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("method", "outcome", "device")),
        *(sa.Column(name, sa.Text(), nullable=True) for name in ("address", "network")),
        sa.Column("is_new", sa.Boolean(), server_default=sa.false(), nullable=False),
        *_id("sign_ins"),
    )
    op.create_index("ix_sign_ins_user_id_id", "sign_ins", ["user_id", "id"])
    op.create_index(op.f("ix_sign_ins_at"), "sign_ins", ["at"])
    op.create_table(
        "identities",
        *_person("identities"),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("issuer", "subject", "email")),
        _moment("last_used_at"),
        *_times(),
        *_id("identities"),
        sa.UniqueConstraint("issuer", "subject", name=op.f("uq_identities_issuer_subject")),
    )
    op.create_index(op.f("ix_identities_user_id"), "identities", ["user_id"])


def downgrade() -> None:
    for table in _TABLES:
        op.drop_table(table)
    for table, names in (
        ("tenants", ("delete_asked_by", "delete_at", "require_second_factor")), ("one_time_tokens", ("data",)),
        ("user_sessions", ("confirmed_at", "factor_at", "method")), ("users", ("password_changed_at",)),
    ):  # fmt: skip
        for name in names:
            op.drop_column(table, name)
