"""Operations under 'Sending'.

Written by scripts/make_client.py from the OpenAPI document; change that instead.
"""

from __future__ import annotations

from typing import Any, Literal, cast

from postbridge_client._generated.sending_types import (
    AttachmentIn,
    BatchAnswer,
    ContentOut,
    EmailAnswer,
    EmailIn,
    EmailOut,
    ExplainOut,
)
from postbridge_client.caller import UNSET, Caller, in_path


class SendingOperations(Caller):
    """Accepting mail, and following what became of it. 202 means stored for good, not yet delivered."""

    def send_email(
        self,
        *,
        to: str | list[str],
        from_name: str = UNSET,
        cc: str | list[str] = UNSET,
        bcc: str | list[str] = UNSET,
        reply_to: str | list[str] = UNSET,
        subject: str = UNSET,
        html: str = UNSET,
        text: str = UNSET,
        template: str = UNSET,
        variables: dict[str, Any] = UNSET,
        headers: dict[str, str] = UNSET,
        attachments: list[AttachmentIn] = UNSET,
        send_at: str = UNSET,
        expires_in: int = UNSET,
        tags: list[str] = UNSET,
        metadata: dict[str, str] = UNSET,
        bridge: str = UNSET,
        stream: Literal["transactional", "bulk"] = UNSET,
        from_: str = UNSET,
        idempotency_key: str | None = None,
    ) -> EmailAnswer:
        """Send a message, as JSON or as a form with files. Also at /send. 202: stored, not yet delivered. Permission: `email.send`."""
        return cast(
            "EmailAnswer",
            self.request(
                "POST",
                "/api/v1/email/send",
                body={
                    "from_name": from_name,
                    "to": to,
                    "cc": cc,
                    "bcc": bcc,
                    "reply_to": reply_to,
                    "subject": subject,
                    "html": html,
                    "text": text,
                    "template": template,
                    "variables": variables,
                    "headers": headers,
                    "attachments": attachments,
                    "send_at": send_at,
                    "expires_in": expires_in,
                    "tags": tags,
                    "metadata": metadata,
                    "bridge": bridge,
                    "stream": stream,
                    "from": from_,
                },
                keyed=True,
                headers={"Idempotency-Key": idempotency_key},
            ),
        )

    def send_batch(self, *, emails: list[EmailIn], idempotency_key: str | None = None) -> BatchAnswer:
        """Send up to 100 messages, each answered on its own. Also at /send/batch. In a form: `payload` with the JSON, and files that messages name.
        Permission: `email.send`.
        """
        return cast(
            "BatchAnswer", self.request("POST", "/api/v1/email/send/batch", body={"emails": emails}, keyed=True, headers={"Idempotency-Key": idempotency_key})
        )

    def send_raw_email(
        self,
        *,
        raw: str,
        to: str | list[str] = UNSET,
        tags: list[str] = UNSET,
        metadata: dict[str, str] = UNSET,
        send_at: str = UNSET,
        expires_in: int = UNSET,
        bridge: str = UNSET,
        idempotency_key: str | None = None,
    ) -> EmailAnswer:
        """Send a message that is composed already. Attachments and headers stay as they are. Permission: `email.send`."""
        return cast(
            "EmailAnswer",
            self.request(
                "POST",
                "/api/v1/email/send/raw",
                body={"raw": raw, "to": to, "tags": tags, "metadata": metadata, "send_at": send_at, "expires_in": expires_in, "bridge": bridge},
                keyed=True,
                headers={"Idempotency-Key": idempotency_key},
            ),
        )

    def get_email(self, message_id: str) -> EmailOut:
        """Read a message, its recipients' states and their history. Permission: `email.read`."""
        return cast("EmailOut", self.request("GET", f"/api/v1/email/{in_path(message_id)}"))

    def reschedule_email(self, message_id: str, *, send_at: str) -> EmailAnswer:
        """Give scheduled mail another time. 409 once it is under way. Permission: `email.send`."""
        return cast("EmailAnswer", self.request("PATCH", f"/api/v1/email/{in_path(message_id)}", body={"send_at": send_at}))

    def cancel_email(self, message_id: str) -> EmailAnswer:
        """Take back scheduled mail. 409 once it is under way. Permission: `email.send`."""
        return cast("EmailAnswer", self.request("POST", f"/api/v1/email/{in_path(message_id)}/cancel"))

    def resend_email(self, message_id: str) -> EmailAnswer:
        """Send again to the recipients that failed. 409 when none did. Permission: `email.send`."""
        return cast("EmailAnswer", self.request("POST", f"/api/v1/email/{in_path(message_id)}/resend"))

    def get_email_content(self, message_id: str) -> ContentOut:
        """Read bodies, attachments' names and the source. 404 after the retention of content. Permission: `email.read`."""
        return cast("ContentOut", self.request("GET", f"/api/v1/email/{in_path(message_id)}/content"))

    def explain_email(self, message_id: str, *, recipient: str | None = None) -> ExplainOut:
        """Read each decision in the order it was made, in plain words, and what is waited for. Permission: `email.read`."""
        return cast("ExplainOut", self.request("GET", f"/api/v1/email/{in_path(message_id)}/explain", query={"recipient": recipient}))
