import asyncio
import json

import pytest
import redis
from redis import asyncio as redis_asyncio

from market.quote_board import BOARD_KEY, decode_sheet, encode_sheet, read_board, write_board
from market.quotes import UNKNOWN_MARKET
from market.replay import Phase
from market.tests.samples import sample_sheet

NOW_US = 10**15


def write(url, sheet):
    async def go():
        async with redis_asyncio.Redis.from_url(url) as client:
            await write_board(client, sheet)

    asyncio.run(go())


def test_encoding_and_decoding_are_inverse():
    sheet = sample_sheet(now_us=NOW_US)
    assert decode_sheet(encode_sheet(sheet)) == sheet


def test_the_unknown_market_is_never_written():
    with pytest.raises(ValueError, match="not written"):
        encode_sheet(UNKNOWN_MARKET)


def test_what_is_written_is_read(valkey_url):
    sheet = sample_sheet(now_us=NOW_US)
    write(valkey_url, sheet)
    assert read_board(redis_url=valkey_url, now_us=NOW_US + 1) == sheet


def test_an_instrument_that_is_no_longer_quoted_leaves_the_board(valkey_url):
    with redis.Redis.from_url(valkey_url) as client:
        client.hset(BOARD_KEY, "GONE", "{}")
    write(valkey_url, sample_sheet(now_us=NOW_US))
    assert len(read_board(redis_url=valkey_url, now_us=NOW_US).quotes) == 20


def test_an_old_board_is_stale_and_keeps_its_prices(valkey_url):
    sheet = sample_sheet(now_us=NOW_US)
    write(valkey_url, sheet)
    found = read_board(redis_url=valkey_url, now_us=NOW_US + 11_000_000)
    assert (found.phase, found.quotes) == (Phase.STALE, sheet.quotes)


def test_an_empty_board_is_an_unknown_market(valkey_url):
    assert read_board(redis_url=valkey_url, now_us=NOW_US) == UNKNOWN_MARKET


@pytest.mark.parametrize("session", ["", "{}", json.dumps({"date": "x", "phase": "OPEN", "made_at_us": 1})])
def test_an_unreadable_board_is_an_unknown_market(valkey_url, session):
    with redis.Redis.from_url(valkey_url) as client:
        client.hset(BOARD_KEY, "session", session)
    assert read_board(redis_url=valkey_url, now_us=NOW_US) == UNKNOWN_MARKET


def test_an_absent_server_is_an_unknown_market():
    assert read_board(redis_url="redis://127.0.0.1:1/0", now_us=NOW_US) == UNKNOWN_MARKET
