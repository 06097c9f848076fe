"""The scanner takes batches apart as JSON says, and calls no entry plain that the factories see differently."""

import json
from contextlib import suppress
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.api.parsing.batches import trade_envelope
from accounts.api.parsing.factories import symbols_to_trade
from accounts.domain.commands import Decline
from accounts.domain.errors import CommandInvalid
from accounts.kernels.scan import scan_trades
from accounts.kernels.symbols import SYMBOL_BYTES_MAX, SymbolTable
from accounts.kernels.trades import NOT_ORDER, NOT_OTHER, TRADE
from accounts.writer.limits import REQUEST_COMMANDS_MAX
from eventstore.kernels.texts import TEXT_BYTES
from tests.services.instruments import DEMO_SYMBOLS, held, instrument

LONG = "ABC-1.XYZ-99"
COARSE = instrument("COARSE", lot_size=2_500_000, price_increment=2_500)
OTHERS = (
    instrument(LONG),
    COARSE,
    instrument("HALTED", is_halted=True),
    instrument("GONE", is_tradable=False),
    instrument("EURO", currency="EUR"),
)
with held(*OTHERS):
    SYMBOLS = symbols_to_trade()
ACCOUNT = "3c9f7a52-9a57-4f8e-8f0b-0f7f6b6d5f11"
MEMBERS = {
    "accountId": f'"{ACCOUNT}"',
    "symbol": '"KO"',
    "side": '"BUY"',
    "quantity": "3",
    "price": '"50.25"',
    "orderId": "null",
    "commandId": '"mine-1"',
}
"""What an entry says, each value as JSON."""
ODD_VALUES = (
    "null", "true", "nul", "nulll", "", "{}", "[]", "[", "}", '"', '""', '" "', '"null"', "-1", "-0", "0", "00", "01",
    "1", "1.0", "1e3", "1E400", "1.", ".5", "+1", "0x1", "1 2", "NaN", "9999999999999999999999999",
    '"\\u004bO"', '"\\"', '"KO\\n"', '"\x00"', '"\x1f"', '"\x7f"', '"é"', '"١"', '"\ufeff"', '"a\\/b"',
    '{"a": [1, "]}"]}',
)  # fmt: skip
VALUES = {
    "accountId": (
        f'"{ACCOUNT.upper()}"', f'"{ACCOUNT[:-1]}"', f'"{ACCOUNT}0"', f'"{ACCOUNT.replace("-", "")}"',
        f'"{{{ACCOUNT}}}"',
        f'"{ACCOUNT[:-1]}g"', f'"{ACCOUNT[:8]}0{ACCOUNT[9:]}"', f'"{ACCOUNT[:7]}-{ACCOUNT[8:]}"', f'"{ACCOUNT} "',
        f'"{ACCOUNT[:-1]}`"', f'"{ACCOUNT[:-1]}/"', f'"{ACCOUNT[:-1]}:"', f'"{ACCOUNT[:-1]}A"', f'"{"0" * 36}"',
    ),
    "symbol": ('"KO"', '"ko"', '"K"', '"KOO"', '"JPM"', '"MSFT"', '"AAPLAAPL"', '"AAPLAAPLA"', '"KO "', '"GE"', "7",
        f'"{LONG}"', f'"{LONG}A"', '"COARSE"', '"HALTED"', '"GONE"', '"EURO"', '"K-O"', '"KO."',
    ),
    "side": ('"BUY"', '"SELL"', '"buy"', '"BUYS"', '"BU"', '"SEL"', '"SELLS"', '"HOLD"', "1"),
    "quantity": (
        "1", "10", "999999999", "1000000000", "1000000001", "10000000000", "9223372036854775808", '"1"', '"01"',
        '"0.5"',
        '"2.5"', '"0.000001"', '"0.0000001"', '"1.1234567"', '"1.123456"', '"1."', '".5"', '"1.5.5"', '"-1"', '"+1"',
        '"1e3"', '"0"', '"0.0"', '"000000000001"', '"0000000000001"', '"1000000000"', '"1000000000.000001"',
        '"999999999999.999999"', '"1000000000.0"', '"1,5"', '" 1"', '"1 "', '"1_0"', '"٣"', "1000000000.0", "3.5",
    ),
    "price": (
        '"1"', '"0.0001"', '"0.00001"', '"50.25"', '"50.2500"', '"50.25000"', '"0"', '"0.0000"', '"10000000"',
        '"10000000.0000"', '"10000000.0001"', '"10000001"', '"000000000050.25"', '"0000000000050.25"', '"999999999999"',
        '"1."', '".5"', '"1.2.3"', '"-1"', '"+1"', '"1e3"', '"1,5"', '" 1"', '"1 "', "50.25", "50", '"1/2"', '"1:2"',
    ),
    "orderId": (f'"{ACCOUNT}"', '"x"', '"null"', "null"),
    "commandId": (
        f'"{ACCOUNT}"', f'"{ACCOUNT.upper()}"', f'"{"x" * 63}"', f'"{"x" * 64}"', f'"{"x" * 65}"', '"!"', '"~"',
        '"a b"',
        '"{[,:]}"', '"a\\"b"', '"a\\\\b"', "17",
    ),
}  # fmt: skip
ANY_VALUE = st.one_of(
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=9)),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
        max_leaves=5,
    ).map(lambda value: json.dumps(value, ensure_ascii=False)),
    st.sampled_from(ODD_VALUES),
)
SPACES = st.sampled_from(["", "", "", "", " ", "\n", "\t\r ", "\x0b", "\xa0"])


def entry_of(members):
    return "{" + ",".join(f'"{name}":{value}' for name, value in members.items()) + "}"


GOOD = entry_of(MEMBERS)


@pytest.fixture(autouse=True, scope="module")
def _instruments():
    with held(*OTHERS):
        yield


@st.composite
def decimals(draw, places_max, whole_max):
    places = draw(st.integers(0, places_max))
    whole, fraction = divmod(draw(st.integers(1, whole_max * 10**places)), 10**places)
    return f'"{whole}.{fraction:0{places}}"' if places else f'"{whole}"'


VISIBLE = st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters='"\\')
COMMAND_IDS = st.text(VISIBLE, min_size=1, max_size=TEXT_BYTES)


@st.composite
def good_entries(draw):
    members = {
        "accountId": f'"{draw(st.uuids())}"',
        "symbol": f'"{draw(st.sampled_from((*DEMO_SYMBOLS, LONG)))}"',
        "side": draw(st.sampled_from(['"BUY"', '"SELL"'])),
        "quantity": draw(st.integers(1, 10**9).map(str) | decimals(6, 10**9)),
        "price": draw(decimals(4, 10**7)),
    }
    members |= draw(st.just({}) | st.just({"commandId": "null"}) | COMMAND_IDS.map(lambda id: {"commandId": f'"{id}"'}))
    members |= draw(st.just({}) | st.just({"orderId": "null"}))
    return members


@st.composite
def entries(draw):
    """An entry as JSON: a good one, or one with something changed, spread by white space."""
    if draw(st.integers(0, 9)) == 0:
        return draw(ANY_VALUE)
    members = list(draw(good_entries()).items())
    change = draw(st.integers(0, 7))
    place = draw(st.integers(0, len(members) - 1))
    if change == 0:
        name = members[place][0]
        members[place] = (name, draw(st.sampled_from(VALUES[name]) | ANY_VALUE))
    elif change == 1:
        del members[place]
    elif change == 2:
        members.insert(place, draw(st.sampled_from(members)))
    elif change == 3:
        members.insert(place, (draw(st.sampled_from(["orderId", "stranger", "", "side\\n", "Price"])), draw(ANY_VALUE)))
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


def read(text):
    """Return what JSON says, as strictly as RFC 8259 has it; raises ValueError for what is none."""

    def refuse(name):
        raise ValueError(name)

    return json.loads(text.decode("utf-8", "strict"), parse_constant=refuse)


def read_or_none(text):
    try:
        return (read(text),)
    except ValueError:
        return None


def is_unusual(span):
    """Tell whether an entry may be left to the factories although they accept it."""
    names = []
    value = json.loads(span, object_pairs_hook=lambda pairs: names.extend(name for name, _ in pairs) or dict(pairs))
    return b"\\" in span or len(set(names)) < len(names) or value.get("orderId") is not None


def text_of(row):
    text = bytes(row).rstrip(b"\x00").decode("ascii")
    assert bytes(row)[len(text) :] == bytes(len(row) - len(text))
    return text


def check_plain(found, row, item):
    envelope = trade_envelope(item, "ada")
    command, trade = envelope.command, found.trades[row]
    assert text_of(found.account_ids[row]) == envelope.account_id
    assert text_of(found.command_ids[row]) == (envelope.command_id if item.get("commandId") else "")
    assert found.symbols[trade["symbol"]] == command.symbol
    assert (trade["is_buy"], trade["other"], trade["order"]) == (command.side == "BUY", NOT_OTHER, NOT_ORDER)
    assert (trade["quantity"], trade["price"], None) == (command.quantity, command.price, command.order_id)


def check_left(found, row, span):
    assert not found.account_ids[row].any()
    assert not found.command_ids[row].any()
    assert found.trades[row].tolist() == (0, 0, 0, 0, NOT_OTHER, NOT_ORDER, False)
    item = read_or_none(span)
    if item is not None and not (isinstance(item[0], dict) and is_unusual(span)):
        with suppress(CommandInvalid):
            assert type(trade_envelope(item[0], "ada").command) is Decline


def check(document):
    """Take a document apart both ways; return how many entries were plain, None when it was not split."""
    said = read_or_none(document)
    found = scan_trades(document, SYMBOLS, REQUEST_COMMANDS_MAX)
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


@settings(max_examples=60, deadline=None)
@given(st.lists(good_entries(), min_size=1, max_size=4))
def test_good_entries_are_plain(members):
    assert check(f"[{','.join(map(entry_of, members))}]".encode()) == len(members)


@settings(max_examples=200, deadline=None)
@given(documents())
def test_documents_are_taken_apart_as_json_says(document):
    check(document.encode("utf-8", "surrogatepass"))


@settings(max_examples=150, deadline=None)
@given(damaged_documents())
def test_damaged_documents_are_found_out(document):
    check(document)


@pytest.mark.parametrize("name", MEMBERS)
def test_every_value_is_taken_as_the_factories_take_it(name):
    for value in (*VALUES[name], *ODD_VALUES):
        check(f"[{GOOD},{entry_of({**MEMBERS, name: value})} ,{GOOD}]".encode("utf-8", "surrogatepass"))


def test_much_damage_is_found_out():
    random = Random(17)
    for _ in range(8_000):
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


@pytest.mark.parametrize(
    "document",
    ["", " ", "null", "{}", "[", "]", "[1", "[1,", "[1,]", "[,1]", "[,]", "[1 2]", "[1]]", "[1]x", "[[1]", '["', '["\\',
     '["\\"]', '["a" "b"]', f"[{GOOD}", f"[{GOOD},]", f"[{GOOD}{GOOD}]", f"[{GOOD}]\x00", f"{GOOD}", "[{}}]"],
)  # fmt: skip
def test_what_is_no_list_is_not_split(document):
    assert check(document.encode()) is None


@pytest.mark.parametrize("name", MEMBERS)
def test_a_name_that_is_there_twice_is_not_plain(name):
    twice = GOOD[:-1] + f',"{name}":{MEMBERS[name]}' + "}"
    assert check(f"[{GOOD},{twice}]".encode()) == 1


def test_a_list_may_be_empty_or_spread():
    assert check(b"[]") == check(b" [\n] ") == 0
    assert check(f"\r\n[ {GOOD}\t,\n{GOOD} ]\n".encode()) == 2


def test_more_entries_than_the_limit_are_not_split():
    document = f"[{','.join([GOOD] * 3)}]".encode()
    assert len(scan_trades(document, SYMBOLS, 3).is_plain) == 3
    assert scan_trades(document, SYMBOLS, 2) is None
    assert len(scan_trades(b"[1,1]", SYMBOLS, 3).is_plain) == 2


def test_depth_has_no_end():
    deep = b"[" * 200_000 + b"]" * 200_000
    assert scan_trades(deep, SYMBOLS, 10).spans.tolist() == [[1, len(deep) - 1]]
    assert scan_trades(deep[:-1], SYMBOLS, 10) is None


def test_the_columns_have_the_forms_that_are_promised():
    found = scan_trades(memoryview(f"[{GOOD},7]".encode()), SYMBOLS, 10)
    assert found.account_ids.shape == (2, TEXT_BYTES)
    assert found.command_ids.shape == (2, TEXT_BYTES)
    assert found.account_ids.dtype == found.command_ids.dtype == np.uint8
    assert (found.trades.dtype, found.trades.shape) == (TRADE, (2,))
    assert (found.is_plain.dtype, found.is_plain.tolist()) == (np.bool_, [True, False])
    assert (found.spans.dtype, found.spans.shape) == (np.int64, (2, 2))
    assert all(column.flags.c_contiguous for column in found[:-1])
    assert found.symbols == ["KO"]


def test_symbols_are_found_whatever_their_number_and_their_length():
    texts = [f"{number:x}".upper() for number in range(5_000)] + [
        "ABCDEFGHIJKL",
        "ABCDEFGHIJKLM",
        "É",
        "A B",
        "A\\B",
        "A\\\\B",
        "",
    ]
    table = SymbolTable(texts, np.ones((len(texts), 2), np.int64))
    entries = [entry_of({**MEMBERS, "symbol": json.dumps(text, ensure_ascii=False)}) for text in texts]
    found = scan_trades(f"[{','.join(entries)}]".encode(), table, len(texts))
    assert len("ABCDEFGHIJKL") == SYMBOL_BYTES_MAX
    assert found.is_plain.tolist() == [True] * 5_001 + [False] * 6
    assert [found.symbols[place] for place in found.trades["symbol"][:5_001].tolist()] == texts[:5_001]
    assert not scan_trades(f"[{GOOD}]".encode(), SymbolTable([], np.ones((0, 2), np.int64)), 1).is_plain[0]
    with pytest.raises(AssertionError, match="each symbol is there once"):
        SymbolTable(["KO", "KO"], np.ones((2, 2), np.int64))


def test_a_batch_carries_those_symbols_that_it_names_and_no_others():
    entries = [entry_of({**MEMBERS, "symbol": f'"{symbol}"'}) for symbol in ("PG", "KO", "NOPE", "PG")]
    found = scan_trades(f"[{','.join(entries)}]".encode(), SYMBOLS, 4)
    assert found.symbols == ["KO", "PG"]
    assert found.trades["symbol"].tolist() == [1, 0, 0, 1]


@pytest.mark.parametrize(
    ("quantity", "price", "is_plain"),
    [
        ('"2.5"', '"0.25"', True),
        ('"5"', '"100.75"', True),
        ("5", '"1"', True),
        ("3", '"1"', False),
        ('"2.500001"', '"1"', False),
        ('"2.5"', '"1.01"', False),
        ('"2.5"', '"0.0001"', False),
    ],
)
def test_what_is_not_in_the_steps_of_its_instrument_is_left(quantity, price, is_plain):
    members = {**MEMBERS, "symbol": '"COARSE"', "quantity": quantity, "price": price}
    assert check(f"[{entry_of(members)}]".encode()) == is_plain


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40))
def test_steps_are_counted_as_the_factories_count_them(half_lots, tenths):
    members = {**MEMBERS, "symbol": '"COARSE"', "quantity": f'"{half_lots * 1.25}"', "price": f'"{tenths * 0.05:.2f}"'}
    assert check(f"[{entry_of(members)}]".encode()) == (half_lots % 2 == 0 and tenths % 5 == 0)
