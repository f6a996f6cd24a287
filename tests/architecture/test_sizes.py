"""Files and functions stay small enough to read in one go."""

from __future__ import annotations

import ast
import statistics
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.source import ROOT, files, name, parsed

CODE = ("webapp", "worker", "migrations")
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def _lines(path: Path) -> int:
    return len(path.read_text().splitlines())


def _functions(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(parsed(path)):
        if isinstance(node, _DEFINITIONS):
            assert node.end_lineno is not None
            yield f"{name(path)}:{node.lineno} {node.name}", node.end_lineno - node.lineno + 1


def test_no_python_file_is_longer_than_400_lines() -> None:
    # A migration is a record of what happened, read once: it may be as long as the change was.
    too_long = {name(path): lines for path in files(".py") if path.parent.name not in ("versions", "_generated") and (lines := _lines(path)) > 400}
    assert not too_long


def test_no_function_is_longer_than_60_lines() -> None:
    too_long = {where: lines for path in files(".py") if path.parent.name not in ("versions", "_generated") for where, lines in _functions(path) if lines > 60}
    assert not too_long


def test_most_files_and_functions_are_short() -> None:
    filled = [path for path in files(".py", under=CODE) if path.read_text().strip()]
    assert statistics.median(_lines(path) for path in filled) < 100
    assert statistics.median(lines for path in filled for _, lines in _functions(path)) <= 10


def test_no_template_is_longer_than_200_lines() -> None:
    templates = (path for path in (ROOT / "templates").rglob("*") if path.is_file())
    assert not {name(path): lines for path in templates if (lines := _lines(path)) >= 200}


def test_no_module_is_a_drawer_for_everything() -> None:
    drawers = {"utils.py", "util.py", "helpers.py", "common.py", "misc.py"}
    assert not [name(path) for path in files(".py") if path.name in drawers]
