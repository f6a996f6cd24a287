"""Mail that is hard to get through whole, signed twice, and how it must look on the other side."""

from __future__ import annotations

from tests.worker.delivery.content_making import NOW, make_content, make_recipient, make_signers
from worker.delivery.content import Attachment
from worker.delivery.mime import CompiledMessage

#: Dots where SMTP reads them, lines over 998 octets, letters beyond ASCII.
TEXT = ".\n..\n...three\n.leading dot\n" + "lang " * 600 + "\nGrüße, 你好\n.\n\nend\n"
HTML = "<p>.</p>\n.\n" + "<b>wörd</b>" * 400 + "\n..\n"
#: As it comes over SMTP, eight-bit and all: what is wrong with it is mended before it is signed.
RAW = (
    b"From: Shop <sender@example.com>\r\nTo: to@example.net\r\nSubject: " + b"long " * 300 + b"\r\nMIME-Version: 1.0\r\n"
    b"Message-ID: <raw@example.com>\r\nDate: Sun, 01 Mar 2026 12:30:00 +0000\r\n"
    b"Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    b"<p>one\ntwo\rthree\r\r\nfour</p>\r\n.\r\n.five\r\n" + "ü".encode() * 300 + b"\r\n" + "ö".encode() * 3000 + b"\n"
)


def letters() -> dict[str, bytes]:
    """By name, as they leave."""
    octets = bytes(range(256)) * 40
    contents = {
        "text": make_content(text=TEXT),
        "alternative": make_content(text=TEXT, html=HTML),
        "attachment": make_content(text=TEXT, attachments=(Attachment("zahlen.bin", "application/octet-stream", octets, None, False),)),
        "raw": make_content(raw=RAW),
        "umlauts": make_content(text="hi\n", subject="Grüße aus Köln — ✓ " * 12, from_name="Müller & Söhne"),
    }
    return {name: CompiledMessage.compile(content, None).render(make_recipient(), make_signers(), NOW) for name, content in contents.items()}
