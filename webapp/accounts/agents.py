"""A few words for a browser, so that a person recognises their own sessions. User agents are hostile text: only known words come out."""

from __future__ import annotations

_BROWSERS = (
    ("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("FxiOS/", "Firefox"), ("CriOS/", "Chrome"), ("Chrome/", "Chrome"),
    ("Safari/", "Safari"), ("curl/", "curl"), ("python", "Python"),
)  # fmt: skip
_SYSTEMS = (
    ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"), ("CrOS", "ChromeOS"), ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)  # fmt: skip


def describe_agent(user_agent: str | None) -> str:
    """``Firefox on Linux``, or "Unknown browser"."""
    text = user_agent or ""
    browser = next((name for mark, name in _BROWSERS if mark.lower() in text.lower()), None)
    system = next((name for mark, name in _SYSTEMS if mark in text), None)
    if browser and system:
        return f"{browser} on {system}"
    return browser or system or "Unknown browser"


def is_phone(user_agent: str | None) -> bool:
    """Whether to show the sign of a phone."""
    return any(word in (user_agent or "") for word in ("iPhone", "Android", "Mobile"))
