"""DMARC records found by walking the tree (RFC 9989)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webapp.domains import dmarc
from webapp.domains.alignment import align
from webapp.domains.lookup import Ask
from webapp.kernel.dns import Answer, LookUp


def zone(records: dict[str, str | list[str]]) -> Ask:
    """TXT records at ``_dmarc.<name>``."""

    def ask(name: str, kind: str) -> Answer:
        found = records.get(name.removeprefix("_dmarc."), [])
        values = (found,) if isinstance(found, str) else tuple(found)
        return Answer(LookUp.FOUND if values else LookUp.NONE, values)

    return ask


def test_the_walk_of_the_rfc() -> None:
    assert dmarc.walk("mail.example.com") == ["mail.example.com", "example.com", "com"]
    assert dmarc.walk("a.b.c.d.e.f.g.h.i.j.mail.example.com") == [
        "a.b.c.d.e.f.g.h.i.j.mail.example.com", "g.h.i.j.mail.example.com", "h.i.j.mail.example.com", "i.j.mail.example.com", "j.mail.example.com",
        "mail.example.com", "example.com", "com",
    ]  # fmt: skip


@given(st.lists(st.from_regex(r"[a-z]{1,3}", fullmatch=True), min_size=1, max_size=60))
def test_no_walk_asks_more_than_eight_names(labels: list[str]) -> None:
    steps = dmarc.walk(".".join(labels))
    assert len(steps) <= 8
    assert (steps[0], steps[-1].rpartition(".")[2]) == (".".join(labels), labels[-1])
    assert all(steps[0].endswith(step) for step in steps)


@pytest.mark.parametrize(
    ("records", "at", "organization", "policy"),
    [
        ({}, None, "a.mail.example.com", None),
        ({"example.com": "v=DMARC1; p=reject"}, "example.com", "example.com", "reject"),
        ({"example.com": "v=DMARC1; p=reject; sp=quarantine"}, "example.com", "example.com", "quarantine"),
        ({"a.mail.example.com": "v=DMARC1; p=none", "example.com": "v=DMARC1; p=reject"}, "a.mail.example.com", "example.com", "none"),
        ({"mail.example.com": "v=DMARC1; p=reject; psd=n", "example.com": "v=DMARC1; p=none"}, "mail.example.com", "mail.example.com", "reject"),
        ({"com": "v=DMARC1; p=reject; psd=y"}, "com", "example.com", "reject"),
        ({"example.com": "v=DMARC1; p=none", "com": "v=DMARC1; p=reject; psd=y"}, "example.com", "example.com", "none"),
        ({"example.com": ["v=DMARC1; p=none", "v=DMARC1; p=reject"]}, None, "a.mail.example.com", None),
        ({"example.com": ["v=spf1 -all", "v=DMARC1;p=none"]}, "example.com", "example.com", "none"),
        ({"example.com": "v=dmarc1; p=none"}, None, "a.mail.example.com", None),
        ({"example.com": "p=none; v=DMARC1"}, None, "a.mail.example.com", None),
        ({"example.com": "v=DMARC1; p=block"}, "example.com", "example.com", "none"),
    ],
)
def test_which_record_applies(records: dict[str, str | list[str]], at: str | None, organization: str, policy: str | None) -> None:
    found = dmarc.examine("a.mail.example.com", zone(records))
    assert (found.at, found.organization, found.policy) == (at, organization, policy)


def test_two_records_and_unreadable_policies_are_problems() -> None:
    assert "ignore all of them" in dmarc.examine("example.com", zone({"example.com": ["v=DMARC1; p=none", "v=DMARC1; p=none"]})).problems[0]
    assert "no readable policy" in dmarc.examine("example.com", zone({"example.com": "v=DMARC1; p=block"})).problems[0]


def test_no_answer_is_no_verdict() -> None:
    assert not dmarc.examine("example.com", lambda name, kind: Answer(LookUp.FAILED)).reached


@pytest.mark.parametrize(
    ("signed_by", "return_path", "own", "modes", "dkim", "spf"),
    [
        ("example.com", "bounces.example.com", True, {}, True, True),
        (None, "bounces.example.com", True, {}, False, True),
        ("example.com", "bounces.platform.example", False, {}, True, False),
        (None, "bounces.platform.example", False, {}, False, False),
        ("example.com", "bounces.example.com", True, {"strict_spf": True}, True, False),
        (None, "bounces.example.com", True, {"strict_spf": True}, False, False),
    ],
)
def test_alignment_as_dmarc_compares(signed_by: str | None, return_path: str, own: bool, modes: dict[str, bool], dkim: bool, spf: bool) -> None:
    found = align("example.com", signed_by, return_path, own, modes)
    assert (found.dkim, found.spf, found.passes) == (dkim, spf, dkim or spf)
    assert ("DMARC passes." if found.passes else "DMARC fails") in found.why


def test_a_sub_domain_is_aligned_with_its_parent_unless_dmarc_is_strict() -> None:
    assert align("news.example.com", "example.com", "bounces.example.com", True, {}).passes
    strict = align("news.example.com", "example.com", "bounces.example.com", True, {"strict_dkim": True, "strict_spf": True})
    assert not strict.passes and "adkim=s" in strict.why and "aspf=s" in strict.why
