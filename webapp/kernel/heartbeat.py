"""Signs of life: every process writes its row at least each 15 s; readiness, the dashboard and `postbridge doctor` read them."""

from __future__ import annotations

import json
import os
import socket
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from webapp.kernel.db import Base, unscoped


class Heartbeat(Base):
    """One process: its kind (web, submission, delivery, ticker...), where it runs, when it last moved."""

    __tablename__ = "heartbeats"

    name: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    host: Mapped[str]
    pid: Mapped[int]
    version: Mapped[str]
    started_at: Mapped[datetime] = mapped_column(server_default=sa.func.now())
    seen_at: Mapped[datetime] = mapped_column(server_default=sa.func.now())
    data: Mapped[dict[str, Any]] = mapped_column(server_default="{}")


def beat(kind: str, version: str, data: dict[str, Any] | None = None) -> None:
    """Write this process's row. Raises what the database raises; callers in loops catch and log."""
    host, pid = socket.gethostname(), os.getpid()
    with unscoped("heartbeat") as session:
        session.execute(
            sa.text(
                "insert into heartbeats (name, kind, host, pid, version, data) values (:name, :kind, :host, :pid, :version, cast(:data as jsonb)) "
                "on conflict (name) do update set seen_at = now(), data = excluded.data, version = excluded.version"
            ),
            {"name": f"{kind}@{host}#{pid}", "kind": kind, "host": host, "pid": pid, "version": version, "data": json.dumps(data or {})},
        )
