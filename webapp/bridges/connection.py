"""What an application needs to reach a bridge: the addresses of this installation together with the bridge's secrets."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from webapp.bridges.models import Bridge
from webapp.bridges.types import Secrets
from webapp.kernel.clock import now
from webapp.settings import get_settings

#: A credential used within this time counts as still in use.
_RECENT = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class SmtpAccess:
    """Values for a framework's mail configuration. ``port`` speaks STARTTLS, ``tls_port`` TLS from the start."""

    host: str
    port: int
    tls_port: int
    encryption: str
    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ApiAccess:
    """Where to POST, and the Bearer token that goes with it."""

    endpoint: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Connection:
    """One valid credential of a bridge as SMTP login and as token. ``expires_at``: None for the newest, the end of the overlap for an older one."""

    number: int
    smtp: SmtpAccess
    api: ApiAccess
    expires_at: datetime | None
    last_used_at: datetime | None

    @property
    def in_use(self) -> bool:
        """Whether somebody used it within the last day."""
        return self.last_used_at is not None and now() - self.last_used_at < _RECENT


def endpoint() -> str:
    """The address of the Sending API."""
    return f"{get_settings().public_url.rstrip('/')}/api/v1/email/send"


def connection_of(secrets: Secrets) -> Connection:
    """A credential with the addresses of this installation."""
    settings = get_settings()
    smtp = SmtpAccess(
        settings.mail_hostname, settings.submission_port, settings.submission_tls_port, "STARTTLS", secrets.username, secrets.password
    )
    return Connection(secrets.number, smtp, ApiAccess(endpoint(), secrets.token), secrets.expires_at, secrets.last_used_at)


def masked() -> Connection:
    """The same with placeholders, for people who may not see secrets."""
    settings = get_settings()
    smtp = SmtpAccess(settings.mail_hostname, settings.submission_port, settings.submission_tls_port, "STARTTLS", "", "")
    return Connection(0, smtp, ApiAccess(endpoint(), "YOUR_BRIDGE_TOKEN"), None, None)


def as_text_file(bridge: Bridge, connection: Connection) -> str:
    """The credentials file that people download."""
    smtp, api = connection.smtp, connection.api
    lines = [
        f"Postbridge credentials of {bridge.name}",
        "",
        "SMTP",
        f"  Host:        {smtp.host}",
        f"  Port:        {smtp.port} (STARTTLS) or {smtp.tls_port} (TLS)",
        f"  Encryption:  {smtp.encryption}",
        f"  Username:    {smtp.username}",
        f"  Password:    {smtp.password}",
        "",
        "REST API",
        f"  Endpoint:    POST {api.endpoint}",
        f"  Token:       {api.token}",
        f"  Header:      Authorization: Bearer {api.token}",
        "",
    ]
    return "\n".join(lines)
