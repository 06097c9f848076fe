"""The scanner of orders takes batches apart as JSON says; no entry is plain that the factories see differently."""

import json
from contextlib import suppress
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.api.parsing import batches
from accounts.api.parsing.batches import order_envelope
from accounts.domain.commands import Decline
from accounts.domain.errors import CommandInvalid
from accounts.kernels.orders import PLAIN_TIMES, PLAIN_TYPES
from accounts.kernels.scan_orders import (
    LIMIT_PRICE,
    ORDER_TYPE,
    STOP_PRICE,
    TERM_COLUMNS,
    TIME_IN_FORCE,
    scan_orders,
)
from accounts.kernels.trades import NOT_OTHER, TRADE
from accounts.tests.unit.kernels.test_scan import (
    ACCOUNT,
    ANY_VALUE,
    COMMAND_IDS,
    LONG,
    ODD_VALUES,
    OTHERS,
    SPACES,
    SYMBOLS,
    VALUES,
    decimals,
    entry_of,
    read_or_none,
    text_of,
)
from accounts.writer.limits import REQUEST_COMMANDS_MAX
from eventstore.kernels.texts import TEXT_BYTES
from tests.services.instruments import DEMO_SYMBOLS, held

MEMBERS = {
    "accountId": f'"{ACCOUNT}"',
    "symbol": '"KO"',
    "side": '"BUY"',
    "quantity": "3",
    "type": '"STOP_LIMIT"',
    "timeInForce": '"GTC"',
    "limitPrice": '"50.25"',
    "stopPrice": '"50.20"',
    "clientOrderId": '"mine-1"',
}
"""What an entry says, each value as JSON."""
OPTIONAL = ("timeInForce", "limitPrice", "stopPrice", "clientOrderId")
OF_ORDERS = VALUES | {
    "type": (
        '"MARKET"', '"LIMIT"', '"STOP"', '"STOP_LIMIT"', '"market"', '"MARKETS"', '"MARKE"', '"LIMI"', '"STOP_"',
        '"STOP_LIMITS"', '"STOP-LIMIT"', '"LIMIT "', "1",
    ),
    "timeInForce": ('"DAY"', '"GTC"', '"IOC"', '"FOK"', '"day"', '"DAYS"', '"GT"', '"GTD"', '"DAY "', "0"),
    "limitPrice": VALUES["price"],
    "stopPrice": VALUES["price"],
    "clientOrderId": VALUES["commandId"],
}  # fmt: skip
GOOD = entry_of(MEMBERS)
NAMES_ALIKE = ["orderId", "commandId", "price", "stranger", "", "side\\n", "Type", "stop", "limitPric", "timeInForces"]


@pytest.fixture(autouse=True, scope="module")
def known_prices():
    with pytest.MonkeyPatch.context() as patching:
        patching.setattr(batches.reference_price, "_prices", {})
        patching.setattr(batches.reference_price, "_good_until", float("inf"))
        with held(*OTHERS):
            yield


def given_or_null(draw, name, values):
    """An optional member: left out, null or a value."""
    kind = draw(st.integers(0, 3))
    return {} if kind == 0 else {name: "null"} if kind == 1 else {name: draw(values)}


@st.composite
def good_entries(draw):
    kind, is_buy = draw(st.sampled_from(PLAIN_TYPES)), draw(st.booleans())
    prices = sorted(draw(st.lists(st.integers(1, 10**11), min_size=2, max_size=2)))
    lower, higher = [f'"{price // 10_000}.{price % 10_000:04}"' for price in prices]
    stop, limit = (lower, higher) if is_buy else (higher, lower)
    members = {
        "accountId": f'"{draw(st.uuids())}"',
        "symbol": f'"{draw(st.sampled_from((*DEMO_SYMBOLS, LONG)))}"',
        "side": '"BUY"' if is_buy else '"SELL"',
        "quantity": draw(st.integers(1, 10**9).map(str) | decimals(6, 10**9)),
        "type": f'"{kind}"',
    }
    times = ["DAY", "GTC"] if "STOP" in kind else PLAIN_TIMES
    members |= given_or_null(draw, "timeInForce", st.sampled_from(times).map(lambda time: f'"{time}"'))
    members |= given_or_null(draw, "clientOrderId", COMMAND_IDS.map(lambda id: f'"{id}"'))
    for name, price, has_price in (("limitPrice", limit, "LIMIT" in kind), ("stopPrice", stop, "STOP" in kind)):
        members |= {name: price} if has_price else draw(st.sampled_from([{}, {name: "null"}]))
    return members


@st.composite
def entries(draw):
    """An entry as JSON: a good one, or one with something changed, spread by white space."""
    if draw(st.integers(0, 9)) == 0:
        return draw(ANY_VALUE)
    members = list(draw(good_entries()).items())
    change = draw(st.integers(0, 7))
    place = draw(st.integers(0, len(members) - 1))
    if change in (0, 1):
        name = draw(st.sampled_from(list(MEMBERS))) if change else members[place][0]
        members = [member for member in members if member[0] != name]
        members.append((name, draw(st.sampled_from(OF_ORDERS[name]) | ANY_VALUE)))
    elif change == 2:
        del members[place]
    elif change == 3:
        members.insert(place, draw(st.sampled_from(members)))
    elif change == 4:
        members.insert(place, (draw(st.sampled_from(NAMES_ALIKE)), draw(ANY_VALUE)))
    members = draw(st.permutations(members))
    parts = [f'"{name}"{draw(SPACES)}:{draw(SPACES)}{value}{draw(SPACES)}' for name, value in members]
    return "{" + draw(SPACES) + ("," + draw(SPACES)).join(parts) + "}"


@st.composite
def documents(draw):
    parts = [draw(SPACES) + entry + draw(SPACES) for entry in draw(st.lists(entries(), max_size=4))]
    return draw(SPACES) + "[" + ",".join(parts) + "]" + draw(SPACES)


@st.composite
def damaged_documents(draw):
    """A list of good entries whose bytes were changed here and there."""
    entries = draw(st.lists(good_entries().map(entry_of) | st.just(GOOD), min_size=1, max_size=3))
    document = bytearray(f"[{','.join(entries)}]".encode())
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(document)))
        end = start + draw(st.integers(0, 3))
        document[start:end] = draw(
            st.binary(max_size=2) | st.sampled_from(list(b'{}[]",:\\0.-')).map(lambda b: bytes([b]))
        )
    return bytes(document)


def is_unusual(span):
    """Tell whether an entry may be left to the factories although they accept it."""
    names = []
    json.loads(span, object_pairs_hook=lambda pairs: names.extend(name for name, _ in pairs) or dict(pairs))
    return b"\\" in span or len(set(names)) < len(names)


def check_plain(found, row, item):
    envelope = order_envelope(item, "ada")
    order, trade, terms = envelope.command, found.trades[row], found.terms[row].tolist()
    assert text_of(found.account_ids[row]) == envelope.account_id
    given = item.get("clientOrderId")
    assert text_of(found.client_order_ids[row]) == (given or "")
    assert given in (None, envelope.command_id)
    assert found.symbols[trade["symbol"]] == order.symbol
    assert (trade["is_buy"], trade["other"], trade["order"]) == (order.side == "BUY", NOT_OTHER, row)
    price = order.limit_price or order.stop_price or 0
    assert (trade["quantity"], trade["price"]) == (order.quantity, price)
    assert PLAIN_TYPES[terms[ORDER_TYPE]] == order.order_type
    assert PLAIN_TIMES[terms[TIME_IN_FORCE]] == order.time_in_force
    assert (terms[LIMIT_PRICE], terms[STOP_PRICE]) == (order.limit_price or 0, order.stop_price or 0)


def check_left(found, row, span):
    assert not found.account_ids[row].any()
    assert not found.client_order_ids[row].any()
    assert not found.terms[row].any()
    assert found.trades[row].tolist() == (0, 0, 0, 0, NOT_OTHER, row, False)
    item = read_or_none(span)
    if item is not None and not (isinstance(item[0], dict) and is_unusual(span)):
        with suppress(CommandInvalid):
            assert type(order_envelope(item[0], "ada").command) is Decline


def check(document):
    """Take a document apart both ways; return how many entries were plain, None when it was not split."""
    said = read_or_none(document)
    found = scan_orders(document, SYMBOLS, REQUEST_COMMANDS_MAX)
    if found is None:
        assert said is None or not isinstance(said[0], list), "every list is split"
        return None
    spans = [document[start:end] for start, end in found.spans.tolist()]
    items = [read_or_none(span) for span in spans]
    broken = [row for row, item in enumerate(items) if item is None]
    assert not any(found.is_plain[row] for row in broken), "what is plain is JSON"
    if said is None:
        assert broken, "what is no JSON shows in a span that is not plain"
    else:
        assert repr([item[0] for item in items]) == repr(said[0]), "the spans are the list"
    for row, span in enumerate(spans):
        if found.is_plain[row]:
            check_plain(found, row, items[row][0])
        else:
            check_left(found, row, span)
    return int(found.is_plain.sum())


@settings(max_examples=200, deadline=None)
@given(st.lists(good_entries(), min_size=1, max_size=4))
def test_good_entries_are_plain(members):
    assert check(f"[{','.join(map(entry_of, members))}]".encode()) == len(members)


@settings(max_examples=400, deadline=None)
@given(documents())
def test_documents_are_taken_apart_as_json_says(document):
    check(document.encode("utf-8", "surrogatepass"))


@settings(max_examples=150, deadline=None)
@given(damaged_documents())
def test_damaged_documents_are_found_out(document):
    check(document)


@pytest.mark.parametrize("name", MEMBERS)
def test_every_value_is_taken_as_the_factories_take_it(name):
    for value in (*OF_ORDERS[name], *ODD_VALUES):
        check(f"[{GOOD},{entry_of({**MEMBERS, name: value})} ,{GOOD}]".encode("utf-8", "surrogatepass"))


def test_every_type_goes_with_the_terms_that_the_factories_take():
    prices = ("null", '"50.20"', '"50.25"')
    for kind in PLAIN_TYPES:
        for time in (*(f'"{time}"' for time in PLAIN_TIMES), "null"):
            for side in ('"BUY"', '"SELL"'):
                terms = {"type": f'"{kind}"', "timeInForce": time, "side": side}
                asked = [
                    entry_of({**MEMBERS, **terms, "limitPrice": limit, "stopPrice": stop})
                    for limit in prices
                    for stop in prices
                ]
                check(f"[{','.join(asked)}]".encode())


def test_much_damage_is_found_out():
    random = Random(17)
    for _ in range(6_000):
        document = bytearray(f"[{','.join([GOOD] * random.randint(1, 3))}]".encode())
        for _ in range(random.randint(1, 3)):
            start, source = random.randrange(len(document)), random.randrange(len(document))
            piece = document[source : source + random.randint(0, 12)]  # Of the document itself, so that much fits.
            document[start : start + random.randint(0, 12)] = piece
        check(bytes(document))


def test_every_byte_counts():
    document = f"[{GOOD}]".encode()
    bytes_tried = b'\x00\x09\x0a\x1f !"#+,-./0159:;@AFGZ[\\]^`afgz{|}~\x7f\x80\xc3\xff'
    for place in range(len(document)):
        check(document[:place] + document[place + 1 :])
        check(document[:place])
        for byte in bytes_tried:
            check(document[:place] + bytes([byte]) + document[place + 1 :])
            check(document[:place] + bytes([byte]) + document[place:])


@pytest.mark.parametrize("name", MEMBERS)
def test_a_name_that_is_there_twice_is_not_plain(name):
    twice = GOOD[:-1] + f',"{name}":{MEMBERS[name]}' + "}"
    assert check(f"[{GOOD},{twice}]".encode()) == 1


@pytest.mark.parametrize("document", ["", "null", "{}", "[", "[1,]", "[1]]", f"[{GOOD}", f"[{GOOD}{GOOD}]", "[{}}]"])
def test_what_is_no_list_is_not_split(document):
    assert check(document.encode()) is None


def test_a_list_may_be_empty_or_spread():
    assert check(b"[]") == check(b" [\n] ") == 0
    assert check(f"\r\n[ {GOOD}\t,\n{GOOD} ]\n".encode()) == 2


def test_more_entries_than_the_limit_are_not_split():
    document = f"[{','.join([GOOD] * 3)}]".encode()
    assert len(scan_orders(document, SYMBOLS, 3).is_plain) == 3
    assert scan_orders(document, SYMBOLS, 2) is None


def test_the_columns_have_the_forms_that_are_promised():
    found = scan_orders(memoryview(f"[{GOOD},7]".encode()), SYMBOLS, 10)
    assert found.account_ids.shape == found.client_order_ids.shape == (2, TEXT_BYTES)
    assert found.account_ids.dtype == found.client_order_ids.dtype == np.uint8
    assert (found.trades.dtype, found.trades.shape) == (TRADE, (2,))
    assert (found.is_plain.dtype, found.is_plain.tolist()) == (np.bool_, [True, False])
    assert (found.spans.dtype, found.spans.shape) == (np.int64, (2, 2))
    assert (found.terms.dtype, found.terms.shape) == (np.int64, (2, TERM_COLUMNS))
    assert all(column.flags.c_contiguous for column in found[:-1])
    assert found.symbols == ["KO"]


@pytest.mark.parametrize(
    ("changes", "is_plain"),
    [
        ({}, True),
        ({"quantity": '"5"'}, True),
        ({"quantity": "3"}, False),
        ({"limitPrice": '"50.26"'}, False),
        ({"stopPrice": '"50.01"'}, False),
        ({"type": '"MARKET"', "limitPrice": "null", "stopPrice": "null"}, True),
    ],
)
def test_what_is_not_in_the_steps_of_its_instrument_is_left(changes, is_plain):
    coarse = {"symbol": '"COARSE"', "quantity": '"2.5"', "limitPrice": '"50.25"', "stopPrice": '"50"'}
    assert check(f"[{entry_of({**MEMBERS, **coarse, **changes})}]".encode()) == is_plain


def test_a_batch_carries_those_symbols_that_it_names_and_no_others():
    entries = [entry_of({**MEMBERS, "symbol": f'"{symbol}"'}) for symbol in ("PG", "KO", "NOPE", "PG")]
    found = scan_orders(f"[{','.join(entries)}]".encode(), SYMBOLS, 4)
    assert found.symbols == ["KO", "PG"]
    assert found.trades["symbol"].tolist() == [1, 0, 0, 1]
