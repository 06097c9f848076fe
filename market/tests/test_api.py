import time
from types import SimpleNamespace

import pytest
from drf_spectacular.generators import SchemaGenerator
from rest_framework.test import APIRequestFactory, force_authenticate

from market.api import MarketView
from market.tests.samples import sample_sheet
from market.tests.test_quote_board import write
from market.urls import urlpatterns


@pytest.fixture
def board_url(settings, valkey_url):
    settings.REDIS_URL = valkey_url
    return valkey_url


def get(*, user):
    request = APIRequestFactory().get("/api/market")
    if user is not None:
        force_authenticate(request, user=user)
    return MarketView.as_view()(request)


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
    assert (answer.status_code, answer.data["instruments"]) == (200, [])
    assert answer.data["session"]["phase"] == "STALE"


def test_nobody_gets_in_without_logging_in(board_url):
    assert get(user=None).status_code in {401, 403}


def test_the_schema_describes_what_is_answered():
    schema = SchemaGenerator(patterns=urlpatterns).get_schema(request=None, public=True)
    shape = schema["paths"]["/market"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert shape == {"$ref": "#/components/schemas/Market"}
    instrument = schema["components"]["schemas"]["MarketInstrument"]["properties"]
    assert list(instrument) == [
        "symbol", "name", "sector", "price", "previous_close", "session_open", "day_high", "day_low", "at",
    ]  # fmt: skip
