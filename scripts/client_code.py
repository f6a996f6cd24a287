"""Python code for types and operations of the client, as text."""

from __future__ import annotations

import json
import keyword
import re
import textwrap
from collections.abc import Iterable
from typing import Any

_REF = "#/components/schemas/"
_HEAD = '"""{what}\n\nWritten by scripts/make_client.py from the OpenAPI document; change that instead.\n"""\n\nfrom __future__ import annotations\n\n'
_PLAIN = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}
_WIDTH = 158


def slug(tag: str) -> str:
    """A tag as the name of a module."""
    return re.sub(r"[^a-z0-9]+", "_", tag.lower()).strip("_")


def class_name(tag: str) -> str:
    """A tag as the name of a class of operations."""
    return "".join(word.capitalize() for word in slug(tag).split("_")) + "Operations"


def argument(name: str) -> str:
    """A field as the name of an argument."""
    plain = re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_").lower()
    return f"{plain}_" if keyword.iskeyword(plain) else plain


def type_of(schema: dict[str, Any] | None) -> str:
    """A JSON schema as a Python type."""
    if not schema:
        return "Any"
    if "$ref" in schema:
        return str(schema["$ref"]).removeprefix(_REF)
    if "enum" in schema:
        values = [value for value in schema["enum"] if value is not None]
        literal = f"Literal[{', '.join(json.dumps(value) if isinstance(value, str) else repr(value) for value in values)}]" if values else "None"
        return f"{literal} | None" if None in schema["enum"] and values else literal
    if choices := schema.get("oneOf") or schema.get("anyOf"):
        return " | ".join(dict.fromkeys(type_of(choice) for choice in choices))
    if "allOf" in schema:
        return type_of(schema["allOf"][0])
    kind = schema.get("type")
    if isinstance(kind, list):
        return " | ".join(type_of({**schema, "type": one}) for one in sorted(kind, key="null".__eq__))
    if kind == "array":
        return f"list[{type_of(schema.get('items'))}]"
    if kind == "object":
        inner = schema.get("additionalProperties")
        return f"dict[str, {type_of(inner)}]" if isinstance(inner, dict) and inner else "dict[str, Any]"
    return _PLAIN.get(str(kind), "Any")


def docstring(text: str, indent: str) -> str:
    """A docstring."""
    flat = " ".join(text.split()).replace("\\", "\\\\").replace('"""', "'''")
    lines = textwrap.wrap(flat, _WIDTH - len(indent) - 6) or ["..."]
    if len(lines) == 1:
        return f'{indent}"""{lines[0]}"""\n'
    return f'{indent}"""{lines[0]}\n' + "".join(f"{indent}{line}\n" for line in lines[1:]) + f'{indent}"""\n'


def _imports(code: str, homes: dict[str, str], own: str, *more: str) -> str:
    typing = [name for name in ("Any", "Literal", "NotRequired", "TypedDict", "cast") if re.search(rf"\b{name}\b", code)]
    lines = [*(line for line in more if line.startswith("from collections"))]
    if typing:
        lines.append(f"from typing import {', '.join(typing)}")
    ours = [line for line in more if not line.startswith("from collections")]
    wanted: dict[str, list[str]] = {}
    for name in sorted(set(re.findall(r"\b[A-Za-z_][A-Za-z0-9_]*\b", code)) & homes.keys()):
        if homes[name] != own:
            wanted.setdefault(homes[name], []).append(name)
    for home, names in sorted(wanted.items()):
        ours.append(f"from postbridge_client._generated.{home}_types import (\n" + "".join(f"    {name},\n" for name in names) + ")")
    return "\n".join(lines) + "\n\n" + ("\n".join(sorted(ours)) + "\n" if ours else "")


def types_file(tag: str, names: Iterable[str], document: dict[str, Any], homes: dict[str, str]) -> str:
    """The module of a tag's types."""
    code = "\n\n".join(_type(name, document["components"]["schemas"][name]) for name in names)
    return _HEAD.format(what=f"Types of the operations under {tag!r}.") + _imports(code, homes, slug(tag)).rstrip("\n") + "\n\n\n" + code


def _type(name: str, schema: dict[str, Any]) -> str:
    fields = schema.get("properties", {})
    required = set(schema.get("required", ()))
    lines = {key: type_of(field) if key in required else f"NotRequired[{type_of(field)}]" for key, field in fields.items()}
    if not all(key.isidentifier() and not keyword.iskeyword(key) for key in lines):
        body = "".join(f"        {json.dumps(key)}: {json.dumps(kind) if 'NotRequired' not in kind else _quoted(kind)},\n" for key, kind in lines.items())
        return f'{name} = TypedDict(\n    "{name}",\n    {{\n{body}    }},\n)\n'
    body = "".join(f"    {key}: {kind}\n" for key, kind in lines.items())
    return f"class {name}(TypedDict):\n{docstring(schema.get('description') or name, '    ')}\n{body}"


def _quoted(kind: str) -> str:
    """Types in a call are evaluated at once: names that are defined later stand in quotes."""
    return f"NotRequired[{json.dumps(kind.removeprefix('NotRequired[').removesuffix(']'))}]"


def package_file(tags: list[str]) -> str:
    """The module that puts all operations together."""
    imports = "".join(f"from postbridge_client._generated.{slug(tag)} import {class_name(tag)}\n" for tag in sorted(tags, key=slug))
    bases = "".join(f"    {class_name(tag)},\n" for tag in tags)
    return _HEAD.format(what="Every operation of the API.") + imports + f'\n\nclass Operations(\n{bases}):\n    """All of them on one object."""\n'


def operations_file(tag: str, operations: list[Any], document: dict[str, Any], homes: dict[str, str]) -> str:
    """The module of a tag's operations."""
    code = "".join(_operation(method, path, operation, document) for method, path, operation in operations)
    words = next((known["description"] for known in document["tags"] if known["name"] == tag), tag)
    code = f"class {class_name(tag)}(Caller):\n{docstring(words, '    ')}{code}"
    used = [name for name in ("UNSET", "Caller", "in_path") if re.search(rf"\b{name}\b", code)]
    ours = [f"from postbridge_client.caller import {', '.join(used)}"]
    if "Page[" in code:
        ours.append("from postbridge_client.results import Page")
    above = ["from collections.abc import Iterator"] if "Iterator[" in code else []
    return _HEAD.format(what=f"Operations under {tag!r}.") + _imports(code, homes, "", *above, *ours).rstrip("\n") + "\n\n\n" + code


def _operation(method: str, path: str, operation: dict[str, Any], document: dict[str, Any]) -> str:
    from scripts.client_operation import Signature

    return Signature(method, path, operation, document).code()
