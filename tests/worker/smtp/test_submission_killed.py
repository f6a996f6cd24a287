"""F02: the submission process is killed with -9 while clients send; nothing acknowledged is lost, nothing is stored twice."""

from __future__ import annotations

import queue
import smtplib
import ssl
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.worker.smtp.submission_process import SubmissionProcess

MESSAGES = 200
KILL_AT = (40, 120)
CLIENTS = 6


class Senders:
    """Clients that repeat a message until it is acknowledged, as mail programs do."""

    def __init__(self, port: int, secrets: Any, context: ssl.SSLContext) -> None:
        self._port, self._secrets, self._context = port, secrets, context
        self._left: queue.SimpleQueue[int] = queue.SimpleQueue()
        for number in range(MESSAGES):
            self._left.put(number)
        self.answers: dict[int, str] = {}
        self.repeats = 0
        self.threads = [threading.Thread(target=self._run, daemon=True) for _ in range(CLIENTS)]
        for thread in self.threads:
            thread.start()

    def _connect(self) -> smtplib.SMTP:
        while True:
            try:
                client = smtplib.SMTP("127.0.0.1", self._port, timeout=20)
                client.starttls(context=self._context)
                client.login(self._secrets.username, self._secrets.password)
                return client
            except (OSError, smtplib.SMTPException):
                time.sleep(0.1)

    def _run(self) -> None:
        client = self._connect()
        while True:
            try:
                number = self._left.get_nowait()
            except queue.Empty:
                client.close()
                return
            while number not in self.answers:
                try:
                    self._send(client, number)
                except (OSError, smtplib.SMTPException):
                    self.repeats += 1
                    client.close()
                    client = self._connect()

    def _send(self, client: smtplib.SMTP, number: int) -> None:
        client.docmd("MAIL", "FROM:<shop@acme.example>")
        client.docmd("RCPT", f"TO:<u{number}@dest.example>")
        mail = f"From: shop@acme.example\r\nSubject: {number}\r\nMessage-ID: <{number}@acme.example>\r\n\r\nhello {number}\r\n"
        code, text = client.data(mail)
        if code == 250:
            self.answers[number] = text.decode().split()[-1]
        else:
            client.rset()


@pytest.mark.timeout(240)
def test_killed_while_clients_send(shop: Any, free_port: Callable[[], int], certificate: tuple[Path, Path], client_tls: ssl.SSLContext) -> None:
    client_tls.check_hostname = False
    process = SubmissionProcess(free_port, certificate)
    try:
        senders = Senders(process.port, shop.secrets, client_tls)
        for count in KILL_AT:
            while len(senders.answers) < count and any(thread.is_alive() for thread in senders.threads):
                time.sleep(0.005)
            process.kill()
            process.start()
        for thread in senders.threads:
            thread.join(90)
    finally:
        status = process.stop()
    stored = {str(identity): int(subject) for identity, subject in shop.rows("select id, subject from messages")}
    assert len(senders.answers) == MESSAGES
    assert {identity: number for number, identity in senders.answers.items()} == stored, "lost, ghost or stored twice"
    assert status == 0
