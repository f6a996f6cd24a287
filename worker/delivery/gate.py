"""The last question before a delivery is dialled, and again before its content leaves: may it still be sent?

The engine asks; whoever gives it deliveries answers, out of memory and at once. A delivery that may wait long between its claim and its turn (a slow
destination, a full window) must not leave on an answer that is old.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from worker.delivery.engine import Engine
    from worker.delivery.transaction import Transaction

_CALLED_BACK = "it was called back before it was sent"


class Answer(Enum):
    """GO; WAIT: nobody has looked lately, ask again when told to; BACK: it must not leave, the claim goes back."""

    GO = 1
    WAIT = 2
    BACK = 3


#: Asked with the recipient's id.
Gate = Callable[[UUID], Answer]


def open_gate(_: UUID) -> Answer:
    """Everything may go: for engines that nobody keeps a gate for."""
    return Answer.GO


class Barrier:
    """The engine's side of the gate: deliveries that must wait for an answer stand here, taken from no connection's time."""

    def __init__(self, engine: Engine) -> None:
        self.gate: Gate = open_gate
        self._engine = engine
        self._parked: list[Transaction] = []

    def may_begin(self, tx: Transaction) -> bool:
        """Whether `tx` may be dialled now. If not, it was given back, or waits until `ask_again`."""
        answer = self.gate(tx.delivery.recipient_id)
        if answer is Answer.GO:
            return True
        if answer is Answer.WAIT and not self._engine.stopping:
            self._parked.append(tx)
        else:
            self._engine.release(tx, _CALLED_BACK)
        return False

    def may_finish(self, tx: Transaction) -> bool:
        """Whether nobody called `tx` back while the server thought about its envelope. If somebody did, it was given back."""
        if self.gate(tx.delivery.recipient_id) is not Answer.BACK:
            return True
        self._engine.release(tx, _CALLED_BACK)
        return False

    def ask_again(self) -> None:
        """The gate may answer otherwise now: what waited goes on its way."""
        parked, self._parked = self._parked, []
        for tx in parked:
            self._engine.dispatch(tx)

    def release_all(self, why: str) -> None:
        """Give back what waits."""
        while self._parked:
            self._engine.release(self._parked.pop(), why)
