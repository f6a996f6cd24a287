"""An endpoint on loopback that keeps what it gets and answers as it is told: also badly."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Call:
    """One request, its header names in lower case. ``at``: the loop's time."""

    headers: dict[str, str]
    body: bytes
    at: float


Answer = Callable[["Call", asyncio.StreamWriter], Awaitable[None]]


def says(status: int = 200, body: bytes = b"thanks", **headers: str) -> Answer:
    """A plain answer; ``retry_after="1"`` is the header Retry-After."""

    async def answer(_: Call, writer: asyncio.StreamWriter) -> None:
        lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        writer.write("\r\n".join([*lines, "", ""]).encode() + body)

    return answer


async def hangs(_: Call, writer: asyncio.StreamWriter) -> None:
    """Says nothing for as long as the caller waits."""
    await asyncio.sleep(3600)


async def closes(_: Call, writer: asyncio.StreamWriter) -> None:
    """Ends the connection without an answer."""
    writer.close()


async def drips(_: Call, writer: asyncio.StreamWriter) -> None:
    """One octet of the head a second, for ever."""
    writer.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.2)


async def drips_body(_: Call, writer: asyncio.StreamWriter) -> None:
    """Takes the event at once, then one octet of the body at a time."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.2)


async def floods(_: Call, writer: asyncio.StreamWriter) -> None:
    """A body of 2 GB, as fast as it is taken."""
    writer.write(b"HTTP/1.1 500 Oh\r\nContent-Length: 2000000000\r\n\r\n")
    block = b"y" * 65536
    for _block in range(2_000_000_000 // len(block)):
        writer.write(block)
        await writer.drain()


@dataclass
class Receiver:
    """The running endpoint. ``answers`` are given in turn, the last one for ever."""

    port: int = 0
    scheme: str = "http"
    host: str = "127.0.0.1"
    calls: list[Call] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=lambda: [says()])
    connections: int = 0
    sent: int = 0
    changed: threading.Condition = field(default_factory=threading.Condition)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"{self.scheme}://{self.host}:{self.port}/hooks"

    def wait_for(self, count: int, seconds: float = 10.0) -> list[Call]:
        """The calls, once there are so many."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.calls) >= count, seconds), f"{len(self.calls)} calls instead of {count}"
            return list(self.calls)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.connections += 1
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while not writer.is_closing():
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:]) if name}
                call = Call(headers, await reader.readexactly(int(headers.get("content-length", "0"))), asyncio.get_running_loop().time())
                with self.changed:
                    self.calls.append(call)
                    answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
                    self.changed.notify_all()
                await answer(call, writer)
                await writer.drain()
        writer.close()


@contextlib.contextmanager
def receiving(*answers: Answer, tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """A receiver in a thread of its own."""
    receiver = Receiver(scheme="https" if tls else "http")
    receiver.answers = list(answers) or [says()]
    ready, over = threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def run() -> None:
        server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0, ssl=tls)
        receiver.port = server.sockets[0].getsockname()[1]
        ready.set()
        await over.wait()
        server.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        await asyncio.sleep(0.05)  # connections say goodbye

    thread = threading.Thread(target=loop.run_until_complete, args=(run(),), daemon=True)
    thread.start()
    assert ready.wait(5)
    try:
        yield receiver
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(5)
        loop.close()
