"""Rules of segments: read from JSON, held within bounds, and compiled to one parameterised condition on a contact.

A rule tree is ``{"all": [...]}``, ``{"any": [...]}``, ``{"not": {...}}`` or a leaf ``{"field", "operator", "value"}``. ``and`` and ``or`` are read as
``all`` and ``any``. Values are only ever bound, never written into SQL.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from webapp.contacts.segment_leaves import Leaf, compile_leaf, read_leaf
from webapp.kernel.errors import Problem, ValidationFailed

MAX_DEPTH = 6
MAX_LEAVES = 50
_JOINS = {"all": "all", "and": "all", "any": "any", "or": "any"}


@dataclass(frozen=True, slots=True)
class Group:
    """``how``: all, any or not (of one)."""

    how: str
    parts: tuple[Group | Leaf, ...]


Rule = Group | Leaf


def read_rules(data: Any) -> Rule:
    """The tree as values. Raises ``ValidationFailed`` naming each wrong place as ``rules.all[1].value``."""
    problems: list[Problem] = []
    rule = _read(data, "rules", 1, problems)
    if rule is not None and sum(1 for _ in leaves_of(rule)) > MAX_LEAVES:
        problems.append(Problem("rules", f"A segment has at most {MAX_LEAVES} conditions."))
    if problems or rule is None:
        raise ValidationFailed.of(problems)
    return rule


def _read(data: Any, place: str, depth: int, problems: list[Problem]) -> Rule | None:
    if depth > MAX_DEPTH:
        problems.append(Problem(place, f"Rules are nested at most {MAX_DEPTH} deep."))
        return None
    if not isinstance(data, dict):
        problems.append(Problem(place, 'A rule is an object: {"field", "operator", "value"}, or {"all": [...]}, {"any": [...]}, {"not": {...}}.'))
        return None
    joins = [name for name in (*_JOINS, "not") if name in data]
    if not joins:
        return read_leaf(data, place, problems)
    if len(data) > 1:
        problems.append(Problem(place, f"Beside {joins[0]} nothing else may stand in the same object."))
        return None
    name = joins[0]
    if name == "not":
        inner = _read(data["not"], f"{place}.not", depth + 1, problems)
        return Group("not", (inner,)) if inner is not None else None
    parts = data[name]
    if not isinstance(parts, list) or not parts:
        problems.append(Problem(f"{place}.{name}", "Write a list with at least one rule."))
        return None
    if len(parts) > MAX_LEAVES:
        problems.append(Problem(f"{place}.{name}", f"A segment has at most {MAX_LEAVES} conditions."))
        return None
    read = [_read(part, f"{place}.{name}[{i}]", depth + 1, problems) for i, part in enumerate(parts)]
    return Group(_JOINS[name], tuple(part for part in read if part is not None))


def leaves_of(rule: Rule) -> Iterator[Leaf]:
    """The conditions, in the order they were written."""
    if isinstance(rule, Leaf):
        yield rule
        return
    for part in rule.parts:
        yield from leaves_of(part)


def compile_rules(rule: Rule) -> sa.ColumnElement[bool]:
    """The condition on ``Contact``. Absent values count as not matching, also under ``not``: no row gets lost between a rule and its opposite."""
    if isinstance(rule, Leaf):
        return sa.func.coalesce(compile_leaf(rule), sa.false())
    parts = [compile_rules(part) for part in rule.parts]
    joined: dict[str, Callable[..., sa.ColumnElement[bool]]] = {"all": sa.and_, "any": sa.or_}
    return sa.not_(parts[0]) if rule.how == "not" else joined[rule.how](*parts)


def to_json(rule: Rule) -> dict[str, Any]:
    """The tree as it is stored and shown."""
    if isinstance(rule, Leaf):
        return rule.to_json()
    return {"not": to_json(rule.parts[0])} if rule.how == "not" else {rule.how: [to_json(part) for part in rule.parts]}
