import time
from types import SimpleNamespace

import pytest
from drf_spectacular.generators import SchemaGenerator
from rest_framework.test import APIRequestFactory, force_authenticate

from market.api import MarketView
from market.tests.samples import sample_sheet
from market.tests.test_quote_board import write
from market.urls import urlpatterns
from tests.services.instruments import DEMO_SYMBOLS, held, instrument


@pytest.fixture
def board_url(settings, valkey_url):
    settings.REDIS_URL = valkey_url
    return valkey_url


def get(*, user):
    request = APIRequestFactory().get("/api/market")
    if user is not None:
        force_authenticate(request, user=user)
    return MarketView.as_view()(request)


PRICES = ("price", "previous_close", "session_open", "day_high", "day_low", "at")
USER = SimpleNamespace(is_authenticated=True, is_active=True, pk=1)


def test_the_market_is_shown_with_all_prices(board_url):
    write(board_url, sample_sheet(now_us=time.time_ns() // 1_000))
    answer = get(user=USER)
    assert answer.status_code == 200
    assert answer.data["session"]["phase"] == "OPEN"
    assert len(answer.data["instruments"]) == 20


def test_old_prices_are_said_to_be_stale(board_url):
    write(board_url, sample_sheet(now_us=time.time_ns() // 1_000 - 11_000_000))
    answer = get(user=USER)
    assert answer.data["session"]["phase"] == "STALE"
    assert len(answer.data["instruments"]) == 20


def test_without_prices_none_are_invented(board_url):
    answer = get(user=USER)
    assert (answer.status_code, answer.data["session"]["phase"]) == (200, "STALE")
    assert [each["symbol"] for each in answer.data["instruments"]] == list(DEMO_SYMBOLS)
    assert {each[name] for each in answer.data["instruments"] for name in PRICES} == {None}


def test_what_is_traded_is_listed_with_its_terms_whether_it_has_a_price_or_not(board_url):
    write(board_url, sample_sheet(now_us=time.time_ns() // 1_000))
    new = instrument("ZZZ", kind="ETF", sector="", currency="EUR", price_increment=100, lot_size=1_000_000)
    with held(new, instrument("KO", is_halted=True), instrument("PG", is_tradable=False)):
        listed = {each["symbol"]: each for each in get(user=USER).data["instruments"]}
    assert list(listed) == sorted({*DEMO_SYMBOLS, "ZZZ"} - {"PG"})
    terms = [listed["ZZZ"][name] for name in ("kind", "currency", "price_increment", "lot_size", "price", "at")]
    assert terms == ["ETF", "EUR", "0.0100", "1", None, None]
    assert (listed["KO"]["is_halted"], listed["AAPL"]["is_halted"]) == (True, False)
    assert listed["KO"]["price"] is not None


def test_nobody_gets_in_without_logging_in(board_url):
    assert get(user=None).status_code in {401, 403}


def test_the_schema_describes_what_is_answered():
    schema = SchemaGenerator(patterns=urlpatterns).get_schema(request=None, public=True)
    shape = schema["paths"]["/market"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert shape == {"$ref": "#/components/schemas/Market"}
    instrument = schema["components"]["schemas"]["MarketInstrument"]["properties"]
    assert list(instrument) == [
        "symbol", "name", "kind", "sector", "exchange", "currency", "price_increment", "lot_size", "is_halted",
        "price", "bid", "ask", "previous_close", "session_open", "day_high", "day_low", "at", "source", "is_stale",
        "age_seconds",
    ]  # fmt: skip
