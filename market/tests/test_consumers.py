import asyncio
import json
import time
from contextlib import AsyncExitStack, asynccontextmanager
from types import SimpleNamespace

import pytest
import redis.asyncio
from asgiref.testing import ApplicationCommunicator

from market import consumers, live_quotes
from market.consumers import MarketConsumer
from market.payloads import tick_message
from market.quote_board import read_board, write_board
from market.tests.samples import sample_sheet
from market.tests.test_quote_board import write
from tests.services.instruments import held, instrument

LOGGED_IN = SimpleNamespace(is_authenticated=True)
ANONYMOUS = SimpleNamespace(is_authenticated=False)


@pytest.fixture
def board_url(settings, valkey_url):
    settings.REDIS_URL = valkey_url
    return valkey_url


def now_us():
    return time.time_ns() // 1_000


@asynccontextmanager
async def connected(user, query=b""):
    scope = {"type": "websocket", "path": "/ws/market", "headers": [], "query_string": query}
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


async def publish(url, sheet):
    async with redis.asyncio.Redis.from_url(url) as client:
        await write_board(client, sheet)


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
            await publish(board_url, later)
            assert await message(socket) == tick_message(later, now_us=later.made_at_us)

    asyncio.run(scenario())


def test_a_tick_that_is_older_than_what_was_shown_is_left_out(board_url):
    sheet = sample_sheet(now_us=now_us())
    write(board_url, sheet)

    async def scenario():
        async with connected(LOGGED_IN) as socket:
            await message(socket)
            await publish(board_url, sheet)
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


async def say(socket, **given):
    await socket.send_input({"type": "websocket.receive", "text": json.dumps(given)})


def symbols_of(shown):
    return [each["symbol"] for each in shown.get("prices", shown.get("instruments"))]


def test_a_client_is_sent_the_symbols_that_it_subscribes_to(board_url):
    sheet = sample_sheet(now_us=now_us())
    write(board_url, sheet)

    async def scenario():
        async with connected(LOGGED_IN, b"symbols=KO,NOPE,AAPL,n%20o") as socket:
            for symbol in ("NOPE", "n o"):
                error = await message(socket)
                assert (error["type"], error["code"], error["symbol"]) == ("error", "UNKNOWN_SYMBOL", symbol)
            assert symbols_of(await message(socket)) == ["AAPL", "KO"]
            later = sample_sheet(now_us=sheet.made_at_us + 500_000, step=1_005)
            await publish(board_url, later)
            tick = await message(socket)
            assert tick == tick_message(later, now_us=later.made_at_us, symbols={"KO", "AAPL"})
            assert symbols_of(tick) == ["AAPL", "KO"]
            await say(socket, type="subscribe", symbols=["PG", "KO"])
            assert symbols_of(await message(socket)) == ["AAPL", "KO", "PG"]
            await say(socket, type="unsubscribe", symbols=["KO", "AAPL"])
            assert symbols_of(await message(socket)) == ["PG"]
            await publish(board_url, sample_sheet(now_us=later.made_at_us + 500_000, step=1_010))
            assert symbols_of(await message(socket)) == ["PG"]
            await say(socket, type="resync")
            assert symbols_of(await message(socket)) == ["PG"]

    asyncio.run(scenario())


def test_the_first_subscription_takes_the_place_of_everything(board_url):
    write(board_url, sample_sheet(now_us=now_us()))

    async def scenario():
        async with connected(LOGGED_IN) as socket:
            assert len(symbols_of(await message(socket))) == 20
            await say(socket, type="subscribe", symbols=["KO"])
            assert symbols_of(await message(socket)) == ["KO"]
            for kind, symbols in (("subscribe", None), ("unsubscribe", []), ("resync", [])):
                await say(socket, type=kind, symbols=symbols)
                assert (await message(socket))["code"] == "INVALID_MESSAGE"

    asyncio.run(scenario())


def test_symbols_above_the_limit_are_named_and_not_shown(board_url, monkeypatch):
    monkeypatch.setattr(consumers, "SYMBOLS_MAX", 2)
    write(board_url, sample_sheet(now_us=now_us()))

    async def scenario():
        async with connected(LOGGED_IN, b"symbols=KO,AAPL,PG") as socket:
            error = await message(socket)
            assert (error["code"], error["symbol"]) == ("TOO_MANY_SYMBOLS", "PG")
            assert symbols_of(await message(socket)) == ["AAPL", "KO"]

    asyncio.run(scenario())


def test_a_hundred_clients_share_one_reader_and_a_slow_one_is_sent_the_latest(board_url, monkeypatch):
    read = []
    monkeypatch.setattr(live_quotes, "read_board", lambda **given: read.append(1) or read_board(**given))
    sheet = sample_sheet(now_us=now_us())
    write(board_url, sheet)

    async def scenario():
        async with AsyncExitStack() as stack:
            sockets = [await stack.enter_async_context(connected(LOGGED_IN, b"symbols=KO")) for _ in range(100)]
            for socket in sockets:
                assert symbols_of(await message(socket)) == ["KO"]
            for number in range(1, 4):
                await publish(board_url, sample_sheet(now_us=sheet.made_at_us + number, step=1_000 + number))
            latest = tick_message(
                sample_sheet(now_us=sheet.made_at_us + 3, step=1_003), now_us=sheet.made_at_us + 3, symbols={"KO"}
            )
            for socket in sockets:
                while await message(socket) != latest:
                    pass
            assert read == [1]
        assert live_quotes.live_quotes()._following is None, "the last to leave ends the reading"

    asyncio.run(scenario())
