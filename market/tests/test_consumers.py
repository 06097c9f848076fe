import asyncio
import json
import time
from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest
from asgiref.testing import ApplicationCommunicator
from channels.layers import get_channel_layer

from market import consumers
from market.consumers import MARKET_GROUP, MarketConsumer
from market.payloads import tick_message
from market.tests.samples import sample_sheet
from market.tests.test_quote_board import write
from tests.services.instruments import held, instrument

LOGGED_IN = SimpleNamespace(is_authenticated=True)
ANONYMOUS = SimpleNamespace(is_authenticated=False)


@pytest.fixture
def board_url(settings, valkey_url):
    settings.REDIS_URL = valkey_url
    settings.CHANNEL_LAYERS = {
        "default": {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": {"hosts": [valkey_url]}}
    }
    return valkey_url


def now_us():
    return time.time_ns() // 1_000


@asynccontextmanager
async def connected(user):
    scope = {"type": "websocket", "path": "/ws/market", "headers": [], "query_string": b""}
    if user is not None:
        scope["user"] = user
    socket = ApplicationCommunicator(MarketConsumer.as_asgi(), scope)
    await socket.send_input({"type": "websocket.connect"})
    assert (await socket.receive_output(3))["type"] == "websocket.accept"
    yield socket
    await socket.send_input({"type": "websocket.disconnect", "code": 1000})
    await socket.wait(3)


async def message(socket, timeout_s=3):
    return json.loads((await socket.receive_output(timeout_s))["text"])


async def publish(sheet):
    await get_channel_layer().group_send(
        MARKET_GROUP,
        {"type": "market.tick", "made_at_us": sheet.made_at_us, "text": json.dumps(tick_message(sheet))},
    )


@pytest.mark.parametrize("user", [ANONYMOUS, None])
def test_nobody_gets_in_without_logging_in(board_url, user):
    async def scenario():
        async with connected(user) as socket:
            assert await socket.receive_output(3) == {"type": "websocket.close", "code": 4401}

    asyncio.run(scenario())


def test_a_snapshot_comes_first_and_then_the_ticks(board_url):
    sheet = sample_sheet(now_us=now_us())
    write(board_url, sheet)

    async def scenario():
        async with connected(LOGGED_IN) as socket:
            snapshot = await message(socket)
            assert (snapshot["type"], len(snapshot["instruments"])) == ("snapshot", 20)
            assert snapshot["session"]["phase"] == "OPEN"
            later = sample_sheet(now_us=sheet.made_at_us + 500_000, step=1_005)
            await publish(later)
            assert await message(socket) == tick_message(later)

    asyncio.run(scenario())


def test_a_tick_that_is_older_than_what_was_shown_is_left_out(board_url):
    sheet = sample_sheet(now_us=now_us())
    write(board_url, sheet)

    async def scenario():
        async with connected(LOGGED_IN) as socket:
            await message(socket)
            await publish(sheet)
            assert await socket.receive_nothing(0.3)

    asyncio.run(scenario())


def test_a_resync_is_answered_with_a_snapshot_and_anything_else_with_an_error(board_url):
    write(board_url, sample_sheet(now_us=now_us()))

    async def scenario():
        async with connected(LOGGED_IN) as socket:
            await message(socket)
            await socket.send_input({"type": "websocket.receive", "text": '{"type": "resync"}'})
            assert (await message(socket))["type"] == "snapshot"
            for text in ("not json", "[]", '{"type": "buy"}', '"' + "x" * 2_000 + '"'):
                await socket.send_input({"type": "websocket.receive", "text": text})
                assert (await message(socket))["code"] == "INVALID_MESSAGE"

    asyncio.run(scenario())


def test_the_end_of_the_ticks_is_told_once_and_the_feeds_return_is_shown(board_url, monkeypatch):
    monkeypatch.setattr(consumers, "TICK_CHECK_S", 0.1)
    write(board_url, sample_sheet(now_us=now_us() - 9_700_000))

    async def scenario():
        async with connected(LOGGED_IN) as socket:
            assert (await message(socket))["session"]["phase"] == "OPEN"
            stale = await message(socket)
            assert (stale["type"], stale["session"]["phase"]) == ("tick", "STALE")
            assert len(stale["prices"]) == 20
            assert await socket.receive_nothing(0.4)
            # The feed is back, and the group has forgotten this member: it finds the prices by itself.
            await asyncio.to_thread(write, board_url, sample_sheet(now_us=now_us()))
            assert (await message(socket))["session"]["phase"] == "OPEN"

    asyncio.run(scenario())


def test_a_heartbeat_is_sent(board_url, monkeypatch):
    monkeypatch.setattr(consumers, "TICK_CHECK_S", 0.05)
    monkeypatch.setattr(consumers, "HEARTBEAT_S", 0.2)
    write(board_url, sample_sheet(now_us=now_us()))

    async def scenario():
        async with connected(LOGGED_IN) as socket:
            await message(socket)
            beat = await message(socket)
            assert set(beat) == {"type", "at"}
            assert beat["type"] == "heartbeat"

    asyncio.run(scenario())


def test_a_client_is_shown_that_an_instrument_has_changed(board_url, monkeypatch):
    monkeypatch.setattr(consumers, "TICK_CHECK_S", 0.1)
    write(board_url, sample_sheet(now_us=now_us()))

    async def scenario():
        async with connected(LOGGED_IN) as socket:
            assert not any(each["is_halted"] for each in (await message(socket))["instruments"])
            with held(instrument("KO", is_halted=True)):
                changed = await message(socket)
                assert [each["symbol"] for each in changed["instruments"] if each["is_halted"]] == ["KO"]
                assert await socket.receive_nothing(0.5), "it is sent once"

    asyncio.run(scenario())
