"""Commands are what they were, side by side, taken apart, joined, and sent over the bus."""

import contextlib

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.codec import account_codec
from accounts.domain import commands as c
from accounts.domain.values import PRICE_MAX, QUANTITY_MAX, SHARE
from accounts.kernels.trades import ORDER
from accounts.kernels.trades import TRADE as ROW
from accounts.writer.bus.wire import BusRequest, decode_request, encode_request
from accounts.writer.columns import AccountCommands
from accounts.writer.envelope import Envelope
from accounts.writer.machine import AccountDecider
from eventstore.engines.memory import MemoryEngine
from eventstore.kernels.texts import TEXT_BYTES
from eventstore.store import EventStore

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
    st.builds(
        c.ExecuteTrade,
        *(SYMBOLS, SIDES, QUANTITIES, PRICES),
        st.none() | IDS,
        st.just(0) | PRICES | st.sampled_from([-1, PRICE_MAX + 1, 1 << 60]),
    ),
    st.builds(c.DepositCash, st.integers(1, 9), st.just("")),
)
PLACE = c.PlaceOrder("o-1", "mine", "KO", "BUY", SHARE, "LIMIT", "GTC", 10_000, None, 0)
MARKET = c.PlaceOrder("o-2", "mine-2", "XOM", "SELL", SHARE, "MARKET", "IOC", None, None, 20_000)
TRADE = c.ExecuteTrade("KO", "BUY", SHARE, 10_000, None)
CASH = c.DepositCash(10**9, "")
NOW = 1_750_000_000_000_000


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
    if not any(type(each) is c.PlaceOrder for each in columns.others):
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
            {"client_order_id": ""}, {"limit_price": None}, {"stop_price": 1}, {"order_type": "STOP"},
            {"order_type": "MARKET"}, {"limit_price": PRICE_MAX + 1}, {"quantity": QUANTITY_MAX + 1},
        )
    ]  # fmt: skip
    columns = columns_of(strange)
    assert (columns.others, len(columns.orders)) == (strange, 0)
    for command in strange:
        request = decode_request(encode_request(BusRequest(b"r", True, True, columns_of([TRADE, command, PLACE]))))
        assert list(request.unread) == [1]
        assert (request.commands.command(0), request.commands.command(2)) == (TRADE, PLACE)


@pytest.mark.parametrize(
    "terms",
    [
        {"time_in_force": "GTD", "expires_at": NOW + 1},
        {"order_type": "TRAILING_STOP", "limit_price": None, "trail_amount": 5_000, "reference_price": 10_000},
        {"order_type": "TRAILING_STOP", "limit_price": None, "trail_bp": 250, "reference_price": 10_000},
    ],
)
def test_an_order_that_no_row_holds_is_sent_as_the_object_that_it_is(terms):
    order = msgspec.structs.replace(PLACE, **terms)
    columns = columns_of([TRADE, order])
    assert columns.others == [order]
    request = decode_request(encode_request(BusRequest(b"r", True, True, columns)))
    assert (objects_of(request.commands), request.unread) == ([TRADE, order], {})
    wrong = msgspec.structs.replace(order, quantity=0)
    assert decode_request(encode_request(BusRequest(b"r", True, True, columns_of([TRADE, wrong])))).unread.keys() == {1}


def test_what_is_sent_of_a_part_is_its_own_orders():
    columns = columns_of([PLACE, TRADE, MARKET])
    (received,) = [sent(columns.take(np.array([2])))]
    assert (objects_of(received), len(received.orders)) == ([MARKET], 1)
    joined = AccountCommands.joined([columns.take(np.array([2])), columns.take(np.array([1]))])
    assert (objects_of(joined), len(joined.orders)) == ([MARKET, TRADE], 1)


FILL = c.ExecuteTrade("KO", "BUY", SHARE, 10_000, "o-1")
SALE = c.ExecuteTrade("XOM", "SELL", SHARE, 10_000, "o-2")


def test_a_fill_is_a_row_and_no_object_unless_its_order_has_an_id_that_no_row_can_hold():
    strange = [msgspec.structs.replace(FILL, order_id=order_id) for order_id in ("", "ü", "x" * 65, "a\0b")]
    columns = columns_of([FILL, TRADE, *strange, SALE])
    assert (columns.others, len(columns.filled)) == (strange, 2)
    assert objects_of(sent(columns)) == [FILL, TRADE, *strange, SALE]


def test_what_is_sent_of_a_part_is_its_own_fills():
    columns = columns_of([FILL, PLACE, SALE])
    received = sent(columns.take(np.array([2, 1])))
    assert (objects_of(received), len(received.filled)) == ([SALE, PLACE], 1)
    joined = AccountCommands.joined([columns.take(np.array([2])), columns.take(np.array([0, 1]))])
    assert (objects_of(joined), len(joined.filled)) == ([SALE, FILL, PLACE], 2)


GOOD = encode_request(BusRequest(b"r", True, True, columns_of([TRADE, PLACE, MARKET])))
ORDERS_START = len(GOOD[1]) - 2 * ORDER.itemsize
BODIES = ORDERS_START - 3 * ROW.itemsize
ORDER_OF = ROW.fields["order"][1]


def altered(place, value):
    found = bytearray(GOOD[1])
    found[place : place + len(value)] = value
    return [GOOD[0], bytes(found)]


@pytest.mark.parametrize(
    "frames",
    [
        [GOOD[0], GOOD[1][: -ORDER.itemsize]],
        altered(BODIES + ORDER_OF, (0).to_bytes(4, "little")),
        altered(BODIES + ROW.itemsize + ORDER_OF, (1).to_bytes(4, "little")),
        altered(BODIES + 2 * ROW.itemsize + ORDER_OF, (7).to_bytes(4, "little")),
        altered(BODIES + 2 * ROW.itemsize + ROW.fields["symbol"][1], (9).to_bytes(4, "little")),
        altered(ORDERS_START, b"\xff"),
        altered(ORDERS_START + TEXT_BYTES, b"\xff"),
        altered(ORDERS_START + ORDER.fields["order_type"][1], b"\x04"),
        altered(ORDERS_START + ORDER.itemsize + ORDER.fields["time_in_force"][1], b"\x04"),
    ],
)
def test_orders_that_do_not_belong_to_their_request_are_refused(frames):
    with pytest.raises(ValueError, match=r"request"):
        decode_request(frames)


def hostile(column, field, value, *, commands=(TRADE, PLACE, MARKET), row=0):
    """Return a request whose columns say what no honest caller's do."""
    columns = columns_of(commands)
    rows = getattr(columns, column)
    (rows if field is None else rows[field])[row] = value
    return encode_request(BusRequest(b"r", True, True, columns))


def id_of(*octets):
    return np.array([*octets, *[0] * (TEXT_BYTES - len(octets))], np.uint8)


STOP = msgspec.structs.replace(PLACE, order_type="STOP_LIMIT", stop_price=9_000)
TORN_IDS = {"empty": id_of(), "first": id_of(0, 97), "middle": id_of(97, 0, 97), "last": id_of(*[97] * 62, 0, 97)}
HOSTILE = {
    **{f"order id, {kind}": hostile("orders", "order_id", torn) for kind, torn in TORN_IDS.items()},
    **{
        f"client order id, {kind}": hostile("orders", "client_order_id", torn, row=1) for kind, torn in TORN_IDS.items()
    },
    **{f"account id, {kind}": hostile("aggregate_ids", None, torn, row=1) for kind, torn in TORN_IDS.items()},
    **{f"command id, {kind}": hostile("command_ids", None, torn, row=2) for kind, torn in TORN_IDS.items()},
    "symbol with a zero byte": hostile("symbols", None, "K\0"),
    "limit below zero": hostile("orders", "limit_price", -7),
    "limit too high": hostile("orders", "limit_price", PRICE_MAX + 1),
    "no limit": hostile("orders", "limit_price", 0),
    "stop below zero": hostile("orders", "stop_price", -7, commands=[STOP]),
    "stop too high": hostile("orders", "stop_price", PRICE_MAX + 1, commands=[STOP]),
    "stop of a limit order": hostile("orders", "stop_price", 9_000),
    "stop beyond its limit": hostile("orders", "stop_price", 10_001, commands=[STOP]),
    "stop and immediate": hostile("orders", "time_in_force", 2, commands=[STOP]),
    "price below its limit": hostile("bodies", "price", 1, row=1),
    "price above its limit": hostile("bodies", "price", 10_001, row=1),
    "price of its stop beside a limit": hostile("bodies", "price", 9_000, commands=[STOP]),
    "market price below zero": hostile("bodies", "price", -1, row=2),
    "market price too high": hostile("bodies", "price", PRICE_MAX + 1, row=2),
    "type": hostile("orders", "order_type", 4),
    "time in force": hostile("orders", "time_in_force", 4, row=1),
    "quantity of an order": hostile("bodies", "quantity", 0, row=1),
    "quantity of an order too high": hostile("bodies", "quantity", QUANTITY_MAX + 1, row=1),
    "quantity of a trade": hostile("bodies", "quantity", -SHARE),
    "price of a trade": hostile("bodies", "price", 0),
    **{
        f"order id of a fill, {kind}": hostile("filled", None, id, commands=[TRADE, FILL])
        for kind, id in TORN_IDS.items()
    },
    "quantity of a fill": hostile("bodies", "quantity", 0, commands=[FILL]),
    "price of a fill": hostile("bodies", "price", -1, commands=[FILL]),
    "market price of a trade below zero": hostile("bodies", "market_price", -1),
    "market price of a trade too high": hostile("bodies", "market_price", PRICE_MAX + 1),
}


@pytest.mark.parametrize("frames", HOSTILE.values(), ids=HOSTILE)
def test_what_no_honest_caller_says_is_refused(frames):
    with pytest.raises(ValueError, match="request"):
        decode_request(frames)


def test_a_side_that_is_neither_and_an_order_that_is_no_number_are_refused():
    for frames in (
        altered(BODIES + ROW.fields["is_buy"][1], b"\x02"),
        altered(BODIES + ORDER_OF, (-7).to_bytes(4, "little", signed=True)),
    ):
        with pytest.raises(ValueError, match="request"):
            decode_request(frames)


@pytest.mark.parametrize("frames", HOSTILE.values(), ids=HOSTILE)
def test_orders_are_what_they_were_beside_a_hostile_request(frames):
    """The writer reads what came in, and decides what is left of it together."""
    store = EventStore.open(MemoryEngine(), codec=account_codec(), partition_count=1)
    writer = store.writer(AccountDecider(), clock=lambda: NOW)
    opening = [Envelope("b", "o", "bob", c.OpenAccount("user:2", "Bob", "USD")), Envelope("b", "d", "bob", CASH)]
    writer.execute([*opening, Envelope("a", "o", "ada", c.OpenAccount("user:1", "Ada", "USD"))])
    orders = [msgspec.structs.replace(PLACE, order_id=f"order-{n}", client_order_id=f"mine-{n}") for n in range(3)]
    honest = AccountCommands.of([Envelope("b", order.client_order_id, "bob", order) for order in orders])
    taken = [sent(honest)]
    with contextlib.suppress(ValueError):
        taken.insert(0, decode_request(frames).commands)
    together = AccountCommands.joined(taken)
    outcomes = [outcome for _, outcome in writer.run(together).records(0, len(together))][-len(orders) :]
    placed = [(event.order_id, event.client_order_id) for outcome in outcomes for event in outcome.events]
    assert placed == [(order.order_id, order.client_order_id) for order in orders]


@pytest.mark.parametrize("count", [-1, 1, 3, 4, 1 << 40])
def test_a_number_of_orders_that_is_not_theirs_is_refused(count):
    head = msgspec.msgpack.decode(GOOD[0])
    with pytest.raises(ValueError, match="request"):
        decode_request([msgspec.msgpack.encode([*head[:-2], count, head[-1]]), GOOD[1]])
    with pytest.raises(ValueError, match="request"):
        decode_request([msgspec.msgpack.encode([*head[:-1], count]), GOOD[1]])
