"""One request of the scenario."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Step:
    """``$name`` in any text stands for a value that an earlier step saved: ``save`` is name -> place in the answer (``data.id``, ``data.0.id``).

    ``before``: what happens in the world first (see ``world.py``). ``key``: live, sandbox or none. Times are written as at the hour of the scenario, ``NOW``.
    ``kind``: content type of the body, when it is not JSON.
    """

    operation: str
    title: str
    body: Any = None
    path: dict[str, str] = field(default_factory=dict)
    query: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    save: dict[str, str] = field(default_factory=dict)
    before: str = ""
    key: str = "live"
    kind: str = "application/json"
