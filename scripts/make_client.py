"""Write the generated part of the Python client from the application's OpenAPI document: `python scripts/make_client.py [--check]`.

One file of types and one of operations a tag, so that each stays short enough to read.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from scripts.client_code import operations_file, package_file, slug, types_file  # noqa: E402
from scripts.document import api_document, by_tag, schemas_by_tag  # noqa: E402

TARGET = ROOT / "clients" / "python" / "postbridge_client" / "_generated"


def generated(document: dict[str, Any]) -> dict[str, str]:
    """File name -> text."""
    tags, schemas = by_tag(document), schemas_by_tag(document)
    homes = {name: slug(tag) for tag, names in schemas.items() for name in names}
    made = {"__init__.py": package_file(list(tags))}
    for tag, names in schemas.items():
        made[f"{slug(tag)}_types.py"] = types_file(tag, names, document, homes)
    for tag, operations in tags.items():
        made[f"{slug(tag)}.py"] = operations_file(tag, operations, document, homes)
    return _formatted(made)


def _formatted(made: dict[str, str]) -> dict[str, str]:
    """Imports sorted, unused ones gone, lines broken: as ruff does it for the rest of the project."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in made.items():
            (Path(folder) / name).write_text(text)
        for act in (["check", "--select", "I,F401", "--fix-only", "--config", "lint.isort.known-first-party=['postbridge_client']"], ["format"]):
            subprocess.run([sys.executable, "-m", "ruff", *act, "--quiet", "--config", str(ROOT / "ruff.toml"), "--no-cache", folder], check=True)
        return {name: (Path(folder) / name).read_text() for name in made}


def main(argv: list[str]) -> int:
    """Write the files, or with `--check` say whether they are up to date. Returns the exit status."""
    made = generated(api_document())
    there = {path.name: path.read_text() for path in TARGET.glob("*.py")}
    if "--check" in argv:
        return 0 if made == there else 1
    TARGET.mkdir(parents=True, exist_ok=True)
    for name in there.keys() - made.keys():
        (TARGET / name).unlink()
    for name, text in made.items():
        (TARGET / name).write_text(text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
