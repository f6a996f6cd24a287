"""What the end-to-end tests do with the running demo: call the API, make bridges, read what arrived."""

from __future__ import annotations

import email
import email.policy
import json
import re
import smtplib
import ssl
import urllib.error
import urllib.request
from email.message import EmailMessage
from typing import Any

import psycopg

from tests.e2e.conftest import Demo
from tests.live import wait_for


def call(demo: Demo, method: str, path: str, body: Any = None, key: str = "api_key_live", **headers: str) -> tuple[int, dict[str, Any]]:
    """One API call: status and JSON. ``key``: one of the credentials' names, or the key itself."""
    data = json.dumps(body).encode() if body is not None else None
    sent = {"Authorization": f"Bearer {demo.credentials.get(key, key)}", "Content-Type": "application/json", **headers}
    request = urllib.request.Request(f"{demo.credentials['web_url']}{path}", data, sent, method=method)
    try:
        with urllib.request.urlopen(request, timeout=20) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def to(demo: Demo, name: str) -> str:
    """An address at the simulator."""
    return f"{name}@{demo.credentials['simulator_domain']}"


def message(demo: Demo, recipient: str, **more: Any) -> dict[str, Any]:
    """A send request to somebody at the simulator."""
    html = '<html><body><p>Hi <a href="https://example.net/a">go</a></p></body></html>'
    return {"from": demo.credentials["from"], "to": to(demo, recipient), "subject": "Hello", "html": html, **more}


def send(demo: Demo, recipient: str, key: str = "api_key_live", **more: Any) -> str:
    """Send a message; its id."""
    status, body = call(demo, "POST", "/api/v1/email/send", message(demo, recipient, **more), key)
    assert status == 202, body
    return str(body["id"])


def states(demo: Demo, message_id: str, key: str = "api_key_live") -> list[str]:
    """The states of a message's recipients."""
    status, body = call(demo, "GET", f"/api/v1/email/{message_id}", key=key)
    assert status == 200, body
    return [recipient["status"] for recipient in body["recipients"]]


def events(demo: Demo, message_id: str) -> list[str]:
    """The types of a message's events, oldest first."""
    return [event["type"] for event in call(demo, "GET", f"/api/v1/email/{message_id}")[1]["events"]]


def wait_delivered(demo: Demo, message_id: str) -> None:
    """Until every recipient has it."""
    wait_for(lambda: set(states(demo, message_id)) == {"delivered"}, seconds=30, what=f"delivery of {message_id}")


def arrived(demo: Demo, message_id: str) -> EmailMessage:
    """The mail of a message as the receiving server got it."""
    found: list[bytes] = []

    def look() -> bool:
        found[:] = [raw for (raw,) in _rows(demo, "select raw from simulated_mails where message_id = %s", message_id)]
        return bool(found)

    wait_for(look, seconds=30, what=f"the arrival of {message_id}")
    return email.message_from_bytes(found[0], policy=email.policy.default)


def mails_to(demo: Demo, address: str) -> list[EmailMessage]:
    """Everything that arrived for an address, oldest first."""
    rows = _rows(demo, "select raw from simulated_mails where address = %s order by id", address)
    return [email.message_from_bytes(raw, policy=email.policy.default) for (raw,) in rows]


def _rows(demo: Demo, statement: str, value: str) -> list[tuple[bytes]]:
    url = demo.stack.settings.database_url.replace("postgresql+psycopg://", "postgresql://")
    with psycopg.connect(url) as connection:
        connection.execute("select set_config('app.tenant_id', '*', true)")
        return [(bytes(row[0]),) for row in connection.execute(statement, (value,))]


def html_of(mail: EmailMessage) -> str:
    """The HTML part."""
    part = mail.get_body(("html",))
    assert part is not None
    return str(part.get_content())


def has_pixel(demo: Demo, mail: EmailMessage) -> bool:
    """Whether the mail reports that it is opened."""
    return "/api/t/o/" in html_of(mail)


def has_tracked_link(mail: EmailMessage) -> bool:
    """Whether its links lead over the click counter."""
    return "/api/t/c/" in html_of(mail)


def make_bridge(demo: Demo, name: str, **more: Any) -> dict[str, Any]:
    """A new live bridge with its credentials."""
    status, body = call(demo, "POST", "/api/v1/bridges", {"name": name, **more})
    assert status == 201, body
    return dict(body["data"])


def login_smtp(demo: Demo, credentials: dict[str, Any]) -> smtplib.SMTP:
    """An SMTP session, logged in over STARTTLS with a bridge's credentials."""
    client = smtplib.SMTP("127.0.0.1", demo.stack.settings.submission_port, timeout=20)
    try:
        client.starttls(context=no_checks())
        client.login(credentials["username"], credentials["password"])
    except smtplib.SMTPException:
        client.close()
        raise
    return client


def no_checks() -> ssl.SSLContext:
    """TLS with the certificate that the server made for itself."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def letter(demo: Demo, recipient: str, subject: str = "Over SMTP") -> EmailMessage:
    """A mail with a text and an HTML part."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = demo.credentials["from"], to(demo, recipient), subject
    mail.set_content("Hello")
    mail.add_alternative('<html><body><a href="https://example.net/x">x</a></body></html>', subtype="html")
    return mail


def send_over(client: smtplib.SMTP, mail: EmailMessage) -> str:
    """Send in an open session; the id in the last reply."""
    assert client.mail(mail["From"])[0] == 250
    assert client.rcpt(mail["To"])[0] == 250
    code, reply = client.data(mail.as_bytes())
    assert code == 250, reply
    return id_in(reply.decode())


def id_in(text: str) -> str:
    """The message id in a text."""
    found = re.findall(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", text)
    assert found, text
    return str(found[-1])
