"""Writes of the management API that come twice or too late: ``Idempotency-Key`` on every POST, ``If-Match`` on every PATCH, PUT and DELETE of an
object that can be read at the same address.

The first answer to a key is stored in the transaction of the write itself, sealed, because it may show a secret that is shown only once. A refused
write is rolled back together with its key, which may then be used again.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from flask import Response, request
from flask.views import MethodView
from psycopg import errors as pg_errors

from webapp.http.guard import current_scope
from webapp.kernel.errors import Conflict, IdempotencyConflict, InvalidParameter
from webapp.kernel.scope import Scope
from webapp.kernel.secrets import seal, unseal

REPLAYED = "Idempotent-Replayed"
_KEY = re.compile(r"[!-~]{1,255}")
_PLACE = "{tenant}|api_answers|body"

# A second request with the key waits here until the first one is committed, or for five seconds.
_WAIT = sa.text("set local lock_timeout = '5s'")
_CLAIM = sa.text(
    "insert into api_answers (tenant_id, mode, key, fingerprint) values (:tenant, :mode, :key, :fingerprint) on conflict do nothing returning true"
)
_FIND = sa.text("select fingerprint, status, body from api_answers where tenant_id = :tenant and mode = :mode and key = :key")
_KEEP = sa.text("update api_answers set status = :status, body = :body where tenant_id = :tenant and mode = :mode and key = :key")
_LOCK = sa.text("select pg_advisory_xact_lock(hashtextextended(:name, 0))")

#: As the document describes them, by method.
PARAMETERS: dict[str, dict[str, Any]] = {
    "post": {
        "in": "header", "name": "Idempotency-Key", "required": False, "schema": {"type": "string", "minLength": 1, "maxLength": 255},
        "description": "A name of your own for this request. Sent again with the same body within a day, it gets the first answer again and nothing is "
        "done twice; with another body, or while the first is under way, it is refused with 409. `X-Idempotency-Key` is read too.",
    },
    "if_match": {
        "in": "header", "name": "If-Match", "required": False, "schema": {"type": "string"},
        "description": "The `ETag` of your last read of this object. When the object has changed since, nothing is done and the answer is 409.",
    },
}  # fmt: skip


def once(act: Callable[[], Response]) -> Response:
    """Do a POST, or give the answer again that its idempotency key got before. Raises ``IdempotencyConflict`` and ``InvalidParameter``."""
    key = _key()
    if key is None:
        return act()
    scope = current_scope()
    fingerprint = hashlib.sha256(f"{request.method} {request.full_path}\n".encode() + _body()).digest()
    name = {"tenant": scope.tenant_id, "mode": scope.mode.value, "key": key}
    try:
        scope.session.execute(_WAIT)
        claimed = scope.session.execute(_CLAIM, {**name, "fingerprint": fingerprint}).scalar()
    except sa.exc.OperationalError as error:
        if isinstance(error.orig, pg_errors.LockNotAvailable):
            raise IdempotencyConflict("The first request with this key is still under way; try again.", param="Idempotency-Key") from None
        raise
    if not claimed:
        return _again(scope, name, fingerprint)
    response = act()
    body = seal(response.get_data(as_text=True), _PLACE.format(tenant=scope.tenant_id))
    scope.session.execute(_KEEP, {**name, "status": response.status_code, "body": body})
    return response


def _body() -> bytes:
    """What tells two requests apart. Uploads are read by their view as they come, so of them only kind and size are known here."""
    if request.mimetype in ("application/json", ""):
        return request.get_data(cache=True)
    return f"{request.mimetype} {request.content_length}".encode()


def _key() -> str | None:
    first, second = request.headers.get("Idempotency-Key"), request.headers.get("X-Idempotency-Key")
    key = first if first is not None else second
    if key is None:
        return None
    if second is not None and second != key:
        raise InvalidParameter("Idempotency-Key and X-Idempotency-Key differ; send one.", param="Idempotency-Key")
    if not _KEY.fullmatch(key):
        raise InvalidParameter("An idempotency key is 1 to 255 printable ASCII characters without spaces.", param="Idempotency-Key")
    return key


def _again(scope: Scope, name: dict[str, Any], fingerprint: bytes) -> Response:
    stored = scope.session.execute(_FIND, name).one_or_none()
    if stored is None or stored.body is None:
        raise IdempotencyConflict("The first request with this key is still under way; try again.", param="Idempotency-Key")
    if stored.fingerprint != fingerprint:
        raise IdempotencyConflict("This key was used for another request; choose a new one.", param="Idempotency-Key")
    body = unseal(stored.body, _PLACE.format(tenant=scope.tenant_id))
    return Response(body, stored.status, {REPLAYED: "true"}, content_type="application/json")


def reader_of(view: Any) -> Any:
    """The GET beside a write on the same address, when it shows one object; else None."""
    return getattr(getattr(view, "get", None), "represent", None) and view.get


def require_unchanged(etag_of: Callable[[Any], str], view: Any, ids: dict[str, Any]) -> None:
    """Hold ``If-Match`` against the object as it is now; writes that name the header take turns. Raises ``Conflict``, and ``NotFound`` as the read."""
    if "If-Match" not in request.headers or not isinstance(view, MethodView) or (reader := reader_of(view)) is None:
        return
    scope = current_scope()
    scope.session.execute(_LOCK, {"name": f"{scope.tenant_id} {request.endpoint} {sorted(ids.items())}"})
    present = etag_of(reader.represent(view, **ids))
    if not request.if_match.contains_weak(present):
        raise Conflict("The object has changed since you read it: read it again, apply your change, and send the new ETag.", param="If-Match")
    scope.session.expire_all()  # what was read for the comparison must not hide what the write is about to change
