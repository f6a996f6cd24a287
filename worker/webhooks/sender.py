"""One attempt: signed, posted, and the answer read as far as it is wanted. The network's part of webhooks; no database here."""

from __future__ import annotations

import asyncio
import email.utils
import ssl
import time
from collections.abc import Iterable, Mapping

import aiohttp
from yarl import URL

from webapp.kernel.clock import now
from webapp.kernel.errors import DomainError
from webapp.settings import get_settings
from webapp.version import __version__
from webapp.webhooks.service.addresses import Target, parse
from webapp.webhooks.service.signing import key_of, sign
from webapp.webhooks.types import Attempt, Job
from worker.webhooks.guarded import GuardedResolver

#: Octets of an answer's body that are read at most, and characters of it that are kept.
_READ, _KEEP = 64 * 1024, 4096
#: Of the headers: how many, and how many characters of each.
_HEADERS, _HEADER = 40, 500
#: Seconds to wait for the body of a 2xx: the event was taken, what it says is for the log only.
_BODY_PATIENCE = 2.0
_HIDDEN = frozenset({"set-cookie", "authorization", "www-authenticate", "proxy-authenticate", "x-api-key"})
_SIGNED = "(signed with {count} secret{s})"


class Sender:
    """The HTTP client of one process: keep-alive pools to endpoints. Made and used on its loop."""

    def __init__(self) -> None:
        settings = get_settings()
        self._seconds = settings.webhook_timeout_seconds
        self._resolver = GuardedResolver()
        connector = aiohttp.TCPConnector(
            resolver=self._resolver, use_dns_cache=False, limit=0, limit_per_host=0, keepalive_timeout=30, ssl=ssl.create_default_context(),
            enable_cleanup_closed=False,
        )  # fmt: skip
        # No cookies, no redirects, no proxies of the environment, nothing unpacked: what comes back is looked at, never followed or believed.
        self._session = aiohttp.ClientSession(
            connector=connector, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False, trust_env=False, timeout=aiohttp.ClientTimeout(None),
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"), read_bufsize=_READ, raise_for_status=False,
        )  # fmt: skip
        self._targets: dict[str, tuple[URL, Target]] = {}
        self._keys: dict[str, bytes] = {}

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()
        await self._resolver.close()

    async def send(self, job: Job) -> Attempt:
        """Deliver once, within the time limit. Never raises for what the endpoint, its name or the network does."""
        at, start = now(), time.monotonic()
        headers = self._headers(job)
        status: int | None = None
        try:
            async with asyncio.timeout(self._seconds):
                url, target = self._target(job.url)
                await self._resolver.check(target)
                async with self._session.post(url, data=job.body.encode(), headers=headers, allow_redirects=False) as response:
                    status = response.status
                    body, cut = await _read(response)
                    return _answered(response, body, cut, at_start=start, at=at, sent=_logged(headers, len(job.secrets)))
        except TimeoutError:
            error = f"No complete answer within {self._seconds:g} s."
        except DomainError as refused:
            error = refused.message
        except (aiohttp.ClientError, OSError, ValueError) as fault:
            error = _plain(fault)
        if status is not None and error.startswith("No complete"):
            error = f"The answer began with {status} but was not complete within {self._seconds:g} s."
        return Attempt(at, time.monotonic() - start, None, error[:500], request_headers=_logged(headers, len(job.secrets)))

    def _headers(self, job: Job) -> dict[str, str]:
        stamp = int(time.time())
        signature = sign([self._key(secret) for secret in job.secrets], str(job.event_id), stamp, job.body.encode())
        return {
            "Content-Type": "application/json", "User-Agent": f"Postbridge-Webhooks/{__version__}", "Accept": "*/*",
            "Accept-Encoding": "identity", "webhook-id": str(job.event_id), "webhook-timestamp": str(stamp), "webhook-signature": signature,
        }  # fmt: skip

    def _key(self, secret: str) -> bytes:
        if secret not in self._keys:
            if len(self._keys) > 4096:
                self._keys.clear()
            self._keys[secret] = key_of(secret)
        return self._keys[secret]

    def _target(self, url: str) -> tuple[URL, Target]:
        found = self._targets.get(url)
        if found is None:
            if len(self._targets) > 4096:
                self._targets.clear()
            made = URL(url)
            parse(url)
            # As yarl reads it, for that is what is dialled: two readers of one address must not differ.
            found = self._targets[url] = (made, Target(made.scheme, made.host or "", made.port or 0))
        return found


async def _read(response: aiohttp.ClientResponse) -> tuple[bytes, bool]:
    """The beginning of the body, and whether more was left. A 2xx is not waited for long, all others as long as the attempt lasts."""
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(_BODY_PATIENCE if 200 <= response.status < 300 else None):
            while size < _READ:
                part = await response.content.read(_READ - size)
                if not part:
                    return b"".join(parts), False
                parts.append(part)
                size += len(part)
    except TimeoutError:
        if not 200 <= response.status < 300:
            raise
    except aiohttp.ClientError:  # closed in the middle: the status stands
        return b"".join(parts), True
    response.close()
    return b"".join(parts), True


def _answered(
    response: aiohttp.ClientResponse, body: bytes, cut: bool, *, at_start: float, at: object, sent: tuple[tuple[str, str], ...]
) -> Attempt:
    text = body[: _KEEP * 4].decode("utf-8", "replace").replace("\x00", "")
    error = None
    if 300 <= response.status < 400:
        error = f"The endpoint answered {response.status}: redirects are not followed. Set its address to where it moved."
    elif not 200 <= response.status < 300:
        error = f"The endpoint answered {response.status}."
    return Attempt(
        at, time.monotonic() - at_start, response.status, error, _kept(response.headers.items()), text[:_KEEP], cut or len(text) > _KEEP,  # type: ignore[arg-type]
        _retry_after(response.headers) if error else None, sent,
    )  # fmt: skip


def _kept(headers: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    pairs = list(headers)[:_HEADERS]
    return tuple((name[:100], "(hidden)" if name.lower() in _HIDDEN else value[:_HEADER].replace("\x00", "")) for name, value in pairs)


def _logged(headers: Mapping[str, str], secrets: int) -> tuple[tuple[str, str], ...]:
    """The request's headers for the log. A signature there would let a reader of the log forge the request for some minutes."""
    hidden = _SIGNED.format(count=secrets, s="s" if secrets > 1 else "")
    return tuple((name, hidden if name == "webhook-signature" else value) for name, value in headers.items())


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds of a Retry-After header (RFC 9110 section 10.2.3): a number or a date; None for anything else."""
    text = headers.get("Retry-After", "").strip()
    if text.isdigit() and len(text) < 10:
        return float(text)
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, moment.timestamp() - time.time())


def _plain(fault: Exception) -> str:
    """What happened, in words for the endpoint's owner."""
    if isinstance(fault, aiohttp.ClientConnectorCertificateError | aiohttp.ClientConnectorSSLError | aiohttp.ClientSSLError):
        return f"TLS failed: {fault.__cause__ or fault}"
    if isinstance(fault, aiohttp.ServerDisconnectedError):
        return "The endpoint closed the connection without an answer."
    if isinstance(fault, aiohttp.ClientConnectorError):
        return f"No connection: {fault.os_error.strerror or fault.os_error}"
    if isinstance(fault, aiohttp.ClientResponseError):
        return f"The answer could not be read: {fault.message}"
    return f"The connection broke: {fault or type(fault).__name__}"
