"""What the instruments say about trades and orders: refused by name, alike alone and among thousands."""

import uuid

import pytest

from accounts.domain.events import TradeExecuted
from accounts.tests.integration.test_bulk import ORDERS, TRADES, submit
from accounts.tests.integration.test_graphql import TRADE, Api, events
from accounts.tests.integration.test_orders_graphql import CANCEL, PLACE, REPLACE
from identity.permissions import INTEGRATOR
from market.instruments.current import Instruments, hold_instruments
from tests.services.instruments import DEMO_INSTRUMENTS, held, instrument

pytestmark = pytest.mark.django_db(transaction=True)

INSTRUMENTS = (
    instrument("WHOLE", lot_size=1_000_000),
    instrument("CENTS", price_increment=100),
    instrument("HALTED", is_halted=True),
    instrument("GONE", is_tradable=False),
    instrument("EURO", currency="EUR"),
    instrument("ABC-1.XYZ-99"),
)
REFUSED = [
    ({"symbol": "NOPE"}, "UNKNOWN_SYMBOL", "'NOPE' is not an instrument of this market: GET /api/market lists them"),
    (
        {"symbol": "GONE"},
        "INSTRUMENT_NOT_TRADABLE",
        "GONE is not traded any more: choose an instrument of GET /api/market",
    ),
    (
        {"symbol": "HALTED"},
        "INSTRUMENT_HALTED",
        "trading in HALTED is halted: try again when it is resumed; its orders can be cancelled",
    ),
    (
        {"symbol": "WHOLE", "quantity": "2.5"},
        "INVALID_LOT",
        "a quantity of WHOLE is a multiple of 1, found 2.5: round it",
    ),
    (
        {"symbol": "EURO"},
        "CURRENCY_MISMATCH",
        "EURO is traded in EUR and accounts are in USD: choose an instrument in the account's currency",
    ),
]
TRADES_REFUSED = [
    *REFUSED,
    (
        {"symbol": "CENTS", "price": "50.255"},
        "INVALID_PRICE_INCREMENT",
        "a price of CENTS is a multiple of 0.0100, found 50.2550: round it",
    ),
]
ORDERS_REFUSED = [
    *REFUSED,
    (
        {"symbol": "CENTS", "limitPrice": "50.255"},
        "INVALID_PRICE_INCREMENT",
        "a limit price of CENTS is a multiple of 0.0100, found 50.2550: round it",
    ),
    (
        {"symbol": "CENTS", "type": "STOP", "limitPrice": None, "stopPrice": "60.0001"},
        "INVALID_PRICE_INCREMENT",
        "a stop price of CENTS is a multiple of 0.0100, found 60.0001: round it",
    ),
]
TAKEN = ("WHOLE", "CENTS", "ABC-1.XYZ-99", "KO")


@pytest.fixture(autouse=True)
def _instruments():
    with held(*INSTRUMENTS):
        yield


@pytest.fixture
def ada(store):
    return Api("ada", role=INTEGRATOR)


def trade(account_id, **fields):
    return {"accountId": account_id, "symbol": "KO", "side": "BUY", "quantity": 1, "price": "50.25", **fields}


def order(account_id, **fields):
    terms = {"symbol": "KO", "side": "BUY", "quantity": 1, "type": "LIMIT", "limitPrice": "50.25"}
    return {"accountId": account_id, **terms, **fields}


@pytest.mark.parametrize(("fields", "code", "message"), TRADES_REFUSED)
def test_a_trade_is_refused_by_name_and_leaves_no_trace(ada, store, fields, code, message):
    account_id = ada.open()
    before = len(events(store))
    refused = ada.run(TRADE, **trade(account_id, **fields))
    assert (refused["code"], refused["message"], refused["version"]) == (code, message, None)
    assert len(events(store)) == before


@pytest.mark.parametrize(("fields", "code", "message"), ORDERS_REFUSED)
def test_an_order_is_refused_by_name_and_leaves_no_trace(ada, store, fields, code, message):
    account_id = ada.open()
    before = len(events(store))
    refused = ada.run(PLACE, **order(account_id, **fields))
    assert (refused["code"], refused["message"], refused["version"]) == (code, message, None)
    assert len(events(store)) == before


def test_trades_of_a_batch_are_refused_alike_and_the_others_are_booked(ada, store):
    account_id = ada.open()
    entries = [entry for fields, *_ in TRADES_REFUSED for entry in (trade(account_id, **fields), trade(account_id))]
    answer = submit(ada, TRADES, trades=entries)
    assert [(each["code"], each["message"]) for each in answer["outcomes"][::2]] == [
        (code, message) for _, code, message in TRADES_REFUSED
    ]
    assert [each["version"] for each in answer["outcomes"][1::2]] == list(range(3, 3 + len(TRADES_REFUSED)))
    assert sum(type(event) is TradeExecuted for _, event in events(store)) == len(TRADES_REFUSED)


def test_orders_of_a_batch_are_refused_alike_and_the_others_are_placed(ada):
    account_id = ada.open()
    entries = [entry for fields, *_ in ORDERS_REFUSED for entry in (order(account_id, **fields), order(account_id))]
    answer = submit(ada, ORDERS, orders=entries)
    assert [(each["code"], each["message"]) for each in answer["outcomes"][::2]] == [
        (code, message) for _, code, message in ORDERS_REFUSED
    ]
    assert [each["version"] for each in answer["outcomes"][1::2]] == list(range(3, 3 + len(ORDERS_REFUSED)))


def test_what_is_in_the_steps_of_its_instrument_is_taken_on_every_way(ada, store):
    account_id = ada.open()
    for symbol in TAKEN:
        assert ada.run(TRADE, **trade(account_id, symbol=symbol))["__typename"] == "TradeExecuted"
        assert ada.run(PLACE, **order(account_id, symbol=symbol))["__typename"] == "OrderPlaced"
    answer = submit(ada, TRADES, trades=[trade(account_id, symbol=symbol) for symbol in TAKEN])
    assert answer["accepted"] == len(TAKEN)
    traded = [event.symbol for _, event in events(store) if type(event) is TradeExecuted]
    assert traded == [*TAKEN, *TAKEN]


def test_orders_of_a_halted_instrument_are_cancelled_and_replaced(ada):
    account_id = ada.open()
    placed = [ada.run(PLACE, **order(account_id))["order"]["orderId"] for _ in range(2)]
    with held(instrument("KO", is_halted=True)):
        assert ada.run(CANCEL, accountId=account_id, orderId=placed[0])["__typename"] == "OrderCancelled"
        replaced = ada.run(REPLACE, accountId=account_id, orderId=placed[1], quantity=1, limitPrice="49")
        assert replaced["__typename"] == "OrderReplaced"


def test_what_was_executed_before_is_answered_as_it_was_whatever_the_instrument_is_now(ada, store):
    """A retry after an answer that was lost: refused, its sender would send it anew, and it would be executed twice."""
    account_id = ada.open()
    mine = trade(account_id, commandId="mine")
    placing = order(account_id, clientOrderId="yours")
    batch = [trade(account_id, commandId=str(uuid.uuid4())) for _ in range(3)]
    booked, placed = ada.run(TRADE, **mine), ada.run(PLACE, **placing)
    first = submit(ada, TRADES, trades=batch)
    before = len(events(store))
    for now in ({"is_halted": True}, {"is_tradable": False}, {"lot_size": 3_000_000}, {"price_increment": 7}):
        with held(instrument("KO", **now)):
            assert ada.run(TRADE, **mine)["version"] == booked["version"]
            assert ada.run(PLACE, **placing)["order"]["orderId"] == placed["order"]["orderId"]
            again = submit(ada, TRADES, trades=[*batch, trade(account_id)])["outcomes"]
            assert [each["version"] for each in again[:3]] == [each["version"] for each in first["outcomes"]]
            assert all(each["duplicate"] for each in again[:3])
            assert again[3]["code"].startswith("IN")
            assert ada.run(TRADE, **{**mine, "quantity": 6})["code"] == "COMMAND_ID_REUSED"
    assert len(events(store)) == before


def test_before_the_instruments_are_known_nothing_is_refused_for_good(ada, store):
    account_id = ada.open()
    mine = trade(account_id, commandId="mine")
    booked = ada.run(TRADE, **mine)
    before = len(events(store))
    hold_instruments(Instruments(by_symbol={}, version=0, is_loaded=False))
    try:
        assert ada.run(TRADE, **trade(account_id))["code"] == "MARKET_UNAVAILABLE"
        assert ada.run(TRADE, **mine)["version"] == booked["version"]
        outcomes = submit(ada, TRADES, trades=[trade(account_id), mine])["outcomes"]
        assert [each.get("code") for each in outcomes] == ["MARKET_UNAVAILABLE", None]
    finally:
        hold_instruments(DEMO_INSTRUMENTS)
    assert len(events(store)) == before


def test_ten_thousand_instruments_are_traded_in_one_batch(ada, store):
    many = [instrument(f"S{number}", lot_size=1_000_000) for number in range(10_000)]
    account_ids = [ada.open() for _ in range(4)]
    with held(*many):
        entries = [
            trade(account_ids[number % 4], symbol=each.symbol, price="0.01") for number, each in enumerate(many[::4])
        ]
        answer = submit(ada, TRADES, trades=entries)
    assert (answer["accepted"], answer["refused"]) == (2_500, 0)
    traded = {(commit.aggregate_id, event.symbol) for commit, event in events(store) if type(event) is TradeExecuted}
    assert traded == {(entry["accountId"], entry["symbol"]) for entry in entries}
