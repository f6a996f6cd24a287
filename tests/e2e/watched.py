"""A browser that watches what a page must not do: errors in the console, calls to other hosts, breaches of the content security policy."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.e2e.conftest import Demo

NAMES = ("chromium", "chromium-browser", "google-chrome")
#: A page under load may take its time; what never comes fails all the same.
PATIENCE_MS = 15_000

_REPORT = """
addEventListener("securitypolicyviolation", (event) => console.error(`CSP: ${event.violatedDirective} refuses ${event.blockedURI}`));
"""


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """The Chromium of this machine, headless. Skips, saying why, where there is none."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("no Chromium on this machine: install the package chromium to run the browser tests")
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        # Without a sandbox, because it refuses to run as root, as containers do. It loads our own pages only.
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-dev-shm-usage"])
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Person:
    """Somebody at a browser window of their own, with what went wrong in it so far."""

    demo: Demo
    context: BrowserContext
    page: Page
    faults: list[str] = field(default_factory=list)

    @property
    def base(self) -> str:
        """Where the dashboard is."""
        return str(self.demo.credentials["web_url"])

    def go(self, path: str) -> None:
        """Open a page."""
        answer = self.page.goto(self.base + path)
        assert answer is not None and answer.ok, f"{path}: {answer and answer.status}"

    def log_in(self, email: str | None = None, password: str | None = None) -> None:
        """Sign in, by default as the demo's owner."""
        self.go("/login")
        self.page.get_by_label("Email").fill(email or self.demo.credentials["email"])
        self.page.get_by_label("Password").fill(password or self.demo.credentials["password"])
        self.page.get_by_role("button", name="Sign in", exact=True).click()
        expect(self.page.get_by_role("heading", name="Overview")).to_be_visible()

    def mark(self) -> None:
        """Leave something in the page that a reload would take away."""
        self.page.evaluate("window.stillHere = true")

    def assert_not_reloaded(self) -> None:
        """The mark is still there."""
        assert self.page.evaluate("window.stillHere === true"), "the page was loaded again"

    def _watch(self) -> None:
        self.page.on("console", self._read)
        self.page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        self.context.on("request", self._look_at)
        self.context.on("requestfailed", self._forgive)

    def _read(self, message: Any) -> None:
        # That the frame of a mail's preview runs no script, not even the reporter above, is as it should be;
        # and axe tries to talk into that frame, whose origin is its own.
        expected = ("'allow-scripts' permission is not set", "Failed to execute 'postMessage'")
        if message.type in ("error", "warning") and not any(text in message.text for text in expected):
            self.faults.append(f"console: {message.text}")

    def _look_at(self, request: Any) -> None:
        if not request.url.startswith((self.base, "data:", "blob:", "about:")):
            self.faults.append(f"another host: {request.url}")

    def _forgive(self, request: Any) -> None:
        """What the policy stopped never left the browser."""
        if request.failure == "csp" and f"another host: {request.url}" in self.faults:
            self.faults.remove(f"another host: {request.url}")


@contextlib.contextmanager
def person(demo: Demo, browser: Browser, *, width: int = 1280, height: int = 900, scheme: str = "light", **options: Any) -> Iterator[Person]:
    """A fresh window. Fails at the end when the pages did anything they must not."""
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme, **options)  # type: ignore[arg-type]
    context.set_default_timeout(PATIENCE_MS)
    context.add_init_script(_REPORT)
    somebody = Person(demo, context, context.new_page())
    somebody._watch()
    try:
        yield somebody
        assert not somebody.faults, "\n".join(somebody.faults)
    finally:
        context.close()
