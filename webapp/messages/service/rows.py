"""Drafts become the columns of ``statements.INSERT``."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from webapp.kernel.ids import uuid7
from webapp.messages.service.arrays import bytes_array, int_array, text_array, time_array, time_value, uuid_array
from webapp.messages.service.units import FIRST_EVENT, Draft, addresses_json, json_text
from webapp.messages.types import RecipientState

#: Separates tags on their way into the database; control characters are not allowed in them.
_TAG_END = "\x1f"


def insert_parameters(tenant_id: UUID, drafts: Sequence[Draft]) -> dict[str, bytes | None]:
    """The parameters of ``statements.INSERT``."""
    return {"tenant": tenant_id.bytes, "now": time_value(drafts[0].now), **_messages(drafts), **_contents(drafts), **_recipients(drafts)}


def _messages(drafts: Sequence[Draft]) -> dict[str, bytes | None]:
    submissions = [draft.submission for draft in drafts]
    return {
        "id": uuid_array(draft.id for draft in drafts),
        "mode": text_array(draft.mode for draft in drafts),
        "bridge": uuid_array(draft.bridge.id if draft.bridge else None for draft in drafts),
        "key": uuid_array(draft.unit.sender.api_key_id for draft in drafts),
        "pool": uuid_array(draft.pool_id for draft in drafts),
        "stream": text_array(draft.stream for draft in drafts),
        "list_key": text_array(s.list_key for s in submissions),
        "door": text_array(s.door for s in submissions),
        "mid": text_array(draft.message_id for draft in drafts),
        "sender": text_array(s.from_address.email for s in submissions),
        "sender_name": text_array(s.from_address.name for s in submissions),
        "subject": text_array(draft.subject for draft in drafts),
        "recipients": int_array(len(draft.recipients) for draft in drafts),
        "size": int_array(draft.size for draft in drafts),
        "tags": text_array(_TAG_END.join(s.tags) if s.tags else None for s in submissions),
        "metadata": text_array(json_text(dict(s.metadata)) if s.metadata else None for s in submissions),
        "template": text_array(s.template for s in submissions),
        "send_at": time_array(s.send_at for s in submissions),
        "expires_at": time_array(draft.expires_at for draft in drafts),
    }


def _contents(drafts: Sequence[Draft]) -> dict[str, bytes | None]:
    return {
        "html": text_array(draft.html for draft in drafts),
        "text": text_array(draft.text for draft in drafts),
        "raw": bytes_array(draft.submission.raw for draft in drafts),
        "addresses": text_array(addresses_json(draft) for draft in drafts),
        "headers": text_array(json_text(draft.submission.headers) if draft.submission.headers else None for draft in drafts),
        "attachments": text_array(json_text(draft.unit.files[draft.index]) if draft.submission.attachments else None for draft in drafts),
    }


def _recipients(drafts: Sequence[Draft]) -> dict[str, bytes | None]:
    pairs = [(draft, entry, draft.suppressed.get(entry.address.canonical)) for draft in drafts for entry in draft.recipients]
    states = [RecipientState.SUPPRESSED if reason else draft.state for draft, _, reason in pairs]
    return {
        "r_id": uuid_array(_series(len(pairs))),
        "r_event": uuid_array(_series(len(pairs))),
        "r_message": uuid_array(draft.id for draft, _, _ in pairs),
        "r_bridge": uuid_array(draft.bridge.id if draft.bridge else None for draft, _, _ in pairs),
        "r_pool": uuid_array(draft.pool_id for draft, _, _ in pairs),
        "r_mode": text_array(draft.mode for draft, _, _ in pairs),
        "r_kind": text_array(entry.kind for _, entry, _ in pairs),
        "r_address": text_array(entry.address.email for _, entry, _ in pairs),
        "r_name": text_array(entry.address.name for _, entry, _ in pairs),
        "r_domain": text_array(entry.address.domain for _, entry, _ in pairs),
        "r_sender": text_array(draft.submission.from_address.domain for draft, _, _ in pairs),
        "r_tags": text_array(_TAG_END.join(draft.submission.tags) if draft.submission.tags else None for draft, _, _ in pairs),
        "r_state": text_array(states),
        "r_reason": text_array(reason for _, _, reason in pairs),
        "r_type": text_array(FIRST_EVENT[state] for state in states),
        "r_priority": int_array(int(draft.stream == "bulk") for draft, _, _ in pairs),
        "r_due": time_array(draft.due_at for draft, _, _ in pairs),
        "r_expires": time_array(draft.expires_at for draft, _, _ in pairs),
    }


def _series(count: int) -> list[UUID]:
    """Ids one after the other: recipients sort by id in the order they were given, though all are made in one millisecond."""
    first = uuid7().int
    return [UUID(int=first + step) for step in range(count)]
