"""The documentation that this server serves: guides, the meaning of every error code, and a console for the API."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Response, url_for

from webapp.http.guard import public
from webapp.http.pages import page_blueprint, render
from webapp.kernel import errors
from webapp.kernel.errors import NotFound
from webapp.settings import get_settings

pages = page_blueprint("docs", "/docs")


@dataclass(frozen=True, slots=True)
class Guide:
    """One page: its address, title, and what it is good for."""

    slug: str
    title: str
    lead: str


GUIDES = (
    Guide("first-send", "Your first send", "From nothing to a delivered message in five languages."),
    Guide("smtp", "Sending by SMTP", "Ports, encryption, control headers and replies."),
    Guide("domains", "Domains and DNS", "What each record is for, and what goes wrong most often."),
    Guide("sandbox", "Sandbox and simulator", "Try everything without writing to anybody."),
    Guide("idempotency", "Idempotency keys", "Repeat a request without sending twice."),
    Guide("tracking", "Opens, clicks and unsubscribes", "What is measured, what is left alone."),
    Guide("pagination", "Lists, pages and limits", "Cursors, rate limits, ETags."),
)

#: Error code -> (what it means, what to do).
ERRORS: tuple[tuple[type[errors.DomainError], str, str], ...] = (
    (errors.InvalidParameter, "A parameter or the body cannot be read.", "Look at the param and the message; send JSON with the right types."),
    (errors.MissingParameter, "Something required is absent.", "Send the parameter that param names."),
    (errors.Unauthenticated, "No key, or one that is unknown, expired or revoked.", "Check the Authorization header; make a new key when in doubt."),
    (errors.Forbidden, "The key is known and may not do this.", "Look at the role of the key, its IP list, and whether the tenant is approved."),
    (errors.NotFound, "There is no such object in your tenant and mode.", "Check the id; live and sandbox objects are apart."),
    (errors.Conflict, "The object's state forbids it, or it changed since you read it.", "Read it again and repeat with the new ETag."),
    (errors.LimitExceeded, "A limit of your tenant is reached.", "Remove what is not needed, or ask for a higher limit."),
    (errors.IdempotencyConflict, "The idempotency key belongs to another body, or its first request is still running.", "Use a new key for a new request."),
    (errors.PayloadTooLarge, "The body, the message or a file is too large.", "Attachments: 10 MB each, 25 MB in all."),
    (errors.ValidationFailed, "The input can be read but breaks a rule.", "errors[] lists every breach with the field it is about."),
    (errors.RateLimited, "Too many requests.", "Wait as long as Retry-After says."),
    (errors.Unavailable, "A component is away for a moment; nothing was stored.", "Repeat the request, best with an idempotency key."),
)  # fmt: skip


@pages.get("/")
@public
def index() -> Response:
    """All guides."""
    return render("docs/index.html", guides=GUIDES)


@pages.get("/errors")
@public
def error_codes() -> Response:
    """Every error code; `doc_url` of an error points here."""
    rows = [{"code": kind.code, "status": kind.status, "retryable": kind.retryable, "meaning": meaning, "todo": todo} for kind, meaning, todo in ERRORS]
    ours = {"meaning": "Something went wrong on our side.", "todo": "Repeat it; tell us the request id when it stays."}
    rows.append({"code": "internal_error", "status": 500, "retryable": True, **ours})
    return render("docs/errors.html", rows=rows, guides=GUIDES)


@pages.get("/api")
@public
def console() -> Response:
    """The API console."""
    return render("docs/api.html", document_url="/api/v1/openapi.json", guides=GUIDES)


@pages.get("/<slug>")
@public
def guide(slug: str) -> Response:
    """One guide."""
    found = next((g for g in GUIDES if g.slug == slug), None)
    if found is None:
        raise NotFound("page")
    settings = get_settings()
    base = url_for("docs.index", _external=True).removesuffix("/docs/")
    return render(f"docs/{slug}.html", guide=found, guides=GUIDES, base=base, settings=settings)
