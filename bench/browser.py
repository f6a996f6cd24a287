"""An open dashboard: logs in, loads a page, and asks again for what the page says keeps itself fresh (``hx-trigger="every 5s"``)."""

from __future__ import annotations

import re
import time
from http.client import HTTPConnection, HTTPResponse
from urllib.parse import urlencode, urljoin, urlsplit

from bench.machine import NotReady

_TAG = re.compile(r"<[a-z][^>]*\bhx-get=[^>]*>")
_ATTRIBUTE = re.compile(r'\b(hx-get|hx-trigger)="([^"]*)"')
_EVERY = re.compile(r"\bevery (\d+(?:\.\d+)?)(m?s)\b")
_CSRF = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')


class Dashboard:
    """One person looking at one page. Not for several threads."""

    def __init__(self, url: str, email: str, password: str, path: str) -> None:
        self.path = path
        #: Address -> seconds between two requests.
        self.polls: dict[str, float] = {}
        self._due: dict[str, float] = {}
        self._login = {"email": email, "password": password}
        parts = urlsplit(url)
        self._connection = HTTPConnection(parts.hostname or "", parts.port, timeout=20)
        self._cookies: dict[str, str] = {}

    def open(self) -> None:
        """Log in and load the page with its panels. Raises ``NotReady``."""
        token = _CSRF.search(self._get("/login"))
        if token is None:
            raise NotReady("the login page has no form")
        self._request("POST", "/login", urlencode({**self._login, "csrf_token": token[1]}), {"Content-Type": "application/x-www-form-urlencoded"})
        page = self._get(self.path)
        if 'name="password"' in page:
            raise NotReady("the login was refused")
        self._read(page)

    def poll_due(self, now: float) -> int:
        """Ask for what is due; returns how many requests that were."""
        due = [path for path, at in self._due.items() if at <= now]
        for path in due:
            self._get(path, fragment=True)
            self._due[path] = now + self.polls[path]
        return len(due)

    def fetch(self, path: str) -> str:
        """Another page of the same person. Raises ``NotReady`` when it is refused."""
        return self._get(path)

    def _read(self, html: str) -> None:
        """Note what polls, and load what a browser loads at once."""
        for tag in _TAG.findall(html):
            found = {name: value.replace("&amp;", "&") for name, value in _ATTRIBUTE.findall(tag)}
            trigger, path = found.get("hx-trigger", ""), urljoin(self.path, found["hx-get"])
            if every := _EVERY.search(trigger):
                self.polls[path] = float(every[1]) / (1000 if every[2] == "ms" else 1)
                self._due[path] = time.monotonic() + self.polls[path]
            elif "load" in trigger:
                self._read(self._get(path, fragment=True))

    def _get(self, path: str, *, fragment: bool = False) -> str:
        return self._request("GET", path, None, {"HX-Request": "true"} if fragment else {})

    def _request(self, method: str, path: str, body: str | None, headers: dict[str, str]) -> str:
        cookie = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        self._connection.request(method, path, body, {**headers, "Cookie": cookie, "User-Agent": "Mozilla/5.0 (bench)"})
        response = self._connection.getresponse()
        text = response.read().decode(errors="replace")
        self._keep_cookies(response)
        if response.status >= 400:
            raise NotReady(f"{method} {path} was answered with {response.status}")
        return text

    def _keep_cookies(self, response: HTTPResponse) -> None:
        for name, value in response.getheaders():
            if name.lower() == "set-cookie":
                word, _, rest = value.partition("=")
                self._cookies[word] = rest.partition(";")[0]
