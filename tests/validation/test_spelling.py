"""Typing mistakes of the large providers, and names that are none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webapp.validation.lists import is_disposable, is_role
from webapp.validation.spelling import distance, suggest_domain


@pytest.mark.parametrize(("typed", "meant"), [
    ("gmial.com", "gmail.com"), ("gmal.com", "gmail.com"), ("gmaill.com", "gmail.com"), ("gnail.com", "gmail.com"), ("gmail.con", "gmail.com"),
    ("gmail.co", "gmail.com"), ("gmial.con", "gmail.com"), ("gmailcom", "gmail.com"), ("hotmial.com", "hotmail.com"), ("hotmal.com", "hotmail.com"),
    ("homtail.com", "hotmail.com"), ("yaho.com", "yahoo.com"), ("yahooo.com", "yahoo.com"), ("yahoo.cmo", "yahoo.com"), ("yahho.co.uk", "yahoo.co.uk"),
    ("outlok.com", "outlook.com"), ("outllok.com", "outlook.com"), ("iclod.com", "icloud.com"), ("protonmial.com", "protonmail.com"),
    ("googlmail.com", "googlemail.com"), ("t-onlin.de", "t-online.de"), ("comcast.ent", "comcast.net"),
])  # fmt: skip
def test_mistakes(typed: str, meant: str) -> None:
    assert suggest_domain(typed) == meant


@pytest.mark.parametrize("name", [
    "gmail.com", "ymail.com", "email.com", "mail.com", "gmx.de", "gmx.at", "aol.com", "sol.com", "hotmail.be", "yahoo.com.au", "example.net",
    "mycompany.com", "acme.test", "gmail.acme.com", "hey.com", "key.com", "t-mobile.de", "free.fr", "gmx.com", "web.de", "wed.de", "hotelmail.example",
    "xn--mnchen-3ya.example", "a.b",
])  # fmt: skip
def test_names_that_are_no_mistakes(name: str) -> None:
    assert suggest_domain(name) is None


@pytest.mark.parametrize(("one", "other", "steps"), [("gmail", "gmail", 0), ("gmial", "gmail", 1), ("gmai", "gmail", 1), ("ab", "ba", 1), ("", "ab", 2),
                                                     ("hotmail", "outlook", 3)])  # fmt: skip
def test_distance(one: str, other: str, steps: int) -> None:
    assert distance(one, other, 2) == steps


@given(st.text("abc", max_size=7), st.text("abc", max_size=7))
def test_distance_is_symmetric_and_zero_only_for_the_same(one: str, other: str) -> None:
    assert distance(one, other, 9) == distance(other, one, 9)
    assert (distance(one, other, 9) == 0) is (one == other)
    assert distance(one, other, 1) == min(distance(one, other, 9), 2)


@pytest.mark.parametrize(("local", "is_one"), [("info", True), ("Support+7", True), ("no-reply", True), ("jo", False), ("informatics", False)])
def test_roles(local: str, is_one: bool) -> None:
    assert is_role(local) is is_one


@pytest.mark.parametrize(("domain", "is_one"), [("mailinator.com", True), ("deep.below.mailinator.com", True), ("gmail.com", False), ("example.net", False)])
def test_disposable(domain: str, is_one: bool) -> None:
    assert is_disposable(domain) is is_one
