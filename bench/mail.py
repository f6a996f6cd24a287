"""The mail that every measurement sends: about 10 kB, HTML and text, with words beyond ASCII and links."""

from __future__ import annotations

import quopri
from functools import cache

SENDER_DOMAIN = "bench.example.com"
SENDER = f"news@{SENDER_DOMAIN}"
#: Where mail goes; the sink takes it for all of them.
RECIPIENT_DOMAIN = "dest.example.net"

_SENTENCE = "Your order {number} of Monday is on its way to you; the parcel holds café filters, a grinder and two cups. "
_ROW = (
    '<tr><td style="padding:8px">Item {number}</td><td>Größe M, crème</td><td><a href="https://shop.example.com/items/{number}?from=mail">Show</a></td></tr>\n'
)


@cache
def html(size: int = 6500) -> str:
    """A page of about ``size`` octets with a table of linked items."""
    head = "<!doctype html><html><head><title>Your order</title></head><body><h1>Thank you</h1>\n"
    rows, used, number = [], len(head) + 600, 0
    while used < size:
        number += 1
        # A link to every third item: mail with a link on each line is no ordinary mail.
        row = _ROW.format(number=number) if number % 3 == 0 else f"<p>{_SENTENCE.format(number=number)}</p>\n"
        rows.append(row)
        used += len(row.encode())
    return f"{head}{''.join(rows)}<p>See you soon at <a href=\"https://shop.example.com/\">our shop</a>.</p></body></html>\n"


@cache
def text(size: int = 2600) -> str:
    """The plain part, about ``size`` octets."""
    lines = [_SENTENCE.format(number=number) for number in range(size // len(_SENTENCE) + 1)]
    return "\n".join(lines) + "\nhttps://shop.example.com/orders/7\n"


@cache
def mime_parts() -> tuple[bytes, bytes]:
    """One message as a mail client sends it: what stands before and what behind the recipient's address and the message's number.

    The caller joins ``head + b"<address>\\r\\nMessage-ID: ...\\r\\n" + tail``. CR LF line ends, no line that begins with a dot.
    """
    boundary = b"=_bench_boundary_1"
    parts = [(b"plain", text()), (b"html", html())]
    body = b"".join(
        b"--" + boundary + b"\r\nContent-Type: text/" + kind + b"; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
        + quopri.encodestring(content.encode()).replace(b"\n", b"\r\n") + b"\r\n"
        for kind, content in parts
    )  # fmt: skip
    head = f"From: Shop <{SENDER}>\r\nSubject: Your order\r\nDate: Mon, 02 Nov 2026 10:00:00 +0000\r\nTo: ".encode()
    tail = b'MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary="' + boundary + b'"\r\n\r\n' + body + b"--" + boundary + b"--\r\n"
    assert b"\r\n." not in tail
    return head, tail


def message(number: int, run: str) -> bytes:
    """The message to ``recipient(number, run)``, ready for DATA without the final dot."""
    head, tail = mime_parts()
    return head + recipient(number, run) + b"\r\nMessage-ID: <%d.%s@%s>\r\n" % (number, run.encode(), SENDER_DOMAIN.encode()) + tail


def recipient(number: int, run: str) -> bytes:
    """A different address for every message of every run, so that a sink can tell loss from repetition."""
    return b"u%d.%s@%s" % (number, run.encode(), RECIPIENT_DOMAIN.encode())
