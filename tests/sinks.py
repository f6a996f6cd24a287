"""A scriptable SMTP server for tests, fault runs and benchmarks: real sockets, behaviour chosen by the recipient's local part.

The first word of the local part (up to "-" or "+") says what happens, so `r550-17@x` and `r550@x` do the same:

    ok, anything else   taken
    r<code>             RCPT is refused with <code> (r421 also closes)
    m<code>             as r<code>, but it is MAIL that is refused, when the *sender* is so named
    d<code>             the end of data is answered with <code>
    multi, dmulti       a refusal of several lines, at RCPT or at the end of data
    twonum              550 with a malformed status of two numbers
    grey                450 the first time that this recipient is seen, then taken
    garbage, dgarbage   a reply that is no SMTP, at RCPT or at the end of data
    long                a refusal of a thousand lines
    data354             RCPT is refused, yet DATA is answered 354 (legal when pipelined)
    stall, stalldata    no answer to RCPT, or to the end of data
    slow                every answer to this recipient comes `slow_seconds` late
    reset               the connection is reset at RCPT
    dropmid             the connection is reset when the first octets of the message arrive
    dropdot             the message is read to its end, then the connection is closed without an answer
    taken               as dropdot, but the message counts as received (the doubtful case of a lost answer)

Start one by hand: `python -m tests.sinks --port 2599` (`--help` for the rest). It prints a line of JSON at the end.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import signal
import ssl
import sys
import threading
from collections.abc import Iterator

from tests.sink_protocol import SinkProtocol
from tests.sink_script import Received, SinkOptions, SinkState

__all__ = ["Received", "SinkOptions", "SinkState", "SmtpSink", "sink_in_thread"]


class SmtpSink:
    """The server, for `async with SmtpSink(...) as sink`; `port` is known once it is started."""

    def __init__(self, options: SinkOptions | None = None, *, host: str = "127.0.0.1", port: int = 0) -> None:
        self.options = options or SinkOptions()
        self.state = SinkState()
        self.host, self.port = host, port
        self._server: asyncio.Server | None = None
        self._open: set[SinkProtocol] = set()

    @property
    def received(self) -> list[Received]:
        """Messages taken so far, in order."""
        return self.state.received

    async def start(self) -> SmtpSink:
        """Listen. Raises OSError when the port is taken."""
        loop = asyncio.get_running_loop()

        def make() -> SinkProtocol:
            protocol = SinkProtocol(self.options, self.state)
            self._open.add(protocol)
            return protocol

        self._server = await loop.create_server(make, self.host, self.port, ssl=self.options.tls, backlog=1024)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def stop(self) -> None:
        """Close the port and every connection."""
        if self._server is not None:
            self._server.close()
            for protocol in self._open:
                if protocol.counted:  # else its TLS handshake never ended
                    protocol.transport.abort()
            self._open.clear()
            await asyncio.sleep(0)

    async def __aenter__(self) -> SmtpSink:
        return await self.start()

    async def __aexit__(self, *exc: object) -> None:
        await self.stop()


@contextlib.contextmanager
def sink_in_thread(options: SinkOptions | None = None, *, host: str = "127.0.0.1", port: int = 0) -> Iterator[SmtpSink]:
    """A sink with an event loop of its own, for tests that are not asynchronous. Read `state` from outside freely."""
    sink = SmtpSink(options, host=host, port=port)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="smtp-sink", daemon=True)
    thread.start()
    try:
        # In its own thread from the start: the caller's may have a loop of a browser's driver running.
        asyncio.run_coroutine_threadsafe(sink.start(), loop).result(10)
        yield sink
    finally:
        asyncio.run_coroutine_threadsafe(sink.stop(), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()


async def _serve(args: argparse.Namespace) -> SinkState:
    context = None
    if args.certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(args.certificate, args.key or args.certificate)
    options = SinkOptions(
        starttls=context,
        pipelining=not args.no_pipelining,
        max_connections=args.max_connections,
        latency=args.latency / 1000,
        auth=tuple(args.auth.split(":", 1)) if args.auth else None,
        always=args.always,
        keep=args.keep,
    )
    async with SmtpSink(options, host=args.host, port=args.port) as sink:
        sys.stdout.write(json.dumps({"host": sink.host, "port": sink.port}) + "\n")
        sys.stdout.flush()
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), args.seconds)
        return sink.state


def main() -> int:
    """Serve until a signal or until --seconds have passed, then print what was seen as JSON."""
    parser = argparse.ArgumentParser(prog="python -m tests.sinks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--latency", type=float, default=0, help="milliseconds before every answer")
    parser.add_argument("--max-connections", type=int)
    parser.add_argument("--no-pipelining", action="store_true")
    parser.add_argument("--auth", metavar="USER:PASSWORD")
    parser.add_argument("--certificate", help="PEM file; offers STARTTLS")
    parser.add_argument("--key", help="PEM file, when not in --certificate")
    parser.add_argument("--always", default="", metavar="BEHAVIOUR", help="one behaviour for all recipients")
    parser.add_argument("--keep", action="store_true", help="keep messages and count recipients")
    parser.add_argument("--seconds", type=float, help="stop after so long")
    state = asyncio.run(_serve(parser.parse_args()))
    seen = {"messages": state.messages, "connections": state.connections, "peak": state.peak}
    seen["distinct"] = len(state.recipients)
    seen["copies"] = sum(count - 1 for count in state.recipients.values())
    sys.stdout.write(json.dumps(seen) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
