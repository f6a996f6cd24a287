"""The segment builder: conditions as rows of a form. Rules that are nested deeper are shown and edited as JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from webapp.contacts.segment_leaves import NUMBER_OPERATORS, operators_of
from webapp.kernel.errors import ValidationFailed

#: Field to its name on the screen.
FIELDS = {
    "email": "Email address", "first_name": "First name", "last_name": "Last name", "language": "Language", "time_zone": "Time zone",
    "status": "Status", "list": "List", "tag": "Tag", "opened": "Last opened", "clicked": "Last clicked", "sent": "Last sent",
    "created_at": "Added", "event": "Custom event", "metadata": "Own field",
}  # fmt: skip
OPERATORS = {
    "is": "is", "is_not": "is not", "contains": "contains", "not_contains": "does not contain", "starts_with": "starts with", "ends_with": "ends with",
    "in": "is one of", "not_in": "is none of", "is_empty": "is empty", "is_not_empty": "is not empty", "greater_than": "is greater than",
    "less_than": "is less than", "before": "before", "after": "after", "within_days": "in the last days", "not_within_days": "not in the last days",
    "ever": "ever", "never": "never", "happened": "happened", "not_happened": "did not happen",
}  # fmt: skip
_MOST_ROWS = 20


@dataclass(slots=True)
class Row:
    """One condition as it stands in the form. ``key``: the name of an own field; ``days``: the window of an event."""

    field: str = "email"
    key: str = ""
    operator: str = ""
    value: str = ""
    days: str = ""

    def leaf(self) -> dict[str, Any]:
        """As a rule. What cannot be read is left as text, for the rules to refuse."""
        name = f"metadata.{self.key}" if self.field == "metadata" else self.field
        leaf: dict[str, Any] = {"field": name, "operator": self.operator}
        if self.operator not in ("is_empty", "is_not_empty", "ever", "never"):
            leaf["value"] = self._value()
        if self.field == "event" and self.days:
            leaf["within_days"] = _number(self.days)
        return leaf

    def _value(self) -> Any:
        text = self.value.strip()
        if self.operator in ("in", "not_in"):
            return [text] if self.field in ("list", "tag") else [part.strip() for part in text.split(",") if part.strip()]
        if self.operator in ("within_days", "not_within_days", *NUMBER_OPERATORS):
            return _number(text)
        if self.operator in ("before", "after") and len(text) == 10:
            return f"{text}T00:00:00Z"
        return text


def _number(text: str) -> Any:
    try:
        return int(text)
    except ValueError:
        try:
            return float(text)
        except ValueError:
            return text


def operators_of_row(row: Row) -> tuple[str, ...]:
    """The operators to choose from."""
    return operators_of("metadata.x" if row.field == "metadata" else row.field)


@dataclass(slots=True)
class Draft:
    """What stands in the builder. ``text``: the rules as JSON instead of rows, when they are not flat."""

    join: str = "all"
    rows: list[Row] = field(default_factory=list)
    text: str | None = None

    @classmethod
    def empty(cls) -> Draft:
        """One condition that chooses everybody who wants mail."""
        return cls(rows=[Row("status", operator="is", value="subscribed")])

    @classmethod
    def of(cls, rules: dict[str, Any]) -> Draft:
        """The rows of stored rules, or their JSON."""
        join = next((name for name in ("all", "any") if name in rules), None)
        parts = rules[join] if join else [rules]
        rows = [_row_of(part) for part in parts]
        if any(row is None for row in rows):
            return cls(text=json.dumps(rules, indent=2, ensure_ascii=False))
        return cls(join or "all", [row for row in rows if row is not None])

    @classmethod
    def posted(cls, form: dict[str, list[str]]) -> Draft:
        """What a browser sends, with the row added or taken out that its button asked for."""
        if form.get("as_json"):
            return cls(text=form.get("rules", [""])[0])
        columns = [form.get(name, []) for name in ("field", "key", "operator", "value", "days")]
        rows = [_valid(Row(*cells)) for cells in list(zip(*columns, strict=False))[:_MOST_ROWS]]
        gone = form.get("remove", [""])[0]
        if gone.isdecimal() and int(gone) < len(rows) and len(rows) > 1:
            del rows[int(gone)]
        if form.get("add") and len(rows) < _MOST_ROWS:
            rows.append(_valid(Row()))
        return cls("any" if form.get("join") == ["any"] else "all", rows or cls.empty().rows)

    def rules(self) -> Any:
        """The rule tree. Raises ``ValidationFailed`` for JSON that cannot be read."""
        if self.text is None:
            return {self.join: [row.leaf() for row in self.rows]}
        try:
            return json.loads(self.text)
        except (ValueError, RecursionError):
            raise ValidationFailed("This is not JSON.", param="rules") from None


def _valid(row: Row) -> Row:
    """The row with a field and an operator that exist: the field may just have been changed."""
    if row.field not in FIELDS:
        row.field = "email"
    if row.operator not in operators_of_row(row):
        row.operator = operators_of_row(row)[0]
    return row


def _row_of(leaf: dict[str, Any]) -> Row | None:
    name, operator, value = leaf.get("field"), leaf.get("operator"), leaf.get("value", "")
    if not isinstance(name, str) or not isinstance(operator, str) or set(leaf) - {"field", "operator", "value", "within_days"}:
        return None
    own = name.startswith("metadata.")
    if isinstance(value, list):
        if name in ("list", "tag") and len(value) > 1:
            return None
        value = ", ".join(str(one) for one in value)
    if isinstance(value, bool) or (own and operator in ("is", "is_not") and not isinstance(value, str)):
        return None  # a row would make a text of it
    key = name.removeprefix("metadata.") if own else ""
    return Row("metadata" if own else name, key, operator, str(value), str(leaf.get("within_days", "")))


def in_words(rules: dict[str, Any]) -> str:
    """A segment in one line, for lists."""
    if "not" in rules:
        return f"not ({in_words(rules['not'])})"
    for name, word in (("all", " and "), ("any", " or ")):
        if name in rules:
            return word.join(in_words(part) if "field" in part else f"({in_words(part)})" for part in rules[name])
    name = str(rules.get("field", ""))
    shown = FIELDS.get(name, name.removeprefix("metadata."))
    value = "" if name in ("list", "tag") else rules.get("value", "")
    value = ", ".join(str(one) for one in value) if isinstance(value, list) else value
    return f"{shown} {OPERATORS.get(str(rules.get('operator')), '')} {value}".strip()
