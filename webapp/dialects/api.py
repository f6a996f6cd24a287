"""The routes of all dialects, under `/compat/<dialect>`: their requests as a ``Call``, their answers and errors in the dialect's shape."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, g, request
from werkzeug.exceptions import HTTPException

from webapp.access.types import Credential
from webapp.dialects import DIALECTS, ROOT
from webapp.dialects.call import Call, Dialect, NoKey, Reply, Route
from webapp.http.envelope import encode, error_headers
from webapp.http.guard import bearer_token, current_credential, current_scope, requires, signed_in
from webapp.http.problems import refusal_of
from webapp.http.unit_of_work import db
from webapp.kernel.errors import NotFound
from webapp.messages.types import AttachmentInput

blp = Blueprint("dialects", __name__, url_prefix=ROOT)


def _call(dialect: Dialect, path: dict[str, str]) -> Call:
    credential = current_credential()
    assert isinstance(credential, Credential)
    return Call(
        credential=credential, scope=current_scope, path=path, query=request.args, headers=request.headers, body=request.get_data,
        form=lambda: list(request.form.items(multi=True)),
        files=lambda: [(name, AttachmentInput(f.filename or "", f.content_type or "", f.read())) for name, f in request.files.items(multi=True)],
        base_url=f"{request.host_url.rstrip('/')}{ROOT}/{dialect.name}", request_id=g.get("request_id", ""),
    )  # fmt: skip


def _response(reply: Reply) -> Response:
    body = b"" if reply.body is None else encode(reply.body)
    return Response(body, reply.status, dict(reply.headers), content_type="application/json" if body else "text/plain")


def _keyed(view: Callable[..., Response]) -> Callable[..., Response]:
    """A request without a key is told so before anything else."""

    @functools.wraps(view)
    def keyed(**path: str) -> Response:
        if not bearer_token():
            raise NoKey("Send your API key where this client puts it.")
        return view(**path)

    return keyed


def _view(dialect: Dialect, route: Route) -> Callable[..., Response]:
    @_keyed
    @requires(route.permission)
    def view(**path: str) -> Response:
        return _response(route.handle(_call(dialect, path)))

    return view


@blp.route("/<path:rest>", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
@_keyed
@signed_in
def unknown(rest: str) -> Response:
    """Whatever else a client asks for."""
    raise NotFound(f"address here: /{rest[:200]} is not one of those this server answers for such clients")


@blp.errorhandler(Exception)
def _refused(error: Exception) -> Any:
    """Every refusal, in the shape of the dialect that is spoken."""
    if isinstance(error, HTTPException) and error.response is not None:
        return error.response
    refusal = refusal_of(error)
    db.session.rollback()
    dialect = DIALECTS.get(request.path.removeprefix(f"{ROOT}/").partition("/")[0]) or DIALECTS["resend"]
    response = _response(dialect.refuse(refusal))
    for name, value in error_headers(refusal).items():
        response.headers.setdefault(name, value)
    return response


for _dialect in DIALECTS.values():
    for _route in _dialect.routes:
        _endpoint = f"{_dialect.name}_{_route.handle.__name__}"
        blp.add_url_rule(f"/{_dialect.name}{_route.rule}", _endpoint, _view(_dialect, _route), methods=[_route.method], strict_slashes=False)
