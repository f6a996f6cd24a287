"""One operation of the client: its signature, and the request it makes."""

from __future__ import annotations

import re
from typing import Any

from scripts.client_code import argument, docstring, type_of
from scripts.document import is_envelope

_REF = "#/components/schemas/"
_SENT_BY_US = {"If-None-Match", "Idempotency-Key"}


class Signature:
    """What is needed to write one method."""

    def __init__(self, method: str, path: str, operation: dict[str, Any], document: dict[str, Any]) -> None:
        self.method, self.path, self.operation, self.document = method, path, operation, document
        self.name = operation["operationId"]
        known = operation.get("parameters", [])
        self.in_path = [p for p in known if p["in"] == "path"]
        self.in_query = [p for p in known if p["in"] == "query"]
        self.in_header = [p for p in known if p["in"] == "header" and p["name"] not in _SENT_BY_US]
        self.keyed = any(p["name"] == "Idempotency-Key" for p in known)
        contents = operation.get("requestBody", {}).get("content", {})
        self.kind = "application/json" if "application/json" in contents or not contents else next(iter(contents))
        self.body = self._resolved(contents["application/json"]["schema"]) if "application/json" in contents else None
        self.is_text = bool(contents) and self.body is None
        self.result, self.is_page = self._result()

    def code(self) -> str:
        """The method, and its iterator when it is a list with a cursor."""
        arguments = [*self._positional(), *self._keywords()]
        said = f"{self.operation['summary']}. {self.operation.get('description', '')}"
        made = f"\n    def {self.name}({', '.join(arguments)}) -> {self._answer()}:\n{docstring(said, '        ')}{self._act()}"
        if self.is_page and any(p["name"] == "cursor" for p in self.in_query):
            made += self._iterator(arguments)
        return made

    def _iterator(self, arguments: list[str]) -> str:
        name = re.sub(r"^list_", "iter_", self.name)
        kept = [one for one in arguments if not one.startswith("cursor:")]
        said = docstring(f"All of them, page by page: see {self.name}.", "        ")
        act = f"        return self._pages({self._address()}, {self._query(without='cursor')})\n"
        return f"\n    def {name}({', '.join(kept)}) -> Iterator[{self.result}]:\n{said}{act}"

    def _resolved(self, schema: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in schema:
            schema = self.document["components"]["schemas"][schema["$ref"].removeprefix(_REF)]
        return schema

    def _result(self) -> tuple[str, bool]:
        good = next(answer for status, answer in self.operation["responses"].items() if status[0] == "2")
        contents = good.get("content", {})
        if "application/json" not in contents:
            return ("str" if contents else "None"), False
        schema = contents["application/json"].get("schema", {})
        envelope = self._resolved(schema)
        if not is_envelope(envelope):
            return type_of(schema), False
        data = envelope["properties"]["data"]
        if "pagination" in envelope["properties"]:
            return type_of(data["items"]), True
        return ("None" if data.get("type") != "array" and "$ref" not in data else type_of(data)), False

    def _answer(self) -> str:
        return f"Page[{self.result}]" if self.is_page else self.result

    def _positional(self) -> list[str]:
        texts = ["text: str | bytes"] if self.is_text else []
        return ["self", *(f"{argument(p['name'])}: str" for p in self.in_path), *texts]

    def _keywords(self) -> list[str]:
        fields = self.body.get("properties", {}) if self.body else {}
        required = set(self.body.get("required", ())) if self.body else set()
        must = [f"{argument(name)}: {type_of(fields[name])}" for name in fields if name in required]
        may = [f"{argument(name)}: {type_of(field)} = UNSET" for name, field in fields.items() if name not in required]
        asked = [_parameter(p) for p in (*self.in_query, *self.in_header)]
        must += [one for one in asked if " = " not in one]
        may += [one for one in asked if " = " in one]
        if self.keyed:
            may.append("idempotency_key: str | None = None")
        return ["*", *must, *may] if must or may else []

    def _address(self) -> str:
        path = self.path
        for p in self.in_path:
            path = path.replace(f"{{{p['name']}}}", f"{{in_path({argument(p['name'])})}}")
        return f'f"{path}"' if self.in_path else f'"{path}"'

    def _query(self, without: str = "") -> str:
        return "{" + ", ".join(f'"{p["name"]}": {argument(p["name"])}' for p in self.in_query if p["name"] != without) + "}"

    def _act(self) -> str:
        parts = [f'"{self.method}"', self._address()]
        if self.in_query:
            parts.append(f"query={self._query()}")
        if self.body:
            fields = self.body.get("properties", {})
            parts.append("body={" + ", ".join(f'"{name}": {argument(name)}' for name in fields) + "}")
        elif self.is_text:
            parts += ["body=text", f'content_type="{self.kind}"']
        headers = [f'"{p["name"]}": {argument(p["name"])}' for p in self.in_header]
        if self.keyed:
            headers.append('"Idempotency-Key": idempotency_key')
            parts.append("keyed=True")
        if headers:
            parts.append("headers={" + ", ".join(headers) + "}")
        call = f"self.{'_page' if self.is_page else 'request'}({', '.join(parts)})"
        if self.result == "None":
            return f"        {call}\n"
        return f'        return cast("{self._answer()}", {call})\n'


def _parameter(p: dict[str, Any]) -> str:
    kind = type_of(p.get("schema"))
    if p.get("required"):
        return f"{argument(p['name'])}: {kind}"
    optional = kind if kind in ("Any", "None") or kind.endswith("| None") else f"{kind} | None"
    return f"{argument(p['name'])}: {optional} = None"
