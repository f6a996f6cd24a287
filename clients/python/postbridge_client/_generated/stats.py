"""Operations under 'Stats'.

Written by scripts/make_client.py from the OpenAPI document; change that instead.
"""

from __future__ import annotations

from typing import Literal, cast

from postbridge_client._generated.stats_types import (
    MetricOut,
    StatsOut,
)
from postbridge_client.caller import Caller, in_path


class StatsOperations(Caller):
    """Totals, rates and series, exact at once."""

    def get_stats(
        self,
        *,
        days: int | None = None,
        to: str | None = None,
        interval: Literal["hour", "day", "week", "month"] | None = None,
        timezone: str | None = None,
        domain: str | None = None,
        provider: str | None = None,
        tag: str | None = None,
        compare: bool | None = None,
        from_: str | None = None,
        bridge: str | None = None,
        pool: str | None = None,
        ip: str | None = None,
    ) -> StatsOut:
        """Read totals, rates and their course in the key's mode. Permission: `analytics.read`."""
        return cast(
            "StatsOut",
            self.request(
                "GET",
                "/api/v1/stats",
                query={
                    "days": days,
                    "to": to,
                    "interval": interval,
                    "timezone": timezone,
                    "domain": domain,
                    "provider": provider,
                    "tag": tag,
                    "compare": compare,
                    "from": from_,
                    "bridge": bridge,
                    "pool": pool,
                    "ip": ip,
                },
            ),
        )

    def get_bridge_stats(
        self,
        bridge_id: str,
        *,
        days: int | None = None,
        to: str | None = None,
        interval: Literal["hour", "day", "week", "month"] | None = None,
        timezone: str | None = None,
        domain: str | None = None,
        provider: str | None = None,
        tag: str | None = None,
        compare: bool | None = None,
        from_: str | None = None,
    ) -> StatsOut:
        """Read totals, rates and their course of one bridge. Permission: `analytics.read`."""
        return cast(
            "StatsOut",
            self.request(
                "GET",
                f"/api/v1/bridges/{in_path(bridge_id)}/stats",
                query={
                    "days": days,
                    "to": to,
                    "interval": interval,
                    "timezone": timezone,
                    "domain": domain,
                    "provider": provider,
                    "tag": tag,
                    "compare": compare,
                    "from": from_,
                },
            ),
        )

    def get_metrics(
        self,
        metric: str,
        *,
        days: int | None = None,
        to: str | None = None,
        interval: Literal["hour", "day", "week", "month"] | None = None,
        timezone: str | None = None,
        domain: str | None = None,
        provider: str | None = None,
        tag: str | None = None,
        compare: bool | None = None,
        from_: str | None = None,
        bridge: str | None = None,
        pool: str | None = None,
        ip: str | None = None,
        split: Literal["bridge", "pool", "ip", "domain", "provider", "tag"] | None = None,
        top: int | None = None,
    ) -> MetricOut:
        """Read one measure step by step, split by bridge, pool, ip, domain, provider or tag: sent, delivered, bounced, open_rate and so on. Permission:
        `analytics.read`.
        """
        return cast(
            "MetricOut",
            self.request(
                "GET",
                f"/api/v1/metrics/{in_path(metric)}",
                query={
                    "days": days,
                    "to": to,
                    "interval": interval,
                    "timezone": timezone,
                    "domain": domain,
                    "provider": provider,
                    "tag": tag,
                    "compare": compare,
                    "from": from_,
                    "bridge": bridge,
                    "pool": pool,
                    "ip": ip,
                    "split": split,
                    "top": top,
                },
            ),
        )
