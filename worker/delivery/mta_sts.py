"""MTA-STS (RFC 8461): the record and the policy of a domain as values, and the fetch of a policy over HTTPS."""

from __future__ import annotations

import asyncio
import http.client
import io
import re
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from worker.delivery.dane import name_matches
from worker.delivery.egress import EgressPolicy
from worker.delivery.resolver import ResolutionError, Resolver
from worker.delivery.tls_report import TlsResult

MAX_POLICY = 64 * 1024
MAX_AGE = 31_557_600
_MAX_ANSWER = MAX_POLICY + 16 * 1024  # with its header
_MAX_MX = 100
_MAX_ADDRESSES = 3
_ID = re.compile(r"[A-Za-z0-9]{1,32}")
_HOST = re.compile(r"(?:\*\.)?[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+")
_PATH = "/.well-known/mta-sts.txt"


class StsMode(StrEnum):
    """What a policy asks of senders (RFC 8461 section 5)."""

    ENFORCE = "enforce"
    TESTING = "testing"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class StsPolicy:
    """A policy without its age: domains with the same one share connections. `mx`: lower-case patterns, sorted."""

    mode: StsMode
    mx: tuple[str, ...]

    def covers(self, host: str) -> bool:
        """Whether mail may go to this MX host (RFC 8461 4.1)."""
        return any(name_matches(pattern, host) for pattern in self.mx)

    @property
    def text(self) -> str:
        """The policy's lines, for reports."""
        return "\n".join(["version: STSv1", f"mode: {self.mode}", *(f"mx: {pattern}" for pattern in self.mx)])


@dataclass(frozen=True, slots=True)
class StoredPolicy:
    """A policy as it is kept: `id` of the DNS record it was fetched for, times in seconds since the epoch."""

    id: str
    policy: StsPolicy
    fetched_at: float
    expires_at: float


class PolicyStore(Protocol):
    """Where policies outlive this process; shared by all workers. Either call may raise anything when the store is away."""

    async def load(self, domain: str) -> StoredPolicy | None:
        """What is kept for a domain, expired or not."""

    async def save(self, domain: str, stored: StoredPolicy) -> None:
        """Keep a policy, in place of an earlier one."""


class StsError(Exception):
    """No policy could be had; `result` is the word for reports."""

    def __init__(self, result: TlsResult, text: str) -> None:
        super().__init__(text)
        self.result = result


def parse_record(texts: Sequence[str]) -> str | None:
    """The id in the TXT records at `_mta-sts.<domain>`; None when there is not exactly one readable STSv1 record (RFC 8461 3.1)."""
    found = [text for text in texts if re.match(r"v=STSv1\s*(?:;|$)", text)]
    if len(found) != 1:
        return None
    for part in found[0].split(";")[1:]:
        name, _, value = part.partition("=")
        if name.strip() == "id" and _ID.fullmatch(value.strip()):
            return value.strip()
    return None


def parse_policy(text: str) -> tuple[StsPolicy, int]:
    """A policy and its max_age in seconds, at most a year (RFC 8461 3.2). Of a key given twice the first counts, but for mx.

    Raises StsError for text that is no policy.
    """
    fields: dict[str, str] = {}
    patterns: set[str] = set()
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        name, value = name.strip(), value.strip()
        if colon and name == "mx" and len(patterns) < _MAX_MX:
            patterns.add(value.lower().rstrip("."))
        elif colon:
            fields.setdefault(name, value)
    age = fields.get("max_age", "")
    if fields.get("version") != "STSv1" or not (age.isascii() and age.isdigit() and len(age) <= 10):
        raise StsError(TlsResult.STS_INVALID, "the policy has no version STSv1 or no readable max_age")
    try:
        mode = StsMode(fields.get("mode", ""))
    except ValueError:
        raise StsError(TlsResult.STS_INVALID, "the policy has no mode that is known") from None
    if mode is not StsMode.NONE and (not patterns or not all(map(_HOST.fullmatch, patterns))):
        raise StsError(TlsResult.STS_INVALID, "the policy names no mx host, or one that is none")
    return StsPolicy(mode, tuple(sorted(patterns))), min(int(age), MAX_AGE)


class PolicyFetcher:
    """Fetches policies: HTTPS with the certificate checked, no redirect, bounded in size and time, only where `egress` lets us.

    `port` is 443 everywhere but in tests; `seconds` bounds one fetch in all.
    """

    def __init__(self, resolver: Resolver, egress: EgressPolicy, context: ssl.SSLContext, *, port: int = 443, seconds: float = 30.0) -> None:
        self._resolver, self._context, self._port, self._seconds = resolver, context, port, seconds
        self._egress = EgressPolicy(egress.allow, frozenset({port}))

    async def fetch(self, domain: str) -> tuple[StsPolicy, int]:
        """The policy that a domain publishes now, and its max_age in seconds. Raises StsError."""
        host = f"mta-sts.{domain}"
        try:
            async with asyncio.timeout(self._seconds):
                return parse_policy(_body_of(await self._get(host)))
        except TimeoutError:
            raise StsError(TlsResult.STS_FETCH_ERROR, f"{host} did not answer in time") from None

    async def _get(self, host: str) -> bytes:
        try:
            found = await self._resolver.addresses(host)
        except ResolutionError as error:
            raise StsError(TlsResult.STS_FETCH_ERROR, str(error)) from None
        allowed = [ip for ip in found if self._egress.is_allowed(ip, self._port)]
        if not allowed:
            raise StsError(TlsResult.STS_FETCH_ERROR, f"{host} has no address that may be reached from here")
        for ip in allowed[:_MAX_ADDRESSES]:
            try:
                return await self._ask(host, ip)
            except ssl.SSLError as error:
                why = error.verify_message if isinstance(error, ssl.SSLCertVerificationError) else str(error.reason)
                raise StsError(TlsResult.STS_WEBPKI_INVALID, f"the certificate of {host} was not accepted: {why}") from None
            except OSError:
                continue
        raise StsError(TlsResult.STS_FETCH_ERROR, f"{host} could not be reached")

    async def _ask(self, host: str, ip: str) -> bytes:
        """The octets of the answer, header and body, at most so many."""
        reader, writer = await asyncio.open_connection(ip, self._port, ssl=self._context, server_hostname=host)
        try:
            writer.write(f"GET {_PATH} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: Postbridge\r\nAccept: text/plain\r\nConnection: close\r\n\r\n".encode())
            octets = b""
            while data := await reader.read(16 * 1024):
                octets += data
                if len(octets) > _MAX_ANSWER:
                    raise StsError(TlsResult.STS_INVALID, f"the answer of {host} is longer than {MAX_POLICY} octets")
            return octets
        finally:
            writer.transport.abort()


class _Octets:
    """What `http.client` takes for a socket."""

    def __init__(self, octets: bytes) -> None:
        self._octets = octets

    def makefile(self, *_: object) -> io.BytesIO:
        return io.BytesIO(self._octets)


def _body_of(octets: bytes) -> str:
    """The policy's text in an HTTP answer. Only 200 with text/plain counts (RFC 8461 3.3). Raises StsError."""
    answer = http.client.HTTPResponse(_Octets(octets))  # type: ignore[arg-type]
    try:
        answer.begin()
        body = answer.read(MAX_POLICY + 1)
        answer_is_whole = not answer.length  # octets announced and not sent
    except (http.client.HTTPException, ValueError, OSError) as error:
        raise StsError(TlsResult.STS_FETCH_ERROR, f"the answer is no HTTP: {type(error).__name__}") from None
    if answer.status != 200:
        raise StsError(TlsResult.STS_FETCH_ERROR, f"the answer has the status {answer.status}")
    kind = answer.getheader("Content-Type", "").partition(";")[0].strip().lower()
    if kind != "text/plain" or len(body) > MAX_POLICY or not answer_is_whole:
        raise StsError(TlsResult.STS_INVALID, "the policy is not of the type text/plain, is too long, or was cut short")
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        raise StsError(TlsResult.STS_INVALID, "the policy is not readable text") from None
