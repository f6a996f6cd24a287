"""The values that go into the delivery engine and come out of it. No behaviour, no I/O."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID


class MemberKind(StrEnum):
    """What a pool member is: an outside relay account, or one of our own addresses that dials the recipient's MX."""

    RELAY = "relay"
    IP = "ip"


class TlsMode(StrEnum):
    """How a connection is protected. REQUIRED and IMPLICIT verify the certificate chain and the host name."""

    NONE = "none"
    OPPORTUNISTIC = "opportunistic"
    REQUIRED = "required"
    IMPLICIT = "implicit"


class AuthMethod(StrEnum):
    """How to log in at a relay. AUTO takes PLAIN, LOGIN or CRAM-MD5, whichever is offered; XOAUTH2 wants an access token as password."""

    AUTO = "auto"
    PLAIN = "plain"
    LOGIN = "login"
    CRAM_MD5 = "cram-md5"
    XOAUTH2 = "xoauth2"


class Outcome(StrEnum):
    """How an attempt ended.

    RELEASED means that nothing was said to anybody about this recipient: the claim is to be given back, uncounted.
    FAILED means that we could not even form the mail (bad address, the content would not render): our own fault.
    """

    DELIVERED = "delivered"
    DEFERRED = "deferred"
    BOUNCED = "bounced"
    FAILED = "failed"
    RELEASED = "released"


class Stage(StrEnum):
    """The point of the conversation at which an attempt ended. DSN: the reply was read in a bounce mail."""

    WAITING = "waiting"
    RENDER = "render"
    DNS = "dns"
    CONNECT = "connect"
    BANNER = "banner"
    EHLO = "ehlo"
    STARTTLS = "starttls"
    AUTH = "auth"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    END_OF_DATA = "end_of_data"
    DSN = "dsn"


class ReplyClass(StrEnum):
    """What a reply means to a sender; the rows of the classification table in `replies.py`."""

    DELIVERED = "delivered"
    UNKNOWN_USER = "hard.unknown_user"
    BAD_DOMAIN = "hard.bad_domain"
    MAILBOX_FULL = "soft.mailbox_full"
    INACTIVE = "soft.inactive"
    GREYLIST = "greylist"
    THROTTLE = "throttle"
    BLOCK = "block.reputation"
    POLICY_AUTH = "policy.auth"
    CONTENT = "content"
    TLS = "tls"
    NET = "net"
    EXPIRED = "expired"
    PROTOCOL = "protocol"
    RELAY = "relay"
    TEMPORARY = "temporary"
    REJECTED = "rejected"
    UNKNOWN_AFTER_DATA = "unknown_after_data"
    NOT_TRIED = "not_tried"


class Blame(StrEnum):
    """Whose trouble it is. Only `recipient` may ever lead to a suppression."""

    NOBODY = "nobody"
    RECIPIENT = "recipient"
    CONTENT = "content"
    OUR_IP = "our_ip"
    OUR_DOMAIN = "our_domain"
    OURS = "ours"
    REMOTE = "remote"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The meaning of one reply: its class, whose trouble it is, whether to try again, whether to suppress at once."""

    reply_class: ReplyClass
    blame: Blame
    retry: bool
    suppress: bool


@dataclass(frozen=True, slots=True)
class Member:
    """One way out of a pool, with everything needed to use it.

    `weight` is relative to the other members of the delivery; 0 means "only when the others failed".
    `host` and `port` are those of a relay (None for IP members, which look up the MX); `source_ip` is the local
    address to bind (None: the system chooses). `trusted`: the operator set the host himself, so the egress policy does not ask
    where it lies. `source_id` is the address or account behind the member, which may be in several pools: with `provider`
    (the group of destinations this copy of the member is for) it names a budget. `max_connections` and
    `messages_per_connection` are that budget's (None: the engine's limit); `provider_connections` bounds what all members have open
    to the provider together (None: no bound). `return_path`: the envelope sender that a relay
    insists on, in place of the delivery's. `headers`: fields it wants in front of each message, with CRLF.
    Limits may differ between two copies of one member without closing anything.
    """

    id: UUID
    kind: MemberKind
    weight: int
    host: str | None
    port: int | None
    tls: TlsMode
    username: str | None = field(repr=False)
    password: str | None = field(repr=False)
    source_ip: str | None
    helo_name: str
    max_connections: int = field(compare=False)
    trusted: bool = False
    source_id: UUID | None = None
    provider: str = ""
    messages_per_connection: int | None = field(default=None, compare=False)
    provider_connections: int | None = field(default=None, compare=False)
    auth: AuthMethod = AuthMethod.AUTO
    return_path: str | None = None
    headers: bytes = b""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One recipient to try now.

    `sender` is the return path ("" for the null sender), `address` the recipient as sent in RCPT, `domain` its ASCII
    domain. `render()` is called once, on the event loop, when a connection is ready; it returns the whole message with
    CRLF line ends, not dot-stuffed. `bad_domain_since` is when an earlier attempt first found that the domain does not
    exist: only a second finding at least an hour later is final. `members` are tried in the order given when `ordered`, else by weight.
    """

    recipient_id: UUID
    attempt: int
    sender: str
    address: str
    domain: str
    members: tuple[Member, ...]
    render: Callable[[], bytes]
    needs_smtputf8: bool = False
    requires_tls: bool = False
    bad_domain_since: datetime | None = None
    ordered: bool = False


class Fault(NamedTuple):
    """A member that failed before another one took over: which, towards whom, and what was said."""

    member: Member
    stage: Stage
    reply_class: ReplyClass
    code: int | None
    text: str


@dataclass(frozen=True, slots=True)
class AttemptResult:
    """What came of one delivery. Times are aware UTC; `reply` and `transcript` are bounded, printable text.

    `transcript` has one line a step: "> " ours, "< " theirs, "* " notes. Credentials are never in it and the message is
    given as its size. `duplicate_possible`: the final dot may have been read, but no reply came, so the recipient may
    already have the mail. `member` is the one that this ended with, `faults` are those that failed before it. `pause`: seconds after which a
    released delivery is worth another claim.
    """

    recipient_id: UUID
    attempt: int
    outcome: Outcome
    code: int | None
    enhanced: str | None
    reply: str
    reply_class: ReplyClass
    blame: Blame
    retry: bool
    suppress: bool
    member_id: UUID | None
    remote_host: str | None
    remote_ip: str | None
    tls: str | None
    started_at: datetime
    finished_at: datetime
    transcript: str
    duplicate_possible: bool
    stage: Stage
    member: Member | None = None
    faults: tuple[Fault, ...] = ()
    pause: float = 0.0


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds to wait at each stage (RFC 5321 section 4.5.3.2 gives the defaults of banner to end_of_data)."""

    connect: float = 30.0
    banner: float = 300.0
    ehlo: float = 300.0
    starttls: float = 120.0
    auth: float = 120.0
    mail: float = 300.0
    rcpt: float = 300.0
    data: float = 120.0
    data_block: float = 180.0
    end_of_data: float = 600.0


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one engine.

    `window`: deliveries held at once, waiting or being sent. `patience`: seconds a destination is watched before what
    it does not take is released. `steal_after`: seconds after which a delivery pipelined behind a silent
    end of data is moved to another connection. `cooldown`: seconds a destination rests after it could not be reached.
    `mx_port`: where MX hosts are dialled. `tls_ca_file`: trusted roots (None: the system's). `plain_auth_on_loopback`:
    allow AUTH without TLS towards loopback addresses, for development and tests only. `own_names`: the names we greet with, lower-case:
    an MX host that greets with one of them is ourselves.
    """

    window: int = 1000
    patience: float = 0.25
    steal_after: float = 3.0
    max_connections: int = 400
    max_messages_per_connection: int = 100
    idle_seconds: float = 10.0
    max_addresses: int = 5
    cooldown: float = 5.0
    stop_grace: float = 20.0
    bad_domain_confirm_seconds: float = 3600.0
    mx_port: int = 25
    tls_ca_file: str | None = None
    plain_auth_on_loopback: bool = False
    own_names: frozenset[str] = frozenset()
    timeouts: Timeouts = Timeouts()
