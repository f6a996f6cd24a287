"""One SMTP client connection: reads replies, and sends one message after another with one round trip each (RFC 5321, 2920).

After the handshake (`handshake.py`) the connection is a state machine driven by arriving bytes; no task and no future per
message. Where PIPELINING is offered, the next MAIL, RCPT and DATA travel behind the final dot of the message before.
"""

from __future__ import annotations

from collections import deque

from worker.delivery.normalise import dot_stuff
from worker.delivery.owner import Owner
from worker.delivery.transaction import Transaction, address_problem
from worker.delivery.types import ReplyClass, Stage, Timeouts
from worker.delivery.wire import Reply, Wire

# From this size on the final dot is held back until the rest has left our memory, so that a connection lost before is
# known not to have delivered.
HOLD_DOT_ABOVE = 65_536


class Connection(Wire):
    """A connection to `host` at `ip`. `deadline` is the loop time at which the present wait is over; the engine's sweep
    looks at it, which is cheaper than a timer per command."""

    def __init__(self, timeouts: Timeouts, host: str, ip: str) -> None:
        super().__init__(host, ip)
        self.preamble = ""
        self.owner: Owner | None = None
        self.count = 0
        self.deadline = float("inf")
        self.sent: Transaction | None = None  # its final dot is out (or held back in _tail), the reply is due
        self.current: Transaction | None = None  # its envelope is out
        self.stolen = False
        self.sent_at = 0.0
        self._timeouts = timeouts
        self._seconds = {
            Stage.MAIL: timeouts.mail,
            Stage.RCPT: timeouts.rcpt,
            Stage.DATA: timeouts.data,
            Stage.END_OF_DATA: timeouts.end_of_data,
            None: timeouts.mail,
        }
        self._expected: deque[Stage | None] = deque()  # None: a reply nobody is judged by (RSET, an emptied DATA)
        self._pipelining = self._utf8 = self._eight_bit = self._reset_due = self._blocked = False
        self._max_size: int | None = None
        self._announce_size = False
        self._tail = b""
        self._left_unsent = 0

    # -- writing -------------------------------------------------------------------------------------------------

    def pause_writing(self) -> None:
        self._blocked = True

    def resume_writing(self) -> None:
        self._blocked = False
        if self._tail:
            tail, self._tail = self._tail, b""
            self._write(tail)
            self._await()

    def begin(self, owner: Owner, preamble: str) -> None:
        """End of the handshake: from now on the state machine reads the replies."""
        self.owner, self.preamble, self._waiter = owner, preamble, None
        names = self.extensions
        self._pipelining = "PIPELINING" in names
        self._utf8 = "SMTPUTF8" in names
        self._eight_bit = "8BITMIME" in names
        self._announce_size = "SIZE" in names
        size = names.get("SIZE", "")
        self._max_size = int(size) if size.isascii() and size.isdigit() and len(size) < 19 and int(size) > 0 else None
        early, self._early = self._early, None
        if early is not None:
            self._reply(early)

    # -- the state machine ---------------------------------------------------------------------------------------

    def start(self, tx: Transaction | None = None) -> None:
        """Begin with `tx`, or with what the owner has; with nothing to do, report idle."""
        assert self.owner is not None
        if self._reset_due and not self._pipelining:
            if tx is not None:
                self.owner.again(tx, self)
            self._reset_due = False
            self._send(b"RSET\r\n", None)
            self._await()
            return
        while tx is None or (envelope := self._envelope(tx)) is None:
            tx = self.owner.take(self)
            if tx is None:
                if not self.closed:
                    self.deadline = float("inf")
                    self.owner.idle(self)
                return
        self.current = tx
        if self._reset_due:
            self._reset_due = False
            self._expected.append(None)
            envelope = b"RSET\r\n" + envelope
        self._expect_envelope()
        self._write(envelope)
        self._await()

    def _expect_envelope(self) -> None:
        if self._pipelining:
            self._expected += _ENVELOPE
        else:
            self._expected.append(Stage.MAIL)

    def _send(self, command: bytes, stage: Stage | None) -> None:
        self._expected.append(stage)
        self._write(command)

    def _await(self) -> None:
        """Set the deadline of the reply that is due first."""
        expected = self._expected
        if not expected:
            return
        stage = expected[0]
        seconds = self._timeouts.data_block if self._tail else self._seconds[stage]
        self.deadline = self._loop.time() + seconds

    def _reply(self, reply: Reply) -> None:
        owner = self.owner
        if owner is None:
            super()._reply(reply)
            return
        if not self._expected:
            self._fail("closed by the server" if reply.code == 421 else "a reply without a command")
            return
        stage = self._expected.popleft()
        if stage is Stage.END_OF_DATA:
            self._end_of_data(reply)
        elif stage is None:
            self._unjudged(reply)
        else:
            self._envelope_reply(stage, reply)

    def _after_replies(self) -> None:
        self._await()

    def _envelope_reply(self, stage: Stage, reply: Reply) -> None:
        tx = self.current
        if tx is None:  # it was moved to another connection while it waited here
            self._fail("the delivery behind was moved", quietly=True)
            return
        tx.at = stage
        code = reply.code
        if stage is Stage.MAIL:
            tx.mail = reply
        elif stage is Stage.RCPT:
            tx.rcpt = reply
        else:
            tx.data = reply
        if code == 421:
            self._service_closing(tx, stage, reply)
        elif code >= 300 and not (stage is Stage.DATA and code == 354) and code < 400:
            self._fail(f"unexpected reply {code} to {stage.upper()}")
        elif stage is Stage.DATA:
            self._data_reply(tx, reply)
        elif not self._pipelining:
            if code >= 400:
                self._refused(tx, stage, reply)
            elif stage is Stage.MAIL:
                self._send(f"RCPT TO:<{tx.delivery.address}>\r\n".encode(), Stage.RCPT)
            else:
                self._send(b"DATA\r\n", Stage.DATA)

    def _service_closing(self, tx: Transaction, stage: Stage, reply: Reply) -> None:
        """421: the server leaves. On a connection that was used before, this is no verdict on the delivery."""
        assert self.owner is not None
        self.current = None
        if self.count and stage is Stage.MAIL and tx.redials < 3:
            tx.redials += 1
            self.owner.again(tx, self)
        else:
            self.owner.replied(tx, self, stage, reply)
        self._fail("closed by the server")

    def _data_reply(self, tx: Transaction, reply: Reply) -> None:
        assert self.owner is not None and tx.mail is not None and tx.rcpt is not None
        if reply.code == 354:
            if tx.mail.code < 300 and tx.rcpt.code < 300:
                if self.owner.may_finish(tx):
                    self._send_message(tx)
                else:  # the server waits for content, and only a lost connection tells it that none will come
                    self.current = None
                    self._fail("called back before it was sent", quietly=True)
                return
            self.current = None
            refused = (Stage.MAIL, tx.mail) if tx.mail.code >= 300 else (Stage.RCPT, tx.rcpt)
            self.owner.replied(tx, self, *refused)
            if tx.rcpt.code >= 300:
                # Nobody is named, so an empty message goes to nobody; RFC 2920 3.1 asks for the dot.
                self._send(b".\r\n", None)
            else:
                self._fail("the server wants a message without a sender", quietly=True)
        elif reply.code < 300:
            self._fail(f"unexpected reply {reply.code} to DATA")
        else:
            first = next((item for item in ((Stage.MAIL, tx.mail), (Stage.RCPT, tx.rcpt)) if item[1].code >= 300), (Stage.DATA, reply))
            self._refused(tx, *first)

    def _refused(self, tx: Transaction, stage: Stage, reply: Reply) -> None:
        """The envelope was refused: settle, and clear what the server may remember of it before the next one."""
        assert self.owner is not None
        self.current = None
        self._reset_due = tx.mail is not None and tx.mail.code < 300
        self.owner.replied(tx, self, stage, reply)
        if not self.closed:
            self.start()

    def _send_message(self, tx: Transaction) -> None:
        """The body, the final dot and, when pipelining, the envelope of the next delivery."""
        assert tx.body is not None and self.owner is not None
        self.current, self.sent = None, tx
        self.sent_at = self._loop.time()
        tx.at = Stage.END_OF_DATA
        self._expected.append(Stage.END_OF_DATA)
        self.count += 1
        tail = b".\r\n"
        if self._pipelining:
            while (following := self.owner.take_behind(self)) is not None:
                envelope = self._envelope(following)
                if envelope is not None:
                    self.current = following
                    self._expect_envelope()
                    tail += envelope
                    break
        if len(tx.body) > HOLD_DOT_ABOVE:
            self._write(tx.body)
            if self.closed:
                return
            if self._blocked:
                self._tail = tail
            else:
                self._write(tail)
        else:
            self._write(tx.body + tail)

    def _end_of_data(self, reply: Reply) -> None:
        tx, self.sent = self.sent, None
        assert tx is not None and self.owner is not None
        if self._tail:
            # Answered before we finished: some servers refuse too large a message at once. The stream is out of step.
            self._tail = b""
            if reply.code < 400:
                self.owner.lost(tx, self, Stage.DATA, "the server answered before the end of the message")
            else:
                self.owner.replied(tx, self, Stage.END_OF_DATA, reply)
            self._fail("the stream is out of step", quietly=True)
            return
        if 300 <= reply.code < 400:
            self.owner.unknown(tx, self, f"unexpected reply {reply.code} to the end of the message")
            self._fail("unexpected reply", quietly=True)
            return
        self.owner.replied(tx, self, Stage.END_OF_DATA, reply)
        if self.closed:
            return
        if reply.code == 421:
            self._fail("closed by the server")
        elif self.stolen:
            self._fail("the delivery behind was moved", quietly=True)
        elif self.current is None:
            self.start()

    def _unjudged(self, reply: Reply) -> None:
        if reply.code == 421:
            self._fail("closed by the server")
        elif self.current is None and not self._expected:
            self.start()

    # -- the envelope --------------------------------------------------------------------------------------------

    def _envelope(self, tx: Transaction) -> bytes | None:
        """The commands for `tx`, its body rendered; None when it cannot be sent here (the owner has been told)."""
        assert self.owner is not None
        if not self.owner.may_begin(tx):
            return None
        delivery = tx.delivery
        problem = address_problem(delivery, tx.sender)
        if problem is not None:
            self.owner.impossible(tx, Stage.RENDER, 501, "5.5.4", problem, ReplyClass.PROTOCOL)
            return None
        body = tx.body
        if body is None:
            try:
                body = tx.body = tx.member.headers + dot_stuff(delivery.render())
            except Exception as error:
                self.owner.broken_render(tx, error)
                return None
        options = ""
        if self._announce_size:
            size = len(body)
            if self._max_size is not None and size > self._max_size:
                text = f"the message of {size} octets is larger than the {self._max_size} that {self.host} takes"
                self.owner.impossible(tx, Stage.MAIL, 552, "5.3.4", text, ReplyClass.CONTENT)
                return None
            options = f" SIZE={size}"
        if self._eight_bit and not body.isascii():
            # Without 8BITMIME eight-bit content is sent all the same: every server in use passes it, and re-encoding
            # would break the signature.
            options += " BODY=8BITMIME"
        if delivery.needs_smtputf8 or not (delivery.address.isascii() and tx.sender.isascii()):
            if not self._utf8:
                self.owner.impossible(tx, Stage.MAIL, 550, "5.6.7", f"{self.host} does not take addresses beyond ASCII (SMTPUTF8)", ReplyClass.CONTENT)
                return None
            options += " SMTPUTF8"
        tx.forget_replies()
        tx.at = Stage.MAIL
        if self._pipelining:
            return f"MAIL FROM:<{tx.sender}>{options}\r\nRCPT TO:<{delivery.address}>\r\nDATA\r\n".encode()
        return f"MAIL FROM:<{tx.sender}>{options}\r\n".encode()

    # -- endings -------------------------------------------------------------------------------------------------

    def expire(self, now: float) -> None:
        """The deadline passed. While the message is still leaving our buffers and moving, wait on; else give up."""
        if self._tail and self._transport is not None:
            left = self._transport.get_write_buffer_size()
            if left != self._left_unsent:
                self._left_unsent = left
                self.deadline = now + self._timeouts.data_block
                return
        self._fail("timed out waiting for a reply")

    def steal(self) -> None:
        """Give back the delivery that waits behind a silent end of data. Its content was never sent from here."""
        tx = self.current
        if tx is not None and self.sent is not None and self.owner is not None:
            self.current, self.stolen = None, True
            tx.forget_replies()
            self.owner.again(tx, self)

    def quit(self) -> None:
        """Leave politely; the reply to QUIT is not awaited."""
        if not self.closed:
            if self.owner is None or not (self.sent or self.current):
                self._write(b"QUIT\r\n")
            self._fail("we closed the connection", quietly=True)

    def _fail(self, why: str, *, quietly: bool = False) -> None:
        """The connection is over, for whatever reason: settle or give back what was on it, once."""
        if self.closed:
            return
        super()._fail(why, quietly=quietly and not self._blocked)
        self.deadline = float("inf")
        owner = self.owner
        if owner is None:
            return
        sent, current = self.sent, self.current
        self.sent = self.current = None
        if sent is not None:
            if self._tail:
                owner.lost(sent, self, Stage.DATA, why)
            else:
                owner.unknown(sent, self, why)
        if current is not None:
            # Behind another message, or unanswered on a connection kept from before: not this delivery's doing.
            if sent is not None or (self.count and current.mail is None and current.redials < 3):
                current.redials += 1
                owner.again(current, self)
            else:
                owner.lost(current, self, current.at, why)
        owner.gone(self)


_ENVELOPE = (Stage.MAIL, Stage.RCPT, Stage.DATA)
