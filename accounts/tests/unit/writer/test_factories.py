"""Untrusted input becomes a command, or is refused with the code of the first thing that is wrong."""

import pytest

from accounts.api.parsing import factories
from accounts.domain.commands import ChangeFeeSchedule, ChangeRiskLimits, DepositCash, ExecuteTrade, OpenAccount
from accounts.domain.errors import Code, CommandInvalid
from accounts.domain.values import SHARE

TRADE = {"symbol": "KO", "side": "BUY", "quantity": 3, "price": "50.25", "order_id": None}
MARKET = {"market_price": {"KO": 501_000}.__getitem__}


def refused(code, make, **fields):
    with pytest.raises(CommandInvalid) as error:
        make(**fields)
    assert error.value.code == code
    return error.value.message


def test_good_input_becomes_exact_commands():
    assert factories.execute_trade(**TRADE, **MARKET) == ExecuteTrade("KO", "BUY", 3 * SHARE, 502_500, None, 501_000)
    assert factories.execute_trade(**TRADE | MARKET | {"quantity": "0.25"}).quantity == SHARE // 4
    order_id = "0b5c1f3e-0000-4000-8000-000000000001"
    fill = factories.execute_trade(**TRADE | MARKET | {"order_id": order_id})
    assert fill == ExecuteTrade("KO", "BUY", 3 * SHARE, 502_500, order_id), "the market is not asked about a fill"
    assert factories.deposit_cash(amount="0.5", reference="") == DepositCash(5_000, "")
    assert factories.open_account(owner="ada", name="  Näme ", currency="USD") == OpenAccount("ada", "Näme", "USD")
    limits = factories.change_risk_limits(
        max_position_percent="12.5", max_daily_value="1", max_trade_value="2", price_band_percent="2"
    )
    assert limits == ChangeRiskLimits(1_250, 10_000, 20_000, 200)


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
    message = refused(code, factories.execute_trade, market_price=lambda _: 0, **{**TRADE, field: value})
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
        price_band_percent="1",
    )


LIMITS = {"max_position_percent": "10", "max_daily_value": "1", "max_trade_value": "1"}


@pytest.mark.parametrize(("percent", "band"), [("0", 0), ("0.01", 1), ("2.5", 250), ("100", 10_000)])
def test_a_band_is_0_to_100_percent(percent, band):
    assert factories.change_risk_limits(**LIMITS, price_band_percent=percent).price_band_bp == band


@pytest.mark.parametrize("percent", ["100.01", "0.001", "-1", "", "abc", "1e1"])
def test_any_other_band_is_refused(percent):
    message = refused(Code.INVALID_LIMIT, factories.change_risk_limits, **LIMITS, price_band_percent=percent)
    assert message.startswith("a band is")


def test_what_is_left_out_of_a_schedule_of_fees_costs_nothing():
    assert factories.change_fee_schedule() == ChangeFeeSchedule(0, 0, 0, 0)
    schedule = factories.change_fee_schedule(per_order="1", per_share="0.0035", percent="0.05", minimum="2.5")
    assert schedule == ChangeFeeSchedule(10_000, 35, 5, 25_000)
    highest = factories.change_fee_schedule(per_order="1000000", percent="100", minimum="0.0000")
    assert highest == ChangeFeeSchedule(10_000_000_000, 0, 10_000, 0)


@pytest.mark.parametrize("field", ["per_order", "per_share", "percent", "minimum"])
@pytest.mark.parametrize("wrong", ["-1", "", "1e2", "0.00001", "1000000.0001", "NaN", ".5"])
def test_a_fee_is_a_decimal_that_is_not_negative_and_at_most_a_million(field, wrong):
    refused(Code.INVALID_FEE, factories.change_fee_schedule, **{field: wrong})


@pytest.mark.parametrize("percent", ["100.01", "0.001", "0.0001"])
def test_the_fee_of_a_value_is_at_most_100_percent_with_two_decimals(percent):
    assert "100 percent" in refused(Code.INVALID_FEE, factories.change_fee_schedule, percent=percent)


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
