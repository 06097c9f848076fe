import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.feeds.ticks import FIELDS, InvalidTick, Tick, parse_tick
from market.money import PRICE_MAX
from tests.services.instruments import instrument

NOW_US = 1_577_836_800_000_000  # 2020-01-01T00:00:00Z
KNOWN = {"KO": instrument("KO", price_increment=100)}


def parse(**entry):
    return parse_tick(entry, KNOWN, now_us=NOW_US)


def test_a_price_alone_is_a_tick_of_now():
    assert parse(symbol="KO", price="50.25") == Tick("KO", NOW_US, 502_500, None, None, None, None, None)


def test_every_field_is_read():
    found = parse(
        symbol="KO",
        price="50.25",
        bid="50.24",
        ask="50.26",
        bidSize="100",
        askSize="0",
        previousClose="49.9999",
        at="2019-12-31T19:00:00.5-05:00",
    )
    assert found == Tick("KO", NOW_US + 500_000, 502_500, 502_400, 502_600, 100_000_000, 0, 499_999)


def test_the_middle_of_bid_and_ask_is_the_price_rounded_down_to_the_increment():
    assert parse(symbol="KO", bid="50.24", ask="50.27").price == 502_500
    assert parse(symbol="KO", bid="50.24", ask="50.24").price == 502_400


def test_a_price_is_at_most_what_an_order_can_have():
    assert parse(symbol="KO", price="10000000").price == PRICE_MAX


def test_a_lone_bid_or_ask_may_be_the_price_itself():
    assert parse(symbol="KO", price="50", bid="50").bid == 500_000
    assert parse(symbol="KO", price="50", ask="50").ask == 500_000
    assert parse(symbol="KO", price="49", bid="50", ask="51").price == 490_000, (
        "the last price, and what is offered now"
    )


def test_a_tick_may_be_a_day_old():
    assert parse(symbol="KO", price="50", at="2019-12-31T00:00:00Z").at_us == NOW_US - 86_400_000_000


@pytest.mark.parametrize(
    ("entry", "code", "message"),
    [
        ("KO", "INVALID_QUOTE", "an entry is an object"),
        ({"symbol": "KO", "price": "1", "prise": "2"}, "INVALID_QUOTE", "no field 'prise'"),
        ({"symbol": "KO", "price": 50.25}, "INVALID_QUOTE", "price is a text, found 50.25"),
        ({"symbol": ["KO"], "price": "1"}, "INVALID_QUOTE", "symbol is a text"),
        ({"symbol": "NOPE", "price": "1"}, "UNKNOWN_SYMBOL", "no instrument 'NOPE'"),
        ({"price": "1"}, "UNKNOWN_SYMBOL", "no instrument ''"),
        ({"symbol": "KO"}, "INVALID_QUOTE", "a price, or a bid and an ask"),
        ({"symbol": "KO", "bid": "1"}, "INVALID_QUOTE", "a price, or a bid and an ask"),
        ({"symbol": "KO", "price": "50.251"}, "INVALID_PRICE_INCREMENT", "multiples of 0.0100, found price 50.251"),
        ({"symbol": "KO", "bid": "50.241", "ask": "51"}, "INVALID_PRICE_INCREMENT", "found bid 50.241"),
        ({"symbol": "KO", "bid": "50.26", "ask": "50.25"}, "INVALID_QUOTE", "the bid is at most the ask"),
        ({"symbol": "KO", "price": "0"}, "INVALID_QUOTE", "above 0"),
        ({"symbol": "KO", "price": "-1"}, "INVALID_QUOTE", "above 0"),
        ({"symbol": "KO", "price": "10000000.01"}, "INVALID_QUOTE", "at most 10,000,000, found '10000000.01'"),
        ({"symbol": "KO", "bid": "1", "ask": "10000001"}, "INVALID_QUOTE", "ask is above 0 and at most 10,000,000"),
        ({"symbol": "KO", "price": "10", "bid": "12"}, "INVALID_QUOTE", "found 12.0000 and the price 10.0000"),
        ({"symbol": "KO", "price": "10", "ask": "9.99"}, "INVALID_QUOTE", "found 9.9900 and the price 10.0000"),
        ({"symbol": "KO", "price": "1e3"}, "INVALID_QUOTE", "plain digits"),
        ({"symbol": "KO", "price": "1", "bidSize": "5"}, "INVALID_QUOTE", "give bid too"),
        ({"symbol": "KO", "price": "1", "bid": "1", "bidSize": "-5"}, "INVALID_QUOTE", "bidSize is shares"),
        ({"symbol": "KO", "price": "1", "at": "yesterday"}, "INVALID_INSTANT", "RFC 3339"),
        ({"symbol": "KO", "price": "1", "at": "2020-01-01T00:00:01.000001Z"}, "INSTANT_IN_FUTURE", "a second ahead"),
        ({"symbol": "KO", "price": "1", "at": "2019-12-30T23:59:59.999999Z"}, "INSTANT_TOO_OLD", "at most a day"),
        ({"symbol": "KO", "price": "1", "at": "0001-01-01T00:00:00Z"}, "INSTANT_TOO_OLD", "found 0001-01-01T00:00:00Z"),
    ],
)
def test_what_is_no_tick_is_refused_with_a_code_and_a_reason(entry, code, message):
    with pytest.raises(InvalidTick) as found:
        parse_tick(entry, KNOWN, now_us=NOW_US)
    assert found.value.code == code
    assert message in str(found.value)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda each: st.lists(each, max_size=3) | st.dictionaries(st.text(max_size=5), each, max_size=3),
    max_leaves=5,
)


@given(ANYTHING | st.dictionaries(st.sampled_from(FIELDS), ANYTHING | st.sampled_from(["KO", "1", "2"])))
def test_whatever_json_says_is_a_tick_or_refused(entry):
    try:
        tick = parse_tick(entry, KNOWN, now_us=NOW_US)
    except InvalidTick:
        return
    assert tick.symbol == "KO"
    assert tick.price > 0
