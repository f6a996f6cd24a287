"""The limit that webhooks are held against: ``python -m bench.web_client --url U --count N`` posts N bodies of the usual size with a bare aiohttp client.

No database, no signature, no log: only the requests. Prints seconds and CPU seconds as JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import time

import aiohttp
import uvloop

_AT_ONCE = 64
_BODY = json.dumps({"type": "email.queued", "data": {"filler": "x" * 500}}).encode()


async def main(url: str, count: int) -> float:
    """Post ``count`` times; the seconds it took."""
    gate = asyncio.Semaphore(_AT_ONCE)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def post() -> None:
            async with gate, session.post(url, data=_BODY) as answer:
                await answer.read()

        start = time.monotonic()
        for first in range(0, count, 1000):
            await asyncio.gather(*(post() for _ in range(min(1000, count - first))))
        return time.monotonic() - start


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True)
    parser.add_argument("--count", type=int, required=True)
    options = parser.parse_args()
    seconds = uvloop.run(main(options.url, options.count))
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps({"seconds": seconds, "cpu": used.ru_utime + used.ru_stime}))
