"""The official Python clients of other services, with nothing changed but base URL, key and sender."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import timedelta
from email.message import EmailMessage
from typing import Any

import mailgun.client
import postmarker.core
import postmarker.exceptions
import pytest
import python_http_client.exceptions as sendgrid_errors
import resend
import sendgrid
from sendgrid.helpers import mail as sg

from tests.e2e.calls import arrived, call, html_of, mails_to, states, to, wait_delivered
from tests.e2e.conftest import Demo
from tests.live import wait_for
from webapp.kernel.clock import now, rfc3339

DATA = bytes(range(256)) * 300 + b"\r\n.\r\n--b\r\n\x00"
BASE64 = base64.b64encode(DATA).decode()
WRONG = "mp_live_unknown"


def text_of(mail: EmailMessage) -> str:
    part = mail.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def files_of(demo: Demo, message_id: str) -> dict[str | None, Any]:
    return {file.get_filename(): file.get_payload(decode=True) for file in arrived(demo, message_id).iter_attachments()}


def template(demo: Demo) -> str:
    """An active template that greets by name."""
    body = {"slug": "bring-your-code", "name": "Greeting", "subject": "Hello {{ name }}", "html": "<p>Hello {{ name }}</p>", "text": "Hello {{ name }}"}
    status, answer = call(demo, "POST", "/api/v1/templates", body)
    assert status in (201, 409), answer
    return "bring-your-code"


# Resend


@pytest.fixture
def re(demo: Demo) -> Iterator[Any]:
    before = resend.api_key, resend.api_url
    resend.api_key, resend.api_url = demo.credentials["api_key_live"], f"{demo.credentials['web_url']}/compat/resend"
    yield resend
    resend.api_key, resend.api_url = before


def test_resend_sends_and_reads(demo: Demo, re: Any) -> None:
    sender = demo.credentials["from"]
    wanted = {
        "from": f"Acme <{sender}>", "to": [to(demo, "delivered")], "subject": "By Resend's client", "html": "<p>Hi</p>", "text": "Hi",
        "reply_to": "reply@example.net", "headers": {"X-Order": "7"}, "tags": [{"name": "kind", "value": "order"}],
        "attachments": [{"filename": "data.bin", "content": list(DATA)}, {"filename": "again.bin", "content": BASE64}],
    }  # fmt: skip
    sent = re.Emails.send(wanted, {"idempotency_key": "resend-1"})
    assert re.Emails.send(wanted, {"idempotency_key": "resend-1"})["id"] == sent["id"]
    with pytest.raises(resend.exceptions.ResendError) as conflict:
        re.Emails.send({**wanted, "subject": "Another"}, {"idempotency_key": "resend-1"})
    assert (conflict.value.code, conflict.value.error_type) == (409, "invalid_idempotent_request")
    wait_delivered(demo, sent["id"])
    mail = arrived(demo, sent["id"])
    assert (mail["From"].addresses[0].display_name, mail["Reply-To"], mail["X-Order"]) == ("Acme", "reply@example.net", "7")
    assert files_of(demo, sent["id"]) == {"data.bin": DATA, "again.bin": DATA}
    email = re.Emails.get(sent["id"])
    assert (email["last_event"], email["to"], email["html"]) == ("delivered", [to(demo, "delivered")], "<p>Hi</p>")
    assert email["tags"] == [{"name": "kind", "value": "order"}]


def test_resend_batch_template_and_schedule(demo: Demo, re: Any) -> None:
    sender, person = demo.credentials["from"], to(demo, "delivered")
    one: dict[str, Any] = {"from": sender, "to": person, "subject": "One", "text": "One"}
    other = {"from": sender, "to": person, "template": {"id": template(demo), "variables": {"name": "Anna"}}}
    sent = [entry["id"] for entry in re.Batch.send([one, other])["data"]]
    assert arrived(demo, sent[1])["Subject"] == "Hello Anna"
    with pytest.raises(resend.exceptions.ResendError, match="nobody"):
        re.Batch.send([one, {**one, "to": "nobody"}])
    mixed = re.Batch.send([{**one, "to": "nobody"}, one], {"batch_validation": "permissive"})
    assert ([entry["index"] for entry in mixed["errors"]], len(mixed["data"])) == ([0], 1)
    moment = rfc3339(now().replace(microsecond=0) + timedelta(days=2))
    later = re.Emails.send({**one, "scheduled_at": "in 1 hour"})["id"]
    assert re.Emails.update({"id": later, "scheduled_at": moment})["id"] == later
    assert re.Emails.get(later)["scheduled_at"] == moment
    assert re.Emails.cancel(later)["object"] == "email"
    assert re.Emails.get(later)["last_event"] == "canceled"


def test_resend_refusals(demo: Demo, re: Any) -> None:
    good = {"from": demo.credentials["from"], "to": to(demo, "delivered"), "subject": "x", "text": "x"}
    cases = [
        ({"to": "nobody"}, 422, "validation_error"), ({"subject": None}, 422, "missing_required_field"),
        ({"from": "boss@bank.example"}, 403, "validation_error"), ({"scheduled_at": "soon"}, 422, "validation_error"),
        ({"attachments": [{"path": "https://example.net/a.pdf", "filename": "a.pdf"}]}, 422, "validation_error"),
    ]  # fmt: skip
    for change, code, kind in cases:
        with pytest.raises(resend.exceptions.ResendError) as refusal:
            re.Emails.send({**good, **change})
        assert (refusal.value.code, refusal.value.error_type) == (code, kind), change
    with pytest.raises(resend.exceptions.ResendError) as unknown:
        re.Emails.get("019b0000-0000-7000-8000-000000000000")
    assert unknown.value.error_type == "not_found"
    re.api_key = WRONG
    with pytest.raises(resend.exceptions.InvalidApiKeyError):
        re.Emails.send(good)


# Postmark


@pytest.fixture
def pm(demo: Demo) -> Any:
    return postmarker.core.PostmarkClient(server_token=demo.credentials["bridge"]["token"], root_api_url=demo.credentials["web_url"])


def test_postmark_sends_and_reads(demo: Demo, pm: Any) -> None:
    sender, person = demo.credentials["from"], to(demo, "delivered")
    sent = pm.emails.send(
        From=sender, To=[f'"One, Two" <{person}>'], Cc=to(demo, "slow"), Subject="By Postmark's client", HtmlBody="<p>Hi</p>", Tag="order",
        Metadata={"order": "7"}, Headers={"X-Order": "7"}, Attachments=[("data.bin", BASE64, "application/octet-stream")],
    )  # fmt: skip
    assert (sent["ErrorCode"], sent["Message"]) == (0, "OK")
    wait_delivered(demo, sent["MessageID"])
    assert files_of(demo, sent["MessageID"]) == {"data.bin": DATA}
    details = pm.messages.outbound.get(sent["MessageID"])
    assert (details.Status, details.Tag, details.Metadata, details.HtmlBody) == ("Sent", "order", {"order": "7"}, "<p>Hi</p>")
    assert {event["Type"] for event in details._data["MessageEvents"]} == {"Delivered"}
    assert "X-Order: 7" in pm.messages.outbound.get_dump(sent["MessageID"])


def test_postmark_batch_and_template(demo: Demo, pm: Any) -> None:
    sender, person = demo.credentials["from"], to(demo, "delivered")
    one = {"From": sender, "To": person, "Subject": "One", "TextBody": "One"}
    good, bad = pm.emails.send_batch(one, {**one, "To": "nobody"})
    assert (good["ErrorCode"], bad["ErrorCode"]) == (0, 300)
    assert arrived(demo, good["MessageID"])["Subject"] == "One"
    sent = pm.emails.send_with_template(TemplateAlias=template(demo), TemplateModel={"name": "Anna"}, From=sender, To=person)
    assert arrived(demo, sent["MessageID"])["Subject"] == "Hello Anna"
    with pytest.raises(postmarker.exceptions.ClientError) as absent:
        pm.emails.send_with_template(TemplateAlias="no-such", TemplateModel={}, From=sender, To=person)
    assert absent.value.error_code == 1101


def test_postmark_refusals(demo: Demo, pm: Any) -> None:
    good = {"From": demo.credentials["from"], "To": to(demo, "delivered"), "Subject": "x", "TextBody": "x"}
    call(demo, "POST", "/api/v1/suppressions", {"email": "inactive@customer.example"})
    cases = [({"To": "nobody"}, 300), ({"From": "boss@bank.example"}, 400), ({"To": "inactive@customer.example"}, 406), ({"MessageStream": "x"}, 300)]
    for change, code in cases:
        with pytest.raises(postmarker.exceptions.ClientError) as refusal:
            pm.emails.send(**{**good, **change})
        assert refusal.value.error_code == code, (change, refusal.value)
    pm.server_token = WRONG
    with pytest.raises(postmarker.exceptions.ClientError) as unknown:
        pm.emails.send(**good)
    assert unknown.value.error_code == 10


# SendGrid


@pytest.fixture
def grid(demo: Demo) -> Any:
    return sendgrid.SendGridAPIClient(demo.credentials["api_key_live"], host=f"{demo.credentials['web_url']}/compat/sendgrid")


def test_sendgrid_sends_and_reads(demo: Demo, grid: Any) -> None:
    mail = sg.Mail((demo.credentials["from"], "Acme"), to(demo, "delivered"), "By SendGrid's client", "Hi", "<p>Hi</p>")
    mail.attachment = sg.Attachment(BASE64, "data.bin", "application/octet-stream")
    mail.category = sg.Category("order")
    mail.custom_arg = sg.CustomArg("order", "7")
    mail.reply_to = "reply@example.net"
    answer = grid.send(mail)
    message_id = answer.headers["X-Message-Id"]
    assert (answer.status_code, answer.body) == (202, b"")
    wait_delivered(demo, message_id)
    assert files_of(demo, message_id) == {"data.bin": DATA}
    assert arrived(demo, message_id)["Reply-To"] == "reply@example.net"
    read = json.loads(grid.client.messages._(message_id).get().body)
    assert (read["status"], read["to_email"], read["categories"]) == ("delivered", to(demo, "delivered"), ["order"])
    assert "delivered" in {event["event_name"] for event in read["events"]}


def test_sendgrid_personalizations_template_schedule_and_sandbox(demo: Demo, grid: Any) -> None:
    people = [f"{name}@{demo.credentials['simulator_domain']}" for name in ("delivered+p1", "delivered+p2")]
    each = [sg.To(address, substitutions={"-name-": name}, subject="For -name-") for address, name in zip(people, ("Anna", "Ben"), strict=True)]
    last = grid.send(sg.Mail(demo.credentials["from"], each, plain_text_content="Hello -name-", is_multiple=True)).headers["X-Message-Id"]
    mail = arrived(demo, last)  # this client puts each further personalization before the others
    assert (mail["To"], mail["Subject"], text_of(mail).strip()) == (people[1], "For Ben", "Hello Ben")
    wait_for(lambda: len(mails_to(demo, people[0])) == 1, what="the other personalization")
    assert mails_to(demo, people[0])[0]["Subject"] == "For Anna"
    with_template = sg.Mail(demo.credentials["from"], people[0])
    with_template.template_id, with_template.dynamic_template_data = template(demo), {"name": "Cleo"}
    assert arrived(demo, grid.send(with_template).headers["X-Message-Id"])["Subject"] == "Hello Cleo"
    later = sg.Mail(demo.credentials["from"], people[0], "Later", "Later")
    later.send_at = int((now() + timedelta(hours=2)).timestamp())
    assert states(demo, grid.send(later).headers["X-Message-Id"]) == ["scheduled"]
    later.send_at, later.mail_settings = None, sg.MailSettings(sandbox_mode=sg.SandBoxMode(True))
    answer = grid.send(later)
    assert (answer.status_code, states(demo, answer.headers["X-Message-Id"])) == (200, ["sandboxed"])


def test_sendgrid_refusals(demo: Demo, grid: Any) -> None:
    sender, person = demo.credentials["from"], to(demo, "delivered")
    before = call(demo, "GET", "/api/v1/stats")[1]["data"]["totals"]
    people = [{"to": [{"email": person}]}, {"to": [{"email": "nobody"}]}]
    body = {"personalizations": people, "from": {"email": sender}, "subject": "x", "content": [{"type": "text/plain", "value": "x"}]}
    with pytest.raises(sendgrid_errors.BadRequestsError) as bad:
        grid.client.mail.send.post(request_body=body)
    assert json.loads(bad.value.body)["errors"][0]["field"] == "personalizations.1.to.0.email"
    with pytest.raises(sendgrid_errors.ForbiddenError):
        grid.send(sg.Mail("boss@bank.example", person, "x", "x"))
    assert call(demo, "GET", "/api/v1/stats")[1]["data"]["totals"]["accepted"] == before["accepted"]
    stranger = sendgrid.SendGridAPIClient(WRONG, host=f"{demo.credentials['web_url']}/compat/sendgrid")
    with pytest.raises(sendgrid_errors.UnauthorizedError):
        stranger.send(sg.Mail(sender, person, "x", "x"))


# Mailgun


def gun(demo: Demo, key: str | None = None) -> Any:
    return mailgun.client.Client(auth=("api", key or demo.credentials["api_key_live"]), api_url=f"{demo.credentials['web_url']}/compat/mailgun")


def message_of(demo: Demo, client: Any, sent: Any) -> str:
    """Our id of a message, as the events tell it."""
    events = client.events.get(domain=demo.credentials["from"].partition("@")[2], filters={"message-id": sent["id"]}).json()["items"]
    return str(events[0]["storage"]["key"])


def test_mailgun_sends_and_reads(demo: Demo) -> None:
    client, domain = gun(demo), demo.credentials["from"].partition("@")[2]
    data = {
        "from": f"Acme <{demo.credentials['from']}>", "to": [to(demo, "delivered")], "subject": "By Mailgun's client", "html": "<p>Hi</p>", "o:tag": ["order"],
        "v:order": "7", "h:Reply-To": "reply@example.net", "h:X-Order": "7",
    }  # fmt: skip
    answer = client.messages.create(data=data, files=[("attachment", ("data.bin", DATA))], domain=domain)
    assert (answer.status_code, answer.json()["message"]) == (200, "Queued. Thank you.")
    message_id = message_of(demo, client, answer.json())
    wait_delivered(demo, message_id)
    assert files_of(demo, message_id) == {"data.bin": DATA}
    assert (arrived(demo, message_id)["Reply-To"], arrived(demo, message_id)["X-Order"]) == ("reply@example.net", "7")
    events = client.events.get(domain=domain, filters={"message-id": answer.json()["id"]}).json()["items"]
    assert [event["event"] for event in events if event["event"] in ("accepted", "delivered")] == ["delivered", "accepted"]
    assert (events[0]["tags"], events[0]["user-variables"]) == (["order"], {"order": "7"})


def test_mailgun_recipient_variables_mime_template_and_schedule(demo: Demo) -> None:
    client, domain, sender = gun(demo), demo.credentials["from"].partition("@")[2], demo.credentials["from"]
    people = [f"{name}@{demo.credentials['simulator_domain']}" for name in ("delivered+g1", "delivered+g2")]
    variables = json.dumps({people[0]: {"name": "Anna"}, people[1]: {"name": "Ben"}})
    data = {"from": sender, "to": ",".join(people), "subject": "Hey %recipient.name%", "text": "Hey", "recipient-variables": variables}
    first = arrived(demo, message_of(demo, client, client.messages.create(data=data, domain=domain).json()))
    assert (first["To"], first["Subject"]) == (people[0], "Hey Anna")
    raw = f"From: {sender}\r\nTo: {people[0]}\r\nSubject: Composed\r\nMessage-ID: <own-7@{domain}>\r\n\r\nAs it is\r\n".encode()
    sent = client.mimemessage.create(data={"to": people[0]}, files={"message": ("m.mime", raw)}, domain=domain).json()
    assert sent["id"] == f"<own-7@{domain}>"
    assert arrived(demo, message_of(demo, client, sent))["Subject"] == "Composed"
    filled = {"from": sender, "to": people[0], "template": template(demo), "t:variables": json.dumps({"name": "Dora"})}
    assert arrived(demo, message_of(demo, client, client.messages.create(data=filled, domain=domain).json()))["Subject"] == "Hello Dora"
    moment = (now() + timedelta(hours=2)).strftime("%a, %d %b %Y %H:%M:%S +0000")
    later = {"from": sender, "to": people[0], "subject": "x", "text": "x", "o:deliverytime": moment}
    assert states(demo, message_of(demo, client, client.messages.create(data=later, domain=domain).json())) == ["scheduled"]


def test_mailgun_refusals(demo: Demo) -> None:
    domain, good = demo.credentials["from"].partition("@")[2], {"from": demo.credentials["from"], "to": to(demo, "delivered"), "subject": "x", "text": "x"}
    for change, status in (({"to": "nobody"}, 400), ({"from": "boss@bank.example"}, 403), ({"o:require-tls": "yes"}, 400), ({"text": ""}, 400)):
        answer = gun(demo).messages.create(data={**good, **change}, domain=domain)
        assert (answer.status_code, list(answer.json())) == (status, ["message"]), answer.text
    assert gun(demo, WRONG).messages.create(data=good, domain=domain).status_code == 401
    tested = gun(demo).messages.create(data={**good, "o:testmode": "yes"}, domain=domain).json()
    assert states(demo, message_of(demo, gun(demo), tested)) == ["sandboxed"]


def test_what_arrives_is_what_was_written(demo: Demo, re: Any) -> None:
    """A Resend client's HTML goes through the same tracking and signing as any other mail."""
    sent = re.Emails.send({"from": demo.credentials["from"], "to": to(demo, "delivered"), "subject": "Signed", "html": "<p>Grüße ☂</p>"})
    mail = arrived(demo, sent["id"])
    assert mail["DKIM-Signature"] and "Grüße ☂" in html_of(mail)
