"""The stream of quotes over a real Valkey: what is written is told, first of all what stands; a server that dies is
waited for.
"""

import asyncio
import time

from redis import asyncio as redis_asyncio

from market.quote_board import STREAM, write_board
from market.quote_stream import quote_sheets
from market.tests.samples import sample_sheet
from tradingplatform.local.servers import EmbeddedValkey

SECONDS_MAX = 20


def now_us():
    return time.time_ns() // 1_000


async def write(url, sheet):
    async with redis_asyncio.Redis.from_url(url) as client:
        await write_board(client, sheet)


def listen(url, steps):
    """Run `steps(next)`, in which `await next()` gives the sheet that is told next."""

    async def go():
        sheets = quote_sheets(redis_url=url)
        async with asyncio.timeout(SECONDS_MAX):
            await steps(sheets.__anext__)
        await sheets.aclose()

    asyncio.run(go())


def test_who_begins_is_told_what_stands_then_every_sheet_in_order(valkey_url):
    sheets = [sample_sheet(now_us=now_us() + number, step=number) for number in range(4)]

    async def steps(next_sheet):
        await write(valkey_url, sheets[0])
        assert await next_sheet() == sheets[0]
        for sheet in sheets[1:]:
            await write(valkey_url, sheet)
        assert [await next_sheet() for _ in sheets[1:]] == sheets[1:]

    listen(valkey_url, steps)


def test_a_message_that_is_none_ends_nobody(valkey_url):
    sheet = sample_sheet(now_us=now_us())

    async def steps(next_sheet):
        await write(valkey_url, sheet)
        await next_sheet()
        async with redis_asyncio.Redis.from_url(valkey_url) as client:
            for text in ("", "{", "[1]", '{"session": "{}"}', '{"session": 1}'):
                await client.publish(STREAM, text)
        await write(valkey_url, sheet)
        assert await next_sheet() == sheet

    listen(valkey_url, steps)


def test_a_server_that_is_killed_is_waited_for(tmp_path):
    server = EmbeddedValkey(tmp_path / "valkey")
    url = server.start()

    async def steps(next_sheet):
        await write(url, sample_sheet(now_us=now_us()))
        await next_sheet()
        server.stop()
        waiting = asyncio.ensure_future(next_sheet())
        await asyncio.sleep(0.5)
        server.start()
        later = sample_sheet(now_us=now_us(), step=7)
        while not waiting.done():
            await write(url, later)
            await asyncio.sleep(0.1)
        assert waiting.result() == later

    try:
        listen(url, steps)
    finally:
        server.stop()
