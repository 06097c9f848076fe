"""Commands are what they were, side by side, taken apart, joined, and sent over the bus."""

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.domain import commands as c
from accounts.domain.values import PRICE_MAX, QUANTITY_MAX, SHARE
from accounts.kernels.trades import ORDER
from accounts.writer.bus.wire import BusRequest, decode_request, encode_request
from accounts.writer.columns import AccountCommands
from accounts.writer.envelope import Envelope
from eventstore.kernels.texts import TEXT_BYTES

SIDES = st.sampled_from(["BUY", "SELL"])
SYMBOLS = st.sampled_from(["KO", "XOM", "AAPL"])
QUANTITIES = st.integers(1, QUANTITY_MAX)
PRICES = st.integers(1, PRICE_MAX)
IDS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=TEXT_BYTES)
ORDERS = st.builds(
    c.PlaceOrder,
    IDS,
    IDS | st.sampled_from(["", "x" * (TEXT_BYTES + 1), "ü", "a\0b"]),
    SYMBOLS,
    SIDES,
    QUANTITIES,
    st.sampled_from(["MARKET", "LIMIT", "STOP", "STOP_LIMIT"]),
    st.sampled_from(["DAY", "GTC", "IOC", "FOK"]),
    st.none() | PRICES | st.sampled_from([0, -1, 1 << 70]),
    st.none() | PRICES,
    st.just(0) | PRICES | st.just(-1),
)
COMMANDS = st.one_of(
    ORDERS,
    ORDERS,
    st.builds(c.ExecuteTrade, SYMBOLS, SIDES, QUANTITIES, PRICES, st.none() | IDS),
    st.builds(c.DepositCash, st.integers(1, 9), st.just("")),
)
PLACE = c.PlaceOrder("o-1", "mine", "KO", "BUY", SHARE, "LIMIT", "GTC", 10_000, None, 0)
MARKET = c.PlaceOrder("o-2", "mine-2", "XOM", "SELL", SHARE, "MARKET", "IOC", None, None, 20_000)
TRADE = c.ExecuteTrade("KO", "BUY", SHARE, 10_000, None)


def columns_of(commands):
    return AccountCommands.of([Envelope("a", str(number), "ada", each) for number, each in enumerate(commands)])


def objects_of(columns):
    return [columns.command(place) for place in range(len(columns))]


def sent(columns):
    return decode_request(encode_request(BusRequest(b"r", True, True, columns))).commands


@settings(max_examples=300, deadline=None)
@given(st.lists(COMMANDS, max_size=8), st.data())
def test_commands_are_what_they_were(commands, data):
    columns = columns_of(commands)
    assert objects_of(columns) == commands
    places = data.draw(st.lists(st.integers(0, len(commands) - 1), max_size=8) if commands else st.just([]))
    taken, expected = columns.take(np.array(places, np.int64)), [commands[place] for place in places]
    assert objects_of(taken) == expected
    joined = AccountCommands.joined([taken, columns, columns_of(commands[:3])])
    assert objects_of(joined) == expected + commands + commands[:3]
    if not any(type(each) is c.PlaceOrder and 1 << 70 in (each.limit_price, each.stop_price) for each in commands):
        for each in (columns, taken, joined):
            assert objects_of(sent(each)) == objects_of(each)


def test_a_checked_order_is_a_row_and_no_object():
    columns = columns_of([TRADE, PLACE, MARKET, msgspec.structs.replace(MARKET, reference_price=0)])
    assert (columns.others, len(columns.orders)) == ([], 3)
    strange = [
        msgspec.structs.replace(PLACE, **change)
        for change in (
            {"side": "HOLD"}, {"order_type": "LATER"}, {"time_in_force": "SOON"}, {"quantity": 0}, {"limit_price": 0},
            {"stop_price": -1}, {"reference_price": 1}, {"order_id": "ü"}, {"client_order_id": "x" * 65},
        )
    ]  # fmt: skip
    columns = columns_of(strange)
    assert (columns.others, len(columns.orders)) == (strange, 0)


def test_what_is_sent_of_a_part_is_its_own_orders():
    columns = columns_of([PLACE, TRADE, MARKET])
    (received,) = [sent(columns.take(np.array([2])))]
    assert (objects_of(received), len(received.orders)) == ([MARKET], 1)
    joined = AccountCommands.joined([columns.take(np.array([2])), columns.take(np.array([1]))])
    assert (objects_of(joined), len(joined.orders)) == ([MARKET, TRADE], 1)


GOOD = encode_request(BusRequest(b"r", True, True, columns_of([TRADE, PLACE, MARKET])))
ORDERS_START = len(GOOD[1]) - 2 * ORDER.itemsize
BODIES = ORDERS_START - 3 * 32


def altered(place, value):
    found = bytearray(GOOD[1])
    found[place : place + len(value)] = value
    return [GOOD[0], bytes(found)]


@pytest.mark.parametrize(
    "frames",
    [
        [GOOD[0], GOOD[1][: -ORDER.itemsize]],
        altered(BODIES + 24, (0).to_bytes(4, "little")),
        altered(BODIES + 32 + 24, (1).to_bytes(4, "little")),
        altered(BODIES + 64 + 24, (7).to_bytes(4, "little")),
        altered(BODIES + 64 + 16, (9).to_bytes(4, "little")),
        altered(ORDERS_START, b"\xff"),
        altered(ORDERS_START + TEXT_BYTES, b"\xff"),
        altered(ORDERS_START + ORDER.fields["order_type"][1], b"\x04"),
        altered(ORDERS_START + ORDER.itemsize + ORDER.fields["time_in_force"][1], b"\x04"),
    ],
)
def test_orders_that_do_not_belong_to_their_request_are_refused(frames):
    with pytest.raises(ValueError, match=r"request"):
        decode_request(frames)


@pytest.mark.parametrize("count", [-1, 1, 3, 4, 1 << 40])
def test_a_number_of_orders_that_is_not_theirs_is_refused(count):
    head = msgspec.msgpack.decode(GOOD[0])
    with pytest.raises(ValueError, match="request"):
        decode_request([msgspec.msgpack.encode([*head[:-1], count]), GOOD[1]])
