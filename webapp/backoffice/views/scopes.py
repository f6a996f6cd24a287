"""The scope of staff acts on the platform itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from flask import g

from webapp.accounts.doors import current_person
from webapp.backoffice.service import platform_scope
from webapp.http.guard import client_address
from webapp.kernel.db import unscoped
from webapp.kernel.scope import Actor, ActorKind, Scope


@contextmanager
def platform_unit(reason: str) -> Iterator[Scope]:
    """One committed unit of work over all tenants, whose activity stands in the platform's own. For views marked ``staff_only``."""
    person = current_person()
    with unscoped(reason) as session:
        actor = Actor(ActorKind.STAFF, person.user_id, person.name)
        yield platform_scope(session, actor, request_id=g.get("request_id"), address=client_address())
