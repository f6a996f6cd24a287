"""The yard of the dispatch tests: pace is tried where mail really leaves."""

from tests.worker.dispatch.conftest import dispatcher, mx, open_sink, yard

__all__ = ["dispatcher", "mx", "open_sink", "yard"]
