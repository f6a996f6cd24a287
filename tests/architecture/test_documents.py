"""Pages that repeat what the code says are held to it."""

from __future__ import annotations

import re

from tests.architecture.source import ROOT, files, name
from webapp.settings import as_table


def test_the_settings_page_is_current() -> None:
    """Write it anew with `.venv/bin/python -m webapp.settings`."""
    page = (ROOT / "docs" / "settings.md").read_text()
    assert as_table().strip() in page


def test_links_between_pages_lead_somewhere() -> None:
    broken = []
    for page in [*files(".md", under=("docs",)), ROOT / "README.md"]:
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text()):
            if "://" not in target and not target.startswith("mailto:") and not (page.parent / target).exists():
                broken.append(f"{name(page)} -> {target}")
    assert not broken
