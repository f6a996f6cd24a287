"""What comes back after delivery, through the running servers: by mail to the inbound port and by callback."""

from __future__ import annotations

import re
import smtplib
from urllib.parse import quote

from tests.e2e.calls import arrived, call, events, make_bridge, message, send, states, to, wait_delivered
from tests.e2e.conftest import Demo
from tests.live import wait_for

_HOOK = "/api/webhooks/postfix"


def suppressed(demo: Demo, address: str) -> list[str]:
    """The reasons for which an address gets no mail."""
    _, body = call(demo, "GET", f"/api/v1/suppressions?search={quote(address)}")
    return [row["reason"] for row in body["data"]]


def test_bulk_mail_is_unsubscribed_by_mail_once(demo: Demo) -> None:
    bridge = make_bridge(demo, "newsletter by mail", stream="bulk")
    status, sent = call(demo, "POST", "/api/v1/email/send", message(demo, "delivered+leaves"), bridge["credentials"]["api"]["token"])
    assert status == 202, sent
    mail = arrived(demo, sent["id"])
    found = re.search(r"<mailto:(u[a-z2-7]{42}@[^?>]+)\?subject=unsubscribe>", str(mail["List-Unsubscribe"]).replace(" ", ""))
    assert found is not None and mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    for _ in range(2):
        with smtplib.SMTP("127.0.0.1", demo.stack.settings.inbound_port, timeout=20) as client:
            client.sendmail("reader@example.net", [found[1]], b"From: reader@example.net\r\nSubject: unsubscribe\r\n\r\n")
    assert events(demo, sent["id"]).count("email.unsubscribed") == 1
    assert suppressed(demo, to(demo, "delivered+leaves")) == ["unsubscribe"]
    status, again = call(demo, "POST", "/api/v1/email/send", message(demo, "delivered+leaves"), bridge["credentials"]["api"]["token"])
    assert status == 422, again


def test_late_bounce_complaint_and_auto_reply_of_the_simulator(demo: Demo) -> None:
    bounced, complained, replied = (send(demo, name) for name in ("late-bounce+e2e", "complaint+e2e", "autoreply+e2e"))
    wait_for(lambda: states(demo, bounced) == ["bounced"], seconds=40, what="the late bounce")
    wait_for(lambda: "email.complained" in events(demo, complained), seconds=40, what="the complaint")
    wait_delivered(demo, replied)
    assert suppressed(demo, to(demo, "late-bounce+e2e")) == ["hard_bounce"]
    assert suppressed(demo, to(demo, "complaint+e2e")) == ["complaint"]


def test_a_postfix_reports_by_callback(demo: Demo) -> None:
    sent = send(demo, "delivered+reported")
    wait_delivered(demo, sent)
    header = str(arrived(demo, sent)["Message-ID"])
    body = {"event": "bounce", "recipient": to(demo, "delivered+reported"), "message_id": header, "reason": "550 5.1.1 User unknown"}
    assert call(demo, "POST", _HOOK, body, key="wrong")[0] == 401
    for replayed in (False, True):
        status, answer = call(demo, "POST", _HOOK, body, key=str(demo.stack.settings.postfix_webhook_secret))
        assert status == 200 and answer["data"]["replayed"] is replayed
    wait_for(lambda: states(demo, sent) == ["bounced"], seconds=30, what="the reported bounce")
    assert events(demo, sent).count("email.bounced") == 1
    assert suppressed(demo, to(demo, "delivered+reported")) == ["hard_bounce"]
