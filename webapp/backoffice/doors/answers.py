"""What a support session is shown: the banner on every page and fragment, addresses covered, and no downloads."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from flask import Response, g, make_response, render_template, request

from webapp.backoffice.masking import mask

if TYPE_CHECKING:
    from webapp.backoffice.doors.gate import SupportDoor

BANNER_ID = "support-banner"
#: Seconds between two looks whether a session still runs while an answer streams.
_LOOK_SECONDS = 2.0
_BODY = re.compile(r"<body\b[^>]*>", re.IGNORECASE)
_TEXTS = ("text/", "application/json", "application/javascript", "application/xml")
_TAKEN_AWAY = ("text/csv", "application/zip", "application/octet-stream", "message/rfc822")


def finish(response: Response, door: SupportDoor, is_live: Callable[[SupportDoor], bool]) -> Response:
    """The answer as this session may have it."""
    if _is_download(response):
        response = _refuse_download()
    response.headers["X-Impersonated-By"] = door.email if door.email.isascii() else str(door.actor.id)
    response.headers["Cache-Control"] = "no-store"
    if response.mimetype == "text/event-stream":
        response.response = _while_live(response.response, door, is_live)
        return response
    if response.direct_passthrough or not (response.mimetype or "").startswith(_TEXTS):
        return response
    text = response.get_data(as_text=True)
    text = text if door.unmasked else mask(text)
    if not door.unmasked and "HX-Trigger" in response.headers:
        response.headers["HX-Trigger"] = mask(response.headers["HX-Trigger"]).encode("ascii", "ignore").decode()
    response.set_data(_with_banner(text, response, door))
    return response


def _is_download(response: Response) -> bool:
    return response.headers.get("Content-Disposition", "").lower().startswith("attachment") or response.mimetype in _TAKEN_AWAY


def _refuse_download() -> Response:
    """Whatever a view made of it: what is to be saved does not leave in a support session."""
    g.support_refused = "No support session may take data away: downloads and exports are the tenant's own."
    return make_response(render_template("errors/403.html", message=g.support_refused, request_id=g.get("request_id")), 403)


def _with_banner(text: str, response: Response, door: SupportDoor) -> str:
    """Pages have it in their layout, or get it at their top; fragments bring it along, so that it is right after every swap."""
    if response.mimetype != "text/html" or response.status_code in (204, 304) or 300 <= response.status_code < 400:
        return text
    if response.headers.get("Content-Security-Policy", "").startswith("sandbox"):
        return text  # a mail in its frame; the page around it carries the banner
    body = _BODY.search(text)
    if body is None:
        fragment = request.headers.get("HX-Request") and text.strip()
        return text + render_template("backoffice/_banner.html", impersonation=door, swapped=True) if fragment else text
    if f'id="{BANNER_ID}"' in text:
        return text
    banner = render_template("backoffice/_banner.html", impersonation=door, swapped=False)
    return text[: body.end()] + banner + text[body.end() :]


def _while_live(chunks: Any, door: SupportDoor, is_live: Callable[[SupportDoor], bool]) -> Iterator[bytes]:
    """A stream ends with its session."""
    looked = time.monotonic()
    for chunk in chunks:
        if time.monotonic() - looked >= _LOOK_SECONDS:
            looked = time.monotonic()
            if not is_live(door):
                return
        data = chunk if isinstance(chunk, bytes) else str(chunk).encode()
        yield data if door.unmasked else mask(data.decode("utf-8", "replace")).encode()
