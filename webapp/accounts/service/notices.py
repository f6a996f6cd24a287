"""Letters that tell a person what happened to their account. They go with the platform's other letters: a row, then a job."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from webapp.accounts.models import User
from webapp.accounts.service.tokens import request_token
from webapp.accounts.types import NoticeKind, TokenPurpose


def tell(session: Session, user: User, kind: NoticeKind, *, to: str | None = None, **facts: Any) -> None:
    """Ask for a letter to the person, or to ``to`` (an address they had before). ``facts``: plain values for the text; no secret."""
    request_token(session, TokenPurpose.NOTICE, to or user.email, user_id=user.id, data={"kind": kind.value, **facts})
