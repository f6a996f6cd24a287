"""The SMTP conversation: what each command does (RFC 5321, 1870, 2920, 3207, 4954, 6152, 6531).

Data behind a command that must be the last of its group (EHLO, DATA, AUTH, NOOP, VRFY) and before its reply is an attack
or a broken client: 554 5.5.0 and out.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from worker.smtp import parsing, replies
from worker.smtp.authentication import Authentication
from worker.smtp.connection import Connection
from worker.smtp.parsing import NO_PARAMETERS, CommandError, MailParameters
from worker.smtp.receiver import DataReceiver
from worker.smtp.replies import Reply
from worker.smtp.session import DROP, Answer, Envelope

if TYPE_CHECKING:
    from worker.smtp.server import SmtpServer

_LAST_IN_GROUP = frozenset({b"EHLO", b"HELO", b"DATA", b"AUTH", b"NOOP", b"VRFY"})
"""RFC 2920 section 3.1: the client must wait for the answer to these (STARTTLS has its own rule, QUIT ends all)."""
_WORK = frozenset({b"MAIL", b"RCPT", b"DATA", b"AUTH"})
"""Commands that bring mail nearer; the others are limited by `idle_commands`."""


class SmtpConnection(Connection):
    """Server side of one SMTP connection; made by `SmtpServer.factory`."""

    __slots__ = ("_auth", "_handler", "_parameters", "_recipients", "_refused", "_sender")

    def __init__(self, server: SmtpServer, implicit_tls: bool = False) -> None:
        super().__init__(server, implicit_tls)
        self._handler = server.handler
        self._start_over()

    def _start_over(self) -> None:
        self._auth: Authentication | None = None
        self._reset_transaction()

    def _reset_transaction(self) -> None:
        self._sender: str | None = None
        self._parameters = NO_PARAMETERS
        self._recipients: list[str] = []
        self._refused = 0

    # --- dispatch -----------------------------------------------------------------------------------------------

    def _line_limit(self) -> int:
        if self._auth is not None:
            return self._limits.auth_octets
        start = bytes(self._buffer[:4]).upper()
        if start in (b"MAIL", b"RCPT"):
            return self._limits.address_command_octets
        return self._limits.auth_octets if start == b"AUTH" else self._limits.command_octets

    def _take_line(self, line: bytes) -> None:
        try:
            if self._auth is not None:
                self._continue_auth(self._auth, line)
            else:
                self._take_command(line)
        except CommandError as error:
            self._error(error.reply)

    def _take_command(self, line: bytes) -> None:
        session = self.session
        session.commands += 1
        self._touch()
        verb, _, argument = line.partition(b" ")
        verb = verb.upper()
        command = _COMMANDS.get(verb)
        if command is None:
            raise CommandError(replies.UNKNOWN_COMMAND)
        if parsing.has_forbidden_octets(line):
            raise CommandError(replies.BAD_CHARACTER)
        if self._buffer and verb in _LAST_IN_GROUP:
            self._leave(replies.PIPELINING)
        elif verb not in _WORK and session.commands > self._limits.idle_commands:
            self._leave(replies.TOO_MANY_COMMANDS)
        else:
            command(self, argument.strip())

    def _refuse(self, reply: Reply) -> None:
        """A handler's refusal; its 421 ends the session (RFC 5321 3.8)."""
        if reply.code == 421:
            self._leave(reply)
        else:
            self._error(reply)

    # --- EHLO, TLS, login ---------------------------------------------------------------------------------------

    def _ehlo(self, argument: bytes) -> None:
        self._hello(argument, esmtp=True)
        self._say(self._server.capabilities(self.session))

    def _helo(self, argument: bytes) -> None:
        self._hello(argument, esmtp=False)
        self._say(self._server.hello)

    def _hello(self, argument: bytes, *, esmtp: bool) -> None:
        if not argument or len(argument) > parsing.MAX_DOMAIN or b" " in argument:
            raise CommandError(replies.HELLO_SYNTAX)
        self._reset_transaction()
        self.session.helo = argument.decode("utf-8", "replace")
        self.session.esmtp = esmtp

    def _starttls(self, argument: bytes) -> None:
        _require_no_argument(argument)
        if self.session.tls is not None:
            raise CommandError(replies.TLS_ACTIVE)
        if self._server.tls_context is None:
            raise CommandError(replies.TLS_NOT_OFFERED)
        self._say(replies.READY_FOR_TLS)
        self._flush()
        if self._eof:
            self._close()
        else:
            self._start_tls(_nothing)

    def _auth_command(self, argument: bytes) -> None:
        if not self.session.helo:
            raise CommandError(replies.HELLO_FIRST)
        if not self._server.login_required:
            raise CommandError(replies.LOGIN_NOT_OFFERED)
        if self.session.tls is None and not self._server.may_login_plainly(self.session):
            raise CommandError(replies.LOGIN_NEEDS_TLS)
        if self.session.login is not None:
            raise CommandError(replies.LOGIN_TWICE)
        if self._sender is not None:
            raise CommandError(replies.LOGIN_IN_TRANSACTION)
        self._auth = Authentication.start(argument)
        self._continue_auth(self._auth, None)

    def _continue_auth(self, auth: Authentication, line: bytes | None) -> None:
        """Go one step on in the SASL exchange: line None at its start, else the client's response."""
        if self._buffer:
            self._leave(replies.PIPELINING)
            return
        try:
            challenge = auth.begin() if line is None else auth.respond(line)
        except CommandError as error:
            self._auth = None
            if error.reply is replies.LOGIN_FAILED:
                self._count_failed_login()
            raise
        if challenge is not None:
            self._say(challenge)
        else:
            self._flush()
            self._wait(auth.check(self._server, self.session), self._auth_checked, login=True)

    def _auth_checked(self, reply: Reply) -> None:
        self._auth = None
        if reply is replies.LOGIN_OK:
            self._server.counters.logins += 1
            self.session.errors = 0
            self._touch()
            self._say(reply)
            return
        if reply.code >= 500 or reply is replies.LOGIN_TOO_MANY:
            self._count_failed_login()
        if reply.code == 421:
            self._leave(reply)
        elif self.session.auth_failures >= self._limits.auth_failures_per_connection:
            self._say(reply)
            self._leave(replies.LOGIN_TOO_MANY)
        else:
            self._error(reply)

    def _count_failed_login(self) -> None:
        self.session.auth_failures += 1
        self._server.counters.failed_logins += 1

    # --- the transaction ----------------------------------------------------------------------------------------

    def _mail(self, argument: bytes) -> None:
        session = self.session
        if not session.helo:
            raise CommandError(replies.HELLO_FIRST)
        if self._server.login_required and session.login is None:
            needs_tls = session.tls is None and not self._server.may_login_plainly(session)
            raise CommandError(replies.TLS_REQUIRED if needs_tls else replies.LOGIN_REQUIRED)
        if self._sender is not None:
            raise CommandError(replies.NESTED_MAIL)
        address, parameters = parsing.parse_mail(argument)
        if parameters.size is not None and parameters.size > self._limits.message_octets:
            raise CommandError(replies.TOO_BIG)
        self._ask(
            lambda: self._handler.sender(session, address, parameters),
            partial(self._sender_answered, address, parameters),
        )

    def _sender_answered(self, address: str, parameters: MailParameters, answer: Answer) -> None:
        if answer is not None and not answer.is_positive:
            self._refuse(answer)
            return
        self._reset_transaction()
        self._sender, self._parameters = address, parameters
        self._say(answer or replies.SENDER_OK)

    def _rcpt(self, argument: bytes) -> None:
        sender = self._sender
        if sender is None:
            raise CommandError(replies.MAIL_FIRST)
        if len(self._recipients) >= self._limits.recipients:
            raise CommandError(replies.TOO_MANY_RECIPIENTS)
        address = parsing.parse_rcpt(argument, smtputf8=self._parameters.smtputf8)
        self._ask(
            lambda: self._handler.recipient(self.session, address, sender), partial(self._recipient_answered, address)
        )

    def _recipient_answered(self, address: str, answer: Answer) -> None:
        if answer is not None and not answer.is_positive:
            self._refused += 1
            self._refuse(answer)
            return
        self._recipients.append(address)
        self._say(answer or replies.RECIPIENT_OK)

    def _data_command(self, argument: bytes) -> None:
        _require_no_argument(argument)
        if self._sender is None:
            raise CommandError(replies.MAIL_FIRST)
        if not self._recipients:
            raise CommandError(replies.NO_VALID_RECIPIENTS if self._refused else replies.RCPT_FIRST)
        self._data = DataReceiver(self._limits, self._server.budget)
        self.deadline = self._server.now() + self._limits.data_seconds
        self._deadline_reply = replies.DATA_TIMEOUT
        self._say(replies.START_DATA)

    def _take_data(self) -> bool:
        receiver = self._data
        assert receiver is not None and self._sender is not None
        outcome = receiver.take(self._buffer)
        if outcome is None:
            if receiver.is_hopeless:
                self._leave(replies.TOO_BIG)
            return False
        self._data = None
        self._touch()
        envelope = Envelope(self._sender, tuple(self._recipients), self._parameters)
        self._reset_transaction()
        if isinstance(outcome, Reply):
            receiver.release()
            self._error(outcome)
        else:
            self._held = receiver
            self._ask(lambda: self._handler.message(self.session, envelope, outcome), self._message_answered)
        if self._leaving is not None and not self._busy and not self._closing:
            self._leave(self._leaving)
        return True

    def _message_answered(self, reply: Reply) -> None:
        if reply is DROP:
            self._closing = True
            self._transport.abort()
        elif reply.is_positive:
            session = self.session
            session.messages += 1
            session.errors = session.commands = 0
            self._server.counters.messages += 1
            self._say(reply)
        else:
            self._refuse(reply)

    # --- the rest -----------------------------------------------------------------------------------------------

    def _rset(self, argument: bytes) -> None:
        _require_no_argument(argument)
        self._reset_transaction()
        self._say(replies.OK)

    def _noop(self, argument: bytes) -> None:
        self._say(replies.OK)

    def _vrfy(self, argument: bytes) -> None:
        if not argument:
            raise CommandError(replies.SYNTAX)
        self._say(replies.VRFY)

    def _help(self, argument: bytes) -> None:
        self._say(replies.HELP)

    def _quit(self, argument: bytes) -> None:
        self._leave(replies.BYE)


def _require_no_argument(argument: bytes) -> None:
    if argument:
        raise CommandError(replies.NO_ARGUMENTS)


def _nothing() -> None:
    return None


_COMMANDS: dict[bytes, Callable[[SmtpConnection, bytes], None]] = {
    b"EHLO": SmtpConnection._ehlo,
    b"HELO": SmtpConnection._helo,
    b"STARTTLS": SmtpConnection._starttls,
    b"AUTH": SmtpConnection._auth_command,
    b"MAIL": SmtpConnection._mail,
    b"RCPT": SmtpConnection._rcpt,
    b"DATA": SmtpConnection._data_command,
    b"RSET": SmtpConnection._rset,
    b"NOOP": SmtpConnection._noop,
    b"VRFY": SmtpConnection._vrfy,
    b"HELP": SmtpConnection._help,
    b"QUIT": SmtpConnection._quit,
}
