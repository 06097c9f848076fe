import pytest

from market import instruments
from market.instruments import UnknownSymbol, all_symbols, get_instrument, is_known
from market.prices import daily_closes


def test_there_are_twenty_instruments_in_alphabetical_order():
    assert len(all_symbols()) == 20
    assert list(all_symbols()) == sorted(all_symbols())
    assert [get_instrument(symbol).symbol for symbol in all_symbols()] == list(all_symbols())


def test_every_instrument_has_prices_and_every_price_column_an_instrument():
    assert set(daily_closes().by_symbol) == set(all_symbols())


def test_only_exact_symbols_are_known():
    assert is_known("AAPL")
    assert not any(is_known(symbol) for symbol in ["aapl", "AAPL ", "", "TSLA", "Date"])


def test_an_unknown_symbol_is_refused_with_the_known_ones():
    with pytest.raises(UnknownSymbol, match=r"'TSLA'.*AAPL, AMD"):
        get_instrument("TSLA")


def test_the_file_is_read_once(monkeypatch, tmp_path):
    is_known("AAPL")
    monkeypatch.setattr(instruments, "INSTRUMENTS_PATH", tmp_path / "absent.csv")
    assert is_known("MSFT")
