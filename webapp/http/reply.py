"""Headers that every answer carries."""

from __future__ import annotations

from flask import Response, g

#: Nothing inline, nothing evaluated, nothing from another host.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; "
    "frame-src 'self'; frame-ancestors 'none'; base-uri 'none'; manifest-src 'self'"
)
_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not no-referrer: the CSRF check over https asks for the referrer of the same host.
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def finish(response: Response) -> Response:
    """``after_request``: request id, caching, security headers. A view's own choice of a header stands."""
    for name, value in {**_ALWAYS, "Content-Security-Policy": CONTENT_SECURITY_POLICY, "X-Request-Id": g.get("request_id", "")}.items():
        response.headers.setdefault(name, value)
    if response.headers.get("Content-Security-Policy", "").startswith("sandbox"):
        response.headers["X-Frame-Options"] = "SAMEORIGIN"
    response.headers.setdefault("Cache-Control", "no-store")
    for name, value in g.get("rate_headers", {}).items():
        response.headers[name] = value
    return response
