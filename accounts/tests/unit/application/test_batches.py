"""A batch is decoded and judged at once where it can be, and each entry is judged as if it had come alone."""

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from accounts.application import batches, plain_trades
from accounts.application.batches import decode_trades, trade_envelope, trade_envelopes
from accounts.application.plain_trades import TradeItem
from accounts.domain.errors import CommandInvalid
from accounts.domain.values import SHARE

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
        return found.code, found.message
    return found.account_id, found.command, found.actor


def alone(item):
    try:
        found = trade_envelope(item, "ada")
    except CommandInvalid as error:
        return said(error)
    assert item["commandId"] is None or found.command_id == item["commandId"]
    return said(found)


def is_judged_alike(items):
    decoded = decode_trades(msgspec.Raw(msgspec.json.encode(items)))
    together = trade_envelopes(decoded, "ada")
    assert list(map(said, together)) == [alone(item) for item in items]
    given = [item["commandId"] for item in items]
    assert all(
        command_id in (None, found.command_id)
        for command_id, found in zip(given, together, strict=True)
        if not isinstance(found, CommandInvalid)
    )
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


def test_entries_of_the_right_form_are_decoded_at_once():
    assert [type(item) for item in is_judged_alike([GOOD, {**GOOD, "symbol": "NOPE"}])] == [TradeItem, TradeItem]
    assert [type(item) for item in is_judged_alike([GOOD, {**GOOD, "side": "buy"}])] == [dict, dict]


def test_entries_without_a_fault_are_judged_at_once(monkeypatch):
    monkeypatch.setattr(batches, "trade_envelope", None)
    decoded = decode_trades(msgspec.Raw(msgspec.json.encode([GOOD, {**GOOD, "orderId": ACCOUNT}] * 200)))
    assert [found.command.order_id for found in trade_envelopes(decoded, "ada")] == [None, ACCOUNT] * 200


@pytest.mark.parametrize(
    ("rule", "planted", "wrong"),
    [
        ("are_known", lambda symbols: True, {"symbol": "NOPE"}),
        ("parse_quantities", lambda quantities: quantities, {"quantity": 10**9 + 1}),
        ("parse_quantities", lambda quantities: quantities, {}),
        (
            "parse_quantities",
            lambda quantities: [int(float(shares)) * SHARE for shares in quantities],
            {"quantity": "1.5"},
        ),
        ("parse_prices", lambda texts: [1] * len(texts), {"price": "0"}),
    ],
)
def test_a_short_way_that_forgets_a_rule_is_found_out(rule, planted, wrong, monkeypatch):
    monkeypatch.setattr(plain_trades, rule, planted)
    with pytest.raises(AssertionError):
        is_judged_alike([{**GOOD, **wrong}])
