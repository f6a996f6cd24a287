"""The built style sheet, the icon sprite and the vendored files agree with their sources."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STATIC = ROOT / "webapp/static"
TEMPLATES = ROOT / "templates"
ICON_CALL = re.compile(r"(?:icon(?:_name|_end)?\(|icon_name=|icon_end=|'icon': )'([a-z0-9-]+)'")


def read_sprite_names() -> set[str]:
    """Return the ids of the symbols in the icon sprite."""
    return set(re.findall(r'<symbol id="([\w-]+)"', (STATIC / "vendor/lucide/icons.svg").read_text()))


def test_built_style_sheet_is_up_to_date() -> None:
    done = subprocess.run([sys.executable, str(ROOT / "scripts/build_css.py"), "--check"], check=False)
    assert done.returncode == 0, "run: python scripts/build_css.py"


def test_sprite_holds_every_listed_icon() -> None:
    assert read_sprite_names() == set((STATIC / "vendor/icons.txt").read_text().split())


def test_templates_name_only_icons_of_the_sprite() -> None:
    known = read_sprite_names()
    unknown = {
        (path.relative_to(TEMPLATES).as_posix(), name)
        for path in TEMPLATES.rglob("*.html")
        for name in ICON_CALL.findall(path.read_text())
        if name not in known
    }
    assert unknown == set()


def test_vendored_files_are_as_recorded() -> None:
    lines = (STATIC / "vendor/VENDOR.txt").read_text().splitlines()
    sums = [line.split("  ", 1) for line in lines if re.match(r"[0-9a-f]{64}  ", line)]
    assert sums
    for digest, name in sums:
        assert hashlib.sha256((STATIC / "vendor" / name).read_bytes()).hexdigest() == digest, name


@pytest.mark.skipif(shutil.which("node") is None, reason="no Node to unpack Brotli with")
def test_what_is_compressed_beforehand_is_what_lies_beside_it() -> None:
    unpack = "process.stdout.write(require('zlib').brotliDecompressSync(require('fs').readFileSync(process.argv[1])))"
    packed = list(STATIC.rglob("*.br"))
    assert packed
    for path in packed:
        assert subprocess.run(["node", "-e", unpack, str(path)], capture_output=True, check=True).stdout == path.with_suffix("").read_bytes(), path.name


def test_templates_keep_to_the_content_security_policy() -> None:
    # Inline code and styles are refused by the browser, so they would fail silently.
    forbidden = re.compile(r"""\sstyle=|\shx-on|\son[a-z]+=["']|["']js:|hx-trigger="[^"{]*\[|<script(?![^>]*(src=|application/json))""")
    guilty = [
        (path.relative_to(TEMPLATES).as_posix(), match.group())
        for path in TEMPLATES.rglob("*.html")
        if "emails" not in path.parts
        for match in [forbidden.search(re.sub(r"{#.*?#}", "", path.read_text(), flags=re.S))]
        if match
    ]
    assert guilty == []
