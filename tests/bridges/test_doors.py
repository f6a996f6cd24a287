"""Who gets in with a bridge's credentials, and for how long."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from flask import Flask

from tests.bridges.conftest import Made
from tests.fixtures import Cast
from webapp.access.doors import load_credential
from webapp.bridges import doors
from webapp.bridges.service import delete_bridge, end_credential, get_bridge, list_credentials, pause_bridge, resume_bridge, rotate
from webapp.kernel.clock import now
from webapp.kernel.errors import Conflict, Unauthenticated
from webapp.kernel.permissions import Permission
from webapp.kernel.scope import ActorKind, Mode
from webapp.tenants.types import TenantStatus

Make = Callable[..., Made]


def test_a_new_bridge_lets_its_application_in_at_once(cast: Cast, make_bridge: Make) -> None:
    made = make_bridge(cast.owner, allowed_from=("Shop@Example.com", "@example.net"))
    login = doors.find_login(made.secrets.username, made.secrets.password)
    assert login is not None
    assert (login.bridge_id, login.tenant_id, login.mode, login.is_paused) == (made.id, cast.owner.tenant_id, Mode.LIVE, False)
    assert login.allowed_from == ("shop@example.com", "example.net")
    credential = doors.resolve_token(made.secrets.token)
    assert credential is not None
    assert (credential.bridge_id, credential.actor.kind, credential.allowed_from) == (made.id, ActorKind.BRIDGE, login.allowed_from)


def test_a_token_may_send_and_read_mail_and_nothing_else(cast: Cast, make_bridge: Make) -> None:
    credential = doors.resolve_token(make_bridge(cast.owner).secrets.token)
    assert credential is not None
    allowed = {permission for permission in Permission if credential.permissions.allows(permission)}
    assert allowed == {Permission.EMAIL_SEND, Permission.EMAIL_READ}


def test_password_and_token_are_independent(cast: Cast, make_bridge: Make) -> None:
    secrets = make_bridge(cast.owner).secrets
    username, secret, number = secrets.token.split("-")
    assert (username, number) == (secrets.username, "1")
    assert secrets.password not in secrets.token and secret not in secrets.password
    assert len(secret) >= 27 and len(secrets.password) >= 27  # 160 bits in base62


@pytest.mark.parametrize("wrong", ["", "x", "bm", "a" * 500, "né", "\0"])
def test_wrong_passwords_and_names_are_refused(cast: Cast, make_bridge: Make, wrong: str) -> None:
    secrets = make_bridge(cast.owner).secrets
    assert doors.find_login(secrets.username, wrong) is None
    assert doors.find_login(wrong, secrets.password) is None


def test_a_sibling_s_password_does_not_open_another_bridge(cast: Cast, make_bridge: Make) -> None:
    one, other = make_bridge(cast.owner, "one"), make_bridge(cast.owner, "other")
    assert doors.find_login(one.secrets.username, other.secrets.password) is None
    mixed = f"{one.secrets.username}-{other.secrets.token.split('-')[1]}-1"
    assert doors.resolve_token(mixed) is None


@pytest.mark.parametrize("token", ["", "mp_live_x", "bm-x-1", "bm1234567890abcd-short-1", "bm1234567890abcd-" + "a" * 27 + "-x", "bm" * 200])
def test_what_is_no_token_costs_no_query(token: str) -> None:
    assert doors.resolve_token(token) is None  # without a database fixture


def test_deletion_ends_access_and_leaves_the_sibling_alone(app: Flask, cast: Cast, make_bridge: Make) -> None:
    gone, stays = make_bridge(cast.owner, "gone"), make_bridge(cast.owner, "stays")
    ids = [gone.secrets.credential_id, stays.secrets.credential_id]
    assert doors.valid_credentials(ids) == set(ids)
    load_credential(gone.secrets.token, "127.0.0.1")
    with cast.owner.scope() as scope:
        delete_bridge(scope, gone.id)
    assert doors.valid_credentials(ids) == {stays.secrets.credential_id}
    assert doors.find_login(gone.secrets.username, gone.secrets.password) is None
    assert doors.find_login(stays.secrets.username, stays.secrets.password) is not None
    with pytest.raises(Unauthenticated):  # the process's own cache is told
        load_credential(gone.secrets.token, "127.0.0.1")


def test_pausing_ends_sessions_and_says_so_at_the_next_login(cast: Cast, make_bridge: Make) -> None:
    made = make_bridge(cast.owner)
    with cast.owner.scope() as scope:
        pause_bridge(scope, made.id, "looking into bounces")
    assert not doors.is_login_valid(made.secrets.credential_id)
    login = doors.find_login(made.secrets.username, made.secrets.password)
    assert login is not None and login.is_paused
    with cast.owner.scope() as scope:
        resume_bridge(scope, made.id)
    assert doors.is_login_valid(made.secrets.credential_id)


def test_a_suspended_tenant_logs_in_no_more(cast: Cast, make_bridge: Make) -> None:
    made = make_bridge(cast.owner)
    cast.set_status(cast.owner, TenantStatus.SUSPENDED)
    assert doors.find_login(made.secrets.username, made.secrets.password) is None
    assert not doors.is_login_valid(made.secrets.credential_id)


def test_both_credentials_work_until_the_overlap_ends(cast: Cast, make_bridge: Make) -> None:
    made = make_bridge(cast.owner)
    old = made.secrets
    with cast.owner.scope() as scope:
        _, new = rotate(scope, made.id, overlap_days=2)
    assert new.username == old.username and new.number == 2
    assert {new.password, new.token}.isdisjoint({old.password, old.token})
    for secrets in (old, new):
        assert doors.find_login(secrets.username, secrets.password) is not None
    credential = doors.resolve_token(old.token)
    assert credential is not None and credential.expires_at is not None
    assert timedelta(days=1, hours=23) < credential.expires_at - now() <= timedelta(days=2)


def test_rotating_without_overlap_ends_the_old_ones_now(cast: Cast, make_bridge: Make) -> None:
    made = make_bridge(cast.owner)
    with cast.owner.scope() as scope:
        _, new = rotate(scope, made.id, overlap_days=0)
    assert doors.resolve_token(made.secrets.token) is None
    assert doors.find_login(made.secrets.username, made.secrets.password) is None
    assert doors.resolve_token(new.token) is not None


def test_two_rotations_leave_two_valid_pairs(cast: Cast, make_bridge: Make) -> None:
    made = make_bridge(cast.owner)
    with cast.owner.scope() as scope:
        rotate(scope, made.id, overlap_days=7)
    with cast.owner.scope() as scope:
        rotate(scope, made.id, overlap_days=7)
        assert [row.number for row in list_credentials(scope, made.id)] == [3, 2]
    assert doors.resolve_token(made.secrets.token) is None


def test_old_credentials_can_be_ended_early_but_not_the_newest(cast: Cast, make_bridge: Make) -> None:
    made = make_bridge(cast.owner)
    with cast.owner.scope() as scope:
        rotate(scope, made.id, overlap_days=7)
    with cast.owner.scope() as scope:
        end_credential(scope, made.id, 1)
        with pytest.raises(Conflict):
            end_credential(scope, made.id, 2)
    assert doors.resolve_token(made.secrets.token) is None


def test_use_is_noted_at_most_once_a_minute(cast: Cast, make_bridge: Make) -> None:
    made = make_bridge(cast.owner)

    def last_use() -> object:
        with cast.owner.scope() as scope:
            return get_bridge(scope, made.id).last_used_at

    start = now()
    with time_machine.travel(start, tick=False) as clock:
        doors.find_login(made.secrets.username, made.secrets.password)
        first = last_use()
        clock.shift(30)
        doors.resolve_token(made.secrets.token)
        assert last_use() == first
        clock.shift(31)
        doors.resolve_token(made.secrets.token)
        assert last_use() != first
