"""What people write by hand: a Flask route that puts one RQ job an e-mail into Redis and answers. No key, no idempotency, nothing on disk.

``send`` is the job, as such programs have it; nobody works the queue while accepting is measured.
"""

from __future__ import annotations

import os
import smtplib
from email.message import EmailMessage
from typing import Any

from flask import Flask, request
from redis import Redis
from rq import Queue

app = Flask("by_hand")
_queue = Queue("mail", connection=Redis.from_url(os.environ.get("PEER_REDIS_URL", "redis://127.0.0.1:6379/9")))


def send(sender: str, to: str, subject: str, html: str, text: str) -> None:
    """Build and send one e-mail through the relay on this machine."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, to, subject
    message.set_content(text)
    message.add_alternative(html, subtype="html")
    with smtplib.SMTP("127.0.0.1", 25) as smtp:
        smtp.send_message(message)


@app.post("/send")
def accept() -> tuple[dict[str, Any], int]:
    """Enqueue and return."""
    wish = request.get_json()
    job = _queue.enqueue(send, wish["from"], wish["to"], wish["subject"], wish["html"], wish["text"])
    return {"id": job.id, "status": "queued"}, 202
