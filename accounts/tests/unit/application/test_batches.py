"""A batch is decoded at once where it can be, and each entry is judged as if it had come alone."""

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from accounts.application import batches
from accounts.application.batches import TradeItem, decode_trades, trade_envelope
from accounts.domain.errors import CommandInvalid

ACCOUNT = "3c9f7a52-9a57-4f8e-8f0b-0f7f6b6d5f11"
GOOD = {"accountId": ACCOUNT, "symbol": "KO", "side": "BUY", "quantity": 3, "price": "50.25", "commandId": "mine-1"}
ODD_TEXTS = st.sampled_from(
    ["", " ", "KO", "ko", "K0", "BUY", "buy", "1", "0", "-1", "1e3", "1.23456", "١", ACCOUNT, "x" * 70]
)
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    ODD_TEXTS,
    st.text(),
)
CHANGES = st.dictionaries(st.sampled_from([*GOOD, "orderId", "stranger"]), ODD, max_size=2)


def judged(item):
    try:
        envelope = trade_envelope(item, "ada")
    except CommandInvalid as error:
        return error.code, error.message
    given = item.command_id if type(item) is TradeItem else item["commandId"]
    assert given is None or envelope.command_id == given
    return envelope.account_id, envelope.command, envelope.actor


def is_judged_alike(items):
    decoded = decode_trades(msgspec.Raw(msgspec.json.encode(items)))
    assert [judged(item) for item in decoded] == [judged(item) for item in items]
    return decoded


@settings(max_examples=1_000, deadline=None)
@given(st.lists(CHANGES.map(lambda changes: {**GOOD, **changes}), min_size=1, max_size=2))
@example([{**GOOD, "symbol": "NOPE"}])
@example([{**GOOD, "quantity": 10**9 + 1}])
@example([{**GOOD, "price": "1.00000"}])
@example([{**GOOD, "orderId": ACCOUNT}])
def test_an_entry_is_judged_the_same_whichever_way_it_was_decoded(items):
    is_judged_alike(items)


def test_entries_of_the_right_form_are_decoded_at_once():
    assert [type(item) for item in is_judged_alike([GOOD, {**GOOD, "symbol": "NOPE"}])] == [TradeItem, TradeItem]
    assert [type(item) for item in is_judged_alike([GOOD, {**GOOD, "side": "buy"}])] == [dict, dict]


@pytest.mark.parametrize("wrong", [{"symbol": "NOPE"}, {"quantity": 10**9 + 1}, {"price": "0"}])
def test_a_short_way_that_forgets_a_rule_is_found_out(wrong, monkeypatch):
    monkeypatch.setattr(batches, "is_known", lambda symbol: True)
    monkeypatch.setattr(batches, "QUANTITY_MAX", 10**30)
    monkeypatch.setattr(batches, "parse_price", lambda text: 1)
    with pytest.raises(AssertionError):
        is_judged_alike([{**GOOD, **wrong}])
