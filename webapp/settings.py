"""Every setting of Postbridge, in one frozen object read from the environment and checked at start.

A field ``name`` is read from ``POSTBRIDGE_NAME``; the two connection addresses also from ``DATABASE_URL`` and ``REDIS_URL``.
``python -m webapp.settings`` prints the table that stands in docs/settings.md.
"""

from __future__ import annotations

import dataclasses
import functools
import ipaddress
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_type_hints

ROOT = Path(__file__).resolve().parent.parent


class SettingError(Exception):
    """A setting is missing or unreadable; the text says which, and what it should look like."""


def setting(default: Any, help: str) -> Any:
    """A documented field of ``Settings``."""
    return field(default=default, metadata={"help": help})


@dataclass(frozen=True, slots=True)
class Settings:
    """One documented value per line; see docs/settings.md for the same as a table."""

    # Where the truth and the wake-ups live
    database_url: str = setting("", "PostgreSQL, as postgresql://user@host/db; empty: the engine under var_dir")
    redis_url: str = setting("", "Valkey or Redis, as redis:// or unix://; empty: the engine under var_dir")
    var_dir: Path = setting(ROOT / "var", "Folder for engines, certificates, keys and large attachments")
    blob_store: str = setting("", "Store of large attachments: s3://bucket or s3://bucket/prefix; empty: var_dir/blobs, which all machines must share")
    s3_endpoint: str = setting("", "Address of the S3-compatible server; empty: AWS")
    s3_region: str = setting("", "Region of the bucket; empty: AWS_REGION, else us-east-1")
    s3_access_key: str = setting("", "Access key of the bucket; empty: AWS_ACCESS_KEY_ID, or the role of the machine")
    s3_secret_key: str = setting("", "Secret key that goes with s3_access_key")
    database_pool: int = setting(16, "Database connections a process may hold")

    # Who we are
    public_url: str = setting("http://127.0.0.1:8080", "Address of the dashboard and API as people reach it")
    tracking_url: str = setting("", "Base address of pixels and tracked links; empty: public_url")
    mail_hostname: str = setting("localhost", "Name the SMTP servers say in their greeting, and bridges show as SMTP host")
    bounce_domain: str = setting("bounces.postbridge.test", "Domain of return paths (VERP); tenants' return-path hosts point to it by CNAME")
    tracking_host: str = setting("", "Name that tenants' tracking hosts point to by CNAME; empty: the host of tracking_url, when it is a name")
    system_from: str = setting("postbridge@system.postbridge.test", "Sender of the platform's own mail (password resets)")
    secret_keys: tuple[str, ...] = setting((), "Key ring, newest first, each `id:base64 of 32 bytes`; empty: made once under var_dir")

    # Web
    web_host: str = setting("127.0.0.1", "Address the web server listens on")
    web_port: int = setting(8080, "Port of dashboard and API")
    web_workers: int = setting(2, "Web processes")
    web_threads: int = setting(16, "Threads a web process")
    trusted_proxies: int = setting(0, "How many proxies in front append X-Forwarded-For")
    session_hours: int = setting(24 * 30, "Hours until a dashboard session must log in again")
    cookie_secure: bool = setting(False, "Send session cookies over https only; turn on behind TLS")
    confirm_minutes: int = setting(10, "Minutes for which a proof of who one is (second factor, or password) counts before one's account is changed")
    oidc_issuer: str = setting("", "Identity provider for single sign-on (OpenID Connect), as its issuer address; empty: people sign in here only")
    oidc_client_id: str = setting("", "Name under which the provider knows this server; it must lead back to public_url/login/oidc/callback")
    oidc_client_secret: str = setting("", "Secret that goes with oidc_client_id; empty: a public client, with PKCE alone")
    oidc_name: str = setting("single sign-on", "What the button on the sign-in page calls the provider")
    oidc_domains: tuple[str, ...] = setting((), "Domains whose addresses may sign in by the provider; empty: all that it has verified")
    tenant_grace_days: int = setting(7, "Days between an owner's wish to delete the organisation and its deletion; any owner can stop it until then")
    staff_second_factor: bool = setting(True, "Whether staff reach nothing before they gave a second factor; the demo (POSTBRIDGE_DEMO) never asks for it")
    signup_open: bool = setting(True, "Whether strangers may sign up")
    max_body_bytes: int = setting(40 * 1024 * 1024, "Largest HTTP request body")
    max_import_bytes: int = setting(200 * 1024 * 1024, "Largest CSV file of contacts")

    # SMTP in
    smtp_host: str = setting("127.0.0.1", "Address the SMTP servers listen on")
    submission_port: int = setting(2587, "Submission with STARTTLS")
    submission_tls_port: int = setting(2465, "Submission with implicit TLS")
    submission_processes: int = setting(1, "Submission processes sharing the port")
    inbound_port: int = setting(2525, "Inbound mail: bounces and complaints")
    simulator_port: int = setting(2526, "The built-in simulator")
    simulator_enabled: bool = setting(True, "Whether the simulator runs")
    simulator_domain: str = setting("simulator.postbridge.test", "Domain whose addresses behave as their name says")
    tls_cert: str = setting("", "Certificate (PEM) of the SMTP servers; empty: a generated one under var_dir")
    tls_key: str = setting("", "Key (PEM) that goes with tls_cert")
    max_message_bytes: int = setting(26 * 1024 * 1024, "Largest message taken by SMTP or API")
    smtp_plain_auth_networks: tuple[str, ...] = setting((), "Networks, as CIDR, that may log in to submission without TLS; empty: nobody may")
    smtp_show_client: bool = setting(False, "Whether the Received header of submitted mail names the client's address and EHLO name to every recipient")
    smtp_connections_per_address: int = setting(100, "Simultaneous SMTP connections from one address, to each process")

    # Delivery
    delivery_workers: int = setting(2, "Delivery processes")
    default_workers: int = setting(1, "Processes for all other jobs")
    webhook_workers: int = setting(1, "Processes that deliver webhooks")
    worker_niceness: int = setting(5, "How far delivery and other jobs stand back behind the web and SMTP servers when CPU is short: 0 (not at all) to 19")
    delivery_window: int = setting(1000, "Recipients a delivery process holds at once, waiting for a connection or being sent")
    delivery_batch: int = setting(200, "Recipients claimed at once")
    delivery_lease_seconds: int = setting(900, "Lease of a claimed recipient; after it the sweeper takes it back")
    lease_silence_seconds: int = setting(60, "A worker without a sign of life for this long has lost its leases: the sweeper takes them back")
    delivery_port: int = setting(25, "Port dialled at a recipient's MX")
    max_claims: int = setting(5, "Claims without any result before a recipient is parked for a person to look at")
    retry_scale: float = setting(1.0, "Multiplies every retry gap; tests run with less than 1")
    smtp_timeout_scale: float = setting(1.0, "Multiplies every SMTP time-out; tests run with less than 1")
    dns_servers: tuple[str, ...] = setting((), "Resolvers as address or address:port; empty: the system's")
    validation_seconds: float = setting(4.0, "Seconds DNS has for all the addresses of one validation; what it leaves open is answered as unknown")
    dns_trusted: bool = setting(False, "Whether dns_servers validate DNSSEC and the way to them is safe (a resolver on this host): DANE is used then")
    dns_hosts: tuple[str, ...] = setting((), "Addresses of mail hosts that win over DNS, each as name=address; for split networks and tests")
    mta_sts: bool = setting(True, "Whether MTA-STS policies of recipients' domains are looked up and kept to")
    mta_sts_port: int = setting(443, "Port that MTA-STS policies are fetched from; another one in tests only")
    smtp_ca_file: str = setting("", "Trusted roots (PEM) for outgoing TLS, in place of the system's; empty: the system's")
    relay_plain_auth_on_loopback: bool = setting(False, "Whether we log in without TLS at relays on this host; for development and tests")
    egress_allow: tuple[str, ...] = setting((), "Private networks we may dial all the same, as CIDR; empty: none")
    webhook_timeout_seconds: float = setting(15.0, "Seconds one attempt to deliver a webhook may take in all, from the look-up of the name to the answer")
    webhook_concurrency: int = setting(64, "Deliveries to one webhook endpoint under way at once, of each process")
    webhook_ports: tuple[str, ...] = setting(("443", "8443"), "Ports that webhook endpoints on the public internet may have")
    helo_name: str = setting("", "Name said in EHLO when a pool member has none; empty: mail_hostname")
    default_expiry_hours: int = setting(24, "Hours until an undelivered message is given up, unless it says otherwise (expires_in)")
    bulk_expiry_hours: int = setting(48, "The same for bulk mail")
    delay_notice_hours: float = setting(4.0, "Hours without delivery after which a message is reported late, once")
    late_hold_hours: int = setting(24, "Scheduled mail later than this is held for a person instead of sent")
    ticker_seconds: float = setting(1.0, "Pause between two looks for work that is due")

    # Limits
    cors_origins: tuple[str, ...] = setting((), "Origins of web pages that may call the API with a key, such as https://app.example.com; empty: none, *: any")
    send_rate: int = setting(1800, "Requests to the Sending API per 60 s and key")
    management_rate: int = setting(600, "Requests to the Management API per 60 s and key")
    stranger_rate: int = setting(120, "Requests without a valid key per 60 s and network address")
    max_recipients: int = setting(1000, "Recipients a message (to, cc and bcc together)")
    login_failures: int = setting(10, "Failed logins per 15 minutes and account before it must wait")
    suppression_removals_per_hour: int = setting(20, "Addresses a tenant may take off its suppression list per hour before staff are alarmed")
    idempotency_hours: int = setting(24, "Hours an idempotency key is remembered")
    smtp_repeat_minutes: int = setting(60, "Minutes in which the very same message, sent again over SMTP, is answered as a retry and not sent again; 0: never")
    attachment_inline_bytes: int = setting(256 * 1024, "Attachments up to this size live in the database, larger ones in the object store")

    # Guard of each bridge: shares are of recipients, from 0 to 1; a tenant may choose lower limits, and higher ones up to ..._most
    guard_window_hours: int = setting(24, "Hours back over which a bridge's bounces and complaints are judged")
    guard_minimum_sent: int = setting(200, "Recipients dialled in the window under which bounces are not judged")
    guard_minimum_delivered: int = setting(500, "Recipients delivered to in the window under which complaints are not judged")
    guard_minimum_complaints: int = setting(3, "Complaints in the window under which they are not judged")
    guard_bounce_warn: float = setting(0.05, "Share of hard bounces at which a bridge's owners are warned")
    guard_bounce_pause: float = setting(0.10, "Share of hard bounces at which a bridge is paused")
    guard_bounce_most: float = setting(0.15, "Highest share of hard bounces a tenant may choose as a bridge's limit")
    guard_complaint_warn: float = setting(0.001, "Share of complaints at which a bridge's owners are warned")
    guard_complaint_pause: float = setting(0.005, "Share of complaints at which a bridge is paused")
    guard_complaint_most: float = setting(0.008, "Highest share of complaints a tenant may choose as a bridge's limit")
    guard_spike_minimum: int = setting(1000, "Recipients accepted in one hour under which nothing is a spike")
    guard_spike_factor: float = setting(10.0, "How many times its busiest hour a bridge may accept in one hour")
    guard_spike_most: float = setting(100.0, "Highest factor a tenant may choose")
    guard_spike_action: str = setting("pause", "What a spike leads to unless the bridge chose: off, warn or pause")
    guard_sender_action: str = setting("warn", "What a From domain that the bridge never used leads to unless it chose: off, warn or pause")
    guard_history_days: int = setting(14, "Days back in which a bridge's busiest hour is looked for")
    guard_learning_days: int = setting(3, "Days since its first mail in which a bridge's senders and hours are learned, not judged")

    # New tenants and support
    approval_daily: int = setting(200, "Live recipients a day of a newly approved tenant; doubles with each clean day. 0: approved tenants start unlimited")
    approval_minute: int = setting(60, "Live recipients a minute of a newly approved tenant until its limit has grown up; 0: no such limit")
    growth_minimum: int = setting(50, "Recipients dialled in a day under which it says too little to count as clean")
    growth_bounces: float = setting(0.05, "Share of hard bounces up to which a day is clean")
    growth_complaints: float = setting(0.001, "Share of complaints up to which a day is clean")
    growth_until: int = setting(100_000, "Recipients a day at which a growing limit is lifted; a plan's daily limit takes its place")
    support_minutes: int = setting(30, "Minutes a support session lasts; never more than 30")
    support_factor_minutes: int = setting(5, "Minutes for which a second factor counts as fresh when staff begin a support session")

    # Domains
    domain_pending_minutes: int = setting(5, "Minutes between two looks for the records of a domain that waits for them, on its first day; hourly later")
    domain_pending_days: int = setting(14, "Days after which records that never came are not looked for by themselves any more")
    domain_active_hours: int = setting(24, "Hours between two checks of a domain that stands")
    domain_grace_days: int = setting(3, "Days a domain may send after its proof vanished from DNS; its owners are told at the start and a day before the end")
    dkim_overlap_days: int = setting(7, "Days the record of a replaced DKIM key is still asked for, for mail under way")

    # Retention, in days
    retain_content_days: int = setting(7, "Days until bodies and attachments are dropped")
    retain_event_days: int = setting(90, "Days until recipients, events and attempts are dropped")
    retain_webhook_days: int = setting(30, "Days until webhook deliveries are dropped; replays reach as far back")

    retain_report_days: int = setting(7, "Days until reports that somebody asked for are dropped, with their files")

    # Operations
    log_level: str = setting("info", "debug, info, warning or error")
    metrics_token: str = setting("", "Bearer token that /metrics asks for; empty: only loopback may read it")
    postfix_webhook_secret: str = setting("", "Shared secret of POST /webhooks/postfix; empty: the route is closed")
    disk_minimum_bytes: int = setting(200 * 1024 * 1024, "Free space under which new mail is refused")
    demo: bool = setting(False, "Whether `postbridge up` keeps a demo tenant with known credentials")

    def __post_init__(self) -> None:
        for name in ("egress_allow", "smtp_plain_auth_networks"):
            for network in getattr(self, name):
                try:
                    ipaddress.ip_network(network, strict=False)
                except ValueError as error:
                    raise SettingError(f"POSTBRIDGE_{name.upper()}: {error}; write networks as 127.0.0.0/8, comma separated") from None
        for text in self.dns_hosts:
            name, _, address = text.partition("=")
            if not name or not _is_address(address):
                raise SettingError("POSTBRIDGE_DNS_HOSTS: write entries as mx.example.net=192.0.2.1, comma separated")
        for name in ("guard_spike_action", "guard_sender_action"):
            if getattr(self, name) not in ("off", "warn", "pause"):
                raise SettingError(f"POSTBRIDGE_{name.upper()} must be off, warn or pause")
        if self.log_level not in ("debug", "info", "warning", "error"):
            raise SettingError("POSTBRIDGE_LOG_LEVEL must be debug, info, warning or error")

    @property
    def tracking_base(self) -> str:
        """Address that stands before /api/t/... in tracked mail, without a slash at the end."""
        return (self.tracking_url or self.public_url).rstrip("/")

    @property
    def ehlo_name(self) -> str:
        """Name we say at other servers when the pool member has none of its own."""
        return self.helo_name or self.mail_hostname

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None, **overrides: Any) -> Settings:
        """Read the environment. Raises ``SettingError`` naming the variable for an unreadable value."""
        env = os.environ if environ is None else environ
        values: dict[str, Any] = {}
        for name, kind in _kinds().items():
            raw = env.get(f"POSTBRIDGE_{name.upper()}")
            if raw is None and name in ("database_url", "redis_url"):
                raw = env.get(name.upper())
            if raw is not None:
                values[name] = _parse(name, kind, raw)
        if "web_port" in values:  # the address follows the port until it is set
            values.setdefault("public_url", f"http://127.0.0.1:{values['web_port']}")
        return cls(**{**values, **overrides})


@functools.cache
def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _kinds() -> dict[str, Any]:
    hints = get_type_hints(Settings)
    return {f.name: hints[f.name] for f in dataclasses.fields(Settings)}


def _parse(name: str, kind: Any, raw: str) -> Any:
    try:
        if kind is bool:
            return {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False, "": False}[raw.lower()]
        if kind is Path:
            return Path(raw).expanduser().resolve()
        if kind in (int, float, str):
            return kind(raw)
        return tuple(part.strip() for part in raw.split(",") if part.strip())
    except (ValueError, KeyError):
        wanted = {bool: "true or false", int: "a whole number", float: "a number"}.get(kind, "another form")
        raise SettingError(f"POSTBRIDGE_{name.upper()} is {raw!r}; it must be {wanted}") from None


def read_or_make_keys(settings: Settings) -> tuple[str, ...]:
    """The key ring: from the setting, else from ``var_dir/secret.keys``, which is made on first use with mode 0600."""
    if settings.secret_keys:
        return settings.secret_keys
    import base64

    path = settings.var_dir / "secret.keys"
    for _ in range(2):
        if path.exists():
            return tuple(line for line in path.read_text().split() if line)
        path.parent.mkdir(parents=True, exist_ok=True)
        made = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
        made.touch(mode=0o600)
        made.write_text(f"k1:{base64.b64encode(secrets.token_bytes(32)).decode()}\n")
        try:
            os.link(made, path)  # first process wins; the others read what it wrote
        except FileExistsError:
            pass
        finally:
            made.unlink()
    return tuple(path.read_text().split())


@functools.cache
def get_settings() -> Settings:
    """The settings of this process, read once."""
    return Settings.from_env()


def as_table() -> str:
    """The Markdown table of docs/settings.md."""
    rows = ["| variable | default | meaning |", "|---|---|---|"]
    for f in dataclasses.fields(Settings):
        default = "`./var`" if f.name == "var_dir" else f"`{','.join(f.default) if isinstance(f.default, tuple) else f.default}`"
        rows.append(f"| `POSTBRIDGE_{f.name.upper()}` | {default if default != '``' else '(empty)'} | {f.metadata['help']} |")
    return "\n".join(rows)


if __name__ == "__main__":
    print(as_table())
