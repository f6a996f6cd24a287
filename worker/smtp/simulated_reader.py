"""What readers and providers do after delivery: write bounces, complaints and holiday notes, open, click, unsubscribe.

Mail goes to our own inbound server, HTTP only to our own web address, whatever the message says: the simulator must not be a
way to reach other hosts.
"""

from __future__ import annotations

import asyncio
import html
import http.client
import re
import smtplib
import urllib.parse
import uuid
from datetime import UTC, datetime
from email.utils import format_datetime

from webapp.messages.mime_headers import Header, IntakeError, find_header, normalise_newlines, split_headers
from webapp.messages.mime_parts import parse_parts
from worker.smtp.simulator import ReceivedMail

_TIMEOUT = 10.0
_AT_ONCE = 8
_ENCLOSED = 64 * 1024
"""Octets of the message that travel back in a report."""
_BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"


class SimulatedReader:
    """Acts on mail that the simulator took (`worker.smtp.simulator.Reader`)."""

    def __init__(self, domain: str, inbound: tuple[str, int], base_url: str) -> None:
        """domain: the simulator's; inbound: host and port of our inbound server; base_url: our web address, the only one that
        is ever called."""
        self._domain = domain
        self._inbound = inbound
        self._base = base_url.rstrip("/")
        self._gate = asyncio.Semaphore(_AT_ONCE)

    async def act(self, behaviour: str, mail: ReceivedMail) -> None:
        """Do what the behaviour promises. Raises OSError, smtplib or http errors when our own servers do not answer."""
        async with self._gate:
            await asyncio.to_thread(self._act, behaviour, mail)

    def _act(self, behaviour: str, mail: ReceivedMail) -> None:
        match behaviour:
            case "late-bounce":
                self._write_back(mail, make_bounce(mail, self._domain))
            case "complaint":
                self._write_back(mail, make_complaint(mail, self._domain))
            case "autoreply":
                self._write_back(mail, make_auto_reply(mail, self._domain))
            case "unsubscribe":
                for url in unsubscribe_urls(mail.data, self._base)[:1]:
                    self._request("POST", url, b"List-Unsubscribe=One-Click")
            case "open":
                self._open(mail)
            case "click":
                self._open(mail)
                for url in tracked_urls(mail.data, self._base, "/api/t/c/")[:1]:
                    self._request("GET", url)

    def _open(self, mail: ReceivedMail) -> None:
        for url in tracked_urls(mail.data, self._base, "/api/t/o/")[:1]:
            self._request("GET", url)

    def _write_back(self, mail: ReceivedMail, report: bytes) -> None:
        if not mail.sender:
            return  # a report about a report would never end
        with smtplib.SMTP(*self._inbound, local_hostname=self._domain, timeout=_TIMEOUT) as client:
            client.sendmail("", [mail.sender], report)

    def _request(self, method: str, url: str, body: bytes | None = None) -> None:
        parts = urllib.parse.urlsplit(self._base)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(parts.hostname or "", parts.port, timeout=_TIMEOUT)
        headers = {"User-Agent": _BROWSER, "Accept": "text/html,image/*"}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        try:
            connection.request(method, url.removeprefix(f"{parts.scheme}://{parts.netloc}"), body, headers)
            connection.getresponse().read(65536)  # redirects are not followed: the click is counted by then
        finally:
            connection.close()


def tracked_urls(data: bytes, base: str, path: str) -> list[str]:
    """Our own tracking addresses in a message, in order. base: our web address without slash at the end."""
    pattern = re.compile(re.escape(base + path) + r"[A-Za-z0-9._~%\-]+")
    try:
        parts = parse_parts(normalise_newlines(data), strict=False)
    except IntakeError:
        return []
    texts = [part.text() for part in parts if part.content_type in ("text/html", "text/plain")]
    return [match[0] for text in texts for match in pattern.finditer(html.unescape(text))]


def unsubscribe_urls(data: bytes, base: str) -> list[str]:
    """Addresses in List-Unsubscribe that are ours, when the message allows one-click (RFC 8058)."""
    headers = _headers(data)
    one_click = find_header(headers, "List-Unsubscribe-Post") or ""
    if one_click.replace(" ", "").lower() != "list-unsubscribe=one-click":
        return []
    urls = re.findall(r"<([^<>\s]{1,2000})>", find_header(headers, "List-Unsubscribe") or "")
    return [url for url in urls if url.startswith(f"{base}/")]


def make_bounce(mail: ReceivedMail, domain: str) -> bytes:
    """A delivery status notification (RFC 3464) saying that the recipient does not exist."""
    status = (
        f"Reporting-MTA: dns; {domain}\r\nArrival-Date: {_now()}\r\n\r\n"
        f"Final-Recipient: rfc822; {mail.recipient}\r\nOriginal-Recipient: rfc822; {_xtext(mail.recipient)}\r\n"
        f"Action: failed\r\nStatus: 5.1.1\r\nRemote-MTA: dns; {domain}\r\n"
        f"Diagnostic-Code: smtp; 550 5.1.1 <{mail.recipient}>: No such user here, found out late\r\n"
    )
    text = f"Your message could not be delivered to {mail.recipient}: no such user here.\r\n"
    return _report(
        mail, domain, f"MAILER-DAEMON@{domain}", "Undelivered Mail Returned to Sender", "delivery-status", text,
        [("message/delivery-status", status.encode()), ("text/rfc822-headers", _header_block(mail.data))],
    )  # fmt: skip


def make_complaint(mail: ReceivedMail, domain: str) -> bytes:
    """An abuse feedback report (RFC 5965) from a reader who pressed the spam button."""
    feedback = (
        f"Feedback-Type: abuse\r\nUser-Agent: PostbridgeSimulator/1.0\r\nVersion: 1\r\nOriginal-Mail-From: <{mail.sender}>\r\n"
        f"Original-Rcpt-To: <{mail.recipient}>\r\nArrival-Date: {_now()}\r\nReporting-MTA: dns; {domain}\r\n"
    )
    text = "This is an email abuse report for a message received today.\r\n"
    return _report(
        mail, domain, f"feedback@{domain}", "Abuse report", "feedback-report", text,
        [("message/feedback-report", feedback.encode()), ("message/rfc822", normalise_newlines(mail.data)[:_ENCLOSED])],
    )  # fmt: skip


def make_auto_reply(mail: ReceivedMail, domain: str) -> bytes:
    """A holiday note (RFC 3834)."""
    head = _head(mail, domain, mail.recipient, "Out of office", f"In-Reply-To: {find_header(_headers(mail.data), 'Message-ID') or '<>'}\r\n")
    return head + b"Content-Type: text/plain; charset=utf-8\r\n\r\nI am on holiday until Monday.\r\n"


def _report(mail: ReceivedMail, domain: str, sender: str, subject: str, kind: str, text: str, parts: list[tuple[str, bytes]]) -> bytes:
    boundary = uuid.uuid4().hex
    out = [_head(mail, domain, sender, subject), f'Content-Type: multipart/report; report-type={kind}; boundary="{boundary}"\r\n\r\n'.encode()]
    for content_type, body in [("text/plain; charset=utf-8", text.encode()), *parts]:
        out.append(f"--{boundary}\r\nContent-Type: {content_type}\r\n\r\n".encode() + body + b"\r\n")
    out.append(f"--{boundary}--\r\n".encode())
    return b"".join(out)


def _head(mail: ReceivedMail, domain: str, sender: str, subject: str, more: str = "") -> bytes:
    return (
        f"From: {sender}\r\nTo: {mail.sender}\r\nSubject: {subject}\r\nDate: {_now()}\r\nMessage-ID: <{uuid.uuid4()}@{domain}>\r\n"
        f"Auto-Submitted: auto-replied\r\n{more}MIME-Version: 1.0\r\n"
    ).encode()


def _headers(data: bytes) -> list[Header]:
    try:
        return split_headers(normalise_newlines(data[:_ENCLOSED]), strict=False)[0]
    except IntakeError:
        return []


def _header_block(data: bytes) -> bytes:
    return normalise_newlines(data[:_ENCLOSED]).partition(b"\r\n\r\n")[0] + b"\r\n"


def _xtext(address: str) -> str:
    return "".join(char if "!" <= char <= "~" and char not in "+=" else "".join(f"+{octet:02X}" for octet in char.encode()) for char in address)


def _now() -> str:
    return format_datetime(datetime.now(UTC))
