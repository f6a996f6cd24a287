"""Messages as the API shows them: columns, recipients and events in the form of ``schemas``."""

from __future__ import annotations

from typing import Any

from webapp.kernel.errors import NotFound
from webapp.kernel.scope import Mode, Scope
from webapp.messages import queries
from webapp.messages.explain import explain, only
from webapp.messages.models import Event, Recipient
from webapp.messages.rendered import render_message


def email_of(scope: Scope, message_id: str) -> dict[str, Any]:
    """One message with its recipients and their history. Raises ``NotFound``."""
    message = queries.get_message(scope, message_id)
    recipients = queries.recipients_of(scope, message)
    emails = {recipient.id: recipient.address for recipient in recipients}
    return {
        "id": message.id,
        "message_id": message.message_id_header,
        "status": queries.overall_state(recipients),
        "sandbox": message.mode == Mode.SANDBOX,
        "from": message.from_address,
        "from_name": message.from_name,
        "subject": message.subject,
        "bridge": message.bridge_id,
        "template": message.template_slug,
        "tags": message.tags or [],
        "metadata": message.meta or {},
        "size": message.size,
        "send_at": message.send_at,
        "expires_at": message.expires_at,
        "created_at": message.created_at,
        "recipients": [_recipient(recipient) for recipient in recipients],
        "events": [_event(event, emails.get(event.recipient_id)) for event in queries.events_of(scope, message)],
    }


def _recipient(recipient: Recipient) -> dict[str, Any]:
    return {
        "email": recipient.address,
        "name": recipient.name,
        "kind": recipient.kind,
        "status": recipient.state,
        "reason": recipient.state_reason,
        "attempts": recipient.attempts,
        "last_code": recipient.last_code,
        "last_reply": recipient.last_reply,
        "sent_at": recipient.sent_at,
        "delivered_at": recipient.delivered_at,
        "bounced_at": recipient.bounced_at,
        "opened_at": recipient.first_opened_at,
        "clicked_at": recipient.first_clicked_at,
        "complained_at": recipient.complained_at,
        "unsubscribed_at": recipient.unsubscribed_at,
    }


def _event(event: Event, email: str | None) -> dict[str, Any]:
    return {"id": event.id, "type": event.type, "at": event.at, "recipient": email, "data": event.data}


def content_of(scope: Scope, message_id: str) -> dict[str, Any]:
    """What a message says. Raises ``NotFound``, also when its content is past its retention."""
    message = queries.get_message(scope, message_id)
    content = queries.find_content(scope, message)
    if content is None:
        raise NotFound("content: it is past its retention")
    rendered = render_message(message, content)
    return {
        "id": message.id,
        "subject": message.subject,
        "html": rendered.html,
        "text": rendered.text,
        "headers": [list(pair) for pair in rendered.headers],
        "attachments": rendered.attachments,
        "source": rendered.source.decode("utf-8", "replace"),
    }


def explanation_of(scope: Scope, message_id: str, recipient: str | None = None) -> dict[str, Any]:
    """Each decision about a message in plain words, or about one recipient of it. Raises ``NotFound``."""
    message = queries.get_message(scope, message_id)
    recipients = queries.recipients_of(scope, message)
    told = only(recipients, recipient)
    return {
        "id": message.id,
        "status": queries.overall_state(told),
        "recipients": len(recipients),
        "recipients_told": len(told),
        "steps": explain(scope, message, told),
    }
