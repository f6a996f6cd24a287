"""The page that checks addresses by hand."""

from __future__ import annotations

from flask import Response

from webapp.http.guard import current_scope, requires
from webapp.http.pages import load_form, page_blueprint, render
from webapp.kernel.permissions import Permission
from webapp.validation import schemas, service

pages = page_blueprint("validation", "/check-addresses")


@pages.get("/")
@requires(Permission.EMAIL_VALIDATE)
def index() -> Response:
    """The form."""
    return render("validation/index.html", text="", results=None, errors={})


@pages.post("/")
@requires(Permission.EMAIL_VALIDATE)
def check() -> Response:
    """Judge what was typed or pasted."""
    data, errors = load_form(schemas.CheckForm)
    results = None if errors else service.validate(current_scope(), data["emails"])
    text = data["emails"] if isinstance(data.get("emails"), str) else "\n".join(data.get("emails", ()))
    return render("validation/index.html", "validation/_results.html", status=422 if errors else 200, text=text, results=results, errors=errors)
