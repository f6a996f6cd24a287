"""Operations under 'Pace'.

Written by scripts/make_client.py from the OpenAPI document; change that instead.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, cast

from postbridge_client._generated.pace_types import (
    BudgetOut,
    HoldOut,
    ThrottleOut,
    WarmupOut,
)
from postbridge_client.caller import UNSET, Caller, in_path
from postbridge_client.results import Page


class PaceOperations(Caller):
    """How fast mail leaves: throttles that providers caused, budgets, warm-up of addresses, and holding mail back by hand."""

    def list_throttles(
        self, *, search: str | None = None, in_force: bool | None = None, limit: int | None = None, cursor: str | None = None
    ) -> Page[ThrottleOut]:
        """List throttles of own and shared ways out, with why and until when. Permission: `pool.read`."""
        return cast(
            "Page[ThrottleOut]", self._page("GET", "/api/v1/throttles", query={"search": search, "in_force": in_force, "limit": limit, "cursor": cursor})
        )

    def iter_throttles(self, *, search: str | None = None, in_force: bool | None = None, limit: int | None = None) -> Iterator[ThrottleOut]:
        """All of them, page by page: see list_throttles."""
        return self._pages("/api/v1/throttles", {"search": search, "in_force": in_force, "limit": limit})

    def get_throttle(self, throttle_id: str) -> ThrottleOut:
        """Read a throttle. Permission: `pool.read`."""
        return cast("ThrottleOut", self.request("GET", f"/api/v1/throttles/{in_path(throttle_id)}"))

    def lift_throttle(self, throttle_id: str, *, idempotency_key: str | None = None) -> ThrottleOut:
        """End a throttle of an own way out. 409 for a shared one. Permission: `pool.update`."""
        return cast(
            "ThrottleOut", self.request("POST", f"/api/v1/throttles/{in_path(throttle_id)}/lift", keyed=True, headers={"Idempotency-Key": idempotency_key})
        )

    def list_budgets(self) -> Page[BudgetOut]:
        """List the limits set in place of built-in ones. All on one page. Permission: `pool.read`."""
        return cast("Page[BudgetOut]", self._page("GET", "/api/v1/budgets"))

    def set_budget(
        self,
        *,
        provider: str,
        connections: int | None = UNSET,
        messages_per_connection: int | None = UNSET,
        rate: float | None = UNSET,
        idempotency_key: str | None = None,
    ) -> BudgetOut:
        """Set the limits of own addresses and relays towards a provider. Permission: `pool.update`."""
        return cast(
            "BudgetOut",
            self.request(
                "POST",
                "/api/v1/budgets",
                body={"provider": provider, "connections": connections, "messages_per_connection": messages_per_connection, "rate": rate},
                keyed=True,
                headers={"Idempotency-Key": idempotency_key},
            ),
        )

    def delete_budget(self, budget_id: str) -> None:
        """Back to the built-in limits. Permission: `pool.update`."""
        self.request("DELETE", f"/api/v1/budgets/{in_path(budget_id)}")

    def list_ip_warmup_plans(self, ip_id: str) -> Page[WarmupOut]:
        """List the plans of an address, one for each provider. All on one page. Permission: `ip.read`."""
        return cast("Page[WarmupOut]", self._page("GET", f"/api/v1/ips/{in_path(ip_id)}/warmup"))

    def start_ip_warmup(self, ip_id: str, *, providers: list[str] = UNSET, steps: list[int] = UNSET, idempotency_key: str | None = None) -> Page[WarmupOut]:
        """Start warming up a dedicated address. 409 for a shared one. Permission: `ip.update`."""
        return cast(
            "Page[WarmupOut]",
            self._page(
                "POST",
                f"/api/v1/ips/{in_path(ip_id)}/warmup",
                body={"providers": providers, "steps": steps},
                keyed=True,
                headers={"Idempotency-Key": idempotency_key},
            ),
        )

    def get_warmup_plan(self, plan_id: str) -> WarmupOut:
        """Read a plan. Permission: `ip.read`."""
        return cast("WarmupOut", self.request("GET", f"/api/v1/warmup/{in_path(plan_id)}"))

    def update_warmup_plan(
        self, plan_id: str, *, state: Literal["running", "paused", "finished"] = UNSET, day: int = UNSET, if_match: str | None = None
    ) -> WarmupOut:
        """Pause, resume or finish a plan, or set its day. Permission: `ip.update`."""
        return cast("WarmupOut", self.request("PATCH", f"/api/v1/warmup/{in_path(plan_id)}", body={"state": state, "day": day}, headers={"If-Match": if_match}))

    def list_holds(self, *, limit: int | None = None, cursor: str | None = None) -> Page[HoldOut]:
        """List what is held back or drained now. Permission: `pool.read`."""
        return cast("Page[HoldOut]", self._page("GET", "/api/v1/holds", query={"limit": limit, "cursor": cursor}))

    def iter_holds(self, *, limit: int | None = None) -> Iterator[HoldOut]:
        """All of them, page by page: see list_holds."""
        return self._pages("/api/v1/holds", {"limit": limit})

    def hold_back(
        self,
        *,
        subject: Literal["tenant", "bridge", "pool", "provider"],
        reason: str,
        kind: Literal["hold", "drain"] = UNSET,
        subject_id: str | None = UNSET,
        provider: str | None = UNSET,
        idempotency_key: str | None = None,
    ) -> HoldOut:
        """Hold back or drain the tenant, a bridge, a pool, or mail to a provider. It survives restarts. Permission: `pool.update`."""
        return cast(
            "HoldOut",
            self.request(
                "POST",
                "/api/v1/holds",
                body={"kind": kind, "subject": subject, "subject_id": subject_id, "provider": provider, "reason": reason},
                keyed=True,
                headers={"Idempotency-Key": idempotency_key},
            ),
        )

    def release_hold(self, hold_id: str) -> HoldOut:
        """Release: held mail is due at once, drained things take new mail. Permission: `pool.update`."""
        return cast("HoldOut", self.request("DELETE", f"/api/v1/holds/{in_path(hold_id)}"))
