"""Secrets go in and do not come out: planted everywhere, looked for in every answer, page, export, log and in the dump (reliability F34, F35)."""

from __future__ import annotations

import base64
import os
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from flask import Flask

from tests.architecture.estate import Estate, make_estate
from tests.architecture.test_tenancy_matrix import _choices, addresses
from tests.fixtures import Cast
from tests.http.test_conventions import CHOSEN
from webapp import all_models
from webapp.access import doors
from webapp.cli.db import db as db_command
from webapp.kernel import resealing, secrets
from webapp.kernel.db import Base, unscoped
from webapp.settings import get_settings

RELAY, HOOK = "planted-relay-pass-7731", "whsec_" + base64.b64encode(b"planted webhook secret 24").decode()

#: Binary columns that hold no sealed secret, by what they hold.
NOT_SEALED = {
    "hash of a token": {"token_hash", "key_hash", "previous_hash", "password_hash", "code_hash"},
    "hash of a request": {"fingerprint"},
    "mail as it came or goes": {"simulated_mails.raw", "message_contents.raw", "report_parts.body"},
    "public by nature": {"credential_id", "public_key", "challenge"},
}


@pytest.fixture
def estate(app: Flask, cast: Cast) -> Estate:
    """One of everything, with planted secrets."""
    made = make_estate(app, cast)
    client = cast.owner.api(app)
    body = {"name": "planted", "host": "93.184.216.34", "username": "planted", "password": RELAY}
    assert client.post("/api/v1/providers", json=body).status_code == 201
    assert client.post("/api/v1/webhooks", json={"url": "https://93.184.216.34/x", "secret": HOOK}).status_code == 201
    return made


def planted(cast: Cast, estate: Estate) -> dict[str, str]:
    """Every secret that must not come out, by name."""
    return {
        "relay password": RELAY, "webhook secret": HOOK.removeprefix("whsec_"), "bridge token": estate.bridge_token,
        **{f"{mode.value} key": key for mode, key in cast.owner.keys.items()},
    }  # fmt: skip


#: Where a secret is shown on purpose, to those who may see it.
SHOWS = ("/credentials", "/reveal", "/bridges/")


@pytest.mark.timeout(400)
def test_no_read_page_or_export_shows_a_secret(app: Flask, cast: Cast, estate: Estate, capfd: pytest.CaptureFixture[str]) -> None:
    looked_for, shown, read = planted(cast, estate), [], 0
    api, browser = cast.owner.api(app), cast.owner.browser(app)
    for rule in app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()) or "stream" in rule.rule or rule.endpoint in ("static", "accounts.logout"):
            continue
        ids = {**CHOSEN, **estate.ids}
        if set(rule.arguments) - ids.keys() - _choices(rule):
            continue
        for address in _addresses(rule, ids):
            text = (api if address.startswith("/api/") else browser).get(address).get_data(as_text=True)
            read += 1
            shown += [f"{address}: {name}" for name, secret in looked_for.items() if secret in text and not any(part in address for part in SHOWS)]
    for path, body in (("/api/v1/providers", {"password": RELAY, "host": 7}), ("/api/v1/webhooks", {"secret": HOOK, "url": "nonsense"})):
        refused = api.post(path, json=body)
        assert refused.status_code == 422
        shown += [f"refusal of {path}: {name}" for name, secret in looked_for.items() if secret in refused.text]
    logged = "".join(capfd.readouterr())
    shown += [f"log: {name}" for name, secret in looked_for.items() if secret in logged]
    assert shown == [] and read > 100


def _addresses(rule: Any, ids: dict[str, str]) -> list[str]:
    try:
        return list(addresses(rule, ids))
    except (KeyError, TypeError):
        return []


def test_the_dump_holds_no_secret_in_clear(cast: Cast, estate: Estate) -> None:
    looked_for, found = planted(cast, estate), []
    with unscoped("test") as rows:
        for table in Base.metadata.sorted_tables:
            for line in rows.scalars(sa.text(f'select t::text from "{table.name}" t')):
                plain = line + "".join(_hex(line))
                found += [f"{table.name}: {name}" for name, secret in looked_for.items() if secret in plain]
    assert found == []


def _hex(line: str) -> list[str]:
    """What binary columns hold, as text."""
    return [bytes.fromhex(part.split('"')[0].split(",")[0].rstrip(")")).decode("latin-1") for part in line.split("\\\\x")[1:] if _is_hex(part)]


def _is_hex(part: str) -> bool:
    text = part.split('"')[0].split(",")[0].rstrip(")")
    return len(text) % 2 == 0 and all(c in "0123456789abcdef" for c in text)


def test_every_sealed_column_is_known_to_the_rotation() -> None:
    assert all_models.metadata.tables
    known = {f"{place.table}.{place.column}" for place in resealing.SEALED}
    others = set().union(*NOT_SEALED.values())
    unknown = {
        f"{table.name}.{column.name}"
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, sa.LargeBinary) and not {column.name, f"{table.name}.{column.name}"} & others
    }
    assert unknown - known == set(), "enter these into webapp/kernel/resealing.py, or here with what they hold"
    assert known <= {f"{table.name}.{column.name}" for table in Base.metadata.sorted_tables for column in table.columns}


@pytest.fixture
def new_key(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Puts a new key in front of the ring, with or without the old ones behind it."""
    old = secrets.read_or_make_keys(get_settings())
    made = f"k2:{base64.b64encode(os.urandom(32)).decode()}"

    def put(*, keep_old: bool) -> None:
        ring = secrets.KeyRing((made, *old) if keep_old else (made,))
        for place in (secrets, resealing):
            monkeypatch.setattr(place, "keyring", lambda: ring)

    return put


def test_the_rotation_seals_everything_anew_and_all_still_opens(app: Flask, cast: Cast, estate: Estate, new_key: Any) -> None:
    headers = {"Idempotency-Key": "rotated"}
    first = cast.owner.api(app).post("/api/v1/keys", json={"name": "k", "role": "root:readonly"}, headers=headers)
    before = _reveal(app, cast, estate)
    new_key(keep_old=True)
    answer = CliRunner().invoke(db_command, ["reseal"])
    assert answer.exit_code == 0 and "bridge_credentials.token_sealed: 3 sealed anew" in answer.output, answer.output
    new_key(keep_old=False)
    assert _reveal(app, cast, estate) == before
    again = cast.owner.api(app).post("/api/v1/keys", json={"name": "k", "role": "root:readonly"}, headers=headers)
    assert again.headers["Idempotent-Replayed"] == "true" and again.get_data() == first.get_data()
    assert [done for done in resealing.reseal_all() if done.sealed or done.unreadable] == [], "nothing is left to do"


def test_without_the_key_nothing_opens_and_the_rotation_says_so(app: Flask, cast: Cast, estate: Estate, new_key: Any) -> None:
    new_key(keep_old=False)
    answer = CliRunner().invoke(db_command, ["reseal"])
    assert answer.exit_code != 0 and "unreadable" in answer.output
    doors.forget_everything()
    assert cast.owner.api(app).get(f"/api/v1/bridges/{estate.ids['bridge_id']}/credentials").status_code >= 400


def _reveal(app: Flask, cast: Cast, estate: Estate) -> Any:
    answer = cast.owner.api(app).get(f"/api/v1/bridges/{estate.ids['bridge_id']}/credentials")
    assert answer.status_code == 200
    return (answer.json or {})["data"]
