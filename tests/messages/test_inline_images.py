"""Pictures inside a mail show in its preview; nothing else does."""

from __future__ import annotations

import base64
from email.message import EmailMessage
from typing import Any

from webapp.messages.inline_images import show_inline_images

_PIXEL = base64.b64encode(b"\x89PNG picture").decode()


def _entry(cid: str = "logo", kind: str = "image/png", size: int = 12) -> dict[str, Any]:
    return {"filename": "a", "content_type": kind, "content_id": cid, "data": _PIXEL, "size": size}


def test_a_picture_of_the_mail_takes_the_place_of_its_address() -> None:
    assert show_inline_images('<img src="cid:logo">', [_entry()]) == f'<img src="data:image/png;base64,{_PIXEL}">'


def test_what_is_no_picture_or_too_large_or_not_there_stays() -> None:
    html = '<img src="cid:logo">'
    assert show_inline_images(html, [_entry(kind="image/svg+xml")]) == html
    assert show_inline_images(html, [_entry(kind="text/html")]) == html
    assert show_inline_images(html, [_entry(size=6_000_000)]) == html
    assert show_inline_images(html, [_entry(cid="other")]) == html
    assert show_inline_images(html, None) == html


def test_a_raw_mail_brings_its_own() -> None:
    mail = EmailMessage()
    mail.set_content('<img src="cid:a%40b">', subtype="html")
    mail.add_related(b"\x89PNG picture", "image", "png", cid="<a@b>")
    assert show_inline_images('<img src="cid:a%40b">', None, mail.as_bytes()) == f'<img src="data:image/png;base64,{_PIXEL}">'
