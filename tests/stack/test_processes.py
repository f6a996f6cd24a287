"""The table of processes, and what they are started with."""

from __future__ import annotations

import pytest

from webapp.settings import get_settings
from webapp.stack.processes import HEAP, child_environment


def test_children_get_our_addresses_and_the_operator_keeps_the_last_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MALLOC_ARENA_MAX", "8")
    monkeypatch.setenv("DATABASE_URL", "postgresql://elsewhere/x")
    found = child_environment(get_settings(), "postgresql://here/x", "unix:///here", ("/cert", "/key"))
    assert found["DATABASE_URL"] == "postgresql://here/x" and found["REDIS_URL"] == "unix:///here" and found["POSTBRIDGE_TLS_KEY"] == "/key"
    assert {name: found[name] for name in HEAP} == {**HEAP, "MALLOC_ARENA_MAX": "8"}
