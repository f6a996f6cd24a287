"""Takes the octets of one message until CRLF.CRLF, within size and memory bounds."""

from __future__ import annotations

from worker.smtp import parsing, replies
from worker.smtp.limits import Limits, LongLines
from worker.smtp.replies import Reply

_KEEP = 4
"""Octets kept of a message that is being thrown away: the terminator less one."""


class Budget:
    """Memory for arriving messages, shared by all sessions of a server."""

    __slots__ = ("limit", "used")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0


class DataReceiver:
    """State of one message between 354 and its final dot.

    A message that is too large or finds no memory is read on to its end without being kept, so that the client gets
    a proper answer instead of a reset; after `overrun_octets` the server stops being patient (`is_hopeless`).
    """

    __slots__ = ("_budget", "_discarded", "_limits", "_refusal", "_scanned", "_taken")

    def __init__(self, limits: Limits, budget: Budget) -> None:
        self._limits = limits
        self._budget = budget
        self._scanned = 0
        self._taken = 0
        self._discarded = 0
        self._refusal: Reply | None = None

    @property
    def is_hopeless(self) -> bool:
        """True when more than the patience for an over-large message was read."""
        return self._discarded > self._limits.overrun_octets

    def take(self, buffer: bytearray) -> bytes | Reply | None:
        """Look at the connection's buffer; what belongs to the message is removed once the message is complete.

        Returns the message with dot-stuffing undone, a Reply that refuses it, or None when its end is not there yet.
        """
        end = parsing.find_end_of_data(buffer, self._scanned, at_start=self._discarded == 0)
        if end < 0:
            self._keep_or_discard(buffer)
            return None
        if self._refusal is not None:
            del buffer[: end + 3]
            return self._refusal
        data = parsing.unstuff_dots(bytes(memoryview(buffer)[:end]))
        del buffer[: end + 3]
        return self._refusal_of(data) or data

    def release(self) -> None:
        """Give the memory back to the budget; to be called once the message is answered or lost."""
        self._budget.used -= self._taken
        self._taken = 0

    def _keep_or_discard(self, buffer: bytearray) -> None:
        size = len(buffer)
        if self._refusal is None:
            self._budget.used += size - self._taken
            self._taken = size
            # A line of one dot is stuffed to two, so a message grows by a third at most on its way.
            if size > self._limits.message_octets + self._limits.message_octets // 3 + 5:
                self._refusal = replies.TOO_BIG
            elif self._budget.used > self._budget.limit:
                self._refusal = replies.NO_MEMORY
        if self._refusal is not None:
            self.release()
            self._discarded += max(size - _KEEP, 0)
            del buffer[:-_KEEP]
        self._scanned = len(buffer)

    def _refusal_of(self, data: bytes) -> Reply | None:
        if len(data) > self._limits.message_octets:
            return replies.TOO_BIG
        if b"\0" in data:
            return replies.NUL_IN_MESSAGE
        if self._limits.long_lines is LongLines.REFUSE and parsing.has_long_line(data):
            return replies.LONG_LINE
        return None
