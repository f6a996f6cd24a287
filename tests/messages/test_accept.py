"""One message through accept: what is written, what is refused and how it says so."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest

from tests.messages.conftest import House, to
from webapp.kernel import clock
from webapp.kernel.addresses import parse_address
from webapp.kernel.errors import Conflict, DomainError, Forbidden, LimitExceeded, NotFound, PayloadTooLarge, ValidationFailed
from webapp.kernel.scope import Mode
from webapp.messages.types import AllSuppressed, AttachmentInput, RecipientKind, RecipientState, SenderNotVerified


def refused(house: House, kind: type[DomainError], **changes: object) -> DomainError:
    """The refusal, after a look that nothing at all was written."""
    sender = changes.pop("sender", None)
    with pytest.raises(kind) as caught:
        house.accept(sender=sender, **changes)  # type: ignore[arg-type]
    for table in ("messages", "message_contents", "recipients", "events", "queue_entries", "stats_deltas", "idempotency_keys"):
        assert house.rows(f"select 1 from {table}") == [], table
    assert type(caught.value) is kind
    return caught.value


def test_a_live_message_is_written_whole(house: House) -> None:
    recipients = to("Anna <anna@dest.example>", "ben@dest.example") + to("cc@other.example", kind=RecipientKind.CC) + to("b@x.example", kind=RecipientKind.BCC)
    accepted = house.accept(
        recipients=recipients, html="<p>Hi</p>", headers=(("X-Order", "7"),), tags=("a b", "ü"), metadata={"order": "7"},
        reply_to=(parse_address("help@acme.example"),), attachments=(AttachmentInput("a.txt", "text/plain", b"abc", "cid1"),), bridge_id=house.bridge_id,
    )  # fmt: skip
    assert (accepted.status, accepted.sandbox, accepted.replayed) == (RecipientState.QUEUED, False, False)
    assert accepted.message_id == f"<{accepted.id}@acme.example>"
    message = house.rows("select * from messages")[0]._mapping
    assert (message["id"], message["mode"], message["bridge_id"], message["subject"]) == (accepted.id, "live", house.bridge_id, "Hello")
    assert (message["recipient_count"], message["size"], message["tags"], message["metadata"]) == (4, 14, ["a b", "ü"], {"order": "7"})
    content = house.rows("select * from message_contents")[0]._mapping
    assert content["id"] == accepted.id and content["html"] == "<p>Hi</p>" and content["text"] == "Hi"
    assert content["addresses"] == {
        "to": [["Anna", "anna@dest.example"], [None, "ben@dest.example"]], "cc": [[None, "cc@other.example"]], "reply_to": [[None, "help@acme.example"]],
    }  # fmt: skip
    assert content["headers"] == [["X-Order", "7"]]
    assert content["attachments"] == [{"filename": "a.txt", "content_type": "text/plain", "size": 3, "content_id": "cid1", "data": "YWJj"}]
    states = house.rows("select address, kind, state from recipients order by address")
    assert [tuple(row) for row in states] == [
        ("anna@dest.example", "to", "queued"), ("b@x.example", "bcc", "queued"), ("ben@dest.example", "to", "queued"), ("cc@other.example", "cc", "queued"),
    ]  # fmt: skip
    assert house.rows("select count(*) from events where type = 'email.queued'")[0][0] == 4
    queue = house.rows("select q.* from queue_entries q join recipients r on r.id = q.recipient_id where r.address = 'anna@dest.example'")[0]._mapping
    assert (queue["domain"], queue["priority"], queue["scheduled"], queue["bridge_id"]) == ("dest.example", 0, False, house.bridge_id)
    assert queue["expires_at"] - queue["due_at"] == timedelta(hours=24)
    deltas = house.rows("select mode, bridge_id, accepted, suppressed, sandboxed, hour from stats_deltas")
    assert [tuple(row)[:5] for row in deltas] == [("live", house.bridge_id, 4, 0, 0)]
    assert deltas[0].hour == clock.now().replace(minute=0, second=0, microsecond=0)


def test_an_address_named_twice_is_written_to_once(house: House) -> None:
    house.accept(recipients=to("Anna@dest.example", "anna@dest.example") + to("anna@dest.example", kind=RecipientKind.CC))
    assert [tuple(row) for row in house.rows("select address, kind from recipients")] == [("Anna@dest.example", "to")]


@pytest.mark.parametrize("how", ["key", "bridge"])
def test_sandbox_never_queues(house: House, how: str) -> None:
    if how == "bridge":
        house.change("update bridges set mode = 'sandbox' where tenant_id = :tenant")
    accepted = house.accept(
        sender=house.sender(Mode.SANDBOX if how == "key" else Mode.LIVE, bridge=how == "bridge"),
        from_address=parse_address("me@unverified.example"), send_at=clock.now() + timedelta(hours=1),
    )  # fmt: skip
    assert (accepted.status, accepted.sandbox) == (RecipientState.SANDBOXED, True)
    assert house.rows("select 1 from queue_entries") == []
    assert [tuple(row) for row in house.rows("select mode, state from recipients")] == [("sandbox", "sandboxed")]
    assert [row[0] for row in house.rows("select type from events")] == ["email.sandboxed"]


def test_a_new_tenant_may_capture_only(make_house: Callable[..., House]) -> None:
    house = make_house(status="sandbox")
    assert "approved" in refused(house, Forbidden).message
    assert house.accept(sender=house.sender(Mode.SANDBOX)).status is RecipientState.SANDBOXED


@pytest.mark.parametrize("mode", list(Mode))
def test_a_suspended_tenant_sends_nothing(house: House, mode: Mode) -> None:
    house.change("update tenants set status = 'suspended', status_reason = 'spam' where id = :tenant")
    assert "spam" in refused(house, Forbidden, sender=house.sender(mode)).message


def test_paused_and_deleted_bridges(house: House) -> None:
    house.change("update bridges set paused_at = now() where tenant_id = :tenant")
    assert "paused" in refused(house, Conflict, sender=house.sender(bridge=True)).message
    house.change("update bridges set deleted_at = now() where tenant_id = :tenant")
    refused(house, Forbidden, sender=house.sender(bridge=True))
    assert refused(house, NotFound, bridge_id=house.bridge_id).param == "bridge"


def test_a_bridge_of_a_stranger_is_absent(house: House, make_house: Callable[..., House]) -> None:
    stranger = make_house("stranger")
    foreign = refused(house, NotFound, bridge_id=stranger.bridge_id)
    absent = refused(house, NotFound, bridge_id=uuid4())
    assert (foreign.message, foreign.param) == (absent.message, absent.param)


def test_a_bridge_credential_is_bound_to_its_bridge(house: House) -> None:
    assert refused(house, Forbidden, sender=house.sender(bridge=True), bridge_id=uuid4()).param == "bridge"


@pytest.mark.parametrize(
    ("address", "param"), [("me@elsewhere.example", "from"), ("me@stranger.example", "from"), ("me@sub.acme.example", "from"), ("me@acme.example.net", "from")]
)
def test_live_mail_leaves_from_verified_domains_only(house: House, make_house: Callable[..., House], address: str, param: str) -> None:
    make_house("stranger")
    error = refused(house, SenderNotVerified, from_address=parse_address(address))
    assert error.param == param and "not verified" in error.message and address.partition("@")[2] in error.message


def test_sender_and_envelope_are_checked_too(house: House) -> None:
    assert refused(house, SenderNotVerified, also_from=(parse_address("x@elsewhere.example"),)).param == "sender"


def test_a_domain_can_cover_its_subdomains(house: House) -> None:
    house.change("update domains set covers_subdomains = true where tenant_id = :tenant")
    house.accept(from_address=parse_address("me@a.b.acme.example"))


def test_a_failed_proof_ends_sending(house: House) -> None:
    house.change("update domains set status = 'off', verified_at = null where tenant_id = :tenant")
    refused(house, SenderNotVerified)


@pytest.mark.parametrize(("allowed", "good"), [("shop@acme.example", True), ("@acme.example", True), ("ACME.example", True), ("other@acme.example", False)])
def test_a_bridge_may_name_its_senders(house: House, allowed: str, good: bool) -> None:
    house.change("update bridges set allowed_from = array[:allowed] where tenant_id = :tenant", allowed=allowed)
    if good:
        house.accept(sender=house.sender(bridge=True))
    else:
        assert refused(house, Forbidden, sender=house.sender(bridge=True)).param == "from"
        house.accept()


def test_recipient_limits(house: House) -> None:
    house.change("update tenants set max_recipients = 2 where id = :tenant")
    house.accept(recipients=to("a@x.example", "b@x.example"))
    house.change("truncate messages, message_contents, recipients, events, queue_entries, stats_deltas")
    assert refused(house, ValidationFailed, recipients=to("a@x.example", "b@x.example", "c@x.example")).param == "to"
    assert refused(house, ValidationFailed, recipients=()).param == "to"


def test_times(house: House) -> None:
    now = clock.now()
    assert refused(house, ValidationFailed, send_at=now - timedelta(seconds=1)).param == "send_at"
    assert refused(house, ValidationFailed, send_at=now + timedelta(days=367)).param == "send_at"
    assert refused(house, ValidationFailed, expires_in=59).param == "expires_in"
    assert refused(house, ValidationFailed, expires_in=5 * 86400 + 1).param == "expires_in"
    when = now + timedelta(days=3)
    accepted = house.accept(send_at=when, expires_in=600)
    assert (accepted.status, accepted.send_at) == (RecipientState.SCHEDULED, when)
    row = house.rows("select scheduled, due_at, expires_at from queue_entries")[0]
    assert tuple(row) == (True, when, when + timedelta(seconds=600))
    facts = house.rows("select state, type from recipients join events on recipient_id = recipients.id")
    assert [tuple(fact) for fact in facts] == [("scheduled", "email.scheduled")]


def test_a_message_over_the_limit(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTBRIDGE_MAX_MESSAGE_BYTES", "1000")
    from webapp.settings import get_settings

    get_settings.cache_clear()
    try:
        refused(house, PayloadTooLarge, text="ü" * 501)
    finally:
        monkeypatch.undo()
        get_settings.cache_clear()


def suppress(house: House, address: str, scope: str = "all", expires: str = "null") -> None:
    house.change(
        "insert into suppressions (tenant_id, address, scope, reason, source, expires_at) "
        f"values (:tenant, :address, :scope, 'hard_bounce', 'test', {expires})",
        address=address, scope=scope,
    )  # fmt: skip


def test_suppressed_recipients_are_marked(house: House) -> None:
    suppress(house, "anna@dest.example")
    house.accept(recipients=to("Anna@dest.example", "ben@dest.example"))
    assert {tuple(row) for row in house.rows("select address, state, state_reason from recipients")} == {
        ("Anna@dest.example", "suppressed", "hard_bounce"), ("ben@dest.example", "queued", None),
    }  # fmt: skip
    assert [tuple(row) for row in house.rows("select accepted, suppressed from stats_deltas")] == [(2, 1)]
    assert len(house.rows("select 1 from queue_entries")) == 1
    assert [row[0] for row in house.rows("select data from events where type = 'email.suppressed'")] == [{"reason": "hard_bounce"}]


def test_all_suppressed_is_refused_by_place(house: House) -> None:
    suppress(house, "anna@dest.example")
    suppress(house, "ben@dest.example")
    recipients = to("anna@dest.example") + to("ben@dest.example", kind=RecipientKind.CC)
    error = refused(house, AllSuppressed, recipients=recipients)
    assert [problem.param for problem in error.problems] == ["to[0]", "cc[0]"] and "suppression list" in error.message


def test_suppressions_that_do_not_hold(house: House, make_house: Callable[..., House]) -> None:
    suppress(house, "anna@dest.example", scope="bulk")
    suppress(house, "ben@dest.example", expires="now() - interval '1 second'")
    suppress(make_house("stranger"), "cleo@dest.example")
    house.accept(recipients=to("anna@dest.example", "ben@dest.example", "cleo@dest.example"))
    assert {row[0] for row in house.rows("select state from recipients")} == {"queued"}


def test_an_unsubscribe_stops_bulk_mail(house: House) -> None:
    suppress(house, "anna@dest.example", scope="bulk")
    house.change("update bridges set stream = 'bulk' where tenant_id = :tenant")
    refused(house, AllSuppressed, bridge_id=house.bridge_id)
    house.accept(bridge_id=house.bridge_id, recipients=to("ben@dest.example"))
    assert [row[0] for row in house.rows("select priority from queue_entries")] == [1]


def test_the_daily_limit_counts_every_recipient(house: House) -> None:
    house.change("update tenants set daily_limit = 5 where id = :tenant")
    house.change(
        "insert into stats_hours (tenant_id, hour, mode, bridge_id, pool_id, member_id, accepted) values "
        "(:tenant, date_trunc('day', now(), 'UTC'), 'live', uuidv7(), uuidv7(), uuidv7(), 2), "
        "(:tenant, date_trunc('day', now(), 'UTC') - interval '1 hour', 'live', uuidv7(), uuidv7(), uuidv7(), 100), "
        "(:tenant, date_trunc('day', now(), 'UTC'), 'sandbox', uuidv7(), uuidv7(), uuidv7(), 100)"
    )
    house.accept(recipients=to("a@x.example", "b@x.example"))
    with pytest.raises(LimitExceeded):
        house.accept(recipients=to("a@x.example", "b@x.example"))
    house.accept()
    with pytest.raises(LimitExceeded):
        house.accept()
    house.accept(sender=house.sender(Mode.SANDBOX))


def test_the_door_may_bring_a_message_id(house: House) -> None:
    accepted = house.accept(message_id_header="<x@client.example>")
    assert accepted.message_id == "<x@client.example>"
    assert house.rows("select message_id_header from messages")[0][0] == "<x@client.example>"


def test_large_attachments_go_to_the_object_store(house: House) -> None:
    from webapp.kernel import blobs

    data = bytes(300 * 1024)
    house.accept(attachments=(AttachmentInput("big.bin", "application/octet-stream", data),))
    entry = house.rows("select attachments from message_contents")[0][0][0]
    assert "data" not in entry and entry["size"] == len(data) and blobs.get(entry["blob"]) == data


def test_rows_are_invisible_to_a_stranger(house: House, make_house: Callable[..., House]) -> None:
    house.accept(idempotency_key="k", fingerprint=b"f")
    stranger = make_house("stranger")
    for table in ("messages", "message_contents", "recipients", "events", "queue_entries", "stats_deltas", "idempotency_keys"):
        assert house.rows(f"select 1 from {table}") and not stranger.rows(f"select 1 from {table}"), table


def test_a_template_is_rendered_once_and_kept(house: House) -> None:
    house.change(
        "insert into email_templates (tenant_id, slug, name, subject, html, text) "
        "values (:tenant, 'welcome', 'Welcome', 'Hello {{name}}', '<p>{{name}}</p>', 'Hi {{name}}')"
    )
    house.accept(subject="", text=None, template="welcome", variables={"name": "A&B"})
    assert [tuple(row) for row in house.rows("select subject, html, text, template_slug from messages join message_contents using (id)")] == [
        ("Hello A&B", "<p>A&amp;B</p>", "Hi A&B", "welcome")
    ]
    with pytest.raises(ValidationFailed) as caught:
        house.accept(subject="", text=None, template="welcome")
    assert caught.value.param == "variables.name"


def test_an_unknown_template_is_named(house: House, make_house: Callable[..., House]) -> None:
    stranger = make_house("stranger")
    stranger.change("insert into email_templates (tenant_id, slug, name, subject, text) values (:tenant, 'theirs', 'x', 'x', 'x')")
    for slug in ("absent", "theirs"):
        assert refused(house, NotFound, template=slug, text=None, subject="").param == "template"


def test_content_larger_than_a_socket_buffer(house: House) -> None:
    house.accept(html="<p>ü</p>" * 1_000_000)
    assert house.rows("select length(html) from message_contents")[0][0] == 8_000_000
