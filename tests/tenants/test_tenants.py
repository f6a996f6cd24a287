"""Tenants: made in sandbox, approved, suspended and resumed by staff."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from tests.fixtures import Cast
from webapp.kernel.db import unscoped
from webapp.kernel.errors import Conflict, NotFound, ValidationFailed
from webapp.kernel.ids import uuid7
from webapp.kernel.permissions import PRESETS, Permission
from webapp.tenants import service
from webapp.tenants.models import Tenant
from webapp.tenants.types import TenantStatus


@pytest.mark.parametrize(
    ("name", "slug"), [("Müller & Söhne GmbH", "muller-sohne-gmbh"), ("  Acme   Ltd ", "acme-ltd"), ("株式会社", "tenant"), ("a" * 100, "a" * 48)]
)
def test_a_name_becomes_a_slug(name: str, slug: str) -> None:
    assert service.slugify(name) == slug


def test_new_tenants_are_in_sandbox_and_taken_or_reserved_slugs_get_a_tail(cast: Cast) -> None:
    with unscoped("test") as rows:
        first, second, third = (service.create_tenant(rows, name) for name in ("Acme Two", "Acme Two", "Admin"))
        assert first.status == TenantStatus.SANDBOX and first.slug == "acme-two"
        assert second.slug.startswith("acme-two-") and third.slug.startswith("admin-")


@pytest.mark.parametrize("name", ["", "   ", "x" * 121])
def test_a_tenant_has_a_name_of_sensible_length(cast: Cast, name: str) -> None:
    with unscoped("test") as rows, pytest.raises(ValidationFailed):
        service.create_tenant(rows, name)


def test_a_suspension_acts_here_at_once_and_ends_where_it_began(cast: Cast) -> None:
    assert cast.owner.tenant_id is not None
    assert service.tenant_state(cast.owner.tenant_id).may_send_live
    with cast.owner.scope() as scope:
        service.suspend(scope, "Complaints above 1 %")
    state = service.tenant_state(cast.owner.tenant_id)
    assert (state.status, state.status_reason, state.may_send_live) == (TenantStatus.SUSPENDED, "Complaints above 1 %", False)
    with cast.owner.scope() as scope:
        with pytest.raises(Conflict):
            service.approve(scope)
        service.resume(scope)
    assert service.tenant_state(cast.owner.tenant_id).may_send_live


def test_a_suspended_sandbox_tenant_resumes_to_sandbox(cast: Cast) -> None:
    with unscoped("test") as rows:
        rows.execute(sa.update(Tenant).where(Tenant.id == cast.owner.tenant_id).values(status="sandbox", approved_at=None))
    with cast.owner.scope() as scope:
        service.suspend(scope, "spam")
        assert service.resume(scope).status == TenantStatus.SANDBOX
        assert service.approve(scope, "checked").status == TenantStatus.APPROVED


def test_a_suspension_needs_a_reason_and_spares_the_platform(cast: Cast) -> None:
    with cast.owner.scope() as scope, pytest.raises(ValidationFailed):
        service.suspend(scope, "  ")


def test_an_absent_tenant_has_no_state(cast: Cast) -> None:
    with pytest.raises(NotFound):
        service.tenant_state(uuid7())


def test_the_platforms_own_tenant_is_made_once(cast: Cast) -> None:
    with unscoped("test") as rows:
        first = service.system_tenant_id(rows)
    with unscoped("test") as rows:
        assert service.system_tenant_id(rows) == first


def test_a_suspended_tenant_keeps_what_reads() -> None:
    left = service.permissions_of_tenant(PRESETS["owner"], TenantStatus.SUSPENDED)
    allowed = {permission for permission in Permission if left.allows(permission)}
    assert allowed == {permission for permission in Permission if permission.value.endswith(".read")} | {Permission.EMAIL_SEND}
    assert service.permissions_of_tenant(PRESETS["viewer"], TenantStatus.APPROVED) == PRESETS["viewer"]
