"""A tenant's limits of live recipients: a UTC day, a UTC month, any sixty seconds. Asked of the database with every message, under a lock of the tenant."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from webapp.kernel.errors import DomainError, LimitExceeded, RateLimited
from webapp.kernel.ids import uuid7_floor
from webapp.kernel.scope import Mode
from webapp.messages.service import statements
from webapp.messages.service.arrays import int_value
from webapp.messages.service.sender import TenantFacts
from webapp.messages.service.units import Draft

QUOTAS = frozenset({"day", "month", "minute"})
_AGAIN = {"day": "it starts anew at 00:00 UTC", "month": "it starts anew on the first of the month, 00:00 UTC", "minute": "go on more slowly"}
_STATEMENTS = {"day": statements.USED_TODAY, "month": statements.USED_THIS_MONTH, "minute": statements.USED_THIS_MINUTE}
#: Seconds after which a client over the limit of a minute may try again: some of the window is free by then.
_RETRY_AFTER = 10


@dataclass(frozen=True, slots=True)
class Quota:
    """One limit of a tenant that has it."""

    name: str
    limit: int

    def ask(self, do: Callable[..., int], now: datetime, *, first: bool) -> int:
        """Queue the question how much is used; the place of its answer. The first one of a round takes the lock."""
        if first:
            do(statements.LOCK_QUOTA)
        if self.name == "minute":
            return do(_STATEMENTS[self.name], since=uuid7_floor(now - timedelta(minutes=1)).bytes, most=int_value(self.limit))
        return do(_STATEMENTS[self.name])

    def refuse(self, drafts: Sequence[Draft], used: int) -> None:
        """Give the live ones among ``drafts`` their error from where the limit is passed; smaller ones behind them may still fit."""
        for draft in drafts:
            if draft.mode is not Mode.LIVE:
                continue
            if used + len(draft.recipients) > self.limit:
                draft.error = self._error()
            else:
                used += len(draft.recipients)

    def _error(self) -> DomainError:
        text = f"The limit of {self.limit} live recipients a {self.name} is reached; {_AGAIN[self.name]}."
        return RateLimited(text, retry_after=_RETRY_AFTER) if self.name == "minute" else LimitExceeded(text, param="to")


def quotas_of(facts: TenantFacts) -> list[Quota]:
    """The limits a tenant has, its own or its plan's."""
    limits = (("day", facts.daily_limit), ("month", facts.monthly_limit), ("minute", facts.minute_limit))
    return [Quota(name, limit) for name, limit in limits if limit is not None]
