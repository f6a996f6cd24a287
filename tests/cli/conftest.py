"""A server elsewhere, for commands that work with a key."""

from tests.clients.conftest import address
from tests.docs.world import world

__all__ = ["address", "world"]
