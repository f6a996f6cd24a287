"""The conventions of the JSON API in one place: envelope, errors, cursors, ETags, and their description in OpenAPI 3.1."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import marshmallow as ma
from flask import Flask, Response, g, request
from flask.views import MethodView
from flask_smorest import Api as SmorestApi
from flask_smorest import Blueprint
from marshmallow import fields, validate
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import HTTPException

from webapp.http import envelope, writes
from webapp.kernel.errors import (
    DomainError,
    InvalidParameter,
    Problem,
    UnsupportedMediaType,
    ValidationFailed,
)  # fmt: skip
from webapp.kernel.pagination import MAX_LIMIT, Page
from webapp.kernel.schema import Rfc3339, Schema

__all__ = ["Api", "ApiBlueprint", "PageArgs", "api_blueprint", "error_response"]

_TITLE = "Postbridge API"


class PageArgs(Schema):
    """Query of every list."""

    class Meta:
        unknown = ma.EXCLUDE

    limit = fields.Integer(load_default=50, validate=validate.Range(1, MAX_LIMIT), metadata={"description": "Objects a page."})
    cursor = fields.String(load_default=None, metadata={"description": "`next_cursor` of the page before."})


class ErrorObject(ma.Schema):
    """What went wrong, and whether trying again may help."""

    code = fields.String(required=True)
    message = fields.String(required=True)
    param = fields.String(allow_none=True)
    doc_url = fields.Url(required=True)
    retryable = fields.Boolean(required=True)


class ErrorProblem(ma.Schema):
    """One of several problems."""

    code = fields.String(required=True)
    message = fields.String(required=True)
    param = fields.String(allow_none=True)


class Meta(ma.Schema):
    """About the request itself."""

    request_id = fields.String(required=True)


class Pagination(ma.Schema):
    """How to go on."""

    has_more = fields.Boolean(required=True)
    next_cursor = fields.String(allow_none=True)


class ErrorSchema(ma.Schema):
    """The envelope of every refusal."""

    ok = fields.Boolean(required=True, metadata={"enum": [False]})
    error = fields.Nested(ErrorObject, required=True)
    errors = fields.List(fields.Nested(ErrorProblem))
    meta = fields.Nested(Meta, required=True)


class Parser(FlaskParser):
    """Reads arguments and raises the house's errors. JSON bodies must say they are JSON: a form post must not pass for one."""

    DEFAULT_VALIDATION_STATUS = 422

    def load_json(self, req: Any, schema: Any) -> Any:
        if req.mimetype not in ("application/json", "") and (req.content_length or req.get_data(cache=True)):
            raise UnsupportedMediaType("Send the body as application/json.")
        try:
            return json.loads(req.get_data(cache=True) or b"{}")
        except (ValueError, RecursionError):
            raise InvalidParameter("The body is not valid JSON.") from None

    def handle_error(self, error: ma.ValidationError, req: Any, schema: Any, *, error_status_code: int | None, error_headers: Any) -> Any:
        messages = error.messages_dict  # by location, then by field: the location is no part of a path
        raise ValidationFailed.of(problems_of(next(iter(messages.values())) if len(messages) == 1 else messages))


def problems_of(messages: Any, path: str = "") -> list[Problem]:
    """marshmallow's nested messages as a flat list with paths like ``attachments[0].filename``."""
    if isinstance(messages, list):
        return [Problem(path or None, str(text)) for text in messages]
    found: list[Problem] = []
    for key, inner in messages.items():
        step = f"[{key}]" if isinstance(key, int) else (f".{key}" if path else str(key))
        found += problems_of(inner, path if key == "_schema" else path + step)
    return found


class Api(SmorestApi):
    """flask-smorest with our envelope for errors, and only under /api/: the pages answer theirs as pages."""

    ERROR_SCHEMA = ErrorSchema
    #: Completes the document; set by the application, which knows the words and examples.
    complete: Callable[[dict[str, Any]], dict[str, Any]] = staticmethod(lambda document: document)
    _document: dict[str, Any] | None = None
    _encoded: bytes = b""

    def handle_http_exception(self, error: HTTPException) -> Any:
        """Called by Flask for every HTTP error of the whole application; ``webapp.http.problems`` decides between page and envelope."""
        from webapp.http.problems import answer_http_error

        return answer_http_error(error)

    def document(self) -> dict[str, Any]:
        """The document, built when it is first asked for: routes do not change while the process lives. Do not change what it returns."""
        if self._document is None:
            self._document = self.complete(json.loads(json.dumps(self.spec.to_dict())))
            self._encoded = json.dumps(self._document, ensure_ascii=False, separators=(",", ":")).encode()
        return self._document

    def _openapi_json(self) -> Response:
        self.document()
        response = Response(self._encoded, content_type="application/json", headers={"Cache-Control": "no-cache"})
        response.set_etag(hashlib.sha256(self._encoded).hexdigest()[:24])
        return response.make_conditional(request)  # type: ignore[return-value]


def error_response(error: DomainError) -> Response:
    """A refusal as envelope."""
    body = envelope.encode(envelope.error_body(error, g.get("request_id", "")))
    return Response(body, error.status, envelope.error_headers(error), content_type="application/json")


def _json(body: Any, status: int) -> Response:
    return Response(envelope.encode(body), status, content_type="application/json")


def _wrapped(schema: type[ma.Schema] | None, many: bool) -> ma.Schema:
    """The envelope around ``schema`` as a schema of its own, for the document."""
    name = f"{schema.__name__ if schema else 'Nothing'}{'Page' if many else 'Envelope'}"
    return _wrapped_class(name, schema, many)()


@functools.cache
def _wrapped_class(name: str, schema: type[ma.Schema] | None, many: bool) -> type[ma.Schema]:
    members: dict[str, Any] = {"ok": fields.Boolean(required=True), "meta": fields.Nested(Meta, required=True)}
    if schema is not None:
        nested = fields.Nested(schema)
        members["data"] = fields.List(nested, required=True) if many else nested
    else:
        members["data"] = fields.Dict(allow_none=True)
    if many:
        members["pagination"] = fields.Nested(Pagination, required=True)
    return ma.Schema.from_dict(members, name=name)


class ApiBlueprint(Blueprint):
    """A blueprint whose answers are documented and wrapped by ``answer``, ``answer_page`` and ``flat``."""

    ARGUMENTS_PARSER = Parser()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._prepare_doc_cbks.append(_document_writes)

    def _store_endpoint_docs(self, endpoint: str, obj: Any, *args: Any, **options: Any) -> None:
        """Note for ``_document_writes`` which writes have a read beside them."""
        super()._store_endpoint_docs(endpoint, obj, *args, **options)
        if isinstance(obj, type(MethodView)) and writes.reader_of(obj):
            for info in self._docs[endpoint].values():
                if isinstance(info, dict):
                    info["has_reader"] = True

    def answer(self, status: int, schema: type[ma.Schema] | None = None, *, description: str | None = None) -> Callable[[Any], Any]:
        """The view returns one object; GETs get a weak ETag and may answer 304."""
        return self._answer(status, schema, False, description)

    def answer_page(self, schema: type[ma.Schema], *, description: str | None = None, also: str | None = None) -> Callable[[Any], Any]:
        """The view returns a ``Page``. ``also``: another content type that it answers on request, as text."""
        decorate = self._answer(200, schema, True, description)
        return (lambda view: _document_also(decorate(view), also)) if also else decorate

    def flat(self, status: int, schema: type[ma.Schema], *, description: str | None = None) -> Callable[[Any], Any]:
        """The Sending API's answers: the object itself, no envelope. The view may return ``(object, status, headers)``."""
        dumper = schema()

        def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
            @functools.wraps(view)
            def answered(*args: Any, **kwargs: Any) -> Response:
                result = view(*args, **kwargs)
                if isinstance(result, Response):
                    return result
                data, code, headers = result if isinstance(result, tuple) else (result, status, {})
                dumped = dumper.dump(data)
                response = _json(dumped, code)
                response.headers.update(headers)
                return _conditional(response, dumped) if request.method in ("GET", "HEAD") else response

            return _document(answered, status, schema(), description)

        return decorate

    def _answer(self, status: int, schema: type[ma.Schema] | None, many: bool, description: str | None) -> Callable[[Any], Any]:
        dumper = schema() if schema else None

        def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
            def answer(*args: Any, **kwargs: Any) -> Response:
                result = view(*args, **kwargs)
                if isinstance(result, Response):
                    return result
                paging = None
                if isinstance(result, Page):
                    paging = {"has_more": result.has_more, "next_cursor": result.next_cursor}
                    result = result.items
                data = result if dumper is None else dumper.dump(result, many=many)
                response = _json(envelope.success_body(data, g.get("request_id", ""), paging), status)
                return _conditional(response, data) if request.method in ("GET", "HEAD") and not many else response

            @functools.wraps(view)
            def answered(*args: Any, **kwargs: Any) -> Response:
                if request.method == "POST":
                    return writes.once(lambda: answer(*args, **kwargs))
                if request.method in ("PATCH", "PUT", "DELETE"):
                    writes.require_unchanged(etag_of, args[0] if args else None, kwargs)
                return answer(*args, **kwargs)

            if dumper is not None and not many:
                answered.represent = lambda *args, **kwargs: dumper.dump(view(*args, **kwargs))  # type: ignore[attr-defined]
            answered._apidoc = {**getattr(answered, "_apidoc", {}), "enveloped": True}  # type: ignore[attr-defined]
            return _document(answered, status, _wrapped(schema, many), description)

        return decorate


def etag_of(data: Any) -> str:
    """The weak ETag of one object's data."""
    return hashlib.sha256(json.dumps(data, sort_keys=True, default=str).encode()).hexdigest()[:24]


def _conditional(response: Response, data: Any) -> Response:
    response.set_etag(etag_of(data), weak=True)
    response.make_conditional(request)
    return response


def _document_writes(doc: dict[str, Any], info: dict[str, Any], *, method: str, **_: Any) -> dict[str, Any]:
    """The headers that ``webapp.http.writes`` reads."""
    if info.get("enveloped"):
        name = "if_match" if method in ("patch", "put", "delete") and info.get("has_reader") else method
        if name in writes.PARAMETERS:
            doc["parameters"] = [*doc.get("parameters", []), writes.PARAMETERS[name]]
    return doc


def _document(view: Callable[..., Any], status: int, schema: ma.Schema, description: str | None) -> Callable[..., Any]:
    """Tell flask-smorest what the answer looks like, without letting it dump a second time."""
    doc = getattr(view, "_apidoc", {})
    answer = {"schema": schema, "description": description or HTTPStatus(status).phrase, "content_type": None}
    responses = {**doc.get("response", {}).get("responses", {}), str(status): [answer]}
    view._apidoc = {**doc, "response": {"responses": responses}}  # type: ignore[attr-defined]
    return view


def _document_also(view: Callable[..., Any], content_type: str) -> Callable[..., Any]:
    answer = {"schema": {"type": "string"}, "description": "The same as a file", "content_type": content_type}
    view._apidoc["response"]["responses"]["200"].append(answer)  # type: ignore[attr-defined]
    return view


def api_blueprint(name: str, description: str, title: str | None = None) -> ApiBlueprint:
    """A slice's part of the API, under /api/v1. ``title``: its heading in the documentation, by default the slice's name."""
    return ApiBlueprint(title or name.replace("_", " ").capitalize(), f"webapp.{name}", url_prefix="/api/v1", description=description)


def configure(app: Flask) -> Api:
    """The OpenAPI document and its metadata."""
    app.config.update(
        API_TITLE=_TITLE, API_VERSION="v1", OPENAPI_VERSION="3.1.0", OPENAPI_URL_PREFIX="/api/v1", OPENAPI_JSON_PATH="openapi.json",
        API_SPEC_OPTIONS={
            "info": {"description": "Send mail and run everything around it. Dates are RFC 3339 in UTC; ids are opaque."},
            "components": {"securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"}, "api_key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            }},
            "security": [{"bearer": []}, {"api_key": []}],
        },
    )  # fmt: skip
    api = Api(app)
    api.register_field(Rfc3339, "string", "date-time")
    return api


def document_of(app: Flask) -> dict[str, Any]:
    """The OpenAPI document of an application. Do not change what it returns."""
    api: Api = app.extensions["flask-smorest"]["apis"][""]["ext_obj"]
    return api.document()
