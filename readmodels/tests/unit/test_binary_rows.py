"""Columns become PostgreSQL's binary rows and arrays: taken apart again by its own documentation, they are the same."""

import struct
import uuid

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from readmodels.projector import binary_rows as binary

INTEGERS = st.integers(-(2**63), 2**63 - 1)
TEXTS = st.text(max_size=9) | st.none()
ROWS = st.lists(st.tuples(st.binary(min_size=16, max_size=16), INTEGERS, TEXTS, st.sampled_from(["BUY", "SELL"])))


def uuids_of(keys):
    return np.frombuffer(b"".join(keys), np.uint8).reshape(-1, 16)


def taken_apart(data):
    """Yield the fields of each row of COPY BINARY, None for NULL."""
    data, place = b"".join(data), 0
    while place < len(data):
        (count,) = struct.unpack_from(">h", data, place)
        place += 2
        fields = []
        for _ in range(count):
            (length,) = struct.unpack_from(">i", data, place)
            place += 4
            fields.append(None if length < 0 else data[place : place + length])
            place += max(length, 0)
        yield tuple(fields)


@given(ROWS)
def test_rows_are_what_their_columns_say(rows):
    keys, numbers, texts, sides = map(list, zip(*rows, strict=True)) if rows else ([], [], [], [])
    octets = [(text or "").encode().replace(b"\0", b"-") for text in texts]
    padded = np.frombuffer(b"".join(each.ljust(40, b"\0") for each in octets), np.uint8).reshape(-1, 40)
    of_sides = binary.texts(["BUY", "SELL"], np.array([("BUY", "SELL").index(side) for side in sides], np.int64))
    is_buy = np.array([side == "BUY" for side in sides], bool)
    made = binary.rows(
        [binary.uuids(uuids_of(keys)), binary.integers(numbers)],
        [
            binary.texts(texts),
            of_sides,
            binary.identifiers(padded),
            binary.either(is_buy, binary.texts(texts), of_sides),
        ],
    )
    encoded = [None if text is None else text.encode() for text in texts]
    expected = [
        (
            key,
            struct.pack(">q", number),
            text,
            side.encode(),
            identifier,
            text if side == "BUY" else side.encode(),
        )
        for key, number, text, side, identifier in zip(keys, numbers, encoded, sides, octets, strict=True)
    ]
    assert sorted(taken_apart(made), key=repr) == sorted(expected, key=repr)


IDS = st.uuids().map(str)
LIKE_IDS = st.one_of(
    IDS,
    IDS.map(str.upper),
    IDS.map(lambda text: text.replace("-", "")),
    IDS.map(lambda text: text + "0"),
    IDS.map(lambda text: text[:-1]),
    IDS.map(lambda text: text[:8] + "0" + text[9:]),
    IDS.map(lambda text: "-" + text[1:]),
    IDS.map(lambda text: text[:-1] + "g"),
    st.text("0123456789abcdefABCDEF-\u00e4", min_size=1, max_size=40).filter(lambda text: len(text.encode()) <= 64),
)


def is_canonical(text):
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False


@given(st.lists(LIKE_IDS, min_size=1))
def test_uuids_are_found_among_texts_only_as_they_are_written(texts):
    padded = np.frombuffer(b"".join(text.encode().ljust(64, b"\0") for text in texts), np.uint8).reshape(-1, 64)
    keys, are_uuids = binary.uuids_among(padded)
    assert are_uuids.tolist() == [is_canonical(text) for text in texts]
    made = binary.rows(
        [binary.booleans(are_uuids), binary.numbers([7, -7], are_uuids.astype(np.int64))],
        [
            binary.nulls_but(are_uuids, binary.octets(keys)),
            binary.nulls_but(~are_uuids, binary.identifiers(padded)),
        ],
    )
    expected = [
        (
            bytes([is_canonical(text)]),
            struct.pack(">i", -7 if is_canonical(text) else 7),
            uuid.UUID(text).bytes if is_canonical(text) else None,
            None if is_canonical(text) else text.encode(),
        )
        for text in texts
    ]
    assert sorted(taken_apart(made), key=repr) == sorted(expected, key=repr)


def test_many_rows_are_made_in_parts_and_stay_in_order():
    numbers = list(range(2_500))
    made = binary.rows([binary.integers(numbers)], [binary.texts(["a", None], np.array(numbers) % 2)])
    found = {int.from_bytes(number): text for number, text in taken_apart(made)}
    assert found == {number: (b"a", None)[number % 2] for number in numbers}


@given(st.lists(INTEGERS, min_size=1))
def test_rows_of_one_width_stay_in_order(numbers):
    made = binary.rows([binary.integers(numbers)], [binary.texts(["same"] * len(numbers))])
    assert [int.from_bytes(number, signed=True) for number, _ in taken_apart(made)] == numbers


def test_instants_and_dates_count_from_2000():
    column = binary.instants([946_684_800_000_000 + 7])
    assert taken_apart(binary.rows([column, binary.dates([10_958])], []))
    assert (column.values.tolist(), binary.dates([10_958]).values.tolist()) == ([7], [1])


@given(st.lists(INTEGERS))
def test_an_array_is_its_head_and_its_elements(values):
    made = binary.integer_array(values)
    if not values:
        assert made == struct.pack(">iiI", 0, 0, 20)
        return
    assert struct.unpack_from(">iiIii", made) == (1, 0, 20, len(values), 1)
    assert [number for _, number in struct.iter_unpack(">iq", made[20:])] == values


def test_an_integer_beyond_64_bits_is_refused():
    with pytest.raises(OverflowError):
        binary.integer_array([2**63])
