"""One request of the reference as code: cURL, Python with our client, Node.js."""

from __future__ import annotations

import json
import keyword
import re
import shlex
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from markupsafe import Markup

_KEY = "$POSTBRIDGE_API_KEY"


@dataclass(frozen=True, slots=True)
class Sample:
    """One language: ``text`` to copy, ``html`` the same with Pygments' classes (escaped)."""

    name: str
    label: str
    text: str
    html: Markup


def highlighted(text: str, lexer: str) -> Markup:
    """Code with Pygments' classes."""
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import get_lexer_by_name

    return Markup(highlight(text, get_lexer_by_name(lexer), HtmlFormatter(nowrap=True)))


def samples(base: str, method: str, path: str, name: str, asked: dict[str, Any]) -> list[Sample]:
    """``asked``: path, query, headers, body and content_type of an example; ``name``: the operation's."""
    url = base + address(path, asked)
    made = [("curl", "cURL", "bash", _curl(url, method, asked)), ("node", "Node.js", "javascript", _node(url, method, asked))]
    if asked.get("content_type", "application/json") == "application/json":
        made.insert(1, ("python", "Python", "python", _python(name, path, asked)))
    return [Sample(key, label, text, highlighted(text, lexer)) for key, label, lexer, text in made]


def address(path: str, asked: dict[str, Any]) -> str:
    """The path with ids and query filled in."""
    for key, value in (asked.get("path") or {}).items():
        path = path.replace(f"{{{key}}}", quote(str(value), safe="@"))
    query = {key: _in_query(value) for key, value in (asked.get("query") or {}).items()}
    return f"{path}?{urlencode(query)}" if query else path


def _in_query(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value


def _curl(url: str, method: str, asked: dict[str, Any]) -> str:
    lines = [f"curl{'' if method == 'GET' else f' -X {method}'} {shlex.quote(url)}", f'-H "Authorization: Bearer {_KEY}"']
    lines += [f"-H {shlex.quote(f'{key}: {value}')}" for key, value in (asked.get("headers") or {}).items()]
    body, kind = asked.get("body"), asked.get("content_type", "application/json")
    if kind == "multipart/form-data" and isinstance(body, dict):
        lines += [f"-F {shlex.quote(f'{key}={value}')}" for key, value in body.items()]
    elif body is not None:
        text = json.dumps(body, indent=2, ensure_ascii=False) if isinstance(body, dict | list) else str(body).replace("\r\n", "\n")
        lines += [f"-H {shlex.quote(f'Content-Type: {kind}')}", f"--data-binary {shlex.quote(text)}"]
    return " \\\n  ".join(lines) + "\n"


def _python(name: str, path: str, asked: dict[str, Any]) -> str:
    ids = [json.dumps(str(asked.get("path", {}).get(key, key))) for key in re.findall(r"\{(\w+)\}", path)]
    body = asked.get("body") if isinstance(asked.get("body"), dict) else {}
    headers = {key.lower().replace("-", "_"): value for key, value in (asked.get("headers") or {}).items() if key in ("Idempotency-Key", "If-Match")}
    given = {**(body or {}), **(asked.get("query") or {}), **headers}
    words = [*ids, *(f"{_argument(key)}={_literal(value)}" for key, value in given.items())]
    line = f"client.{name}({', '.join(words)})"
    call = line if len(line) < 90 else f"client.{name}(\n" + "".join(f"        {word},\n" for word in words) + "    )"
    return f"from postbridge_client import Postbridge\n\nwith Postbridge() as client:  # POSTBRIDGE_URL, POSTBRIDGE_API_KEY\n    print({call})\n"


def _argument(name: str) -> str:
    return f"{name}_" if keyword.iskeyword(name) else name


def _literal(value: Any) -> str:
    """Python with the double quotes that people write."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)}: {_literal(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_literal(inner) for inner in value) + "]"
    return repr(value)


def _node(url: str, method: str, asked: dict[str, Any]) -> str:
    body, kind = asked.get("body"), asked.get("content_type", "application/json")
    headers = ["Authorization: `Bearer ${process.env.POSTBRIDGE_API_KEY}`"]
    headers += [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in (asked.get("headers") or {}).items()]
    lines = [f"const response = await fetch({json.dumps(url)}, {{", f"  method: {json.dumps(method)},"]
    if kind == "multipart/form-data" and isinstance(body, dict):
        form = "".join(f"form.append({json.dumps(key)}, {json.dumps(value)});\n" for key, value in body.items())
        lines = [f"const form = new FormData();\n{form}{lines[0]}", lines[1], f"  headers: {{ {', '.join(headers)} }},", "  body: form,"]
    elif body is None:
        lines.append(f"  headers: {{ {', '.join(headers)} }},")
    else:
        headers.append(f'"Content-Type": {json.dumps(kind)}')
        text = json.dumps(body, indent=2, ensure_ascii=False).replace("\n", "\n  ") if isinstance(body, dict | list) else json.dumps(body)
        lines += [f"  headers: {{ {', '.join(headers)} }},", f"  body: {f'JSON.stringify({text})' if isinstance(body, dict | list) else text},"]
    read = "text" if kind == "text/csv" and method == "GET" else "json"
    return "\n".join(lines) + f"\n}});\nconsole.log(response.status, await response.{read}());\n"
