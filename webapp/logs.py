"""JSON logs with request and message ids, and without secrets."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from webapp.settings import Settings

#: Anything that looks like a key, a token of a bridge or a bearer header.
_SECRET = re.compile(r"(mp_(?:live|test)_)[0-9A-Za-z]+|(?i:bearer\s+)\S+|\bbm[0-9A-Za-z]{6,}-[0-9A-Za-z]{8,}-\d+")
_HIDDEN_FIELDS = re.compile(r"password|secret|token|authorization|cookie|api_key$", re.I)
_ADDRESS = re.compile(r"\b([A-Za-z0-9])[A-Za-z0-9._%+-]*@([A-Za-z0-9.-]+\.[A-Za-z]{2,})")


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return _ADDRESS.sub(r"\1…@\2", _SECRET.sub(lambda m: (m[1] or "") + "[hidden]", value))
    if isinstance(value, dict):
        return {k: "[hidden]" if _HIDDEN_FIELDS.search(str(k)) else _clean(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(v) for v in value]
    return value


def redact(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Hide secrets and shorten addresses in every field of a log line, tracebacks included."""
    return _clean(dict(event))  # type: ignore[no-any-return]


def configure(settings: Settings, process: str | None = None) -> None:
    """Send structlog and the standard library's logging to stdout as one JSON object a line."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        redact,
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer(default=str)],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, settings.log_level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stdout),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processor=structlog.processors.JSONRenderer(default=str), foreign_pre_chain=shared))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(logging.WARNING, getattr(logging, settings.log_level.upper())))
    if process:
        structlog.contextvars.bind_contextvars(process=process)
