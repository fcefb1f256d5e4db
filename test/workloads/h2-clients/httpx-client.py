"""httpx-client.py PORT CONNECTIONS PARALLEL VALUE...: so many clients of httpx over HTTP/2, each with POSTs at once for its share of the `traceparent` values."""

import asyncio
import sys

import httpx

port, connections, parallel, values = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:]


async def work(own):
    gate = asyncio.Semaphore(parallel)
    async with httpx.AsyncClient(http1=False, http2=True, timeout=60) as client:

        async def post(value):
            async with gate:
                answer = await client.post(f"http://127.0.0.1:{port}/", content=b"b" * 600, headers={"traceparent": value})
                assert answer.http_version == "HTTP/2"

        # The first one opens the connection, which the others then share.
        await post(own[0])
        await asyncio.gather(*map(post, own[1:]))


async def main():
    await asyncio.gather(*(work(values[i::connections]) for i in range(connections)))


asyncio.run(main())
