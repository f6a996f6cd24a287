"""The project speaks only of itself, and leaves no work for later."""

from __future__ import annotations

import re

from tests.architecture.source import files, name

_TEXT = {".py", ".md", ".html", ".txt", ".cfg", ".toml", ".css", ".js", ".sh", ".yml", ".yaml", ".json", ".lock", ".mako", ".service", ".conf", ""}

# Written with brackets so that this file does not find itself.
FORBIDDEN = {
    "a path of one machine": re.compile(r"/(?:wor[k]|hom[e]|User[s]|roo[t])/[a-z]|/tm[p]/[a-z]"),
    "the host of a package registry": re.compile(r"pypi\.or[g]|pythonhosted\.or[g]|registry\.npmj[s]|--index-ur[l]|--extra-index-ur[l]"),
    "a note to oneself": re.compile(r"\b(?:TOD[O]|FIXM[E]|XX[X]|HAC[K])\b"),
    "talk about how it was made": re.compile(r"\b(?:chat ?gp[t]|language mode[l]|sub-?agen[t]|copilo[t]|prompt engineerin[g])\b", re.I),
    "a merge conflict": re.compile(r"^(?:<{7}|>{7}) ", re.M),
}


def test_no_forbidden_words() -> None:
    found = []
    for path in files():
        if path.suffix not in _TEXT:
            continue
        text = path.read_text(errors="replace")
        for what, pattern in FORBIDDEN.items():
            found += [f"{name(path)}:{text.count(chr(10), 0, hit.start()) + 1} has {what}: {hit[0]!r}" for hit in pattern.finditer(text)]
    assert not found
