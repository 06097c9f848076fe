"""Accounts of the past at the market's prices of the instant, and at their own where the market's are not known."""

from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path

import pytest

from accounts.domain.values import SHARE
from eventstore.record import microseconds
from market.quotes import quotes_at
from market.replay_file import FILE_NAME, open_replay
from temporal.as_of.as_of import Moment, account_as_of
from temporal.as_of.valuation import known_clock, valuation_of
from temporal.tests.accounts_of_the_past.conftest import ADA, instant

BEGUN = instant("2026-01-05T12:30:00Z")
AT = instant("2026-01-05T13:30:00Z")


@pytest.fixture
def market(tmp_path, settings):
    """A market that began half past twelve."""
    settings.DATA_DIR = tmp_path / "data"
    return open_replay(
        data_dir=settings.DATA_DIR, seconds_per_day=120, start_date=date(2019, 1, 2), now_us=microseconds(BEGUN)
    )


@pytest.fixture
def traded(past):
    past.at("2026-01-05T12:10:00Z").buy(10, 50).buy(2, 30, symbol="XOM")
    return past.buy(1, 7, symbol="NOWHERE")


def valued(at=AT):
    return valuation_of(account_as_of(ADA, Moment(at=at)).state, at)


def test_positions_are_worth_what_the_market_said_at_that_instant(traded, market):
    now_us = microseconds(AT)
    prices = {quote.symbol: quote.price for quote in quotes_at(market.position(now_us), now_us=now_us).quotes}
    found = valued()
    assert [(p.symbol, p.price, p.source) for p in found.positions] == [
        ("KO", prices["KO"], "market"),
        ("NOWHERE", 70_000, "last trade"),
        ("XOM", prices["XOM"], "market"),
    ]
    assert found.positions_value == 10 * prices["KO"] + 70_000 + 2 * prices["XOM"]
    assert found.session_date == quotes_at(market.position(now_us), now_us=now_us).session_date


def test_parts_of_shares_are_worth_their_value_rounded_half_to_even(traded, market):
    traded.buy(0.000002, 30, symbol="PG").buy(0.5, 30.0001, symbol="GE")
    now_us = microseconds(AT)
    prices = {quote.symbol: quote.price for quote in quotes_at(market.position(now_us), now_us=now_us).quotes}
    found = {position.symbol: position for position in valued().positions}
    for symbol, quantity in (("PG", 2), ("GE", 500_000)):
        assert found[symbol].quantity == quantity
        assert found[symbol].market_value == round(Fraction(quantity * prices[symbol], SHARE))
    before = {position.symbol: position for position in valued(BEGUN - timedelta(microseconds=1)).positions}
    assert (before["PG"].market_value, before["GE"].market_value) == (1, 150_000)


def test_before_the_market_ran_as_it_does_the_last_trade_counts(traded, market):
    before = valued(BEGUN - timedelta(microseconds=1))
    assert {position.source for position in before.positions} == {"last trade"}
    assert (before.session_date, before.positions_value) == (None, 10 * 500_000 + 2 * 300_000 + 70_000)
    assert valued(BEGUN).positions[0].source == "market"


def test_prices_before_the_speed_was_changed_are_those_of_then(traded, market, settings):
    changed = instant("2026-01-05T13:00:00Z")
    before = valued(changed - timedelta(seconds=1))
    open_replay(
        data_dir=settings.DATA_DIR, seconds_per_day=60, start_date=date(2019, 1, 2), now_us=microseconds(changed)
    )
    assert valued(changed - timedelta(seconds=1)) == before
    assert valued(changed).positions[0].source == "market"
    assert valued(AT).session_date > quotes_at(market.position(microseconds(AT)), now_us=1).session_date


@pytest.mark.parametrize("content", [None, b"", b"{}", b'{"epoch_us": 1, "seconds_per_day": 0, "start_date": "x"}'])
def test_without_a_clock_the_last_trade_counts_and_nothing_is_written(traded, settings, tmp_path, content):
    settings.DATA_DIR = tmp_path
    if content is not None:
        (tmp_path / FILE_NAME).write_bytes(content)
    assert known_clock(Path(tmp_path)) is None
    assert {position.source for position in valued().positions} == {"last trade"}
    assert (tmp_path / FILE_NAME).exists() == (content is not None)


@pytest.mark.django_db(transaction=True)
def test_rest_says_where_each_price_is_from(traded, market, ada):
    found = ada.get(f"accounts/{ADA}/as-of", at=AT.isoformat(), valued="true").json()
    valuation = found["valuation"]
    assert valuation["at"] == found["at"] == "2026-01-05T13:30:00.000000Z"
    assert [(p["symbol"], p["quantity"], p["price_source"]) for p in valuation["positions"]] == [
        ("KO", "10", "market"),
        ("NOWHERE", "1", "last trade"),
        ("XOM", "2", "market"),
    ]
    total = valued()
    assert valuation["positions_value"] == f"{total.positions_value / 10_000:.4f}"
    assert valuation["portfolio_value"] == f"{(total.cash + total.positions_value) / 10_000:.4f}"
    assert valuation["unrealized_pnl"] == f"{(total.positions_value - total.positions_cost) / 10_000:.4f}"
    assert found["positions_value"] == "567.0000", "at the account's own marks, as ever"
    assert "valuation" not in ada.get(f"accounts/{ADA}/as-of", at=AT.isoformat()).json()
