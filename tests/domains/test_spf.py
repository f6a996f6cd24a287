"""SPF counted as receivers count it (RFC 7208 section 4.6.4)."""

from __future__ import annotations

import pytest

from webapp.domains import spf
from webapp.domains.lookup import Ask
from webapp.kernel.dns import Answer, LookUp


def zone(**texts: str | list[str]) -> Ask:
    """TXT records by name, ``__`` for a dot; ``fails__...`` names do not answer."""
    table = {name.replace("__", "."): [value] if isinstance(value, str) else value for name, value in texts.items()}

    def ask(name: str, kind: str) -> Answer:
        if name.startswith("fails."):
            return Answer(LookUp.FAILED)
        found = tuple(table.get(name, ()))
        return Answer(LookUp.FOUND if found else LookUp.NONE, found)

    return ask


def test_a_plain_record_is_sound() -> None:
    report = spf.examine("a.example", zone(a__example=["v=spf1 ip4:192.0.2.1 -all", "google-site-verification=x"]))
    assert (report.record, report.lookups, report.problems) == ("v=spf1 ip4:192.0.2.1 -all", 0, ())


@pytest.mark.parametrize(
    ("record", "lookups"),
    [
        ("v=spf1 -all", 0),
        ("v=spf1 a mx -all", 2),
        ("v=spf1 a/24 mx:other.example/28 -all", 2),
        ("v=spf1 a:x.example include:one.example ~all", 3),
        ("v=spf1 exists:%{i}.x.example redirect=one.example", 3),
        ("v=spf1 ?include:one.example", 2),
        ("v=spf1 ip6:2001:db8::/32 ip4:192.0.2.0/24 -all", 0),
        ("V=SPF1 MX -ALL", 1),
    ],
)
def test_terms_that_ask_are_counted_with_what_they_include(record: str, lookups: int) -> None:
    report = spf.examine("a.example", zone(a__example=record, one__example="v=spf1 a -all"))
    assert (report.lookups, report.problems) == (lookups, ())


def test_two_records_break_each_other() -> None:
    report = spf.examine("a.example", zone(a__example=["v=spf1 -all", "v=spf1 ~all"]))
    assert report.record is None and "2 SPF records" in report.problems[0]


@pytest.mark.parametrize("text", ["v=spf10 -all", "v=spf1-all", "spf1 -all", ""])
def test_what_only_looks_like_spf_is_none(text: str) -> None:
    assert spf.spf_records([text]) == []


@pytest.mark.parametrize(("count", "broken"), [(10, False), (11, True)])
def test_eleven_look_ups_are_one_too_many(count: int, broken: bool) -> None:
    record = "v=spf1 " + " ".join(f"a:h{number}.example" for number in range(count)) + " -all"
    report = spf.examine("a.example", zone(a__example=record))
    assert report.lookups == count
    assert any(f"{count} look-ups" in problem for problem in report.problems) is broken


def test_a_chain_without_end_ends() -> None:
    asked = 0

    def ask(name: str, kind: str) -> Answer:
        nonlocal asked
        asked += 1
        return Answer(LookUp.FOUND, (f"v=spf1 include:x{asked}.example include:y{asked}.example -all",))

    report = spf.examine("a.example", ask)
    assert asked < 50 and any("more than 20 look-ups" in problem for problem in report.problems)


@pytest.mark.parametrize(
    ("record", "words"),
    [
        ("v=spf1 include:a.example -all", "includes itself"),
        ("v=spf1 include:nothing.example -all", "which has no SPF record"),
        ("v=spf1 include:twice.example -all", "more than one SPF record"),
        ("v=spf1 +all", "whole world"),
        ("v=spf1 all", "whole world"),
        ("v=spf1 ptr -all", "ptr"),
        ("v=spf1 include:n1.example include:n2.example include:n3.example -all", "do not exist"),
    ],
)
def test_what_is_broken_is_named(record: str, words: str) -> None:
    report = spf.examine("a.example", zone(a__example=record, twice__example=["v=spf1 -all", "v=spf1 ~all"]))
    assert any(words in problem for problem in report.problems), report.problems


def test_no_answer_is_no_verdict() -> None:
    assert not spf.examine("fails.example", zone()).reached
    report = spf.examine("a.example", zone(a__example="v=spf1 include:fails.example -all"))
    assert (report.reached, report.problems) == (True, ())
