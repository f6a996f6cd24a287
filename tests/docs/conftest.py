"""The world in which examples happen."""

from tests.docs.world import world

__all__ = ["world"]
