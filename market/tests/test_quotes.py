from market.calendar import day_index
from market.intraday import SESSION_STEPS
from market.prices import close_price, replayed_symbols
from market.quotes import QUOTES_AGE_US_MAX, UNKNOWN_MARKET, as_of
from market.replay import Phase
from market.tests.samples import DAY, sample_sheet


def test_every_instrument_is_quoted_within_its_day():
    sheet = sample_sheet(now_us=5)
    assert tuple(quote.symbol for quote in sheet.quotes) == replayed_symbols()
    assert sheet.session_date == DAY
    assert all(quote.day_low <= quote.price <= quote.day_high for quote in sheet.quotes)
    assert all(quote.day_low <= quote.session_open <= quote.day_high for quote in sheet.quotes)


def test_a_closed_day_is_quoted_at_the_real_close():
    sheet = sample_sheet(now_us=5, step=SESSION_STEPS, phase=Phase.CLOSED)
    for quote in sheet.quotes:
        assert quote.price == close_price(symbol=quote.symbol, day_index=day_index(DAY))


def test_a_sheet_is_stale_when_it_is_older_than_ten_seconds():
    sheet = sample_sheet(now_us=10**15)
    assert as_of(sheet, now_us=10**15 + QUOTES_AGE_US_MAX) == sheet
    late = as_of(sheet, now_us=10**15 + QUOTES_AGE_US_MAX + 1)
    assert late.phase == Phase.STALE
    assert (late.session_date, late.quotes, late.made_at_us) == (DAY, sheet.quotes, 10**15)


def test_a_sheet_from_the_future_is_not_trusted_either():
    assert as_of(sample_sheet(now_us=10**15), now_us=10**14).phase == Phase.STALE


def test_an_unknown_market_is_stale_and_empty():
    assert as_of(UNKNOWN_MARKET, now_us=10**15) == UNKNOWN_MARKET
