"""`postbridge tenant`, `user` and `key`, as an operator types them."""

from __future__ import annotations

import pytest
from click.testing import CliRunner, Result
from flask import Flask

from tests.fixtures import Browser, Cast
from webapp.access.doors import load_credential
from webapp.cli import main
from webapp.kernel.errors import Unauthenticated
from webapp.kernel.scope import Mode


def run(*words: str) -> Result:
    return CliRunner().invoke(main, list(words))


def test_a_key_is_made_listed_and_revoked(cast: Cast) -> None:
    made = run("key", "create", "--tenant", "acme", "--mode", "live", "--role", "root:sending", "--network", "192.0.2.0/24")
    assert made.exit_code == 0, made.output
    credential = load_credential(made.output.strip(), "192.0.2.1")
    assert credential.mode is Mode.LIVE and credential.permissions.allows("email.send")
    listed = run("key", "list", "--tenant", "acme").output
    assert str(credential.key_id) in listed and "root:sending" in listed
    assert run("key", "revoke", str(credential.key_id), "--tenant", "other").exit_code == 1
    assert run("key", "revoke", str(credential.key_id), "--tenant", "acme").exit_code == 0
    with pytest.raises(Unauthenticated):
        load_credential(made.output.strip(), "192.0.2.1")


def test_a_typing_mistake_is_one_sentence(cast: Cast) -> None:
    for words in (("key", "create", "--tenant", "acmee"), ("key", "create", "--tenant", "acme", "--role", "root:all"), ("tenant", "approve", "nobody")):
        refused = run(*words)
        assert refused.exit_code == 1 and refused.output.startswith("Error: ") and "Traceback" not in refused.output


def test_tenants_are_listed_suspended_resumed_and_approved(cast: Cast) -> None:
    assert "acme" in run("tenant", "list").output
    assert run("tenant", "suspend", "acme", "--reason", "spam").exit_code == 0
    assert "suspended" in run("tenant", "list").output
    assert run("tenant", "approve", "acme").exit_code == 1
    assert "approved" in run("tenant", "resume", "acme").output
    assert run("tenant", "limits", "acme", "--daily", "100").exit_code == 0


def test_people_are_made_and_can_log_in(cast: Cast, app: Flask, visitor: Browser) -> None:
    made = run("user", "create", "Nina@New.test", "--new-tenant", "Newcomers", "--approved")
    assert made.exit_code == 0, made.output
    password = made.output.split("Password: ")[1].strip()
    assert visitor.post("/login", data={"email": "nina@new.test", "password": password}).status_code == 303
    assert run("user", "create", "nina@new.test").exit_code == 1
    assert run("user", "create", "nobody").exit_code == 2
    assert run("user", "create", "nick@new.test", "--password", "password1234").exit_code == 1
    assert run("user", "create", "nick@new.test", "--tenant", "acme", "--role", "viewer").exit_code == 0
    assert run("user", "staff", "nick@new.test").exit_code == 0
    listed = run("user", "list").output
    assert "staff acme (viewer)" in listed and "newcomers (owner)" in listed
    renewed = run("user", "password", "nina@new.test")
    assert visitor.get("/settings").status_code == 302
    password = renewed.output.split("Password: ")[1].strip()
    assert visitor.post("/login", data={"email": "nina@new.test", "password": password}).status_code == 303
