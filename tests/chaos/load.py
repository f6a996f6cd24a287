"""Clients that behave: they keep a message until it was acknowledged, and repeat it under the same idempotency key when no answer came."""

from __future__ import annotations

import contextlib
import http.client
import json
import smtplib
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.chaos.place import DOMAIN, Place

#: Seconds between two tries of the same message.
_PAUSE = 0.3


@dataclass
class Load:
    """``total`` messages over ``seconds``, from ``threads`` clients, each to a recipient of its own.

    ``acknowledged``: address to message id, once a 202 or 250 came. ``answers``: how often each status came ("none": connection lost).
    ``bare``: answers 503 that did not say when to come back.
    """

    place: Place
    total: int
    seconds: float
    threads: int = 16
    word: str = "ok"
    patience: float = 120.0
    acknowledged: dict[str, str] = field(default_factory=dict)
    given_up: list[str] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)
    moments: list[float] = field(default_factory=list)
    bare: int = 0

    def __post_init__(self) -> None:
        self._next = 0
        self._lock = threading.Lock()
        self._started = 0.0
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(self.threads)]

    def start(self) -> Load:
        """Begin."""
        self._started = time.monotonic()
        for thread in self._threads:
            thread.start()
        return self

    @property
    def running(self) -> bool:
        """Whether some message still waits for its acknowledgement."""
        return any(thread.is_alive() for thread in self._threads)

    def finish(self, seconds: float = 180.0) -> None:
        """Wait for the clients. Raises TimeoutError."""
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        if self.running:
            raise TimeoutError(f"the load did not end in {seconds:.0f} s; answers so far: {dict(self.answers)}")

    def statuses(self) -> set[str]:
        """The different answers; "none" for every sort of lost connection."""
        return {answer.partition(":")[0] for answer in self.answers}

    def first_after(self, moment: float) -> float | None:
        """Seconds from ``moment`` to the next acknowledgement."""
        later = [acknowledged - moment for acknowledged in self.moments if acknowledged > moment]
        return min(later, default=None)

    def address(self, number: int) -> str:
        """The recipient of message ``number``; its first word tells the sink what to do."""
        return f"{self.word}-{type(self).__name__.lower()}-{number}@dest.example"

    def _take(self) -> int | None:
        with self._lock:
            if self._next >= self.total:
                return None
            self._next += 1
            return self._next - 1

    def _run(self) -> None:
        send, close = self._client()
        while (number := self._take()) is not None:
            due = self._started + self.seconds * number / self.total
            time.sleep(max(0.0, due - time.monotonic()))
            address = self.address(number)
            deadline = time.monotonic() + self.patience
            while (identity := send(address)) is None and time.monotonic() < deadline:
                time.sleep(_PAUSE)
            with self._lock:
                if identity is None:
                    self.given_up.append(address)
                else:
                    self.acknowledged[address] = identity
                    self.moments.append(time.monotonic())
        close()

    def _count(self, answer: str) -> None:
        with self._lock:
            self.answers[answer] += 1

    def _client(self) -> tuple[Callable[[str], str | None], Callable[[], None]]:
        raise NotImplementedError


class ApiLoad(Load):
    """Over POST /email/send with the bridge's token, on kept connections."""

    def body_of(self, address: str) -> dict[str, object]:
        """What is posted for this recipient."""
        return message(address)

    def _client(self) -> tuple[Callable[[str], str | None], Callable[[], None]]:
        connection = http.client.HTTPConnection("127.0.0.1", self.place.stack.settings.web_port, timeout=45)

        def send(address: str) -> str | None:
            try:
                status, headers, body = post(connection, self.place.secrets.token, self.body_of(address), key=address)
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                self._count(f"none: {type(error).__name__}")
                return None
            self._count(str(status))
            if status in (503, 507) and "Retry-After" not in headers:
                self.bare += 1
            return str(body["id"]) if status in (200, 202) else None

        return send, connection.close


class SmtpLoad(Load):
    """Over STARTTLS submission with the bridge's login, on kept connections, with an idempotency header."""

    def _client(self) -> tuple[Callable[[str], str | None], Callable[[], None]]:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        kept: list[smtplib.SMTP] = []

        def close() -> None:
            while kept:
                with contextlib.suppress(OSError, smtplib.SMTPException):
                    kept.pop().close()

        def send(address: str) -> str | None:
            try:
                if not kept:
                    kept.append(login(self.place, context))
                client = kept[0]
                code, text = submit(client, address)
            except smtplib.SMTPResponseException as error:
                code, text = error.smtp_code, error.smtp_error if isinstance(error.smtp_error, bytes) else error.smtp_error.encode()
            except (OSError, smtplib.SMTPException):
                code, text = 0, b""
            words = text.decode()
            self._count(f"{code} {words.split()[0]}" if code and words else "none")
            if code != 250:
                close()
                return None
            return words.split()[-1].strip(".")

        return send, close


def message(address: str, **more: object) -> dict[str, object]:
    """A small JSON message to ``address``."""
    return {"from": f"shop@{DOMAIN}", "to": address, "subject": "Your order", "html": "<p>Thank you.</p>", "text": "Thank you.", **more}


def post(
    connection: http.client.HTTPConnection, token: str, body: object, *, key: str | None = None, path: str = "/api/v1/email/send"
) -> tuple[int, http.client.HTTPMessage, dict[str, object]]:
    """One request: status, headers, JSON. Raises what the connection raises."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    if key is not None:
        headers["Idempotency-Key"] = key
    connection.request("POST", path, json.dumps(body), headers)
    response = connection.getresponse()
    return response.status, response.headers, json.loads(response.read() or b"{}")


def login(place: Place, context: ssl.SSLContext) -> smtplib.SMTP:
    """A logged-in submission session. Raises what smtplib raises."""
    client = smtplib.SMTP("127.0.0.1", place.stack.settings.submission_port, timeout=30)
    try:
        client.starttls(context=context)
        client.login(place.secrets.username, place.secrets.password)
    except BaseException:
        client.close()
        raise
    return client


def submit(client: smtplib.SMTP, address: str) -> tuple[int, bytes]:
    """One message; the answer to its end of data, or the first refusal."""
    text = f"From: shop@{DOMAIN}\r\nTo: {address}\r\nSubject: Your order\r\nX-Idempotency-Key: {address}\r\n\r\nThank you.\r\n"
    code, reply = client.mail(f"shop@{DOMAIN}")
    if code == 250:
        code, reply = client.rcpt(address)
    if code == 250:
        code, reply = client.data(text.encode())
    return code, reply
