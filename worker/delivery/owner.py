"""What a connection asks of, and tells, whoever gives it its deliveries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from worker.delivery.transaction import Transaction
from worker.delivery.types import ReplyClass, Stage
from worker.delivery.wire import Reply

if TYPE_CHECKING:
    from worker.delivery.smtp_client import Connection


class Owner(Protocol):
    """What a connection needs from the pool that it belongs to."""

    def take(self, conn: Connection) -> Transaction | None:
        """The next delivery for this connection, or None when there is none or the connection should end."""

    def take_behind(self, conn: Connection) -> Transaction | None:
        """The next delivery to pipeline behind the end of data that goes out now, or None."""

    def replied(self, tx: Transaction, conn: Connection, stage: Stage, reply: Reply) -> None:
        """A reply settled `tx`."""

    def lost(self, tx: Transaction, conn: Connection, stage: Stage, why: str) -> None:
        """The connection broke before `tx` could have been delivered."""

    def unknown(self, tx: Transaction, conn: Connection, why: str) -> None:
        """The connection broke after the final dot of `tx` and before its reply."""

    def again(self, tx: Transaction, conn: Connection) -> None:
        """`tx` was not begun for reasons of this connection alone; put it at the head of the queue."""

    def impossible(self, tx: Transaction, stage: Stage, code: int | None, enhanced: str | None, text: str, reply_class: ReplyClass) -> None:
        """`tx` cannot be sent as it is."""

    def broken_render(self, tx: Transaction, error: Exception) -> None:
        """The content of `tx` would not render."""

    def idle(self, conn: Connection) -> None:
        """The connection waits for work."""

    def gone(self, conn: Connection) -> None:
        """The connection is closed; called once."""

    def may_begin(self, tx: Transaction) -> bool:
        """Whether `tx` may still be sent. If not, the owner has taken it back."""

    def may_finish(self, tx: Transaction) -> bool:
        """The same at the last moment, the envelope having been taken. If not, the owner has taken it back."""
