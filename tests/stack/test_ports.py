"""A port in use is told in one sentence."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable

import pytest

from webapp.settings import Settings
from webapp.stack.errors import StackError
from webapp.stack.ports import Listener, find_holder, require_free
from webapp.stack.processes import process_table


def test_a_free_port_is_fine(free_port: Callable[[], int]) -> None:
    require_free([Listener("127.0.0.1", free_port(), "POSTBRIDGE_WEB_PORT")])


def test_the_holder_and_the_setting_are_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(StackError, match=rf"Port {port} is already in use by .*\(pid {os.getpid()}\).*POSTBRIDGE_WEB_PORT="):
            require_free([Listener("127.0.0.1", port, "POSTBRIDGE_WEB_PORT")])
    assert find_holder(port) == ""


def test_every_problem_is_told_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        listeners = [Listener("127.0.0.1", server.getsockname()[1], "POSTBRIDGE_X") for server in (one, two)]
        with pytest.raises(StackError) as caught:
            require_free(listeners)
    assert len(str(caught.value).splitlines()) == 2


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(StackError, match=r"Cannot listen on 192\.0\.2\.1"):
        require_free([Listener("192.0.2.1", 8080, "POSTBRIDGE_WEB_PORT")])


def test_the_table_follows_the_settings() -> None:
    settings = Settings(delivery_workers=3, default_workers=1, simulator_enabled=False)
    names = [spec.name for spec in process_table(settings)]
    assert names == ["web", "submission", "inbound", "delivery-1", "delivery-2", "delivery-3", "default", "webhooks", "ticker"]
    assert [spec.name for spec in process_table(settings, ["ticker", "web"])] == ["web", "ticker"]
    assert [listener.port for spec in process_table(settings, ["inbound"]) for listener in spec.listeners] == [2525]
    with pytest.raises(StackError, match="no process called wbe"):
        process_table(settings, ["wbe"])
