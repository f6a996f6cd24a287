"""The demo: made once, found again, made anew where something is gone."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from tests.rig import Wiper
from webapp.access import doors as access_doors
from webapp.access.doors import load_credential
from webapp.accounts.passwords import verify_password
from webapp.accounts.queries import find_user
from webapp.bootstrap import ensure_platform
from webapp.bridges.doors import find_login, resolve_token
from webapp.bridges.models import Bridge
from webapp.cli.demo import demo as command
from webapp.demo import DOMAIN, demo_credentials, ensure_demo
from webapp.domains.service import sending_identity
from webapp.kernel.db import unscoped
from webapp.kernel.errors import NotFound, Unauthenticated
from webapp.kernel.scope import Mode
from webapp.kernel.secrets import keyring
from webapp.pools.models import Pool
from webapp.pools.service import route_of
from webapp.settings import get_settings
from webapp.tenants.types import TenantStatus


@pytest.fixture
def here(db_clean: sa.Engine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """An installation in demo mode with a folder of its own; gives the credentials file."""
    del db_clean
    access_doors.forget_everything()
    monkeypatch.setenv("POSTBRIDGE_DEMO", "true")
    monkeypatch.setenv("POSTBRIDGE_SIMULATOR_PORT", "25260")
    keyring()  # the key ring of the whole run stays, wherever this test keeps its files
    monkeypatch.setenv("POSTBRIDGE_VAR_DIR", str(tmp_path))
    get_settings.cache_clear()
    yield tmp_path / "demo-credentials.json"
    monkeypatch.undo()
    get_settings.cache_clear()
    access_doors.forget_everything()


def test_everything_works_that_is_printed(here: Path) -> None:
    ensure_demo()
    known = demo_credentials()
    for name, mode in (("api_key_test", Mode.SANDBOX), ("api_key_live", Mode.LIVE)):
        credential = load_credential(known[name], "127.0.0.1")
        assert (credential.mode, credential.tenant_status) == (mode, TenantStatus.APPROVED)
    bridge = known["bridge"]
    login = find_login(bridge["smtp"]["username"], bridge["smtp"]["password"])
    assert login is not None and str(login.bridge_id) == bridge["id"]
    assert resolve_token(bridge["token"]) is not None
    with unscoped("test") as session:
        for email, password, staff in (("email", "password", False), ("staff_email", "staff_password", True)):
            user = find_user(session, known[email])
            assert user is not None and user.is_staff is staff and verify_password(user.password_hash, known[password])
        identity = sending_identity(session, login.tenant_id, known["from"].partition("@")[2])
        assert identity is not None and identity.domain == DOMAIN and len(identity.signers) == 2


def test_the_file_is_for_its_owner_alone(here: Path) -> None:
    ensure_demo()
    assert stat.S_IMODE(here.stat().st_mode) == 0o600


def test_the_bridges_lead_to_the_simulator(here: Path) -> None:
    ensure_demo()
    with unscoped("test") as session:
        bridges = {row.name: row for row in session.scalars(sa.select(Bridge))}
        assert {"marketing-bridge", "transactional-bridge"} <= bridges.keys()
        assert (bridges["marketing-bridge"].track_opens, bridges["transactional-bridge"].track_opens) == (True, False)
        route = route_of(session, bridges["marketing-bridge"].pool_id)
    assert route is not None
    (member,) = route.members
    assert (member.host, member.port, member.trusted) == ("127.0.0.1", 25260, True)


def test_a_second_call_changes_nothing(here: Path) -> None:
    ensure_demo()
    before = demo_credentials()
    ensure_demo()
    assert demo_credentials() == before


def test_without_the_file_new_secrets_are_issued_and_the_old_keys_end(here: Path) -> None:
    ensure_demo()
    before = demo_credentials()
    here.unlink()
    ensure_demo()
    after = demo_credentials()
    assert after["bridge"] == before["bridge"] and after["api_key_live"] != before["api_key_live"]
    access_doors.forget_everything()
    with pytest.raises(Unauthenticated):
        load_credential(before["api_key_live"], "127.0.0.1")
    load_credential(after["api_key_live"], "127.0.0.1")


def test_without_the_database_everything_is_made_anew(here: Path, wiper: Wiper) -> None:
    ensure_demo()
    before = demo_credentials()
    wiper.wipe()
    ensure_demo()
    assert demo_credentials()["bridge"] != before["bridge"]


def test_the_simulator_s_port_is_followed(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ensure_demo()
    monkeypatch.setenv("POSTBRIDGE_SIMULATOR_PORT", "25261")
    get_settings.cache_clear()
    ensure_demo()
    with unscoped("test") as session:
        pool_id = session.scalars(sa.select(Pool.id).where(Pool.name == "Simulator")).one()
        route = route_of(session, pool_id)
    assert route is not None and route.members[0].port == 25261


def test_the_command_prints_the_agreed_json(here: Path) -> None:
    with pytest.raises(NotFound):
        demo_credentials()
    ensure_demo()
    printed = json.loads(CliRunner().invoke(command, ["credentials", "--json"]).output)
    assert list(printed) == [
        "web_url", "api_url", "from", "email", "password", "staff_email", "staff_password", "api_key_test", "api_key_live", "bridge", "simulator_domain",
    ]  # fmt: skip
    assert list(printed["bridge"]) == ["id", "token", "smtp"]
    assert list(printed["bridge"]["smtp"]) == ["host", "port", "username", "password", "encryption"]
    assert "bridge.smtp.password" in CliRunner().invoke(command, ["credentials"]).output


def test_an_installation_without_demo_sends_directly(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTBRIDGE_DEMO", "false")
    get_settings.cache_clear()
    tenant_id = ensure_platform()
    assert ensure_platform() == tenant_id
    with unscoped("test") as session:
        (pool,) = session.scalars(sa.select(Pool)).all()
        route = route_of(session, pool.id)
        assert sending_identity(session, tenant_id, get_settings().system_from.partition("@")[2]) is not None
    assert pool.is_default and pool.tenant_id is None and route is not None
    (member,) = route.members
    assert (member.kind, member.source_address) == ("ip", None)
