"""The Sending API. Plain JSON posts are answered by ``hotpath`` before they come here; this takes forms and raw mail, and documents all of it."""

from __future__ import annotations

import hashlib
from typing import Any

from flask import Response, g, request
from flask.views import MethodView

from webapp.access.types import Credential
from webapp.http.api import api_blueprint
from webapp.http.envelope import encode
from webapp.http.guard import current_credential, current_scope, requires
from webapp.kernel.errors import UnsupportedMediaType, ValidationFailed
from webapp.kernel.permissions import Permission
from webapp.messages import documentation as doc
from webapp.messages import reading, schemas
from webapp.messages.answers import REPLAYED
from webapp.messages.intake import read_json
from webapp.messages.multipart import read_form
from webapp.messages.raw_intake import read_raw
from webapp.messages.sending import Incoming, Key, key_of, limit_of, process_acceptor, read_many, read_single, single
from webapp.messages.service import answer_of, cancel_message, resend_failed, retime_message
from webapp.messages.types import AttachmentInput

blp = api_blueprint("messages", "Send mail, and see what became of it", "Sending")


def _credential() -> Credential:
    credential = current_credential()
    assert isinstance(credential, Credential)
    return credential


def _key(body: bytes) -> Key:
    return key_of(request.headers.get("Idempotency-Key"), request.headers.get("X-Idempotency-Key"), body)


def _json() -> bytes:
    if request.mimetype != "application/json":
        raise UnsupportedMediaType("Send the body as application/json.")
    return request.get_data()


def _form() -> tuple[Any, list[AttachmentInput], Key]:
    """A form: document, files and key. Its idempotency is that of the fields: boundaries differ from one try to the next."""
    files = [(name, AttachmentInput(f.filename or "", f.content_type or "", f.read())) for name, f in request.files.items(multi=True)]
    fields = list(request.form.items(multi=True))
    document, uploads = read_form(fields, files)
    digests = [(name, file.filename, hashlib.sha256(file.data).hexdigest()) for name, file in files]
    return document, uploads, _key(repr((sorted(fields), sorted(digests))).encode("utf-8", "surrogatepass"))


def _is_form() -> bool:
    return request.mimetype == "multipart/form-data"


def _raw() -> tuple[Any, Key]:
    """What `/email/send/raw` was sent: the message itself, JSON, or a form with the message as its one file."""
    if _is_form():
        document, uploads, key = _form()
        if len(uploads) != 1 or not isinstance(document, dict) or "raw" in document:
            raise ValidationFailed("Send the message as the one file of the form, in a part named raw.", param="raw")
        return {**document, "raw": uploads[0].data}, key
    body = request.get_data()
    return body if request.mimetype == "message/rfc822" else read_json(_json()), _key(body)


def _sent(incoming: Incoming) -> Response:
    """Accept by the process's group commit, and answer as the quick door does."""
    if incoming.unit.submissions:
        incoming.unit = process_acceptor().accept(incoming.unit, request_id=g.get("request_id", "")).unit
    status, body = incoming.answer()
    return Response(encode(body), status, REPLAYED if incoming.unit.replayed else {}, content_type="application/json")


@blp.route("/email/send")
class Send(MethodView):
    """One message."""

    @requires(Permission.EMAIL_SEND)
    @blp.doc(**doc.SEND)
    @blp.flat(202, schemas.EmailAnswer)
    def post(self) -> Response:
        """Send a message, as JSON or as a form with files; also at /send. 202: stored, not yet delivered."""
        if _is_form():
            document, uploads, key = _form()
            return _sent(read_single(_credential(), document, key, uploads))
        if request.mimetype != "application/json":
            raise UnsupportedMediaType("Send application/json, or multipart/form-data with files.")
        return _sent(read_single(_credential(), read_json(request.get_data()), _key(request.get_data())))


@blp.route("/email/send/batch")
class SendBatch(MethodView):
    """Many messages."""

    @requires(Permission.EMAIL_SEND)
    @blp.doc(**doc.SEND_BATCH)
    @blp.flat(202, schemas.BatchAnswer)
    def post(self) -> Response:
        """Send up to 100 messages, each answered on its own; also at /send/batch. In a form: `payload` with the JSON, and files that messages name."""
        if _is_form():
            document, uploads, key = _form()
            return _sent(read_many(_credential(), document, key, uploads))
        body = _json()
        return _sent(read_many(_credential(), read_json(body), _key(body)))


@blp.route("/email/send/raw")
class SendRaw(MethodView):
    """One message in RFC 5322 form."""

    @requires(Permission.EMAIL_SEND)
    @blp.doc(**doc.SEND_RAW)
    @blp.flat(202, schemas.EmailAnswer)
    def post(self) -> Response:
        """Send a message that is composed already; attachments and headers stay as they are."""
        document, key = _raw()
        credential = _credential()
        return _sent(single(credential, read_raw(document, key=key.text, fingerprint=key.fingerprint, limit=limit_of(credential))))


@blp.route("/email/<message_id>")
class Email(MethodView):
    """A message that was accepted."""

    @requires(Permission.EMAIL_READ)
    @blp.flat(200, schemas.EmailOut)
    def get(self, message_id: str) -> dict[str, Any]:
        """Read a message, its recipients' states and their history."""
        return reading.email_of(current_scope(), message_id)

    @requires(Permission.EMAIL_SEND)
    @blp.arguments(schemas.RetimeIn)
    @blp.flat(200, schemas.EmailAnswer)
    def patch(self, data: dict[str, Any], message_id: str) -> dict[str, Any]:
        """Give scheduled mail another time; 409 once it is under way."""
        return answer_of(retime_message(current_scope(), message_id, data["send_at"]))


@blp.route("/email/<message_id>/cancel")
class Cancel(MethodView):
    """Cancelling."""

    @requires(Permission.EMAIL_SEND)
    @blp.flat(200, schemas.EmailAnswer)
    def post(self, message_id: str) -> dict[str, Any]:
        """Take back scheduled mail; 409 once it is under way."""
        return answer_of(cancel_message(current_scope(), message_id))


@blp.route("/email/<message_id>/resend")
class Resend(MethodView):
    """Sending again."""

    @requires(Permission.EMAIL_SEND)
    @blp.flat(202, schemas.EmailAnswer)
    def post(self, message_id: str) -> dict[str, Any]:
        """Send again to the recipients that failed; 409 when none did."""
        return answer_of(resend_failed(current_scope(), message_id))


@blp.route("/email/<message_id>/content")
class Content(MethodView):
    """What a message says."""

    @requires(Permission.EMAIL_READ)
    @blp.flat(200, schemas.ContentOut)
    def get(self, message_id: str) -> dict[str, Any]:
        """Read bodies, attachments' names and the source; 404 after the retention of content."""
        return reading.content_of(current_scope(), message_id)


@blp.route("/email/<message_id>/explain")
class Explain(MethodView):
    """Why a message is where it is."""

    @requires(Permission.EMAIL_READ)
    @blp.arguments(schemas.ExplainQuery, location="query")
    @blp.flat(200, schemas.ExplainOut)
    def get(self, query: dict[str, Any], message_id: str) -> dict[str, Any]:
        """Read each decision in the order it was made, in plain words, and what is waited for."""
        return reading.explanation_of(current_scope(), message_id, query["recipient"])
