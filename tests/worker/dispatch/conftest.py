"""Dispatchers, sinks and a DNS for tests of delivery between rows and servers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.dns_server import dns_in_thread
from tests.fixtures import Cast
from tests.sinks import SinkOptions, SmtpSink, sink_in_thread
from tests.worker.dispatch.yard import ZONE, Yard, forget, make_yard
from webapp.settings import get_settings
from worker.dispatch.dispatcher import Dispatcher

OpenSink = Callable[..., SmtpSink]


@pytest.fixture
def open_sink() -> Iterator[OpenSink]:
    """A function that starts a sink with these options, on this host and port."""
    with ExitStack() as stack:

        def start(options: SinkOptions | None = None, host: str = "127.0.0.1", port: int = 0) -> SmtpSink:
            return stack.enter_context(sink_in_thread(options, host=host, port=port))

        yield start


@pytest.fixture
def yard(cast: Cast) -> Yard:
    """The owner's."""
    forget()
    return make_yard(cast)


@pytest.fixture
def dispatcher() -> Iterator[Dispatcher]:
    made = Dispatcher()
    yield made
    made.stop()


@pytest.fixture
def mx(open_sink: OpenSink, free_port: Callable[[], int], monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, SmtpSink]]:
    """The MX hosts of ``yard.ZONE``, by name of the provider; settings point at them."""
    port = free_port()
    with dns_in_thread(ZONE) as dns:
        monkeypatch.setenv("POSTBRIDGE_DNS_SERVERS", dns.address)
        monkeypatch.setenv("POSTBRIDGE_DELIVERY_PORT", str(port))
        monkeypatch.setenv("POSTBRIDGE_EGRESS_ALLOW", "127.0.0.0/8")
        get_settings.cache_clear()
        yield {name: open_sink(SinkOptions(), f"127.0.0.{last}", port) for name, last in (("yahoo", 31), ("google", 32), ("other", 33))}
    monkeypatch.undo()
    get_settings.cache_clear()
