"""The blueprint that the files of this package share, and how a refusal becomes messages in a form."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

from flask import Response, request, url_for

from webapp.accounts.doors import is_confirmed, my_factors
from webapp.http.pages import page_blueprint, redirect_to, render
from webapp.kernel.errors import DomainError

pages = page_blueprint("accounts")

Errors = dict[str, list[str]]
View = TypeVar("View", bound=Callable[..., Any])


def fresh_proof(back: str = "accounts.security", *, of_factor: bool = False) -> Callable[[View], View]:
    """The view needs a proof of who one is, not older than the setting says: it asks for it, and then leads to this page or (after a POST) to ``back``.

    ``of_factor``: only of people who have a second factor; the view's own form asks for the password.
    """

    def mark(view: View) -> View:
        @functools.wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            if is_confirmed() or (of_factor and not my_factors()):
                return view(*args, **kwargs)
            target = request.full_path.rstrip("?") if request.method == "GET" else url_for(back)
            return redirect_to("accounts.confirm", next=target)

        return guarded  # type: ignore[return-value]

    return mark


def errors_of(error: DomainError) -> Errors:
    """A refusal as messages by field; ``_`` is the form as a whole."""
    found: Errors = {}
    for param, message in [(p.param, p.message) for p in error.problems] or [(error.param, error.message)]:
        found.setdefault(param or "_", []).append(message)
    return found


def show(template: str, status: int = 200, *, data: Any = None, errors: Errors | None = None, error: DomainError | None = None, **more: Any) -> Response:
    """A form with what was typed and what is wrong with it; the status is the refusal's."""
    if error is not None:
        errors, status = errors_of(error), error.status
    elif errors and status == 200:
        status = 422
    response = render(template, status=status, data=data or {}, errors=errors or {}, **more)
    if error is not None and error.retry_after is not None:
        response.headers["Retry-After"] = str(error.retry_after)
    return response
