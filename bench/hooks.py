"""Webhook endpoints of the measurements: ``python -m bench.hooks --tenant T --port N`` makes one that answers and one that hangs, and removes older ones."""

from __future__ import annotations

import argparse
from uuid import UUID

from webapp import all_models
from webapp.kernel.db import tenant_session
from webapp.kernel.permissions import PermissionSet
from webapp.kernel.scope import SYSTEM, Scope
from webapp.webhooks.queries import list_endpoints
from webapp.webhooks.service import EndpointInput, create_endpoint, delete_endpoint


def make(tenant_id: UUID, port: int) -> None:
    """Both get every event."""
    with tenant_session(tenant_id) as session:
        scope = Scope(session, tenant_id, SYSTEM, PermissionSet({"*"}))
        for old in list_endpoints(session, limit=100).items:
            delete_endpoint(scope, old.id)
        for path in ("ok", "hang"):
            create_endpoint(scope, EndpointInput(f"http://127.0.0.1:{port}/{path}", events=["email.queued"]))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tenant", type=UUID, required=True)
    parser.add_argument("--port", type=int, required=True)
    options = parser.parse_args()
    assert all_models.metadata.tables
    make(options.tenant, options.port)
