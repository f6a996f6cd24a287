"""Pages and their fragments: one view answers both, by what asked."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import marshmallow as ma
from flask import Blueprint, Response, g, make_response, redirect, render_template, request, url_for
from flask import flash as keep_for_next_page
from htmx_flask import request as htmx_request

from webapp.http.api import problems_of


def page_blueprint(name: str, prefix: str = "") -> Blueprint:
    """A slice's pages."""
    return Blueprint(name, f"webapp.{name}", url_prefix=prefix or None)


def wants_fragment() -> bool:
    """Whether htmx asks for a piece: not a boosted link, not the way back through history, both of which want the whole page."""
    htmx = htmx_request.htmx
    return bool(htmx) and not htmx.boosted and not htmx.history_restore_request


def render(template: str, /, fragment: str | None = None, status: int = 200, **context: Any) -> Response:
    """The page, or ``fragment`` alone for htmx."""
    chosen = fragment if fragment and wants_fragment() else template
    response = make_response(render_template(chosen, **context), status)
    response.headers["Vary"] = "HX-Request, Cookie"
    return response


def mark_of(*facts: object) -> str:
    """A short mark of what a live fragment shows, made of everything in it that can change: the page sends it back as ``seen`` when it asks again."""
    return hashlib.blake2b(repr(facts).encode("utf-8", "backslashreplace"), digest_size=9).hexdigest()


def nothing_new(mark: str) -> Response | None:
    """204 for a page that shows exactly this already: htmx leaves it as it is, and nothing is rendered. None for all others."""
    if wants_fragment() and request.args.get("seen") == mark:
        return Response("", 204, {"Vary": "HX-Request, Cookie"})
    return None


def flash(message: str, level: str = "success") -> None:
    """Tell the person, on this fragment's answer or on the next page. ``level``: success, info, warning or error."""
    if wants_fragment():
        g.toast = {"flash": {"level": level, "message": message}}
    else:
        keep_for_next_page(message, level)


def send_toast(response: Response) -> Response:
    """``after_request``: put the toast of a fragment into its HX-Trigger header."""
    if toast := g.pop("toast", None):
        if response.headers.get("HX-Redirect") or 300 <= response.status_code < 400:
            keep_for_next_page(toast["flash"]["message"], toast["flash"]["level"])
        else:
            triggers = json.loads(response.headers["HX-Trigger"]) if response.headers.get("HX-Trigger", "").startswith("{") else {}
            response.headers["HX-Trigger"] = json.dumps({**triggers, **toast})
    return response


def redirect_to(endpoint: str, **values: Any) -> Response:
    """Go to another page, also out of an htmx request."""
    target = url_for(endpoint, **values)
    if wants_fragment():
        return Response("", 204, {"HX-Redirect": target})
    return redirect(target, 303)  # type: ignore[return-value]


def load_form(schema: type[ma.Schema]) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """The posted form through a schema: ``(data, errors by field)``. Empty fields count as absent; repeated ones of a list field as a list."""
    loader = schema(unknown=ma.EXCLUDE)
    raw: dict[str, Any] = {}
    for name, field in loader.load_fields.items():
        key = field.data_key or name
        values = [value for value in request.form.getlist(key) if value != ""]
        if values:
            raw[key] = values if isinstance(field, ma.fields.List) else values[-1]
    try:
        return loader.load(raw), {}
    except ma.ValidationError as error:
        collected: dict[str, list[str]] = {}
        for problem in problems_of(error.messages_dict):
            collected.setdefault((problem.param or "").split("[")[0].split(".")[0], []).append(problem.message)
        return raw, collected
