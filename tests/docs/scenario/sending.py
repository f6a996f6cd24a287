"""Mail, and what becomes of it."""

from tests.docs.scenario.steps import Step

_RAW = (
    "From: notifications@your-domain.com\r\nTo: customer@example.net\r\nSubject: Composed elsewhere\r\n"
    "Date: Mon, 04 May 2026 09:30:00 +0000\r\nMessage-ID: <composed-1@your-domain.com>\r\n\r\nAs it is.\r\n"
)
_MAIL = {
    "from": "notifications@your-domain.com",
    "from_name": "Your Application",
    "to": ["customer@example.net"],
    "subject": "Your order is confirmed",
    "html": "<h1>Thank you</h1><p>Your order is ready.</p>",
    "text": "Thank you. Your order is ready.",
}
_PLAIN = {"from": "notifications@your-domain.com", "subject": "Welcome", "text": "Hello."}
_TEMPLATE = {
    "slug": "order-confirmed",
    "name": "Order confirmed",
    "subject": "Your order {{ order.number }}",
    "html": "<h1>Thank you, {{ name }}</h1>",
    "text": "Thank you, {{ name }}",
}
_VALUES = {"name": "Jo", "order": {"number": "1048"}}
_MESSAGE = {"message_id": "$message"}
_ONE_TEMPLATE = {"template_id": "$template"}

SENDING = (
    Step("validate_email", "An address with a typing mistake", {"email": "customer@outlok.com"}),
    Step("validate_emails", "Several at once", {"emails": ["customer@example.net", "info@example.net", "nobody"]}),
    Step("create_template", "A template", _TEMPLATE, save={"template": "data.id"}),
    Step("get_template", "Read a template", path=_ONE_TEMPLATE),
    Step("list_templates", "Templates in use", query={"active": True}),
    Step("update_template", "Another subject", {"subject": "Order {{ order.number }} is confirmed"}, path=_ONE_TEMPLATE),
    Step("preview_template", "Filled in", {"variables": _VALUES}, path=_ONE_TEMPLATE),
    Step("send_email", "One message", _MAIL, headers={"Idempotency-Key": "order-1048-confirmation"}, save={"message": "id"}),
    Step("send_email", "The same again: nothing is sent twice", _MAIL, headers={"Idempotency-Key": "order-1048-confirmation"}),
    Step(
        "send_email",
        "A template, with tags and a file",
        {
            "from": "shop@your-domain.com",
            "to": "Jo <jo@example.net>",
            "template": "order-confirmed",
            "variables": _VALUES,
            "tags": ["order"],
            "metadata": {"order": "1048"},
            "attachments": [{"filename": "invoice.txt", "content": "MTA0OA==", "content_type": "text/plain"}],
        },
    ),
    Step(
        "send_email",
        "A form",
        {"from": "notifications@your-domain.com", "to": "customer@example.net", "subject": "A form", "text": "Hello."},
        kind="multipart/form-data",
    ),
    Step("send_email", "Into the sandbox", _MAIL, key="sandbox"),
    Step("send_email", "Later", {**_MAIL, "send_at": "2026-05-05T09:00:00Z"}, save={"scheduled": "id"}),
    Step("reschedule_email", "An hour later still", {"send_at": "2026-05-05T10:00:00Z"}, path={"message_id": "$scheduled"}),
    Step("cancel_email", "Not at all", path={"message_id": "$scheduled"}),
    Step("send_batch", "Two messages", {"emails": [{**_PLAIN, "to": "customer@example.net"}, {**_PLAIN, "to": "second@example.net"}]}),
    Step("send_batch", "Each is answered on its own", {"emails": [{**_PLAIN, "to": "customer@example.net"}, {**_PLAIN, "to": "no address"}]}),
    Step("send_raw_email", "A message composed elsewhere", _RAW, kind="message/rfc822"),
    Step("send_raw_email", "The same as base64", {"raw": "$raw", "tags": ["composed"]}),
    Step("send_email", "To an address that is no more", {**_PLAIN, "to": "gone@example.net", "bridge": "$bridge"}, save={"bounced": "id"}),
)
AFTER_SENDING = (
    Step("get_email", "Delivered", path=_MESSAGE, before="deliver"),
    Step("get_email", "Nothing new since", path=_MESSAGE, headers={"If-None-Match": "$etag"}),
    Step("get_email_content", "What it says", path=_MESSAGE),
    Step("explain_email", "Why it is where it is", path=_MESSAGE),
    Step("get_suppression", "Why mail to one address stops", path={"email": "gone@example.net"}),
    Step("remove_suppression", "The address is back", path={"email": "gone@example.net"}, query={"reason": "They moved back"}),
    Step("resend_email", "To whom it failed", path={"message_id": "$bounced"}, save={"again": "id"}),
    Step("get_email", "Bounced once more", path={"message_id": "$again"}, before="deliver"),
)
