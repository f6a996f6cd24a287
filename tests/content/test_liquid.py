"""The template language: what it does, and what nobody can make it do."""

from __future__ import annotations

import time
from typing import Any

import pytest

from webapp.content.liquid import DEADLINE, TemplateError, render, variables_of

GROWING = "{% assign x = 'aaaaaaaaaaaaaaaa' %}"
BOMBS = {
    "range to a list": "{{ (1..1000000000) | join }}",
    "range in a loop": "{% for i in (1..1000000000) %}x{% endfor %}",
    "nested loops": "{% for i in (1..4000) %}{% for j in (1..4000) %}{% endfor %}{% endfor %}",
    "empty loops over many tags": "{% for i in (1..900) %}" + "{% if a %}{% endif %}" * 3000 + "{% endfor %}",
    "doubling text": GROWING + "{% assign x = x | append: x %}" * 40,
    "replacing": GROWING + "{% assign x = x | replace: 'a', x %}" * 20,
    "replacing nothing": GROWING + "{% assign x = x | replace: '', x %}" * 20,
    "joining": GROWING + "{% assign x = x | append: x %}" * 14 + "{% assign l = (1..4000) %}{{ l | join: x }}",
    "doubling lists": "{% assign a = '1,2' | split: ',' %}" + "{% assign a = a | concat: a %}" * 30,
    "growing numbers": "{% assign x = 99999999999999 %}" + "{% assign x = x | times: x %}" * 40 + "{{ x }}",
    "dear filters in a loop": "{% assign a = (1..4999) %}{% for i in (1..9000) %}{% assign b = a | uniq | sort | join | size %}{% endfor %}",
    "wide dates": "{{ 'now' | date: '%999999999d' }}",
    "deep nesting": "{% if a %}" * 500 + "{% endif %}" * 500,
    "too many tags": "{{ a }}" * 6000,
    "too long": "a" * 600_000,
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_refused_in_time(name: str) -> None:
    # CPU of this thread, not the clock: how busy the machine is does not matter, only that the bomb was cut short.
    began = time.thread_time()
    with pytest.raises(TemplateError):
        render(BOMBS[name], {}, html=False)
    assert time.thread_time() - began < DEADLINE * 10


@pytest.mark.parametrize("source", ["{% include 'x' %}", "{% render 'x' %}", "{{ x | safe }}", "{{ x | no_such }}", "{% if %}", "{{ x", "{% liquid\necho 1 %}"])
def test_what_does_not_exist_is_refused(source: str) -> None:
    with pytest.raises(TemplateError):
        render(source, {"x": "1"}, html=True)


@pytest.mark.parametrize("path", ["__class__", "__class__.__mro__", "__init__.__globals__", "mro", "format", "_private"])
def test_objects_of_python_are_out_of_reach(path: str) -> None:
    done = render("{{ x." + path + " }}", {"x": "text"}, html=False)
    assert done.text == "" and done.missing


@pytest.mark.parametrize(
    ("source", "variables", "text"),
    [
        ("Hello {{ name }}", {"name": "Ada"}, "Hello Ada"),
        ("{{metadata.city}}", {"metadata": {"city": "Köln"}}, "Köln"),
        ("{% for i in items %}{{ i.n }}x{{ i.p }};{% endfor %}", {"items": [{"n": 2, "p": "5"}]}, "2x5;"),
        ("{% if vip %}yes{% else %}no{% endif %}", {"vip": False}, "no"),
        ("{{ nick | default: 'friend' }}", {}, "friend"),
        ("{% if nick %}{{ nick }}{% endif %}", {}, ""),
        ("{{ x }}", {"x": None}, ""),
    ],
)
def test_what_it_does(source: str, variables: dict[str, Any], text: str) -> None:
    done = render(source, variables, html=False)
    assert (done.text, done.missing) == (text, ())


@pytest.mark.parametrize("filter_name", ["", "| append: x", "| upcase", "| newline_to_br", "| strip", "| prepend: x", "| replace: 'a', 'a'", "| join: x"])
def test_values_are_escaped_in_html(filter_name: str) -> None:
    text = render("{{ x " + filter_name + " }}", {"x": '<img src=a onerror="b">'}, html=True).text
    assert "<img" not in text.lower().replace("<br />", "")


@pytest.mark.parametrize(
    ("source", "missing"),
    [
        ("{{ a }} {{ b.c }} {{ a }}", ("a", "b")),
        ("{{ b.c }}", ("b.c",)),
        ("{% for i in rows %}{{ i }}{% endfor %}", ("rows",)),
        ("{{ a | upcase }}", ("a",)),
        ("{{ a | plus: 1 }}", ("a",)),
        ("{{ x | append: a }}", ("a",)),
    ],
)
def test_missing_variables_are_named(source: str, missing: tuple[str, ...]) -> None:
    given = {"x": "1", **({"b": {}} if missing == ("b.c",) else {})}
    assert render(source, given, html=False).missing == missing


def test_variables_are_listed_for_the_editor() -> None:
    assert variables_of("{{ a.b }}{% for i in c %}{{ i.d }}{% endfor %}{% assign e = f %}{{ e }}") == ["a", "c", "f"]


def test_errors_name_the_line() -> None:
    with pytest.raises(TemplateError) as error:
        render("one\ntwo\n{% if %}", {}, html=False)
    assert error.value.line == 3
