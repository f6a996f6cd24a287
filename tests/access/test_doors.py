"""The API's door: what a token is worth, from where, and for how long."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa

from tests.fixtures import Cast
from webapp.access import doors, remembered
from webapp.access.models import ApiKey
from webapp.access.service import KeyWish, create_key, create_role, revoke_key, update_role
from webapp.access.tokens import make_key
from webapp.access.types import Credential
from webapp.kernel import clock
from webapp.kernel.errors import Forbidden, RateLimited, Unauthenticated
from webapp.kernel.ids import uuid7
from webapp.kernel.permissions import PermissionSet
from webapp.kernel.scope import Actor, ActorKind, Mode
from webapp.kernel.secrets import digest
from webapp.kernel.ttl_cache import TtlCache
from webapp.tenants.types import TenantStatus

HERE = "192.0.2.7"


@contextlib.contextmanager
def counted_statements(engine: sa.Engine) -> Iterator[list[str]]:
    """The SQL that goes to the database meanwhile."""
    seen: list[str] = []

    def note(connection: object, cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)


def test_a_key_gives_its_tenant_mode_and_rights(cast: Cast) -> None:
    credential = doors.load_credential(cast.owner.keys[Mode.SANDBOX], HERE)
    assert credential.tenant_id == cast.owner.tenant_id
    assert credential.tenant_status is TenantStatus.APPROVED
    assert credential.mode is Mode.SANDBOX
    assert credential.actor == Actor(ActorKind.API_KEY, credential.key_id, "sandbox key")
    assert credential.permissions == PermissionSet({"*"})


def test_a_warm_check_asks_no_database(cast: Cast, engine: sa.Engine) -> None:
    doors.load_credential(cast.owner.keys[Mode.LIVE], HERE)
    with counted_statements(engine) as seen:
        for _ in range(50):
            doors.load_credential(cast.owner.keys[Mode.LIVE], HERE)
    assert seen == []


@pytest.mark.parametrize("token", ["", "mp_live_", "mp_live_" + "a" * 33, "Bearer x", "mp_test_" + "é" * 33, "mp_live_" + "a" * 9000, "mp_live_\x00"])
def test_a_malformed_key_is_refused_without_a_query(cast: Cast, engine: sa.Engine, token: str) -> None:
    with counted_statements(engine) as seen, pytest.raises(Unauthenticated):
        doors.load_credential(token, HERE)
    assert seen == []


def test_one_wrong_character_breaks_the_checksum(cast: Cast, engine: sa.Engine) -> None:
    key = cast.owner.keys[Mode.LIVE]
    typo = key[:20] + ("A" if key[20] != "A" else "B") + key[21:]
    with counted_statements(engine) as seen, pytest.raises(Unauthenticated):
        doors.load_credential(typo, HERE)
    assert seen == []


def test_an_unknown_key_is_asked_for_once(cast: Cast, engine: sa.Engine) -> None:
    unknown = make_key(Mode.LIVE)
    with pytest.raises(Unauthenticated):
        doors.load_credential(unknown, HERE)
    with counted_statements(engine) as seen, pytest.raises(Unauthenticated):
        doors.load_credential(unknown, HERE)
    assert seen == []


def test_a_stranger_who_keeps_trying_must_wait(cast: Cast) -> None:
    def try_many() -> None:
        for _ in range(500):
            with contextlib.suppress(Unauthenticated):
                doors.load_credential("mp_live_nonsense", "203.0.113.9")

    with pytest.raises(RateLimited) as refused:
        try_many()
    assert refused.value.retry_after
    assert doors.load_credential(cast.owner.keys[Mode.LIVE], "203.0.113.9")


def test_revoking_acts_at_once_here(cast: Cast) -> None:
    key = cast.owner.keys[Mode.LIVE]
    credential = doors.load_credential(key, HERE)
    assert credential.key_id is not None
    with cast.owner.scope() as scope:
        revoke_key(scope, credential.key_id)
    with pytest.raises(Unauthenticated):
        doors.load_credential(key, HERE)


def test_revoking_in_another_process_acts_within_five_seconds(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    later = 0.0
    monkeypatch.setattr(remembered, "known", TtlCache(remembered.SECONDS, 10, clock=lambda: later))
    key = cast.owner.keys[Mode.LIVE]
    credential = doors.load_credential(key, HERE)
    with cast.owner.scope() as scope:  # without the service, as if another process had done it
        scope.session.execute(sa.update(ApiKey).where(ApiKey.id == credential.key_id).values(revoked_at=clock.now()))
    assert doors.load_credential(key, HERE)
    later = 5.0
    with pytest.raises(Unauthenticated):
        doors.load_credential(key, HERE)


def test_an_expired_key_is_refused_even_while_it_is_remembered(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    soon = clock.now() + timedelta(seconds=30)
    with cast.owner.scope() as scope:
        issued = create_key(scope, KeyWish("short", Mode.LIVE, "root:sending", expires_at=soon))
    assert doors.load_credential(issued.plain, HERE)
    monkeypatch.setattr(clock, "now", lambda: soon)
    with pytest.raises(Unauthenticated):
        doors.load_credential(issued.plain, HERE)


@pytest.mark.parametrize(
    ("networks", "address", "allowed"),
    [
        (("192.0.2.0/24",), "192.0.2.200", True),
        (("192.0.2.0/24",), "::ffff:192.0.2.200", True),
        (("192.0.2.0/24",), "198.51.100.1", False),
        (("192.0.2.7",), "192.0.2.7", True),
        (("192.0.2.7",), "192.0.2.8", False),
        (("2001:db8::/32",), "2001:db8:1::5", True),
        (("2001:db8::/32",), "192.0.2.7", False),
        (("192.0.2.0/24", "2001:db8::1"), "2001:db8::1", True),
        (("192.0.2.0/24",), "unknown", False),
    ],
)
def test_a_key_may_be_bound_to_networks(cast: Cast, networks: tuple[str, ...], address: str, allowed: bool) -> None:
    with cast.owner.scope() as scope:
        issued = create_key(scope, KeyWish("bound", Mode.LIVE, "root:sending", allowed_networks=networks))
    if allowed:
        assert doors.load_credential(issued.plain, address)
    else:
        with pytest.raises(Forbidden, match="allow-list"):
            doors.load_credential(issued.plain, address)


def test_a_role_of_the_tenant_gives_what_it_lists_and_changes_with_it(cast: Cast) -> None:
    with cast.owner.scope() as scope:
        role = create_role(scope, "senders", ["email.send"])
        issued = create_key(scope, KeyWish("k", Mode.LIVE, "senders"))
        role_id = role.id
    assert doors.load_credential(issued.plain, HERE).permissions == PermissionSet({"email.send"})
    with cast.owner.scope() as scope:
        update_role(scope, role_id, permissions=["email.read"])
    assert doors.load_credential(issued.plain, HERE).permissions == PermissionSet({"email.read"})


def test_a_suspended_tenant_keeps_reading_only(cast: Cast) -> None:
    cast.set_status(cast.owner, TenantStatus.SUSPENDED)
    permissions = doors.load_credential(cast.owner.keys[Mode.LIVE], HERE).permissions
    assert permissions.allows("email.read") and permissions.allows("bridge.read")
    assert not permissions.allows("bridge.create") and not permissions.allows("key.create")


def test_use_is_noted_at_most_once_a_minute(cast: Cast) -> None:
    key = cast.owner.keys[Mode.LIVE]
    credential = doors.load_credential(key, HERE)

    def last_use() -> object:
        with cast.owner.scope() as scope:
            return scope.session.scalar(sa.select(ApiKey.last_used_at).where(ApiKey.id == credential.key_id))

    first = last_use()
    assert first is not None
    doors.forget_everything()
    doors.load_credential(key, HERE)
    assert last_use() == first


def test_other_slices_resolve_their_own_tokens(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doors, "_resolvers", [])
    assert cast.owner.tenant_id is not None
    bridge = Credential(
        cast.owner.tenant_id, TenantStatus.APPROVED, Actor(ActorKind.BRIDGE, uuid7(), "shop"), PermissionSet({"email.send"}), Mode.LIVE, uuid7()
    )
    asked: list[str] = []

    def resolve(token: str) -> Credential | None:
        asked.append(token)
        return bridge if token == "shop-secret-1" else None

    doors.register_token_resolver(resolve)
    doors.register_token_resolver(resolve)
    assert doors.load_credential("shop-secret-1", HERE) is bridge
    assert doors.load_credential("shop-secret-1", HERE) is bridge
    assert asked == ["shop-secret-1"]
    doors.forget_credentials(bridge_id=bridge.bridge_id)
    doors.load_credential("shop-secret-1", HERE)
    assert asked == ["shop-secret-1"] * 2


def test_no_plain_key_lies_in_the_database(cast: Cast) -> None:
    key = cast.owner.keys[Mode.LIVE]
    with cast.owner.scope() as scope:
        rows = scope.session.scalars(sa.select(ApiKey)).all()
        assert any(row.key_hash == digest(key) and row.last_four == key[-4:] for row in rows)
        dump = " ".join(str(vars(row)) for row in rows)
    assert key not in dump and key[8:] not in dump
