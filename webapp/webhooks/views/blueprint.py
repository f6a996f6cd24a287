"""The blueprint of these pages, and what their templates may call."""

from __future__ import annotations

from typing import Any

from webapp.http.pages import page_blueprint
from webapp.webhooks.catalogue import KINDS, SUBSCRIBABLE
from webapp.webhooks.queries import circuit_of
from webapp.webhooks.samples import SAMPLES

pages = page_blueprint("webhooks", "/webhooks")
_GROUPS = (("Mail", "email."), ("Domains", "domain."), ("Bridges", "bridge."), ("Sending accounts", "provider."), ("Limits", "limit."))


@pages.context_processor
def _names() -> dict[str, Any]:
    return {"circuit_of": circuit_of, "event_groups": _groups}


@pages.app_context_processor
def _for_the_guide() -> dict[str, Any]:
    return {"webhook_events": KINDS, "webhook_samples": SAMPLES}


def _groups() -> list[tuple[str, list[tuple[str, str]]]]:
    """Event types by family, each with its summary; those of a family without a name of its own stand under Other."""
    found = [(label, [(name, KINDS[name].summary) for name in SUBSCRIBABLE if name.startswith(prefix)]) for label, prefix in _GROUPS]
    known = {name for _, kinds in found for name, _ in kinds}
    other = [(name, KINDS[name].summary) for name in SUBSCRIBABLE if name not in known]
    return [(label, kinds) for label, kinds in (*found, ("Other", other)) if kinds]
