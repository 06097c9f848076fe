from dataclasses import replace

from market.instruments.current import Instruments
from market.payloads import (
    BOTH_NOTE,
    PUSHED_NOTE,
    SIMULATION_NOTE,
    format_instant,
    market_payload,
    snapshot_message,
    tick_message,
)
from market.quotes import UNKNOWN_MARKET, QuoteSource
from market.tests.samples import sample_sheet
from market.venue.state import RUNNING
from tests.services.instruments import DEMO_INSTRUMENTS


def test_instants_are_rfc_3339_with_all_microseconds():
    assert format_instant(1_577_836_800_000_001) == "2020-01-01T00:00:00.000001Z"
    assert format_instant(1_577_836_800_000_000) == "2020-01-01T00:00:00.000000Z"


def test_an_instrument_has_the_documented_fields():
    shown = market_payload(
        sample_sheet(now_us=1_577_836_800_000_000), DEMO_INSTRUMENTS, RUNNING, now_us=1_577_836_803_999_999
    )
    assert set(shown["session"]) == {"date", "market_time", "phase", "simulated", "note"}
    assert (shown["session"]["date"], shown["session"]["simulated"]) == ("2019-03-04", True)
    first = shown["instruments"][0]
    assert list(first) == [
        "symbol", "name", "kind", "sector", "exchange", "currency", "price_increment", "lot_size", "is_halted",
        "price", "bid", "ask", "previous_close", "session_open", "day_high", "day_low", "at", "source", "is_stale",
        "age_seconds",
    ]  # fmt: skip
    assert (first["symbol"], first["name"], first["at"]) == ("AAPL", "Apple Inc.", "2020-01-01T00:00:00.000000Z")
    assert (first["source"], first["is_stale"], first["age_seconds"], first["bid"]) == ("SIMULATED", False, 3, None)
    assert all(first[key].split(".")[1].endswith("00") for key in ("price", "previous_close", "day_low"))


def test_a_tick_has_the_prices_only():
    tick = tick_message(sample_sheet(now_us=7), now_us=7)
    assert tick["type"] == "tick"
    assert len(tick["prices"]) == 20
    assert set(tick["prices"][0]) == {
        *("symbol", "price", "day_high", "day_low", "at", "source", "is_stale", "age_seconds"),
    }


def test_an_unknown_market_is_shown_as_such():
    message = snapshot_message(UNKNOWN_MARKET, Instruments.of({}, version=0), RUNNING, now_us=7)
    assert (message["type"], message["instruments"]) == ("snapshot", [])
    assert (message["session"]["date"], message["session"]["phase"]) == (None, "STALE")


def test_the_note_says_which_prices_are_simulated():
    sheet = sample_sheet(now_us=7)
    pushed = tuple(replace(quote, source=QuoteSource.PUSHED) for quote in sheet.quotes)
    for quotes, is_simulated, note in (
        (sheet.quotes, True, SIMULATION_NOTE),
        (pushed, False, PUSHED_NOTE),
        ((*sheet.quotes[:5], *pushed[5:]), True, BOTH_NOTE),
    ):
        session = tick_message(replace(sheet, quotes=quotes), now_us=7)["session"]
        assert (session["simulated"], session["note"]) == (is_simulated, note)


def test_of_a_list_of_symbols_only_those_are_shown():
    sheet = sample_sheet(now_us=7)
    assert [each["symbol"] for each in tick_message(sheet, now_us=7, symbols={"KO", "X"})["prices"]] == ["KO"]
    shown = market_payload(sheet, DEMO_INSTRUMENTS, RUNNING, now_us=7, symbols={"PG", "KO"})
    assert [each["symbol"] for each in shown["instruments"]] == ["KO", "PG"]
