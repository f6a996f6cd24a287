"""Values of figures: what they are cut by, and in which steps."""

from __future__ import annotations

from enum import StrEnum


class Dimension(StrEnum):
    """What figures can be split and narrowed by. ``member``: one way out of a pool, an IP address or a sending account."""

    ALL = "all"
    BRIDGE = "bridge"
    POOL = "pool"
    MEMBER = "member"
    DOMAIN = "domain"
    PROVIDER = "provider"
    TAG = "tag"

    @property
    def is_kept_by_bridge(self) -> bool:
        """Whether it is also known within one bridge."""
        return self in (Dimension.DOMAIN, Dimension.PROVIDER, Dimension.TAG)


#: As people ask for them; ``ip`` is the word of the API for a way out.
SPLITS = {
    "bridge": Dimension.BRIDGE, "pool": Dimension.POOL, "ip": Dimension.MEMBER, "domain": Dimension.DOMAIN, "provider": Dimension.PROVIDER,
    "tag": Dimension.TAG,
}  # fmt: skip


class Step(StrEnum):
    """Width of one point of a series."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
