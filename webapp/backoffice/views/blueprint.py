"""What the files of this package share: the blueprints, and the way of a form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import marshmallow as ma
from flask import Response

from webapp.http.forms import Errors, errors_of
from webapp.http.pages import load_form, page_blueprint
from webapp.kernel.errors import DomainError, NotFound

#: For staff.
pages = page_blueprint("backoffice")
#: For tenants: what they ask of staff, and what they see of it.
tenant_pages = page_blueprint("support")


def submit(schema: type[ma.Schema], act: Callable[[dict[str, Any]], Response], again: Callable[[dict[str, Any], Errors], Response]) -> Response:
    """The posted form through ``schema`` to ``act``; what either refuses is shown in the form by ``again``. Absent objects stay a 404."""
    data, errors = load_form(schema)
    if errors:
        return again(data, errors)
    try:
        return act(data)
    except NotFound:
        raise
    except DomainError as error:
        return again(data, errors_of(error))
