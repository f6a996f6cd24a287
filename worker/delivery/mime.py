"""A message compiled once and rendered for each recipient: MIME structure, header fields, tracking, signatures.

Compiling makes literal octets with numbered slots between them; rendering fills the slots, joins, hashes and signs. Structured content becomes
multipart/mixed( multipart/alternative( text, multipart/related( html, inline files ) ), attachments ) with the levels it needs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from worker.delivery import headers
from worker.delivery.content import Attachment, ContentError, MessageContent, RecipientContent, TrackingPlan
from worker.delivery.dkim import CanonicalHeader, DkimSigner, body_hash, canonical_body, canonical_header, canonical_lines, signature_fields, signing_input
from worker.delivery.links import LinkMaker, track_html
from worker.delivery.normalise import normalise_text
from worker.delivery.rawmime import compile_raw
from worker.delivery.slots import VARIABLE, SlotKind, SlotTable, fill_variables
from worker.delivery.transfer import Piece, encode_text, finish

RESERVED = frozenset(
    {
        "bcc", "cc", "content-disposition", "content-id", "content-transfer-encoding", "content-type", "date", "dkim-signature", "from",
        "message-id", "mime-version", "received", "resent-bcc", "return-path", "subject", "to",
    }
)  # fmt: skip
"""Fields that are made here; a custom header of such a name is refused."""


class Entity(NamedTuple):
    """A MIME entity. fields: its Content-* header fields, each with CR LF."""

    fields: list[bytes]
    pieces: list[Piece]


@dataclass(slots=True)
class CompiledMessage:
    """One message, ready to be rendered any number of times. Made by `compile`.

    needs_smtputf8: an address in its header has a local part outside ASCII (RFC 6531). needs_8bitmime: its body holds octets over 127 (RFC 6152).
    """

    needs_smtputf8: bool
    needs_8bitmime: bool
    _fields: list[bytes]
    _to: bytes
    _subject: str | None
    _has_unsubscribe: bool
    _pieces: list[Piece]
    _table: SlotTable
    _canonical_fields: list[CanonicalHeader] | None = None
    _canonical_pieces: list[Piece] | None = None
    _body_hash: bytes | None = None

    @property
    def size(self) -> int:
        """Octets of the body without its slots: what a cache of compiled messages should count."""
        return sum(len(piece) for piece in self._pieces if isinstance(piece, bytes))

    @classmethod
    def compile(cls, content: MessageContent, tracking: TrackingPlan | None) -> CompiledMessage:
        """Turn content into literal octets and slots. Raises ContentError (a ValueError) for what cannot be said in a correct message."""
        links = LinkMaker(tracking) if tracking is not None else None
        if content.raw is not None:
            raw = compile_raw(content, links)
            return cls(raw.needs_smtputf8, raw.needs_8bitmime, raw.fields, b"", None, raw.has_unsubscribe, raw.pieces, SlotTable())
        table = SlotTable(links.around_token if links is not None and links.plan.clicks else None)
        entity = _structure(content, links, table)
        fields = [*_fields(content), b"MIME-Version: 1.0\r\n", *entity.fields]
        to = headers.address_list("To", content.to) if content.to else b"" if content.cc else b"To: undisclosed-recipients:;\r\n"
        addresses = [content.from_address, *[address for _, address in (*content.to, *content.cc, *content.reply_to)]]
        subject = content.subject if "{{" in content.subject and VARIABLE.search(content.subject) else None
        if subject is None:
            fields.append(headers.unstructured("Subject", content.subject))
        return cls(
            not all(map(str.isascii, addresses)) and any(map(headers.is_utf8_local, addresses)),
            False,
            fields,
            to,
            subject,
            any(name.lower() == "list-unsubscribe" for name, _ in content.headers),
            finish(entity.pieces),
            table,
        )

    def render(self, recipient: RecipientContent, signers: Sequence[DkimSigner], now: datetime) -> bytes:
        """Return the message for one recipient: CR LF line ends, DKIM-Signature fields on top, ready for `normalise.dot_stuff`.

        now: time of the signatures. Raises ContentError for values that cannot stand in a header and for broken tokens.
        """
        values = self._table.values(recipient)
        body = b"".join([values[piece] if isinstance(piece, int) else piece for piece in self._pieces])
        varying = self._recipient_fields(recipient)
        if not signers:
            return b"".join([*varying, *self._fields, b"\r\n", body])
        if self._canonical_fields is None:
            self._canonical_fields = list(map(_canonical, self._fields))
        shared = signing_input([*map(_canonical, varying), *self._canonical_fields], self._hash(values))
        return b"".join([*signature_fields(signers, shared, now), *varying, *self._fields, b"\r\n", body])

    def _hash(self, values: list[bytes]) -> bytes:
        """The body hash. White space is made canonical piece by piece, once: no piece or value ends within white space (see `transfer`)."""
        if self._body_hash is not None:
            return self._body_hash
        if self._canonical_pieces is None:
            *pieces, last = self._pieces
            lines = [piece if isinstance(piece, int) else canonical_lines(piece) for piece in pieces]
            self._canonical_pieces = [*lines, last if isinstance(last, int) else canonical_body(last)]
        joined = b"".join([canonical_lines(values[piece]) if isinstance(piece, int) else piece for piece in self._canonical_pieces])
        # Behind a closing delimiter the end is canonical already; a text that ends in a slot is looked at as a whole.
        hashed = body_hash(joined if self._canonical_pieces[-1] else canonical_body(joined))
        if len(self._pieces) == 1:
            self._body_hash = hashed
        return hashed

    def _recipient_fields(self, recipient: RecipientContent) -> list[bytes]:
        fields = []
        to = self._to if recipient.to is None else headers.address_list("To", recipient.to)
        if to:
            fields.append(to)
        if self._subject is not None:
            subject = fill_variables(self._subject, recipient)
            fields.append(headers.unstructured("Subject", " ".join(subject.split()) if not subject.isprintable() else subject))
        if not self._has_unsubscribe and (recipient.unsubscribe_url or recipient.unsubscribe_mailto):
            fields.extend(headers.unsubscribe(recipient.unsubscribe_url, recipient.unsubscribe_mailto))
        if recipient.feedback_id:
            fields.append(headers.unstructured("Feedback-ID", recipient.feedback_id))
        fields.extend(_custom_fields(recipient.extra_headers))
        return fields


def _canonical(line: bytes) -> CanonicalHeader:
    name, _, value = line.partition(b":")
    return canonical_header(name, value[:-2])


def _fields(content: MessageContent) -> list[bytes]:
    """The header fields that are the same for all recipients, without To, Subject and the Content-* fields."""
    if not content.message_id_header.startswith("<") or not content.message_id_header.endswith(">") or " " in content.message_id_header:
        raise ContentError("message_id_header must be an id in angle brackets.")
    fields = [headers.address_list("From", [(content.from_name, content.from_address)])]
    if content.cc:
        fields.append(headers.address_list("Cc", content.cc))
    if content.reply_to:
        fields.append(headers.address_list("Reply-To", content.reply_to))
    fields.append(headers.date(content.date))
    fields.append(headers.unstructured("Message-ID", content.message_id_header))
    custom = content.headers
    if content.reply_to:
        custom = tuple((name, value) for name, value in custom if name.lower() != "reply-to")
    fields.extend(_custom_fields(custom))
    return fields


def _custom_fields(pairs: Sequence[tuple[str, str]]) -> list[bytes]:
    fields = []
    for name, value in pairs:
        if name.lower() in RESERVED:
            raise ContentError(f"Header {name} is made by the platform and cannot be set.")
        fields.append(headers.unstructured(name, value))
    return fields


def _structure(content: MessageContent, links: LinkMaker | None, table: SlotTable) -> Entity:
    stem = f"=_{content.message_id.hex}"
    files = [file for file in content.attachments if not (file.inline and file.content_id and content.html is not None)]
    shown = []
    if content.text is not None or content.html is None:
        shown.append(_text_entity("plain", table.mark_variables(normalise_text(content.text or ""), SlotKind.TEXT), stem))
    if content.html is not None:
        html = normalise_text(content.html)
        if links is not None:
            html = track_html(html, links, table)
        entity = _text_entity("html", table.mark_variables(html, SlotKind.HTML), stem)
        if len(files) < len(content.attachments):
            inline = [_file_entity(file) for file in content.attachments if file.inline and file.content_id]
            entity = _multipart('related; type="text/html"', f"{stem}r", [entity, *inline])
        shown.append(entity)
    entity = shown[0] if len(shown) == 1 else _multipart("alternative", f"{stem}a", shown)
    if files:
        entity = _multipart("mixed", f"{stem}m", [entity, *map(_file_entity, files)])
    return entity


def _text_entity(subtype: str, template: str, stem: str) -> Entity:
    encoded = encode_text(template, "utf-8", stem)
    return Entity(
        [
            f"Content-Type: text/{subtype}; charset=utf-8\r\n".encode(),
            f"Content-Transfer-Encoding: {encoded.encoding}\r\n".encode(),
        ],
        encoded.pieces,
    )


def _file_entity(file: Attachment) -> Entity:
    kind = headers.media_type(file.content_type)
    inline = file.inline and file.content_id is not None
    disposition = "inline" if inline else "attachment"
    fields = [
        f"Content-Type: {kind}\r\n".encode(),
        b"Content-Transfer-Encoding: base64\r\n",
        f"Content-Disposition: {disposition};\r\n {headers.parameter('filename', headers.file_name(file.filename))}\r\n".encode(),
    ]
    if file.content_id is not None:
        fields.append(headers.content_id(file.content_id))
    return Entity(fields, [headers.base64_lines(file.data)])


def _multipart(subtype: str, boundary: str, entities: Sequence[Entity]) -> Entity:
    """Put entities between delimiters; each ends with CR LF, which belongs to the delimiter behind it (RFC 2046 5.1.1) only when it is added here."""
    delimiter = f"--{boundary}\r\n".encode()
    pieces: list[Piece] = []
    for entity in entities:
        pieces += (delimiter, *entity.fields, b"\r\n", *entity.pieces, b"\r\n")
    pieces.append(f"--{boundary}--\r\n".encode())
    return Entity([f'Content-Type: multipart/{subtype};\r\n boundary="{boundary}"\r\n'.encode()], pieces)
