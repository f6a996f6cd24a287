"""What the architecture tests read: the project's own files, as git would ship them, parsed once."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
_NOT_OURS = {".git", ".venv", "var", "node_modules", "vendor", "__pycache__", "postbridge.egg-info"}

#: Folders of webapp that are no slices.
NO_SLICES = {"kernel", "http", "stack", "cli", "static"}


def files(*suffixes: str, under: tuple[str, ...] = (".",)) -> Iterator[Path]:
    """The project's own files with one of these endings (all, when none is given)."""
    for folder in under:
        start = ROOT / folder
        for path in sorted(start.rglob("*")):
            parts = path.relative_to(ROOT).parts
            hidden = any(part.startswith(".") and part != ".ci" for part in parts)
            if path.is_file() and not hidden and not _NOT_OURS & set(parts) and (not suffixes or path.suffix in suffixes):
                yield path


def name(path: Path) -> str:
    """A path as people write it, from the root of the project."""
    return path.relative_to(ROOT).as_posix()


@functools.cache
def parsed(path: Path) -> ast.Module:
    """The syntax tree of one Python file."""
    return ast.parse(path.read_text(), filename=str(path))


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """Every module a file imports, absolute, with its line; `from a import b` gives both `a` and `a.b`."""
    package = path.relative_to(ROOT).with_suffix("").parts[:-1]
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*above, *([node.module] if node.module else [])])
            yield module, node.lineno
            yield from ((f"{module}.{alias.name}", node.lineno) for alias in node.names)


def slices() -> set[str]:
    """The capabilities: packages of webapp that are neither kernel nor glue."""
    return {path.parent.name for path in (ROOT / "webapp").glob("*/__init__.py")} - NO_SLICES
