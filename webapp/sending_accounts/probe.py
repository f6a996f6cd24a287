"""A real conversation with a relay up to the login, to see whether deliveries could use it."""

from __future__ import annotations

import re
import smtplib
import socket
import ssl
from dataclasses import dataclass, field
from typing import Any

from webapp.kernel import egress
from webapp.kernel.errors import DomainError
from webapp.sending_accounts.types import AuthMethod, ConnectionTest, TlsPolicy
from webapp.settings import get_settings

#: Seconds each step may take.
_TIMEOUT = 8.0
_SECRET = re.compile(r"^(AUTH \S+) \S+|^[A-Za-z0-9+/=]{8,}$")
_LONGEST_LINE = 500


@dataclass(frozen=True, slots=True)
class Relay:
    """What is needed to log in at a relay. ``trusted``: chosen by the operator, so private networks are allowed."""

    host: str
    port: int
    tls: TlsPolicy
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    trusted: bool = False
    auth: AuthMethod = AuthMethod.AUTO


class _Conversation(smtplib.SMTP):
    """smtplib's client that connects to an address already checked and keeps what is said, secrets blotted out."""

    def __init__(self, relay: Relay, address: str) -> None:
        self.lines: list[str] = []
        self._relay = relay
        self._address = address
        super().__init__(timeout=_TIMEOUT, local_hostname=get_settings().ehlo_name)
        self._host = relay.host

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        connection = socket.create_connection((self._address, port), timeout)
        if self._relay.tls is TlsPolicy.IMPLICIT:
            return _verifying().wrap_socket(connection, server_hostname=self._relay.host)
        return connection

    def putcmd(self, cmd: str, args: str = "") -> None:
        line = f"{cmd} {args}".strip()
        self.lines.append("> " + _SECRET.sub(lambda m: f"{m[1] or ''} ***".strip(), line)[:_LONGEST_LINE])
        super().putcmd(cmd, args)

    def getreply(self) -> tuple[int, bytes]:
        code, text = super().getreply()
        self.lines += [f"< {code} {line}"[:_LONGEST_LINE] for line in text.decode("utf-8", "replace").splitlines() or [""]]
        return code, text


def probe(relay: Relay) -> ConnectionTest:
    """Connect, greet, encrypt as the policy says, log in, quit. Never raises for what the other side does."""
    try:
        addresses = egress.addresses_of(relay.host, trusted=relay.trusted)
    except DomainError as refusal:
        return ConnectionTest(False, refusal.message)
    talk = _Conversation(relay, addresses[0])
    try:
        summary = _converse(talk, relay)
        return ConnectionTest(True, summary, tuple(talk.lines))
    except (smtplib.SMTPException, OSError) as error:
        return ConnectionTest(False, _explain(error, relay), tuple(talk.lines))
    finally:
        talk.close()


def _converse(talk: _Conversation, relay: Relay) -> str:
    code, _ = talk.connect(relay.host, relay.port)
    if code != 220:
        raise smtplib.SMTPConnectError(code, "it did not greet with 220")
    talk.ehlo_or_helo_if_needed()
    encrypted = relay.tls is TlsPolicy.IMPLICIT
    wants = relay.tls is TlsPolicy.REQUIRED or (relay.tls is TlsPolicy.OPPORTUNISTIC and talk.has_extn("starttls"))
    if wants:
        talk.starttls(context=_verifying() if relay.tls is TlsPolicy.REQUIRED else ssl._create_unverified_context())
        talk.ehlo()
        encrypted = True
    if relay.username:
        _log_in(talk, relay.username, relay.password or "", relay.auth)
    talk.quit()
    return f"Connected {'with TLS' if encrypted else 'without encryption'}{' and logged in' if relay.username else ''}."


def _verifying() -> ssl.SSLContext:
    """A context that checks chain and name against the roots that deliveries trust."""
    return ssl.create_default_context(cafile=get_settings().smtp_ca_file or None)


def _log_in(talk: _Conversation, username: str, password: str, method: AuthMethod) -> None:
    """With the method of the account, as a delivery would. smtplib's own choice is CRAM-MD5, PLAIN, LOGIN."""
    if method is AuthMethod.AUTO:
        talk.login(username, password)
        return
    offered = talk.esmtp_features.get("auth", "").upper().split()
    if method.value.upper() not in offered:
        raise smtplib.SMTPNotSupportedError(f"AUTH {method.value.upper()} is not offered")
    talk.user, talk.password = username, password  # where smtplib's methods look for them
    makers: dict[AuthMethod, Any] = {
        AuthMethod.PLAIN: talk.auth_plain, AuthMethod.LOGIN: talk.auth_login, AuthMethod.CRAM_MD5: talk.auth_cram_md5,
        AuthMethod.XOAUTH2: lambda challenge=None: f"user={username}\1auth=Bearer {password}\1\1" if challenge is None else "",
    }  # fmt: skip
    talk.auth(method.value.upper(), makers[method])


def _explain(error: Exception, relay: Relay) -> str:
    match error:
        case smtplib.SMTPAuthenticationError():
            return "The relay refused the username or password."
        case smtplib.SMTPNotSupportedError():
            return "The relay does not offer what is needed (STARTTLS or AUTH); see its answers."
        case smtplib.SMTPException():
            return "The relay refused the conversation; see its answers."
        case ssl.SSLCertVerificationError():
            return f"The relay's certificate is not valid for {relay.host}: {error.verify_message}."
        case ssl.SSLError():
            return f"TLS with {relay.host} port {relay.port} failed; is the port one with implicit TLS?"
        case TimeoutError():
            return f"{relay.host} port {relay.port} did not answer within {_TIMEOUT:.0f} seconds."
        case _:
            return f"{relay.host} port {relay.port} cannot be reached."
