"""The submission server over real sockets, TLS and PostgreSQL."""

from __future__ import annotations

import asyncio
import smtplib
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import errors as pg

from webapp.bridges.service import delete_bridge, pause_bridge, rotate
from webapp.kernel.scope import Mode
from webapp.settings import get_settings
from webapp.tenants.types import TenantStatus
from worker.smtp.limits import Limits
from worker.smtp.submission import Submission, Waker

LIMITS = Limits(auth_delay=0.01, auth_delay_max=0.02, connections_per_address=200)


class Bell:
    """A waker that counts instead of ringing."""

    def __init__(self) -> None:
        self.rings = 0

    def ring(self) -> None:
        self.rings += 1


@pytest.fixture
def bell() -> Bell:
    return Bell()


@pytest.fixture
def handler(shop: Any, bell: Bell) -> Iterator[Submission]:
    made = Submission(get_settings(), waker=bell)  # type: ignore[arg-type]
    yield made
    made.close()


@pytest.fixture
def server(start: Any, handler: Submission, tls_context: ssl.SSLContext) -> Any:
    return start(handler, LIMITS, tls_context=tls_context, login_required=True)


Connect = Callable[..., smtplib.SMTP]


@pytest.fixture
def connect(server: Any, shop: Any, client_tls: ssl.SSLContext) -> Iterator[Connect]:
    """Logs in over STARTTLS; as the shop's first bridge when no credentials are given."""
    client_tls.check_hostname = False
    opened: list[smtplib.SMTP] = []

    def login(secrets: Any = None) -> smtplib.SMTP:
        client = smtplib.SMTP("127.0.0.1", server.port, timeout=10)
        opened.append(client)
        client.starttls(context=client_tls)
        secrets = secrets or shop.secrets
        client.login(secrets.username, secrets.password)
        return client

    yield login
    for client in opened:
        client.close()


def mail(**headers: str) -> EmailMessage:
    message = EmailMessage()
    defaults = {"From": "Shop <shop@acme.example>", "To": "Anna <anna@dest.example>", "Subject": "Grüße"}
    for name, value in {**defaults, **{key.replace("_", "-"): value for key, value in headers.items()}}.items():
        message[name] = value
    message.set_content("Hallo Anna\n")
    return message


def send(client: smtplib.SMTP, message: EmailMessage | bytes, to: list[str] | None = None, sender: str = "shop@acme.example") -> str:
    """The answer to the message, or to the command that was refused, as "code text"."""
    code, text = client.mail(sender)
    for recipient in to or ["anna@dest.example"]:
        if code == 250:
            code, text = client.rcpt(recipient)
    if code == 250:
        code, text = client.data(message if isinstance(message, bytes) else message.as_bytes())
    if code != 250:
        client.rset()
    return f"{code} {text.decode()}"


def test_mail_is_queued_with_its_id(connect: Connect, shop: Any, bell: Bell) -> None:
    answer = send(connect(), mail(Message_ID="<1@acme.example>"), ["anna@dest.example", "bob@dest.example", "hidden@dest.example"])
    assert answer.startswith("250 2.0.0 Ok: queued as ")
    identity = UUID(answer.split()[-1])
    ((row),) = shop.rows("select id, mode, door, subject, from_address, from_name, message_id_header, bridge_id, recipient_count from messages")
    assert tuple(row) == (identity, "live", "smtp", "Grüße", "shop@acme.example", "Shop", "<1@acme.example>", shop.bridge_id, 3)
    recipients = shop.rows("select address, name, kind, state from recipients order by address")
    assert [tuple(row) for row in recipients] == [
        ("anna@dest.example", "Anna", "to", "queued"),
        ("bob@dest.example", None, "bcc", "queued"),
        ("hidden@dest.example", None, "bcc", "queued"),
    ]
    ((raw,),) = shop.rows("select raw from message_contents")
    assert b"Hallo Anna" in bytes(raw) and b"\r\n" in bytes(raw)
    assert bytes(raw).startswith(b"Received: from authenticated-client.invalid\r\n\tby localhost (Postbridge) with ESMTPSA id ")
    assert b"127.0.0.1" not in bytes(raw), "every recipient can read it"
    assert len(shop.rows("select 1 from queue_entries")) == 3
    assert bell.rings == 1


def test_implicit_tls(server: Any, shop: Any, client_tls: ssl.SSLContext) -> None:
    client_tls.check_hostname = False
    with smtplib.SMTP_SSL("127.0.0.1", server.tls_port, timeout=10, context=client_tls) as client:
        client.login(shop.secrets.username, shop.secrets.password)
        client.send_message(mail())
    assert len(shop.rows("select 1 from messages")) == 1


def test_sandbox_bridge_captures(connect: Connect, shop: Any, bell: Bell) -> None:
    _, secrets = shop.make_bridge("test", Mode.SANDBOX)
    assert "sandbox" in send(connect(secrets), mail(From="me@unverified.example"), sender="me@unverified.example")
    assert shop.rows("select mode, state from recipients") == [("sandbox", "sandboxed")]
    assert shop.rows("select 1 from queue_entries") == [] and bell.rings == 0


def test_control_headers(connect: Connect, shop: Any) -> None:
    message = mail(X_Postbridge_Tag="welcome", X_Postbridge_Metadata='{"order": "17"}', X_Postbridge_Send_At="2099-01-01T00:00:00Z")
    assert send(connect(), message).startswith("550 5.6.0 send_at is more than a year ahead")
    soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
    message.replace_header("X-Postbridge-Send-At", soon)
    assert send(connect(), message).startswith("250")
    assert shop.rows("select tags, metadata from messages") == [(["welcome"], {"order": "17"})]
    assert shop.rows("select state from recipients") == [("scheduled",)]
    ((raw,),) = shop.rows("select raw from message_contents")
    assert b"X-Postbridge" not in bytes(raw)


def test_template(connect: Connect, shop: Any) -> None:
    shop.change(
        "insert into email_templates (id, tenant_id, name, slug, subject, html, active) values "
        "(uuidv7(), :t, 'w', 'welcome', 'Hi {{name}}', '<p>{{name}}</p>', true)", t=shop.tenant_id,
    )  # fmt: skip
    message = mail(X_Postbridge_Template="welcome", X_Postbridge_Variables='{"name": "Ann"}')
    assert send(connect(), message).startswith("250")
    del message["Subject"]  # a Subject of its own would win over the template's
    assert send(connect(), message).startswith("250")
    assert shop.rows("select subject, template_slug from messages order by id") == [("Grüße", "welcome"), ("Hi Ann", "welcome")]
    message.replace_header("X-Postbridge-Template", "absent")
    assert send(connect(), message).startswith("550 5.6.0")


@pytest.mark.parametrize(
    ("headers", "sender", "answer"),
    [
        ({"From": "x@unverified.example"}, "shop@acme.example", "550 5.7.1"),
        ({}, "x@unverified.example", "550 5.7.1"),
        ({"Sender": "x@unverified.example"}, "shop@acme.example", "550 5.7.1"),
        ({"From": "shop@acme.example, x@unverified.example"}, "shop@acme.example", "550 5.7.1"),
        ({"From": "=?utf-8?q?shop=40acme=2Eexample?= <x@unverified.example>"}, "shop@acme.example", "550 5.7.1"),
        ({"X_Postbridge_Send_At": "tomorrow"}, "shop@acme.example", "554 5.6.0 X-Postbridge-Send-At"),
    ],
)
def test_who_may_send(connect: Connect, shop: Any, headers: dict[str, str], sender: str, answer: str) -> None:
    """F33, CVE-2024-7208: every address that speaks for the sender must be the tenant's own."""
    message = b"".join(f"{name.replace('_', '-')}: {value}\r\n".encode() for name, value in {"From": "shop@acme.example", **headers}.items())
    assert send(connect(), message + b"\r\nhello\r\n", sender=sender).startswith(answer)
    assert shop.rows("select 1 from messages") == []


@pytest.mark.parametrize("recipient", ["a@localhost", "a@b..example", "a@dest.1"])
def test_bad_recipients(connect: Connect, recipient: str) -> None:
    assert send(connect(), mail(), [recipient]).startswith("501 5.1.3")


def test_null_sender_is_taken(connect: Connect) -> None:
    assert send(connect(), mail(), sender="").startswith("250")


def test_allowed_from(connect: Connect, shop: Any) -> None:
    _, secrets = shop.make_bridge("narrow", allowed_from=("shop@acme.example",))
    client = connect(secrets)
    assert send(client, mail()).startswith("250")
    assert send(client, mail(From="other@acme.example")).startswith("550 5.7.1")


def test_tenant_that_is_not_approved(connect: Connect, shop: Any, cast: Any) -> None:
    client = connect()
    cast.set_status(shop.person, TenantStatus.SANDBOX)
    shop.change("select 1")
    assert send(client, mail()).startswith("550 5.7.1")


def test_wrong_password_and_stranger(server: Any, connect: Connect, shop: Any) -> None:
    class Wrong:
        username, password = shop.secrets.username, "wrong"

    with pytest.raises(smtplib.SMTPAuthenticationError) as caught:
        connect(Wrong)
    assert caught.value.smtp_code == 535


def test_idempotency_key_and_repeats(connect: Connect, shop: Any) -> None:
    client = connect()
    first = send(client, mail(Idempotency_Key="k1"))
    again = send(client, mail(Idempotency_Key="k1"))
    assert again == first.replace("Ok: ", "Ok: taken before, ") != first
    assert send(client, mail(Idempotency_Key="k1", Subject="Other")).startswith("554 5.5.4")
    named = mail(Message_ID="<same@acme.example>")
    second = send(client, named)
    repeated = send(client, named)
    assert repeated.split()[-1] == second.split()[-1] != first.split()[-1], "a client that lost our answer and sends the same octets again"
    assert "taken before" in repeated
    named.replace_header("Subject", "Other")
    third = send(client, named)
    assert third not in (first, second)
    assert len(shop.rows("select 1 from messages")) == 3


def test_the_same_octets_an_hour_later_are_meant(connect: Connect, shop: Any) -> None:
    client = connect()

    def age(minutes: int) -> None:
        shop.change("update idempotency_keys set created_at = clock_timestamp() - make_interval(mins => :m)", m=minutes)

    named, keyed = mail(Message_ID="<saved@acme.example>"), mail(Idempotency_Key="chosen")
    first = {send(client, message).split()[-1] for message in (named, keyed)}
    age(get_settings().smtp_repeat_minutes - 1)
    assert {send(client, message).split()[-1] for message in (named, keyed)} == first
    age(get_settings().smtp_repeat_minutes + 1)
    assert send(client, named).split()[-1] not in first, "nobody retries that late: somebody sends a saved mail again"
    assert send(client, keyed).split()[-1] in first, "a key that the client chose lives as long as over the API"
    assert send(client, named).startswith("250 2.0.0 Ok: taken before"), "the second sending has its own hour"
    assert len(shop.rows("select 1 from messages")) == 3


def test_deleted_bridge_ends_open_sessions(server: Any, handler: Submission, connect: Connect, shop: Any) -> None:
    _, other = shop.make_bridge("sibling")
    doomed, sibling = connect(), connect(other)
    watching = asyncio.run_coroutine_threadsafe(handler.watch_revocation(server.server, every=0.2), server.loop)
    try:
        time.sleep(0.5)
        assert doomed.noop()[0] == 250
        with shop.person.scope() as scope:
            delete_bridge(scope, shop.bridge_id)
        began = time.monotonic()
        doomed.sock.settimeout(5)
        assert doomed.getreply()[0] == 421
        assert time.monotonic() - began < 5
        with pytest.raises(smtplib.SMTPAuthenticationError):
            connect()
        assert send(sibling, mail()).startswith("250")
    finally:
        watching.cancel()


def test_a_session_that_keeps_sending_keeps_its_credential_used(server: Any, handler: Submission, connect: Connect, shop: Any) -> None:
    _, other = shop.make_bridge("idle")
    busy, idle = connect(), connect(other)
    shop.change("update bridge_credentials set last_used_at = now() - interval '1 hour'")
    shop.change("update bridges set last_used_at = now() - interval '1 hour'")
    watching = asyncio.run_coroutine_threadsafe(handler.watch_uses(every=0.05), server.loop)
    try:
        assert send(busy, mail()).startswith("250") and idle.noop()[0] == 250
        fresh = "select b.name from {} u join bridges b on {} where u.last_used_at > now() - interval '1 minute'"
        for statement in (fresh.format("bridge_credentials", "b.id = u.bridge_id"), fresh.format("bridges", "b.id = u.id")):
            while not (found := shop.rows(statement)):
                time.sleep(0.02)
            assert found == [("app",)], "and not the one that only stays connected"
    finally:
        watching.cancel()


def test_paused_bridge(server: Any, handler: Submission, connect: Connect, shop: Any) -> None:
    client = connect()
    with shop.person.scope() as scope:
        pause_bridge(scope, shop.bridge_id)
    shop.change("select 1")
    assert send(client, mail()).startswith("450 4.7.1")
    server.call(lambda: handler._logins.clear())
    with pytest.raises(smtplib.SMTPAuthenticationError) as caught:
        connect()
    assert caught.value.smtp_code == 454


def test_both_passwords_work_while_a_rotation_overlaps(connect: Connect, shop: Any) -> None:
    with shop.person.scope() as scope:
        _, new = rotate(scope, shop.bridge_id, overlap_days=1)
    assert send(connect(), mail()).startswith("250")
    assert send(connect(new), mail()).startswith("250")


class TestTrouble:
    def test_database_away(self, handler: Submission, connect: Connect, shop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        client = connect()
        monkeypatch.setattr("worker.smtp.storage.connect_raw", _raising(psycopg.OperationalError("server closed the connection")))
        assert send(client, mail()).startswith("451 4.3.0")
        monkeypatch.undo()
        assert send(client, mail()).startswith("250")

    def test_broken_idle_connection_is_replaced(self, connect: Connect, shop: Any) -> None:
        client = connect()
        assert send(client, mail()).startswith("250")
        others = "pid <> pg_backend_pid() and usename = current_user and datname = current_database()"
        shop.change(f"select pg_terminate_backend(pid) from pg_stat_activity where {others}")
        assert send(client, mail()).startswith("250")
        assert len(shop.rows("select 1 from messages")) == 2

    def test_disk_full(self, connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
        client = connect()
        monkeypatch.setattr("worker.smtp.submission.accept_many", _raising(pg.DiskFull("could not extend file")))
        assert send(client, mail()).startswith("452 4.3.1")

    def test_little_space_left(self, start: Any, shop: Any, bell: Bell, monkeypatch: pytest.MonkeyPatch) -> None:
        import dataclasses

        settings = dataclasses.replace(get_settings(), disk_minimum_bytes=1 << 62)
        server = start(Submission(settings, waker=bell), LIMITS)  # type: ignore[arg-type]
        with server.client() as client:
            client.say("EHLO client.test")
            assert client.say("MAIL FROM:<shop@acme.example>").startswith("452 4.3.1")

    def test_one_unstorable_message_does_not_hurt_its_neighbours(self, handler: Submission, shop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        from webapp.kernel.addresses import parse_address
        from webapp.kernel.errors import DomainError
        from webapp.messages.service import Sender
        from webapp.messages.types import Accepted
        from worker.smtp.accepting import build_submission

        sender = Sender(shop.tenant_id, Mode.LIVE, bridge_id=shop.bridge_id)

        def submission(metadata: dict[str, str]) -> Any:
            import dataclasses

            made = build_submission(mail().as_bytes(), None, [parse_address("anna@dest.example")], shop.bridge_id)
            return dataclasses.replace(made, metadata=metadata)

        results = handler._commit(shop.tenant_id, [(sender, submission(m)) for m in ({"a": "1"}, {"a": "\0"}, {"a": "2"})])
        assert [isinstance(result, Accepted) for result in results] == [True, False, True]
        assert isinstance(results[1], DomainError)
        assert len(shop.rows("select 1 from messages")) == 2

    def test_broker_away_does_not_hold_up_the_answer(self, start: Any, shop: Any) -> None:
        began = threading.Event()

        def hang() -> None:
            began.set()
            time.sleep(3)

        waker = Waker(hang)
        waker.ring()
        assert began.wait(2)
        started = time.monotonic()
        waker.ring()
        assert time.monotonic() - started < 0.1


def test_many_sessions_share_transactions(server: Any, handler: Submission, connect: Connect, shop: Any) -> None:
    sizes: list[int] = []
    original = handler._commit

    def counting(tenant_id: UUID, group: Any) -> Any:
        sizes.append(len(group))
        return original(tenant_id, group)

    handler._committer._commit = counting  # type: ignore[method-assign]
    clients = [connect() for _ in range(10)]
    answers: list[str] = []

    def run(client: smtplib.SMTP) -> None:
        for _ in range(10):
            answers.append(send(client, mail()))

    threads = [threading.Thread(target=run, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert all(answer.startswith("250") for answer in answers) and len(set(answers)) == 100
    assert len(shop.rows("select 1 from messages")) == 100
    assert sum(sizes) == 100 and len(sizes) < 100


def _raising(error: Exception) -> Callable[..., Any]:
    def fail(*_: Any, **__: Any) -> Any:
        raise error

    return fail
