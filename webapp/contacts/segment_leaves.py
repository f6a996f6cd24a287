"""The conditions of segments: which fields there are, which operators each knows, and their SQL."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from webapp.contacts.models import Contact, ContactEvent, ContactTag, ListMember
from webapp.contacts.types import PLAIN_FIELDS, ContactStatus, MemberState
from webapp.kernel.clock import parse_rfc3339
from webapp.kernel.errors import Problem
from webapp.kernel.ids import parse_uuid

_TEXTS: dict[str, Any] = {name: getattr(Contact, name) for name in PLAIN_FIELDS}
_DATES: dict[str, Any] = {"created_at": Contact.created_at, "opened": Contact.last_opened_at, "clicked": Contact.last_clicked_at, "sent": Contact.last_sent_at}
_METADATA = re.compile(r"metadata\.([A-Za-z0-9_.-]{1,64})")
_EVENT_KEYS = frozenset(("within_days", "at_least", "where"))

TEXT_OPERATORS = ("is", "is_not", "contains", "not_contains", "starts_with", "ends_with", "in", "not_in", "is_empty", "is_not_empty")
NUMBER_OPERATORS = ("greater_than", "less_than")
DATE_OPERATORS = ("before", "after", "within_days", "not_within_days", "ever", "never")
SET_OPERATORS = ("in", "not_in")
EVENT_OPERATORS = ("happened", "not_happened")
_WITHOUT_VALUE = frozenset(("is_empty", "is_not_empty", "ever", "never"))
_LONGEST_VALUE = 500
_MOST_DAYS = 3650


@dataclass(frozen=True, slots=True)
class Leaf:
    """One condition. ``more``: what events add: within_days, at_least, where (properties that must be equal)."""

    field: str
    operator: str
    value: Any = None
    more: dict[str, Any] = dataclasses.field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As it was written."""
        value = {} if self.operator in _WITHOUT_VALUE else {"value": self.value}
        return {"field": self.field, "operator": self.operator, **value, **self.more}


def operators_of(name: str) -> tuple[str, ...]:
    """The operators a field knows; none for a field that does not exist."""
    if name in _TEXTS:
        return TEXT_OPERATORS
    if name in _DATES:
        return DATE_OPERATORS
    if _METADATA.fullmatch(name):
        return (*TEXT_OPERATORS, *NUMBER_OPERATORS)
    return {"status": ("is", "is_not"), "list": SET_OPERATORS, "tag": SET_OPERATORS, "event": EVENT_OPERATORS}.get(name, ())


def read_leaf(data: dict[str, Any], place: str, problems: list[Problem]) -> Leaf | None:
    """One condition, checked; what is wrong is added to ``problems``."""
    name, operator = data.get("field"), data.get("operator")
    known = operators_of(name) if isinstance(name, str) else ()
    if not isinstance(name, str) or not known:
        what = "email, first_name, last_name, language, time_zone, status, created_at, metadata.<key>, list, tag, event, opened, clicked, sent"
        problems.append(Problem(f"{place}.field", f"There is no such field. There are: {what}."))
        return None
    if operator not in known:
        problems.append(Problem(f"{place}.operator", f"{name} knows these operators: {', '.join(known)}."))
        return None
    extra = set(data) - {"field", "operator", "value"} - (_EVENT_KEYS if name == "event" else set())
    if extra:
        problems.append(Problem(f"{place}.{min(extra)}", "This does not belong into a rule."))
        return None
    value, wrong = _read_value(name, str(operator), data.get("value"))
    if wrong:
        problems.append(Problem(f"{place}.value", wrong))
        return None
    more = {key: data[key] for key in ("within_days", "at_least", "where") if data.get(key) is not None}
    if found := [Problem(f"{place}.{key}", text) for key, text in _wrong_in_event(more).items() if text]:
        problems += found
        return None
    return Leaf(name, str(operator), value, more)


def _wrong_in_event(more: dict[str, Any]) -> dict[str, str | None]:
    where = more.get("where", {})
    plain = isinstance(where, dict) and len(where) <= 10 and all(isinstance(v, str | int | float | bool) for v in where.values())
    return {
        "within_days": _wrong_number(more.get("within_days", 1), _MOST_DAYS),
        "at_least": _wrong_number(more.get("at_least", 1), 10_000),
        "where": None if plain else "Write an object of up to ten properties and the texts, numbers or truth values they must equal.",
    }


def _wrong_number(value: Any, most: int) -> str | None:
    ok = isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= most
    return None if ok else f"Write a whole number from 1 to {most:,}."


def _read_value(name: str, operator: str, value: Any) -> tuple[Any, str | None]:
    if operator in _WITHOUT_VALUE:
        return None, None
    if operator in ("within_days", "not_within_days"):
        return value, _wrong_number(value, _MOST_DAYS)
    if operator in ("before", "after"):
        ok = isinstance(value, str) and parse_rfc3339(value) is not None
        return value, None if ok else "Write the time as RFC 3339 with an offset, for example 2026-06-01T09:00:00Z."
    if name in ("list", "tag"):
        ids = value if isinstance(value, list) else [value]
        ok = 1 <= len(ids) <= 50 and all(isinstance(i, str) and parse_uuid(i) for i in ids)
        return ids, None if ok else f"Write the id of a {name}, or a list of up to 50."
    if name == "status":
        return value, None if value in set(ContactStatus) else f"Write one of {', '.join(ContactStatus)}."
    if operator in NUMBER_OPERATORS:
        ok = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e15
        return value, None if ok else "Write a number."
    if operator in ("in", "not_in"):
        ok = isinstance(value, list) and 1 <= len(value) <= 500 and all(_is_text(v) for v in value)
        return value, None if ok else "Write a list of 1 to 500 texts."
    if isinstance(value, int | float | bool) and name.startswith("metadata."):
        return value, None
    return value, None if _is_text(value) and value else f"Write a text of 1 to {_LONGEST_VALUE} characters."


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= _LONGEST_VALUE and "\0" not in value


def compile_leaf(leaf: Leaf) -> sa.ColumnElement[bool]:
    """The condition as SQL on ``Contact``; null where the contact has no such value."""
    if leaf.field in _TEXTS:
        return _text(_TEXTS[leaf.field], leaf.operator, leaf.value)
    if leaf.field in _DATES:
        return _date(_DATES[leaf.field], leaf.operator, leaf.value)
    if found := _METADATA.fullmatch(leaf.field):
        return _metadata(found[1], leaf.operator, leaf.value)
    special: dict[str, Callable[[Leaf], sa.ColumnElement[bool]]] = {"status": _status, "list": _of_list, "tag": _of_tag, "event": _event}
    return special[leaf.field](leaf)


def _text(column: Any, operator: str, value: Any) -> sa.ColumnElement[bool]:
    """Texts are compared without regard to case."""
    given = sa.func.coalesce(column, "")
    lower = sa.func.lower(given)
    wanted = value.lower() if isinstance(value, str) else value
    by_operator: dict[str, Callable[[], sa.ColumnElement[bool]]] = {
        "is": lambda: lower == wanted,
        "is_not": lambda: lower != wanted,
        "contains": lambda: lower.contains(wanted, autoescape=True),
        "not_contains": lambda: sa.not_(lower.contains(wanted, autoescape=True)),
        "starts_with": lambda: lower.startswith(wanted, autoescape=True),
        "ends_with": lambda: lower.endswith(wanted, autoescape=True),
        "in": lambda: lower.in_([v.lower() for v in value]),
        "not_in": lambda: lower.not_in([v.lower() for v in value]),
        "is_empty": lambda: given == "",
        "is_not_empty": lambda: given != "",
    }
    return by_operator[operator]()


def _metadata(key: str, operator: str, value: Any) -> sa.ColumnElement[bool]:
    if operator == "is":
        # By containment, which has an index: the text, and the number or truth value that is written the same.
        shapes = [value] if not isinstance(value, str) else [value, *_as_json(value)]
        return sa.or_(*(Contact.meta.contains({key: shape}) for shape in shapes))
    text = Contact.meta[key].astext
    if operator in NUMBER_OPERATORS:
        number: Any = sa.case((text.regexp_match(r"^-?[0-9]{1,15}(\.[0-9]{1,9})?$"), sa.cast(text, sa.Numeric)), else_=None)
        return sa.and_(number > value if operator == "greater_than" else number < value)
    return _text(text, operator, str(value) if isinstance(value, int | float) else value)


def _as_json(text: str) -> list[Any]:
    if text in ("true", "false"):
        return [text == "true"]
    return [int(text)] if re.fullmatch(r"-?[0-9]{1,15}", text) else []


def _date(column: Any, operator: str, value: Any) -> sa.ColumnElement[bool]:
    if operator in ("before", "after"):
        moment: datetime | None = parse_rfc3339(value)
        return sa.and_(column < moment if operator == "before" else column > moment)
    if operator in ("ever", "never"):
        return sa.and_(column.is_not(None) if operator == "ever" else column.is_(None))
    recent: sa.ColumnElement[bool] = sa.and_(column > sa.func.now() - timedelta(days=value))
    return recent if operator == "within_days" else sa.or_(sa.not_(recent), column.is_(None))


def _status(leaf: Leaf) -> sa.ColumnElement[bool]:
    return sa.and_(Contact.status == leaf.value if leaf.operator == "is" else Contact.status != leaf.value)


def _ids(value: Any) -> list[UUID]:
    return [UUID(one) for one in value]


def _of_list(leaf: Leaf) -> sa.ColumnElement[bool]:
    on = sa.select(ListMember.contact_id).where(ListMember.list_id.in_(_ids(leaf.value)), ListMember.state == MemberState.SUBSCRIBED)
    return Contact.id.in_(on) if leaf.operator == "in" else Contact.id.not_in(on)


def _of_tag(leaf: Leaf) -> sa.ColumnElement[bool]:
    tagged = sa.select(ContactTag.contact_id).where(ContactTag.tag_id.in_(_ids(leaf.value)))
    return Contact.id.in_(tagged) if leaf.operator == "in" else Contact.id.not_in(tagged)


def _event(leaf: Leaf) -> sa.ColumnElement[bool]:
    seen = sa.select(ContactEvent.contact_id).where(ContactEvent.name == leaf.value)
    if days := leaf.more.get("within_days"):
        seen = seen.where(ContactEvent.occurred_at > sa.func.now() - timedelta(days=days))
    if where := leaf.more.get("where"):
        seen = seen.where(ContactEvent.properties.contains(where))
    if (least := leaf.more.get("at_least", 1)) > 1:
        seen = seen.group_by(ContactEvent.contact_id).having(sa.func.count() >= least)
    return Contact.id.in_(seen) if leaf.operator == "happened" else Contact.id.not_in(seen)
