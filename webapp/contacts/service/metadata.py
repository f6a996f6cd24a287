"""The tenant's own fields of a contact, held within bounds."""

from __future__ import annotations

import re
from typing import Any

from webapp.kernel.errors import Problem, ValidationFailed

MOST_KEYS = 100
LONGEST_VALUE = 2000
_KEY = re.compile(r"[A-Za-z0-9_.-]{1,64}")


def checked_metadata(metadata: dict[str, Any], param: str = "metadata") -> dict[str, Any]:
    """``metadata`` itself: up to 100 keys; texts up to 2,000 characters, numbers, truth values. Raises ``ValidationFailed`` naming each wrong key."""
    problems = [Problem(f"{param}.{key}"[:100], wrong) for key, value in metadata.items() if (wrong := _wrong(key, value))]
    if len(metadata) > MOST_KEYS:
        problems.append(Problem(param, f"A contact has at most {MOST_KEYS} fields of its own."))
    if problems:
        raise ValidationFailed.of(problems[:20])
    return metadata


def _wrong(key: str, value: Any) -> str | None:
    if not _KEY.fullmatch(key):
        return "A key has 1 to 64 letters, digits, dots, hyphens and underscores."
    if isinstance(value, str):
        return None if len(value) <= LONGEST_VALUE and "\0" not in value else f"A text has at most {LONGEST_VALUE:,} characters, and no NUL."
    if isinstance(value, int | float):
        return None if abs(value) < 1e15 else "A number is smaller than 10^15."
    return None if value is None else "Write a text, a number, true, false or null."
