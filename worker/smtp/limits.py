"""What one SMTP server is willing to bear.

Each figure is a field of the frozen `Limits`; a server gets its own set. Zero never means "no limit" by accident:
a field that can be switched off says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

MEBIBYTE = 1024 * 1024


class LongLines(StrEnum):
    """What to do with a message that has a line of more than 998 octets (RFC 5322 section 2.1.1).

    ALLOW: take it; whoever sends it on encodes the part again. REFUSE: 550 5.6.0.
    """

    ALLOW = "allow"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one server process. With several processes on one port each process has its own counts, but for failed logins,
    which submission counts over all of them (`worker.smtp.shared_failures`).

    Sizes are octets, times seconds.
    """

    message_octets: int = 25 * MEBIBYTE
    """Largest message, as announced with SIZE; above it 552 5.3.4 (RFC 1870)."""
    overrun_octets: int = 64 * MEBIBYTE
    """How much of a message that is already too large is still read (and thrown away) to answer properly."""
    buffered_octets: int = 256 * MEBIBYTE
    """Message octets held in memory by all sessions together; above it 452 4.3.1."""
    recipients: int = 1000
    """RCPT accepted per transaction; above it 452 4.5.3. RFC 5321 4.5.3.1.8 asks for at least 100."""
    errors: int = 20
    """Refused commands on one connection since its last accepted message, then 421."""
    idle_commands: int = 100
    """Commands since the connection's last accepted message that are neither MAIL, RCPT, DATA nor AUTH, then 421."""
    connections: int = 1000
    """Open connections in all; above it 421 4.3.2 at the greeting."""
    connections_per_address: int = 20
    """Open connections from one IPv4 address or one IPv6 /64; above it 421 4.7.0 at the greeting."""
    auth_failures_per_connection: int = 3
    """Failed logins on one connection, then 421."""
    auth_failures_per_address: int = 10
    """Failed logins from one address within the window; then further ones are refused unseen with 421."""
    auth_failures_per_account: int = 10
    """Failed logins at one user name within the window; then every login to it is slowed down, not refused, so that
    guessing elsewhere cannot lock the owner out."""
    auth_window: float = 600.0
    """Length of the sliding window of the two limits above."""
    auth_delay: float = 1.0
    """Wait before the answer to a failed login; doubles with each failure of the address or account in the window."""
    auth_delay_max: float = 16.0
    """Longest such wait."""
    login_seconds: float = 60.0
    """Time from the greeting to a successful login on servers that ask for one."""
    idle_seconds: float = 300.0
    """Time without a complete command (single octets do not count). RFC 5321 4.5.3.2.7 asks for 5 minutes."""
    data_seconds: float = 600.0
    """Time a whole message may take to arrive, however it trickles."""
    tls_handshake_seconds: float = 15.0
    """Time a TLS handshake may take."""
    linger_seconds: float = 5.0
    """Time a closed connection may take to read our last words."""
    command_octets: int = 512
    """Command line with its CRLF (RFC 5321 4.5.3.1.4)."""
    address_command_octets: int = 1024
    """MAIL and RCPT lines, which extensions make longer (RFC 1870, 6152, 6531)."""
    auth_octets: int = 12288
    """AUTH line and its continuation lines (RFC 4954 section 4)."""
    pipeline_octets: int = 65536
    """Input kept while an answer is being worked out; above it reading pauses."""
    reply_octets: int = 16384
    """Output not yet taken by the peer; above it we stop reading commands."""
    long_lines: LongLines = LongLines.ALLOW
    """Message lines over 998 octets."""
