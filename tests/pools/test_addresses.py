"""IP addresses of the operator: taken into use, changed, and checked against a real DNS."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.dns_server import dns_in_thread
from tests.fixtures import Cast
from webapp.kernel import dns as lookups
from webapp.kernel.db import unscoped
from webapp.kernel.errors import Conflict, DomainError, NotFound
from webapp.pools.service import add_address, change_address, check_address
from webapp.settings import get_settings

ZONE = {
    ("1.0.0.127.in-addr.arpa", "PTR"): ["out1.example.com."],
    ("2.0.0.127.in-addr.arpa", "PTR"): ["elsewhere.example.com."],
    ("9.2.0.192.in-addr.arpa", "PTR"): ["out1.example.com."],
    ("1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa", "PTR"): ["out6.example.com."],
    ("out1.example.com", "A"): ["127.0.0.1"],
    ("out6.example.com", "AAAA"): ["::1"],
    ("elsewhere.example.com", "A"): ["127.0.0.77"],
}


@pytest.fixture(autouse=True)
def names(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Names as in ``ZONE``."""
    with dns_in_thread(ZONE) as server:
        monkeypatch.setenv("POSTBRIDGE_DNS_SERVERS", server.address)
        get_settings.cache_clear()
        lookups.resolver.cache_clear()
        yield
    monkeypatch.undo()
    get_settings.cache_clear()
    lookups.resolver.cache_clear()


@pytest.mark.parametrize(
    ("address", "helo", "words"),
    [
        ("127.0.0.1", "out1.example.com", []),
        ("127.0.0.1", "other.example.com", ["It greets as", "does not point"]),
        ("127.0.0.2", "out1.example.com", ["does not point back"]),
        ("127.0.0.3", "out1.example.com", ["has no PTR record"]),
        ("192.0.2.9", "out1.example.com", ["cannot send from 192.0.2.9", "does not point back"]),
        ("0.0.0.0", "out1.example.com", []),
    ],
)
def test_what_a_check_finds(address: str, helo: str, words: list[str]) -> None:
    with unscoped("test") as session:
        row = add_address(session, address, helo)
        problems = check_address(session, address)
        assert len(problems) == len(words) and all(word in problem for word, problem in zip(words, problems, strict=True)), problems
        assert row.problems == problems and row.checked_at is not None


def test_addresses_are_added_once_and_changed(cast: Cast) -> None:
    with unscoped("test") as session:
        add_address(session, " 127.0.0.1", "Out1.Example.com.", cast.owner.tenant_id)
    with unscoped("test") as session, pytest.raises(Conflict):
        add_address(session, "127.0.0.1", "out1.example.com")
    with unscoped("test") as session:
        row = change_address(session, "127.0.0.1", helo_name="new.example.com", active=False)
        assert (row.helo_name, row.active, row.tenant_id) == ("new.example.com", False, cast.owner.tenant_id)
        with pytest.raises(NotFound):
            change_address(session, "127.0.0.9", active=True)


@pytest.mark.parametrize(
    ("address", "helo"),
    [(address, "a.example") for address in ("1.2.3", "mx.example", "224.0.0.1")]
    + [("192.0.2.1", helo) for helo in ("localhost", "a b.example", "-a.example", "192.0.2.1")],
)
def test_what_is_no_address_or_no_name(address: str, helo: str) -> None:
    with unscoped("test") as session, pytest.raises(DomainError):
        add_address(session, address, helo)
