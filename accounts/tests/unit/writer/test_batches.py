"""A batch is decoded and judged at once where it can be, and each entry is judged as if it had come alone."""

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from accounts.api.parsing.batches import Refusal, decode_trades, parsed_trades, trade_envelope
from accounts.domain.errors import CommandInvalid
from accounts.writer.envelope import Envelope

ACCOUNT = "3c9f7a52-9a57-4f8e-8f0b-0f7f6b6d5f11"
GOOD = {"accountId": ACCOUNT, "symbol": "KO", "side": "BUY", "quantity": 3, "price": "50.25", "commandId": "mine-1"}
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


def said(found):
    if isinstance(found, CommandInvalid):
        return found.code.value, found.message
    if isinstance(found, Refusal):
        return tuple(found)
    return found.account_id, found.command, found.actor


def alone(item):
    try:
        found = trade_envelope(item, "ada")
    except CommandInvalid as error:
        return said(error)
    assert item["commandId"] is None or found.command_id == item["commandId"]
    return said(found)


def is_judged_alike(items):
    """Judge a batch as a whole and each of its items alone; return the batch as it was taken apart."""
    decoded = decode_trades(msgspec.Raw(msgspec.json.encode(items)))
    batch = parsed_trades(decoded, "ada")
    assert sorted([*batch.places.tolist(), *batch.refused]) == list(range(len(items)))
    commands = batch.commands
    together = dict(batch.refused)
    for row, place in enumerate(batch.places.tolist()):
        together[place] = Envelope(
            commands.aggregate_id(row), commands.command_id(row), commands.origin(row).actor, commands.command(row)
        )
        assert items[place]["commandId"] in (None, commands.command_id(row))
    assert [said(together[place]) for place in range(len(items))] == [alone(item) for item in items]
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


def test_entries_without_a_fault_are_taken_apart_and_the_others_are_judged_one_by_one():
    decoded = is_judged_alike([GOOD, {**GOOD, "symbol": "NOPE"}, {**GOOD, "orderId": ACCOUNT}, GOOD])
    assert sorted(decoded.others) == [1, 2]


def test_every_entry_without_an_id_has_one_of_its_own():
    without = {name: value for name, value in GOOD.items() if name != "commandId"}
    commands = parsed_trades(decode_trades(msgspec.Raw(msgspec.json.encode([without] * 50))), "ada").commands
    assert len({commands.command_id(row) for row in range(50)}) == 50


def test_what_cannot_be_taken_apart_is_decoded_as_it_is():
    assert decode_trades(msgspec.Raw(b'{"a": [1]}')) == {"a": [1]}
    assert decode_trades(msgspec.Raw(b"[]")) == []
    assert len(decode_trades(msgspec.Raw(msgspec.json.encode([GOOD] * 10_001)))) == 10_001


@pytest.mark.parametrize("entry", ["nonsense", '{"a": }', "1 2", '"\x01"'])
def test_what_is_no_json_is_found_wherever_it_stands(entry):
    with pytest.raises(msgspec.DecodeError):
        decode_trades(msgspec.Raw(f"[{msgspec.json.encode(GOOD).decode()}, {entry}]".encode()))
