"""A batch is decoded and judged at once where it can be, and each entry is judged as if it had come alone."""

import uuid

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from accounts.api.parsing import batches
from accounts.api.parsing.batches import (
    Refusal,
    decode_orders,
    decode_trades,
    order_envelope,
    parsed_scanned,
    trade_envelope,
)
from accounts.domain.commands import PlaceOrder
from accounts.domain.errors import CommandInvalid
from accounts.writer.envelope import Envelope

ACCOUNT = "3c9f7a52-9a57-4f8e-8f0b-0f7f6b6d5f11"
GOOD = {"accountId": ACCOUNT, "symbol": "KO", "side": "BUY", "quantity": 3, "price": "50.25", "commandId": "mine-1"}
ORDER = {
    "accountId": ACCOUNT,
    "symbol": "KO",
    "side": "BUY",
    "quantity": "2.5",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "limitPrice": "50.25",
    "clientOrderId": "mine-1",
}
MARKET = {
    **{name: ORDER[name] for name in ("accountId", "symbol", "side", "quantity", "clientOrderId")},
    "type": "MARKET",
}
PRICES = {"KO": 502_500, "XOM": 1_000_000}
ODD_TEXTS = st.sampled_from(
    [
        "",
        " ",
        "KO",
        "ko",
        "K0",
        "BUY",
        "buy",
        "1",
        "0",
        "-1",
        "1e3",
        "1.23456",
        "1.2345678",
        "1.23\n4.56",
        "1.5",
        "١",
        "x" * 70,
    ]
)
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    ODD_TEXTS,
    st.just(ACCOUNT),
    st.text(),
)
CHANGES = st.dictionaries(st.sampled_from([*GOOD, "orderId", "stranger"]), ODD, max_size=2)
ODD_OF_ORDERS = ODD | st.sampled_from(["MARKET", "LIMIT", "STOP", "STOP_LIMIT", "DAY", "GTC", "IOC", "FOK", "50.25"])
CHANGES_OF_ORDERS = st.dictionaries(st.sampled_from([*ORDER, "stopPrice", "orderId"]), ODD_OF_ORDERS, max_size=3)


@pytest.fixture(autouse=True, scope="module")
def known_prices():
    with pytest.MonkeyPatch.context() as patching:
        patching.setattr(batches.reference_price, "_prices", PRICES)
        patching.setattr(batches.reference_price, "_good_until", float("inf"))
        yield


def said(found):
    if isinstance(found, CommandInvalid):
        return found.code.value, found.message
    if isinstance(found, Refusal):
        return tuple(found)
    command = found.command
    if isinstance(command, PlaceOrder):  # Whose ids are new ones each time that it is judged, if none was given.
        assert uuid.UUID(command.order_id).version == 4
        assert command.client_order_id == found.command_id
        command = msgspec.structs.replace(command, order_id="", client_order_id="")
    return found.account_id, command, found.actor


def id_of(item):
    return item.get("commandId", item.get("clientOrderId"))


def alone(item, parse):
    try:
        found = parse(item, "ada")
    except CommandInvalid as error:
        return said(error)
    assert id_of(item) in (None, found.command_id)
    return said(found)


def is_judged_alike(items, decode=decode_trades, parse=trade_envelope):
    """Judge a batch as a whole and each of its items alone; return the batch as it was taken apart."""
    decoded = decode(msgspec.Raw(msgspec.json.encode(items)))
    batch = parsed_scanned(decoded, "ada", parse)
    assert sorted([*batch.places.tolist(), *batch.refused]) == list(range(len(items)))
    commands = batch.commands
    together = dict(batch.refused)
    for row, place in enumerate(batch.places.tolist()):
        together[place] = Envelope(
            commands.aggregate_id(row), commands.command_id(row), commands.origin(row).actor, commands.command(row)
        )
        assert id_of(items[place]) in (None, commands.command_id(row))
    assert [said(together[place]) for place in range(len(items))] == [alone(item, parse) for item in items]
    return decoded


@settings(max_examples=1_000, deadline=None)
@given(st.lists(CHANGES.map(lambda changes: {**GOOD, **changes}), min_size=1, max_size=4))
@example([{**GOOD, "symbol": "NOPE"}])
@example([{**GOOD, "quantity": 10**9 + 1}, GOOD])
@example([{**GOOD, "quantity": "0.000001"}, GOOD])
@example([{**GOOD, "quantity": "0.0000001"}, GOOD])
@example([GOOD, {**GOOD, "price": "1.00000"}])
@example([GOOD, {**GOOD, "price": "1.5"}, {**GOOD, "price": "2"}])
@example([GOOD, {**GOOD, "commandId": None}])
@example([GOOD, {**GOOD, "orderId": ACCOUNT}])
def test_an_entry_is_judged_the_same_alone_and_among_others(items):
    is_judged_alike(items)


@settings(max_examples=1_000, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from([ORDER, MARKET]), CHANGES_OF_ORDERS).map(lambda of: {**of[0], **of[1]}),
        min_size=1,
        max_size=4,
    )
)
@example([MARKET, {**MARKET, "symbol": "XOM"}, {**MARKET, "symbol": "AAPL"}, ORDER])
@example([{**MARKET, "limitPrice": "1"}, {**MARKET, "stopPrice": "1"}, {**ORDER, "type": "STOP"}])
@example([{**ORDER, "type": "STOP_LIMIT", "stopPrice": "50.25"}, {**ORDER, "type": "STOP_LIMIT", "stopPrice": "51"}])
@example([{**ORDER, "clientOrderId": None}, ORDER, {**ORDER, "timeInForce": None, "limitPrice": None}])
def test_an_order_is_judged_the_same_alone_and_among_others(items):
    is_judged_alike(items, decode_orders, order_envelope)


def test_plain_orders_are_taken_apart_and_the_others_are_judged_one_by_one():
    items = [ORDER, {**ORDER, "symbol": "NOPE"}, MARKET, {**ORDER, "stopPrice": "1"}, {**ORDER, "limitPrice": 50}]
    decoded = is_judged_alike(items, decode_orders, order_envelope)
    assert sorted(decoded.others) == [1, 3, 4]


def test_every_order_has_an_id_of_its_own_and_that_of_a_client_is_kept():
    without = {name: value for name, value in ORDER.items() if name != "clientOrderId"}
    decoded = decode_orders(msgspec.Raw(msgspec.json.encode([without, ORDER] * 50)))
    commands = parsed_scanned(decoded, "ada", order_envelope).commands
    placed = [commands.command(row) for row in range(100)]
    assert len({order.order_id for order in placed}) == 100
    assert len({order.client_order_id for order in placed}) == 51
    assert all(uuid.UUID(order.client_order_id).version == 4 for order in placed[::2])


def test_a_batch_looks_at_the_market_once_and_only_for_market_orders(monkeypatch):
    looks = []
    monkeypatch.setattr(batches.reference_price, "latest", lambda: looks.append(1) or PRICES)
    for items, expected in (([ORDER] * 20, 0), ([ORDER, MARKET, {**MARKET, "symbol": "XOM"}] * 10, 1)):
        looks.clear()
        decoded = decode_orders(msgspec.Raw(msgspec.json.encode(items)))
        commands = parsed_scanned(decoded, "ada", order_envelope).commands
        assert len(looks) == expected
    assert [commands.command(row).reference_price for row in range(3)] == [0, PRICES["KO"], PRICES["XOM"]]


def test_entries_without_a_fault_are_taken_apart_and_the_others_are_judged_one_by_one():
    decoded = is_judged_alike([GOOD, {**GOOD, "symbol": "NOPE"}, {**GOOD, "orderId": ACCOUNT}, GOOD])
    assert sorted(decoded.others) == [1, 2]


def test_every_entry_without_an_id_has_one_of_its_own():
    without = {name: value for name, value in GOOD.items() if name != "commandId"}
    decoded = decode_trades(msgspec.Raw(msgspec.json.encode([without] * 50)))
    commands = parsed_scanned(decoded, "ada", trade_envelope).commands
    assert len({commands.command_id(row) for row in range(50)}) == 50


def test_what_cannot_be_taken_apart_is_decoded_as_it_is():
    assert decode_trades(msgspec.Raw(b'{"a": [1]}')) == {"a": [1]}
    assert decode_trades(msgspec.Raw(b"[]")) == []
    assert len(decode_trades(msgspec.Raw(msgspec.json.encode([GOOD] * 10_001)))) == 10_001


@pytest.mark.parametrize("entry", ["nonsense", '{"a": }', "1 2", '"\x01"'])
def test_what_is_no_json_is_found_wherever_it_stands(entry):
    with pytest.raises(msgspec.DecodeError):
        decode_trades(msgspec.Raw(f"[{msgspec.json.encode(GOOD).decode()}, {entry}]".encode()))
