import copy
from decimal import Decimal

import pytest

from tradingplatform.demo.decisions import Holding
from tradingplatform.demo.platform_client import (
    AccessRefused,
    Placed,
    Refused,
    TryLater,
    UnexpectedAnswer,
    check_status,
    parse_market,
    parse_order,
    parse_portfolio,
)
from tradingplatform.demo.tests.fake_platform import MARKET, FakePlatform

PORTFOLIO = FakePlatform()._portfolio()


def failed(code, **extensions):
    return {"data": None, "errors": [{"message": "why", "extensions": {"code": code, **extensions}}]}


def test_the_market_is_read():
    answer = parse_market(MARKET)
    assert answer.phase == "OPEN"
    assert answer.quotes["KO"].price == 510_000


def test_a_market_without_prices_is_read_too():
    answer = parse_market({"session": {"date": None, "phase": "STALE"}, "instruments": []})
    assert (answer.phase, answer.quotes) == ("STALE", {})


def test_a_portfolio_is_read_with_its_open_positions():
    answer = parse_portfolio(PORTFOLIO, today="2026-01-31")
    assert (answer.version, answer.status) == (2, "ACTIVE")
    assert answer.portfolio.holdings == {"KO": Holding(quantity=Decimal(10), cost=5_000_000)}
    assert answer.portfolio.limits.position_bp_max == 1_000
    assert answer.portfolio.day_volume == 10_000_000


def test_parts_of_shares_are_read():
    content = copy.deepcopy(PORTFOLIO)
    content["positions"][0]["quantity"], content["positions"][1]["quantity"] = "10.000001", "0.25"
    portfolio = parse_portfolio(content, today="2026-01-31").portfolio
    assert {symbol: holding.quantity for symbol, holding in portfolio.holdings.items()} == {
        "KO": Decimal("10.000001"),
        "GE": Decimal("0.25"),
    }
    assert [portfolio.whole_shares_of(symbol) for symbol in ("KO", "GE", "PG")] == [10, 0, 0]
    content["positions"][0]["quantity"] = "ten"
    with pytest.raises(UnexpectedAnswer):
        parse_portfolio(content, today="2026-01-31")


def test_the_volume_of_another_day_does_not_count():
    assert parse_portfolio(PORTFOLIO, today="2026-02-01").portfolio.day_volume == 0


def test_an_account_that_has_never_traded_has_no_day():
    content = copy.deepcopy(PORTFOLIO)
    content["account"]["day"] = None
    assert parse_portfolio(content, today="2026-01-31").portfolio.day_volume == 0


def test_a_refusal_is_read_with_its_figures():
    refusal = {
        "__typename": "CommandRefused",
        "code": "POSITION_LIMIT_EXCEEDED",
        "message": "m",
        "limit": "1.0000",
        "actual": None,
        "version": 7,
    }
    answer = parse_order({"data": {"placeOrder": refusal}})
    assert answer == Refused("POSITION_LIMIT_EXCEEDED", "m", "1.0000", None, 7)
    placed = {"data": {"placeOrder": {"__typename": "OrderPlaced", "version": 8}}}
    assert parse_order(placed) == Placed(version=8)


def test_an_overloaded_platform_says_when_to_try_again():
    with pytest.raises(TryLater, match="OVERLOADED") as caught:
        parse_order(failed("OVERLOADED", retry_after_ms=250))
    assert caught.value.retry_after_s == 0.25


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("OUTCOME_UNKNOWN", TryLater),
        ("INTERNAL_ERROR", TryLater),
        ("STORE_UNAVAILABLE", TryLater),
        ("CONFLICT", TryLater),
        ("UNAUTHENTICATED", AccessRefused),
        ("FORBIDDEN", AccessRefused),
        ("GRAPHQL_VALIDATION_FAILED", UnexpectedAnswer),
    ],
)
def test_errors_of_the_system_are_sorted_by_what_to_do(code, error):
    with pytest.raises(error, match=code):
        parse_order(failed(code))


@pytest.mark.parametrize("content", [None, [], {}, {"data": None}, {"data": {"placeOrder": None}}, {"errors": ["x"]}])
def test_what_is_not_documented_is_reported(content):
    with pytest.raises(UnexpectedAnswer):
        parse_order(content)
    with pytest.raises(UnexpectedAnswer):
        parse_market(content)
    with pytest.raises(UnexpectedAnswer):
        parse_portfolio(content, today="2026-01-31")


def test_http_statuses_are_sorted_by_what_to_do():
    check_status(200, what="GET /", retry_after=None)
    check_status(400, what="GET /", retry_after=None)  # GraphQL errors come with a body that says more.
    for status in (401, 403):
        with pytest.raises(AccessRefused, match=str(status)):
            check_status(status, what="GET /", retry_after=None)
    for status, retry_after, seconds in [(503, "2", 2.0), (502, None, None), (429, "soon", None)]:
        with pytest.raises(TryLater, match=str(status)) as caught:
            check_status(status, what="GET /", retry_after=retry_after)
        assert caught.value.retry_after_s == seconds
