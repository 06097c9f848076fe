"""Untrusted input becomes a command, or is refused with the code of the first thing that is wrong."""

import pytest

from accounts.api.parsing import factories
from accounts.domain.commands import ChangeRiskLimits, DepositCash, ExecuteTrade, OpenAccount
from accounts.domain.errors import Code, CommandInvalid
from accounts.domain.values import SHARE

TRADE = {"symbol": "KO", "side": "BUY", "quantity": 3, "price": "50.25", "order_id": None}


def refused(code, make, **fields):
    with pytest.raises(CommandInvalid) as error:
        make(**fields)
    assert error.value.code == code
    return error.value.message


def test_good_input_becomes_exact_commands():
    assert factories.execute_trade(**TRADE) == ExecuteTrade("KO", "BUY", 3 * SHARE, 502_500, None)
    assert factories.execute_trade(**TRADE | {"quantity": "0.25"}).quantity == SHARE // 4
    assert factories.deposit_cash(amount="0.5", reference="") == DepositCash(5_000, "")
    assert factories.open_account(owner="ada", name="  Näme ", currency="USD") == OpenAccount("ada", "Näme", "USD")
    limits = factories.change_risk_limits(max_position_percent="12.5", max_daily_value="1", max_trade_value="2")
    assert limits == ChangeRiskLimits(1_250, 10_000, 20_000)


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("symbol", "ko", Code.UNKNOWN_SYMBOL),
        ("symbol", "КО", Code.UNKNOWN_SYMBOL),  # Cyrillic look-alikes.
        ("symbol", "KO ", Code.UNKNOWN_SYMBOL),
        ("symbol", "X" * 10_000, Code.UNKNOWN_SYMBOL),
        ("side", "buy", Code.INVALID_SIDE),
        ("side", "HOLD", Code.INVALID_SIDE),
        ("quantity", 0, Code.INVALID_QUANTITY),
        ("quantity", -3, Code.INVALID_QUANTITY),
        ("quantity", 10**9 + 1, Code.INVALID_QUANTITY),
        ("quantity", "1000000000.000001", Code.INVALID_QUANTITY),
        ("quantity", "0.0000001", Code.INVALID_QUANTITY),
        ("quantity", "0.000000", Code.INVALID_QUANTITY),
        ("quantity", "2.", Code.INVALID_QUANTITY),
        ("quantity", ".5", Code.INVALID_QUANTITY),
        ("quantity", 2.5, Code.INVALID_QUANTITY),
        ("price", "0", Code.INVALID_PRICE),
        ("price", "1.00001", Code.INVALID_PRICE),
        ("price", "1e2", Code.INVALID_PRICE),
        ("price", "-1", Code.INVALID_PRICE),
        ("price", "NaN", Code.INVALID_PRICE),
        ("order_id", "", Code.INVALID_ORDER_ID),
        ("order_id", "a b", Code.INVALID_ORDER_ID),
    ],
)
def test_a_malformed_trade_is_refused_by_its_first_wrong_field(field, value, code):
    message = refused(code, factories.execute_trade, **{**TRADE, field: value})
    assert len(message) < 200


def test_names_references_and_currencies_are_checked():
    refused(Code.INVALID_NAME, factories.open_account, owner="ada", name=" ", currency="USD")
    refused(Code.INVALID_NAME, factories.open_account, owner="ada", name="a\nb", currency="USD")
    refused(Code.INVALID_NAME, factories.open_account, owner="ada", name="a\u202eb", currency="USD")
    refused(Code.INVALID_CURRENCY, factories.open_account, owner="ada", name="a", currency="usd")
    refused(Code.INVALID_REFERENCE, factories.deposit_cash, amount="1", reference="r" * 141)
    refused(Code.INVALID_AMOUNT, factories.withdraw_cash, amount="1,000", reference="")


@pytest.mark.parametrize("percent", ["0", "100.01", "1.001", "-1", "abc"])
def test_a_share_is_above_0_and_at_most_100_percent(percent):
    refused(
        Code.INVALID_LIMIT,
        factories.change_risk_limits,
        max_position_percent=percent,
        max_daily_value="1",
        max_trade_value="1",
    )


def test_ids_are_checked():
    assert factories.command_id("order-7/b") == "order-7/b"
    assert factories.command_id(None) != factories.command_id(None)
    for wrong in ("", "x" * 65, "ä", "a b", "a\n"):
        refused(Code.INVALID_COMMAND_ID, lambda given: factories.command_id(given), given=wrong)
    for wrong in ("", "7", "0B5C1F3E-0000-4000-8000-000000000001", "{0b5c1f3e-0000-4000-8000-000000000001}"):
        refused(Code.INVALID_ACCOUNT_ID, lambda given: factories.account_id(given), given=wrong)


def test_a_repeated_opening_is_of_the_same_account():
    first = factories.account_id_for(owner="ada", command_id="1")
    assert first == factories.account_id_for(owner="ada", command_id="1")
    assert first != factories.account_id_for(owner="bob", command_id="1")
    assert first != factories.account_id_for(owner="ada", command_id="2")
    assert factories.account_id(first) == first
