"""Errors become answers: an envelope under /api/, a page or a toast elsewhere. Nothing a stranger sends may show a stack trace."""

from __future__ import annotations

import json
from typing import Any

import structlog
from flask import Flask, Response, g, redirect, render_template, request, url_for
from psycopg import errors as pg_errors
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from webapp.http.api import error_response
from webapp.http.guard import is_api
from webapp.http.pages import wants_fragment
from webapp.http.unit_of_work import db
from webapp.kernel import errors

log = structlog.get_logger()

_BY_STATUS: dict[int, type[errors.DomainError]] = {
    400: errors.InvalidParameter, 401: errors.Unauthenticated, 403: errors.Forbidden, 409: errors.Conflict, 413: errors.PayloadTooLarge,
    415: errors.UnsupportedMediaType, 422: errors.ValidationFailed, 429: errors.RateLimited, 503: errors.Unavailable,
}  # fmt: skip
_PAGES = (400, 403, 404, 405, 413, 429, 500, 503)
_TEXT = {
    404: "There is nothing at this address.",
    405: "This address does not take that method.",
    413: "The body is larger than this server takes.",
}


class _Plain(errors.DomainError):
    """An HTTP error that is none of the domain's."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


def answer_http_error(error: HTTPException) -> Any:
    """werkzeug's errors: unknown addresses, wrong methods, oversize bodies."""
    if error.response is not None:
        return error.response
    response = answer(_of_http(error))
    if error.code == 405 and (allowed := getattr(error, "valid_methods", None)):
        response.headers["Allow"] = ", ".join(sorted(allowed))
    return response


def _of_http(error: HTTPException) -> errors.DomainError:
    status = error.code or 500
    text = _TEXT.get(status, error.description or "Something went wrong.")
    kind = _BY_STATUS.get(status)
    code = "not_found" if status == 404 else "invalid_parameter" if status < 500 else "internal_error"
    return kind(text) if kind else _Plain(status, code, text)


def refusal_of(error: Exception) -> errors.DomainError:
    """Any error of a request as a refusal; what is a mistake of ours is logged and told as one."""
    if isinstance(error, errors.DomainError):
        return error
    if isinstance(error, HTTPException):
        return _of_http(error)
    if refusal := of_database(error):
        log.warning("database_away", error=type(error).__name__)
        return refusal
    log.error("request_failed", path=request.path, exc_info=error)
    return _Plain(500, "internal_error", "Something went wrong on our side; it was logged under the request id.")


def answer(error: errors.DomainError) -> Response:
    """A refusal, in the form the caller reads."""
    db.session.rollback()
    if is_api():
        return error_response(error)
    if isinstance(error, errors.Unauthenticated):
        return _to_login()
    response = _toast(error) if wants_fragment() else _page(error)
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def _page(error: errors.DomainError) -> Response:
    status = error.status if error.status in _PAGES else 500 if error.status >= 500 else 400
    context = {"message": error.message, "request_id": g.get("request_id"), "retry_after": error.retry_after}
    return Response(render_template(f"errors/{status}.html", **context), error.status, content_type="text/html; charset=utf-8")


def _toast(error: errors.DomainError) -> Response:
    """For a fragment: nothing is swapped, the person is told why."""
    trigger = json.dumps({"flash": {"level": "error", "message": error.message}})
    return Response("", error.status, {"HX-Trigger": trigger, "HX-Reswap": "none"})


def _to_login() -> Response:
    target = url_for("accounts.login", next=request.full_path.rstrip("?") if request.method == "GET" else None)
    if request.headers.get("HX-Request"):
        return Response("", 401, {"HX-Redirect": url_for("accounts.login")})
    return redirect(target)  # type: ignore[return-value]


def of_database(error: BaseException) -> errors.DomainError | None:
    """The refusal for a database that is away, restarting, full or out of connections; None for a mistake of ours."""
    if isinstance(error, PoolTimeout):
        return errors.Unavailable("The server is busy; try again.", retry_after=2)
    original = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(original, pg_errors.DiskFull):
        return errors.Unavailable("The server has no disk space left; nothing was stored.", retry_after=30)
    if isinstance(original, pg_errors.OperationalError | pg_errors.InterfaceError) or isinstance(error, OperationalError | InterfaceError):
        return errors.Unavailable("The database is not reachable at the moment; nothing was stored.", retry_after=2)
    return None


def register(app: Flask) -> None:
    """Install the handlers."""

    @app.errorhandler(errors.DomainError)
    def _refused(error: errors.DomainError) -> Response:
        return answer(error)

    @app.errorhandler(HTTPException)
    def _http(error: HTTPException) -> Any:
        return answer_http_error(error)

    @app.errorhandler(Exception)
    def _broken(error: Exception) -> Response:
        return answer(refusal_of(error))
