"""Executes requests of the scenario, and writes down what happened as it shall stand in the documentation.

Two languages: *here* (ids, secrets and times of this run) and *in print* (the same in every edition). `Print` translates both ways.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from werkzeug.test import TestResponse

from tests.docs.scenario.steps import Step
from tests.docs.world import World
from webapp.kernel.clock import now, parse_rfc3339, rfc3339

#: The hour at which all examples happen.
NOW = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
REQUEST_ID = "req_5f0c2b9d6a7e41c8b3d2a1f09e"
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}|(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")
_SECRET_FIELDS = {"key", "token", "password", "api_key", "secret"}
_PREFIX = re.compile(r"(mp_(?:live|test)_|whsec_|)(.*)", re.S)


@dataclass
class Print:
    """What differs between this run and the documentation."""

    aliases: list[tuple[str, str]]
    ports: dict[int, int]
    started: datetime = field(default_factory=now)
    printed: dict[str, str] = field(default_factory=dict)  # here -> in print

    def to_print(self, value: Any, name: str = "") -> Any:
        """A value of this run as the documentation shows it. ``name``: of the field it stands in."""
        return self._each(value, self._text_to_print, self.ports, name)

    def to_here(self, value: Any) -> Any:
        """A value of the documentation as this run knows it."""
        return self._each(value, self._text_to_here, {there: here for here, there in self.ports.items()}, "")

    def _each(self, value: Any, act: Callable[[str, str], str], ports: dict[int, int], name: str) -> Any:
        if isinstance(value, dict):
            return {self._each(key, act, ports, ""): self._each(inner, act, ports, key) for key, inner in value.items()}
        if isinstance(value, list):
            return [self._each(inner, act, ports, name) for inner in value]
        if name in ("port", "tls_port"):
            return ports.get(value, value)
        return act(value, name) if isinstance(value, str) else value

    def _text_to_print(self, text: str, name: str) -> str:
        if name in _SECRET_FIELDS and text not in self.printed and " " not in text and len(text) > 20:
            start, rest = _PREFIX.fullmatch(text).groups()  # type: ignore[union-attr]
            self.printed[text] = start + ("EXAMPLE" + hashlib.sha256(str(len(self.printed)).encode()).hexdigest() * 3)[: len(rest)]
        if name == "request_id":
            return REQUEST_ID
        for here, there in sorted(self.printed.items(), key=lambda pair: -len(pair[0])):
            text = text.replace(here, there)
        for here, there in self.aliases:
            text = text.replace(here, there)
        text = _ID.sub(lambda found: self.printed.setdefault(found[0], _printed_id(len(self.printed))) if found[0] not in self._known() else found[0], text)
        return _TIME.sub(lambda found: rfc3339(_shifted(found[0], self.started, NOW)) or "", text)

    def _known(self) -> set[str]:
        return set(self.printed.values())

    def _text_to_here(self, text: str, _: str) -> str:
        for here, there in self.aliases:
            text = text.replace(there, here)
        for here, there in sorted(self.printed.items(), key=lambda pair: -len(pair[1])):
            text = text.replace(there, here)
        return _TIME.sub(lambda found: rfc3339(_shifted(found[0], NOW, self.started)) or "", text)

    def learn(self, printed: Any, here: Any) -> None:
        """Two answers of the same form: remember how the ids and secrets of one are called in the other."""
        if isinstance(printed, dict) and isinstance(here, dict):
            for name in printed.keys() & here.keys():
                self.learn(printed[name], here[name])
        elif isinstance(printed, list) and isinstance(here, list):
            for one, other in zip(printed, here, strict=False):
                self.learn(one, other)
        elif isinstance(printed, str) and isinstance(here, str) and printed != here and (_ID.search(printed) or "EXAMPLE" in printed):
            self.printed.setdefault(here, printed)


def _printed_id(number: int) -> str:
    stamp = f"{int(NOW.timestamp() * 1000) + number:012x}"
    tail = hashlib.sha256(f"example {number}".encode()).hexdigest()
    return f"{stamp[:8]}-{stamp[8:]}-7{tail[:3]}-a{tail[3:6]}-{tail[6:18]}"


def _shifted(text: str, origin: datetime, target: datetime) -> datetime:
    """The same distance from another hour, to the minute when it is near: a run takes some seconds."""
    moment = parse_rfc3339(text)
    assert moment is not None
    away = moment - origin
    if abs(away) < timedelta(minutes=20):
        away = timedelta(minutes=round(away / timedelta(minutes=1)))
    return target + away


@dataclass
class Answer:
    """What came back. ``content``: JSON, or text when it is none; None without a body."""

    status: int
    content: Any
    etag: str | None


def ask(world: World, address: tuple[str, str], asked: dict[str, Any], key: str) -> Answer:
    """Send one request, in the language of this run."""
    method, path = address
    for name, value in (asked.get("path") or {}).items():
        path = path.replace(f"{{{name}}}", value)
    headers = dict(asked.get("headers") or {})
    if etag := world.known.get("etag"):
        headers = {name: value.replace("$etag", etag) for name, value in headers.items()}
    sent = _body(asked.get("body"), asked.get("content_type", "application/json"))
    response: TestResponse = world.client(key).open(path, method=method, query_string=asked.get("query"), headers=headers, **sent)
    text = response.get_data(as_text=True)
    content = json.loads(text) if response.mimetype == "application/json" and text else text or None
    if method == "GET" and response.headers.get("ETag"):
        world.known["etag"] = response.headers["ETag"]
    return Answer(response.status_code, content, response.headers.get("ETag"))


def _body(body: Any, kind: str) -> dict[str, Any]:
    if body is None:
        return {}
    if kind == "application/json":
        return {"json": body}
    return {"data": body, "content_type": kind}


def filled(step: Step, known: dict[str, Any]) -> dict[str, Any]:
    """The request of a step with what was saved before, in the language of this run."""

    def fill(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: fill(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [fill(inner) for inner in value]
        if isinstance(value, str) and value.startswith("$") and value != "$etag":
            return known[value[1:]]
        return value

    parts = {"path": step.path, "query": step.query, "headers": step.headers, "body": step.body}
    asked = {name: fill(part) for name, part in parts.items() if part not in (None, {})}
    return {**asked, **({"content_type": step.kind} if step.kind != "application/json" else {})}


def saved(step: Step, answer: Answer) -> dict[str, Any]:
    """What later steps may refer to."""
    found = {}
    for name, place in step.save.items():
        value: Any = answer.content
        try:
            for word in place.split("."):
                value = value[int(word)] if word.isdigit() else value[word]
        except (IndexError, KeyError):
            continue  # who refers to it will say that it is missing
        found[name] = value
    return found
