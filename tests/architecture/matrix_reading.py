"""The part of the tenancy matrix that is about logs, figures and reports."""

from __future__ import annotations

#: What figures can be narrowed by that somebody owns, and what of the owner's is tried.
NARROWING = (("bridge", "bridge_id"), ("pool", "pool_id"), ("ip", "member_id"))
_OF_FIGURES = ("/api/v1/stats", "/api/v1/metrics/own:metric", "/api/v1/reports")

#: Path, name and what of the owner's is tried: an id of somebody else counts nothing, as an absent one does.
QUERIES = (
    *((path, name, value) for path in _OF_FIGURES for name, value in NARROWING),
    ("/api/v1/logs", "bridge", "bridge_id"),
    ("/api/v1/logs", "search", "message_id"),
    ("/reports/", "bridge", "bridge_id"),
    ("/reports/export.csv", "bridge", "bridge_id"),
)

#: Names of plain words that the pages read from the address.
PLAIN = {
    "brief", "compare", "error", "from", "interval", "measure", "provider", "recipient", "sender", "sort", "split", "subject", "tail", "template",
    "timezone", "to",
}  # fmt: skip
