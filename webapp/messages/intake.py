"""A request of the Sending API becomes a ``MessageSubmission``: strict, and with every problem named by its place (``attachments[0].filename``).

One reader for JSON and multipart, single and batch; pure, no Flask, no database.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from webapp.kernel.addresses import Address, BadAddress, parse_address
from webapp.kernel.clock import parse_rfc3339
from webapp.kernel.errors import InvalidParameter, Problem, ValidationFailed
from webapp.kernel.ids import parse_uuid
from webapp.messages.headers import MOST_HEADERS, fault_of_name, fault_of_value, has_forbidden
from webapp.messages.intake_files import read_attachments
from webapp.messages.mailing_list import list_of
from webapp.messages.types import AttachmentInput, Door, MessageSubmission, RecipientInput, RecipientKind
from webapp.settings import get_settings

FIELDS = frozenset(
    "from from_name to cc bcc reply_to subject html text template variables headers attachments send_at expires_in tags metadata bridge stream".split()
)
MOST_IN_A_BATCH = 100
#: Beyond this the list is not even read; up to it the tenant's own limit is checked by ``accept``.
MOST_ADDRESSES = 10_000
MOST_REPLY_TO = 10
LONGEST_SUBJECT = 998
LONGEST_NAME = 200
MOST_TAGS, LONGEST_TAG = 10, 128
MOST_METADATA, LONGEST_METADATA_KEY, LONGEST_METADATA_VALUE = 50, 64, 1024
LARGEST_VARIABLES = 256 * 1024
LONGEST_SLUG = 80
#: A list of ten thousand bad addresses needs no ten thousand explanations.
_MOST_PROBLEMS = 50


def read_json(body: bytes) -> Any:
    """The JSON value in ``body``. Raises ``InvalidParameter`` for what is none: bad UTF-8, lone surrogates, numbers out of range, too deep."""
    try:
        return msgspec.json.decode(body)
    except RecursionError:
        raise InvalidParameter("The body is nested too deeply.") from None
    except (msgspec.MsgspecError, ValueError) as error:
        raise InvalidParameter(f"The body is not valid JSON ({error}).") from None


def read_batch(document: Any) -> list[Any]:
    """The messages of a batch: ``{"emails": [...]}`` or the list itself, 1 to 100. Raises ``ValidationFailed``."""
    if isinstance(document, dict):
        unknown = [Problem(name, f"The field {name} does not exist here.") for name in document if name != "emails"]
        if unknown:
            raise ValidationFailed.of(unknown[:_MOST_PROBLEMS])
        document = document.get("emails")
    if not isinstance(document, list) or not document:
        raise ValidationFailed('Send {"emails": [...]} with 1 to 100 messages, or the list alone.', param="emails")
    if len(document) > MOST_IN_A_BATCH:
        raise ValidationFailed(f"A batch has at most {MOST_IN_A_BATCH} messages; this one has {len(document)}.", param="emails")
    return document


def platform_limit() -> int:
    """How many recipients a message may have when the tenant has no limit of its own."""
    return get_settings().max_recipients


def read_message(
    document: Any,
    *,
    default_from: str | None = None,
    uploads: Sequence[AttachmentInput] = (),
    key: str | None = None,
    fingerprint: bytes = b"",
    door: Door = Door.API,
    limit: Callable[[], int] = platform_limit,
) -> MessageSubmission:
    """One message out of its JSON object. ``default_from``: the credential's sender; ``uploads``: files that came beside it (multipart);
    ``limit``: how many recipients the tenant's messages may have, asked only to name it.

    Raises ``ValidationFailed`` with every problem found.
    """
    if type(document) is not dict:
        raise ValidationFailed("A message is a JSON object.")
    reader = FieldReader(document, limit)
    headers = reader.headers()
    is_list, list_key = list_of(headers) if headers else (False, None)
    submission = MessageSubmission(
        from_address=reader.sender(default_from),
        recipients=reader.recipients(),
        subject=reader.subject(),
        door=door,
        html=reader.text("html"),
        text=reader.text("text"),
        template=reader.line("template", LONGEST_SLUG),
        variables=reader.variables(),
        reply_to=tuple(address for address, _ in reader.addresses("reply_to", MOST_REPLY_TO)),
        headers=headers,
        attachments=read_attachments(document.get("attachments"), uploads, reader.problems),
        tags=reader.tags(),
        metadata=reader.metadata(),
        send_at=reader.moment("send_at"),
        expires_in=reader.seconds("expires_in"),
        bridge_id=reader.id("bridge"),
        list_mail=reader.is_bulk() or is_list,
        list_key=list_key,
        idempotency_key=key,
        fingerprint=fingerprint,
    )
    reader.check_content(submission)
    reader.check_fields()
    if reader.problems:
        raise ValidationFailed.of(reader.problems[:_MOST_PROBLEMS])
    return submission


_NOBODY = Address(None, "nobody", "invalid")


class FieldReader:
    """Reads one field after the other and collects what is wrong. A null is an absent field."""

    __slots__ = ("document", "limit", "problems")

    def __init__(self, document: dict[str, Any], limit: Callable[[], int] = platform_limit) -> None:
        self.document = document
        self.limit = limit
        self.problems: list[Problem] = []

    def fault(self, param: str, message: str, code: str = "validation_error") -> None:
        self.problems.append(Problem(param, message, code))

    def line(self, name: str, longest: int) -> str | None:
        """One line of text."""
        value = self.document.get(name)
        if value is None:
            return None
        if type(value) is not str:
            self.fault(name, f"{name} must be text.")
        elif len(value) > longest:
            self.fault(name, f"{name} has {len(value)} characters; {longest} are allowed.")
        elif has_forbidden(value):
            self.fault(name, f"{name} must be one line without control characters.")
        else:
            return value
        return None

    def is_bulk(self) -> bool:
        """Whether `stream` makes the message bulk mail; on a bulk bridge it is, whatever stands here."""
        value = self.document.get("stream")
        if value not in (None, "bulk", "transactional"):
            self.fault("stream", "stream must be bulk or transactional.")
        return bool(value == "bulk")

    def text(self, name: str) -> str | None:
        """Text of any length."""
        value = self.document.get(name)
        if value is None:
            return None
        if type(value) is not str:
            self.fault(name, f"{name} must be text.")
        elif "\x00" in value:
            self.fault(name, f"{name} holds a NUL character; remove it.")
        else:
            return value
        return None

    def sender(self, default: str | None) -> Address:
        value = self.document.get("from")
        if value is None:
            value = default
        name = self.line("from_name", LONGEST_NAME)
        if value is None:
            self.fault("from", "Name the sender in `from`.", "missing_parameter")
            return _NOBODY
        address = self._address(value, "from")
        if address is not None and name:
            address = Address(name.strip() or None, address.local, address.domain)
        return address or _NOBODY

    def recipients(self) -> tuple[RecipientInput, ...]:
        if self.document.get("to") is None:
            self.fault("to", "Name at least one recipient in `to`.", "missing_parameter")
        found: list[RecipientInput] = []
        for kind in RecipientKind:
            found += [RecipientInput(address, kind) for address in self.people(kind.value)]
        return tuple(found)

    def people(self, name: str) -> list[Address]:
        """The addresses of a field whose people are written to."""
        value = self.document.get(name)
        if type(value) is list and len(value) > MOST_ADDRESSES:
            self.fault(name, f"{len(value)} recipients are more than the {min(self.limit(), MOST_ADDRESSES)} a message may have; split it.")
            return []
        return [address for address, _ in self.addresses(name, MOST_ADDRESSES)]

    def addresses(self, name: str, most: int) -> list[tuple[Address, str]]:
        """``(address, place)`` of a field that is one address or a list."""
        value = self.document.get(name)
        if value is None:
            return []
        if type(value) is not list:
            address = self._address(value, name)
            return [(address, name)] if address else []
        if not value and name == "to":
            self.fault(name, "Name at least one recipient in `to`.", "missing_parameter")
        if len(value) > most:
            self.fault(name, f"{name} holds {len(value)} addresses; {most} are allowed.")
            return []
        read = [(self._address(entry, f"{name}[{index}]"), f"{name}[{index}]") for index, entry in enumerate(value)]
        return [(address, place) for address, place in read if address]

    def _address(self, value: Any, place: str) -> Address | None:
        name = None
        if type(value) is dict and value.keys() <= {"email", "name"}:
            value, name = value.get("email"), value.get("name")
        if type(value) is not str or (name is not None and (type(name) is not str or len(name) > LONGEST_NAME or has_forbidden(name))):
            self.fault(place, f"{place} must be an address such as user@example.net.")
            return None
        try:
            address = parse_address(value)
        except BadAddress as error:
            self.fault(place, f"{value[:80]!r} is not an email address: {error}.")
            return None
        return Address(name, address.local, address.domain) if name else address

    def subject(self) -> str:
        return self.line("subject", LONGEST_SUBJECT) or ""

    def variables(self) -> dict[str, Any]:
        value = self.document.get("variables")
        if value is None:
            return {}
        if type(value) is not dict:
            self.fault("variables", 'variables must be an object such as {"name": "Anna"}.')
            return {}
        encoded = msgspec.json.encode(value)
        if len(encoded) > LARGEST_VARIABLES:
            self.fault("variables", f"variables have {len(encoded)} bytes; {LARGEST_VARIABLES} are allowed.")
        elif b"\\u0000" in encoded:
            self.fault("variables", "variables hold a NUL character; remove it.")
        return value

    def headers(self) -> tuple[tuple[str, str], ...]:
        value = self.document.get("headers")
        if value is None:
            return ()
        if type(value) is not dict:
            self.fault("headers", 'headers must be an object such as {"X-Order": "1048"}.')
            return ()
        if len(value) > MOST_HEADERS:
            self.fault("headers", f"{len(value)} headers are more than the {MOST_HEADERS} allowed.")
            return ()
        for name, text in value.items():
            place = f"headers.{name[:80]}"
            if type(text) is not str:
                self.fault(place, "A header value must be text.")
            elif fault := fault_of_name(name) or fault_of_value(text):
                self.fault(place, fault)
        if len({name.lower() for name in value}) < len(value):
            self.fault("headers", "A header is named twice.")
        return tuple(value.items())

    def tags(self) -> tuple[str, ...]:
        value = self.document.get("tags")
        if value is None:
            return ()
        if type(value) is str:
            value = [value]
        if type(value) is not list or len(value) > MOST_TAGS:
            self.fault("tags", f"tags must be a list of at most {MOST_TAGS} texts.")
            return ()
        for index, tag in enumerate(value):
            if type(tag) is not str or not 0 < len(tag) <= LONGEST_TAG or has_forbidden(tag) or "\t" in tag:
                self.fault(f"tags[{index}]", f"A tag has 1 to {LONGEST_TAG} characters and is one line.")
        return tuple(value)

    def metadata(self) -> dict[str, str]:
        value = self.document.get("metadata")
        if value is None:
            return {}
        if type(value) is not dict or len(value) > MOST_METADATA:
            self.fault("metadata", f"metadata must be an object of at most {MOST_METADATA} pairs.")
            return {}
        for name, text in value.items():
            if not 0 < len(name) <= LONGEST_METADATA_KEY or has_forbidden(name):
                self.fault("metadata", f"A key of metadata has 1 to {LONGEST_METADATA_KEY} characters.")
            elif type(text) is not str or len(text) > LONGEST_METADATA_VALUE or "\x00" in text:
                self.fault(f"metadata.{name}", f"A value of metadata is text of at most {LONGEST_METADATA_VALUE} characters.")
        return value

    def moment(self, name: str) -> datetime | None:
        value = self.document.get(name)
        if value is None:
            return None
        moment = parse_rfc3339(value) if type(value) is str else None
        if moment is None:
            self.fault(name, f"{name} must be a time as RFC 3339 with an offset, for example 2026-06-01T09:00:00Z.")
        return moment

    def seconds(self, name: str) -> int | None:
        value = self.document.get(name)
        if value is not None and type(value) is not int:
            self.fault(name, f"{name} must be a whole number of seconds.")
            return None
        return value

    def id(self, name: str) -> UUID | None:
        value = self.document.get(name)
        if value is None:
            return None
        found = parse_uuid(value) if type(value) is str else None
        if found is None:
            self.fault(name, f"{name} must be an id.")
        return found

    def check_content(self, submission: MessageSubmission) -> None:
        """A template, or a subject with html or text."""
        given = self.document
        if given.get("template") is not None:
            for name in ("html", "text"):
                if given.get(name) is not None:
                    self.fault(name, f"Give either `template` or `{name}`.")
            return
        if given.get("variables"):
            self.fault("variables", "variables fill a template; name one in `template`.")
        if not submission.subject.strip() and not any(problem.param == "subject" for problem in self.problems):
            self.fault("subject", "Give the message a subject.", "missing_parameter")
        if not given.get("html") and not given.get("text"):
            self.fault("html", "Give html or text or both, or name a template.", "missing_parameter")

    def check_fields(self, known: frozenset[str] = FIELDS) -> None:
        """A typing mistake in a field's name must not pass in silence."""
        for name in self.document.keys() - known:
            self.fault(name[:80], f"The field {name[:80]} does not exist here; the fields are {', '.join(sorted(known))}.")
