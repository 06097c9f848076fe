"""A batch is taken apart at once where it can be, and each entry is judged as if it had come alone."""

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from accounts.application import batches
from accounts.application.batches import decode_trades, parsed_trades, trade_envelope
from accounts.domain.errors import CommandInvalid

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


def alone(item):
    """Return what an entry asks for, an id that was made for it left out; or why it is refused."""
    try:
        found = trade_envelope(item, "ada")
    except CommandInvalid as error:
        return error.code, error.message
    return found.account_id, item["commandId"] and found.command_id, found.actor, found.command


def among_others(items):
    """Return the same of each entry of a batch."""
    batch = parsed_trades(decode_trades(msgspec.Raw(msgspec.json.encode(items))), "ada")
    commands, found = batch.commands, {}
    for n, place in enumerate(batch.places.tolist()):
        command_id = commands.command_id(n)
        assert command_id
        found[place] = (
            commands.aggregate_id(n),
            items[place]["commandId"] and command_id,
            commands.origin(n).actor,
            commands.command(n),
        )
    assert list(found) == sorted(found)
    assert not found.keys() & batch.refused.keys()
    found |= {place: (error.code, error.message) for place, error in batch.refused.items()}
    return [found[place] for place in range(len(items))]


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
    assert among_others(items) == list(map(alone, items))


def test_plain_entries_are_not_looked_at_one_by_one(monkeypatch):
    items = [GOOD, {**GOOD, "orderId": ACCOUNT}, {**GOOD, "symbol": "NOPE"}] * 200
    judged, judge = [], batches.trade_envelope
    monkeypatch.setattr(batches, "trade_envelope", lambda item, actor: judged.append(item) or judge(item, actor))
    assert len(among_others(items)) == len(items)
    assert judged == [item for item in items if item != GOOD]


def test_entries_without_an_id_get_one_each():
    items = [{**GOOD, "commandId": None}] * 20 + [{**GOOD, "commandId": None, "orderId": ACCOUNT}] * 20
    commands = parsed_trades(decode_trades(msgspec.Raw(msgspec.json.encode(items))), "ada").commands
    assert len({commands.command_id(n) for n in range(len(commands))}) == len(items)


@pytest.mark.parametrize("figure", ["quantity", "price"])
def test_a_scanner_that_gets_a_figure_wrong_is_found_out(figure, monkeypatch):
    scan = batches.scan_trades

    def wrong(*given):
        scanned = scan(*given)
        scanned.trades[figure] += 1
        return scanned

    monkeypatch.setattr(batches, "scan_trades", wrong)
    assert among_others([GOOD]) != [alone(GOOD)]
