"""Packed columns give back exactly what was laid out, whatever is declared of it, and refuse what is damaged."""

import os
import random
import zlib
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventstore.columns.codec import EncodedCommit, EventCodec
from eventstore.columns.formulas import TIMESTAMP, VERSION, Declaration, Formulas, Product, Quotient, Term, Where
from eventstore.errors import UnknownEventType
from eventstore.kernels import packing
from eventstore.kernels.texts import TextTooLong
from eventstore.record import Commit
from eventstore.tests.reference import compressed, encode, encoded_commit

IS_CHECKED = "NUMBA_BOUNDSCHECK" in os.environ


class Nothing(msgspec.Struct, frozen=True, array_like=True, tag="Nothing@1"):
    pass


class Named(msgspec.Struct, frozen=True, array_like=True, tag="Named@1"):
    name: str
    size: int | None


class Grown(msgspec.Struct, frozen=True, array_like=True, tag="Named@1"):
    """What Named may become without a new version."""

    name: str
    size: int | None
    colour: str = "grey"


class Sold(msgspec.Struct, frozen=True, array_like=True, tag="Sold@1"):
    """Fat: much of it follows from the rest, or does not."""

    side: Any
    quantity: Any
    price: Any
    value: Any
    total: Any
    day: Any
    count: Any
    why: Any


SHARE = 1_000
SOLD = Declaration(
    tag="Sold@1",
    number=1,
    fields=Sold.__struct_fields__,
    expected={
        "value": [Product("quantity", "price", SHARE)],
        "total": [Term("value", 1, Where("side", "BUY")), Term("why.amount", -3, Where("side", None))],
        "day": [Quotient(TIMESTAMP, 86_400_000_000)],
        "count": [Term(VERSION)],
        "why.left": [Term("why.amount"), Product("quantity", "why.amount", 7, Where("side", True))],
    },
    shaped="why",
    shape=("amount", "left", "text"),
)
TYPES = [Nothing, Named, Sold]
CODEC = EventCodec(TYPES)
DECLARED = EventCodec(TYPES, declarations=[SOLD])
CODECS = pytest.mark.parametrize("codec", [CODEC, DECLARED], ids=["undeclared", "declared"])

UUIDS = st.uuids().map(str)
IDENTIFIERS = st.one_of(UUIDS, st.text("aé€ -", max_size=16), UUIDS.map(str.upper))
WIDE = st.integers(-(2**63), 2**64 - 1)
SMALL = st.integers(-300, 300)
EDGES = st.sampled_from(
    [0, 127, 128, 255, 256, 65_535, 65_536, 2**32 - 1, 2**32, 2**63 - 1, 2**63, -33, -129, -(2**63)]
)
SCALARS = st.one_of(SMALL, EDGES, WIDE, st.none(), st.booleans(), st.text(max_size=40), st.floats(allow_nan=False))
SHAPES = st.fixed_dictionaries({"amount": SCALARS, "left": SCALARS, "text": SCALARS})
NEARLY = st.sampled_from(
    [{}, {"amount": 1}, {"left": 1, "amount": 2, "text": 3}, {"amount": 1, "left": [2], "text": {"a": None}}]
)
FIGURES = st.one_of(SMALL, SMALL, SCALARS)
EVENTS = st.one_of(
    st.just(Nothing()),
    st.builds(Named, st.text(), st.none() | WIDE),
    st.builds(
        Sold,
        st.sampled_from(["BUY", "SELL", None, True, 1]),
        *[FIGURES] * 6,
        st.one_of(SHAPES, NEARLY, st.dictionaries(st.text(max_size=3), SCALARS, max_size=3), FIGURES),
    ),
)
COMMITS = st.builds(
    Commit,
    IDENTIFIERS,
    st.integers(1, 2**63 - 1) | st.integers(1, 40),
    st.integers(0, 2**55),
    IDENTIFIERS,
    st.none() | UUIDS | st.text(),
    st.none() | UUIDS | st.text(),
    st.sampled_from(["ada", "bob"]),
    st.none() | st.dictionaries(st.text(), st.text(), max_size=2),
    st.lists(EVENTS, max_size=3).map(tuple),
)


def exact(codec, commits):
    return [encoded_commit(commit, codec) for commit in commits]


@CODECS
@settings(max_examples=60 if IS_CHECKED else 250, deadline=None)
@given(commits=st.lists(COMMITS, max_size=20))
def test_what_was_laid_out_comes_back_and_so_do_the_hashed_bytes(codec, commits):
    plain = codec.decompress(compressed(commits, codec))
    assert codec.commits(codec.unpack(plain)) == commits
    assert codec.raw_commits(plain) == exact(codec, commits)


@CODECS
@settings(max_examples=30 if IS_CHECKED else 100, deadline=None)
@given(batches=st.lists(st.lists(COMMITS, max_size=6), min_size=1, max_size=5))
def test_payloads_that_are_read_together_give_what_each_gives(codec, batches):
    plains = [encode(commits, codec) for commits in batches]
    together = codec.unpack_together(plains)
    commits = [commit for one in batches for commit in one]
    assert codec.commits(together) == commits
    assert list(map(bytes, together.events.all_encoded())) == [
        event for commit in commits for event in encoded_commit(commit, codec).events
    ]
    types = together.events.types
    for of_type in range(len(together.events.tags)):
        rows = together.events.rows_of(of_type)
        starts = together.events.starts[types == of_type]
        assert rows.tolist() == [together.events.cells[start : start + rows.shape[1]].tolist() for start in starts]


def test_equal_values_have_one_number_in_payloads_that_are_read_together():
    commits = [Commit("a", n, 5, "c", None, None, "ada", None, (Named("é", None),)) for n in range(1, 9)]
    together = CODEC.unpack_together([encode([commit], CODEC) for commit in commits])
    assert len({*together.events.rows_of(0)[:, 0].tolist()}) == 1
    assert len(together.commits.origins) == 1


def test_a_type_that_was_stored_in_two_ways_is_two_types_of_what_is_read_together():
    old, new = Named("x", 3), Grown("y", 4, "red")
    plains = [
        encode([Commit("a", n, 5, "c", None, None, "ada", None, (event,))], codec)
        for n, (codec, event) in enumerate([(CODEC, old), (EventCodec([Grown]), new), (CODEC, old)], start=1)
    ]
    grown = EventCodec([Grown])
    together = grown.unpack_together(plains)
    assert sorted(zip(together.events.tags, together.events.field_counts.tolist(), strict=True)) == [
        ("Named@1", 2),
        ("Named@1", 3),
    ]
    assert [commit.events for commit in grown.commits(together)] == [(Grown("x", 3),), (new,), (Grown("x", 3),)]
    of_old = together.events.field_counts.tolist().index(2)
    assert together.events.rows_of(of_old)[:, 1].tolist() == [3, 3]


@CODECS
def test_a_damaged_byte_of_one_payload_is_found_among_others_or_changes_that_one_only(codec):
    sound, damaged = encode(some_commits(4), codec), bytearray(encode(some_commits(3), codec))
    expected = codec.raw_commits(sound)
    for place in range(0, len(damaged), 5 if IS_CHECKED else 1):
        for byte in (0, 0x7F, 0xFF):
            plain = bytes([*damaged[:place], byte, *damaged[place + 1 :]])
            try:
                alone = codec.raw_commits(plain)
            except (ValueError, UnknownEventType):
                with pytest.raises((ValueError, UnknownEventType)):
                    raw_together(codec, [sound, plain, sound])
            else:
                assert raw_together(codec, [sound, plain, sound]) == [*expected, *alone, *expected]


def raw_together(codec, plains):
    columns = codec.unpack_together(plains)
    headers = map(codec.encode_value, zip(*columns.header_columns(), strict=True))
    events = iter(columns.events.all_encoded())
    counts = columns.commits.event_counts.tolist()
    return [
        EncodedCommit(header, [bytes(next(events)) for _ in range(count)])
        for header, count in zip(headers, counts, strict=True)
    ]


def columns():
    """Return columns of every kind."""
    numbers = np.random.default_rng(1)
    edges = np.array([-(2**63), 2**63 - 1, 0, 1, -1, 5, 10**6])
    for _ in range(400 if IS_CHECKED else 4_000):
        count = int(numbers.integers(0, 30))
        yield numbers.choice(edges, count)
        yield numbers.integers(0, 20, count) * 10**6
        yield numbers.integers(-(2**63), 2**63 - 1, count)
        yield (numbers.random(count) < 0.2) * numbers.integers(10**8, 2 * 10**8, count)
        yield numbers.integers(0, 2 ** int(numbers.integers(1, 63)), count) * numbers.choice([1, 3, 1_000, -7])
        yield np.cumsum(numbers.integers(0, 3, count))


def test_integers_of_every_kind_come_back_and_a_byte_less_is_found():
    for column in columns():
        count, buffer = len(column), np.zeros(len(column) * 9 + 64, np.uint8)
        found, scratch = np.empty(count, np.int64), np.empty(count + 1, np.int64)
        end = packing.put_integers_packed(buffer, 0, column, count)
        assert packing.take_integers_packed(buffer, 0, end, found, count) == end
        assert found.tolist() == column.tolist()
        assert not count or packing.take_integers_packed(buffer, 0, end - 1, found, count) == packing.DAMAGED
        end = packing.put_steps_packed(buffer, 0, column, count, scratch)
        assert packing.take_steps_packed(buffer, 0, end, found, count, scratch) == end
        assert found.tolist() == column.tolist()
        assert packing.take_steps_packed(buffer, 0, end - 1, found, count, scratch) == packing.DAMAGED or end == 1


@pytest.mark.parametrize(
    ("column", "size"),
    [
        ([0] * 800, 1),
        ([7] * 800, 2),
        ([10**6 * (n % 16) for n in range(800)], 1 + 3 + 1 + 400),
        ([n == 7 for n in range(800)], 1 + 1 + 100),
        ([2**40 * (n % 100 == 7) for n in range(800)], 1 + 6 + 1 + 100),
        ([2**40 + n % 4 for n in range(800)], 1 + 6 + 200),
    ],
)
def test_integers_take_no_more_than_they_say(column, size):
    buffer = np.zeros(9_000, np.uint8)
    assert packing.put_integers_packed(buffer, 0, np.array(column, np.int64), len(column)) == size


def some_commits(count):
    numbers = random.Random(4)
    figures = [0, 5, 70, -3, 2**40, None, "text"]
    commits = []
    for number in range(count):
        quantity, price = numbers.randrange(20) * SHARE, numbers.randrange(10**6)
        why = {"amount": numbers.choice(figures), "left": 3, "text": "ü"} if number % 3 else {"other": number}
        sold = Sold(numbers.choice(["BUY", "SELL"]), quantity, price, quantity * price // SHARE, 9, 0, number, why)
        events = (sold, Named("é", 2**63), Nothing())[: 1 + number % 3]
        name = f"{number}" if count < 5 else f"{zlib.crc32(b'%d' % number):08x}-0000-4000-8000-00000000000a"
        commits.append(Commit(name, number + 1, 5 + number % 4, f"c{number}", None, None, "ada", None, events))
    return commits


@CODECS
@pytest.mark.parametrize("count", [3, 9])
def test_every_damaged_byte_is_an_error_or_other_commits_and_never_a_crash(codec, count):
    plain = encode(some_commits(count), codec)
    refused = 0
    for place in range(len(plain)):
        others = range(256) if place < 40 and not IS_CHECKED else (0, 1, 0x7F, 0x80, 0xFF, plain[place] ^ 0x10)
        for byte in others:
            refused += is_refused(codec, plain[:place] + bytes([byte]) + plain[place + 1 :])
    assert refused > len(plain)


@CODECS
def test_a_payload_that_ends_too_early_or_too_late_is_refused(codec):
    plain = encode(some_commits(7), codec)
    assert all(is_refused(codec, plain[:end]) for end in range(len(plain)))
    assert is_refused(codec, plain + b"\0")


@settings(deadline=None)
@given(st.binary(max_size=300), st.integers(0, 60))
def test_bytes_that_are_no_payload_are_refused(content, kept):
    plain = encode(some_commits(4), DECLARED)
    is_refused(DECLARED, content)
    is_refused(DECLARED, plain[: min(kept, len(plain))] + content)


def is_refused(codec, plain):
    """Any exception but these fails the test; an undetected change is what the hashes are for."""
    try:
        codec.raw_commits(plain)
        codec.commits(codec.unpack(plain))
    except (ValueError, UnknownEventType):
        return True
    return False


def test_what_follows_from_other_columns_takes_next_to_nothing():
    numbers = random.Random(5)
    commits = []
    for number in range(500):
        quantity, price, amount = (numbers.randrange(10**6) for _ in range(3))
        value = round(quantity * price / SHARE)
        why = {"amount": amount, "left": amount, "text": "same"}
        sold = Sold("BUY", quantity, price, value, value, 0, number + 1, why)
        commits.append(Commit("a", number + 1, 5, "c", None, None, "ada", None, (sold,)))
    plain = encode(commits, DECLARED)
    assert len(plain) < 500 * (3 * 20 / 8 + 2) + 100, "three random figures and two ids of a letter"
    assert len(encode(commits, CODEC)) > 2 * len(plain)
    assert DECLARED.commits(DECLARED.unpack(plain)) == commits


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"number": 0}, "a number above 0"),
        ({"shape": [f"key{n}" for n in range(16)]}, "at most 15 keys"),
        ({"fields": ("side", "side")}, "names a field twice"),
        ({"expected": {"nobody": []}}, "no field 'nobody'"),
        ({"expected": {"value": [Term("value")]}}, "only from what is known"),
        ({"expected": {"value": [Term("total")], "total": []}}, "only from what is known"),
        ({"expected": {"value": [Term("side", 1, Where("nobody", None))]}}, "only from what is known"),
        ({"expected": {"value": [Quotient("price", 0)]}}, "a divisor is above 0"),
    ],
)
def test_a_declaration_that_cannot_be_followed_is_refused(change, complaint):
    with pytest.raises(ValueError, match=complaint):
        Formulas([SOLD._replace(**change)])


def test_a_later_declaration_leaves_what_was_written_readable():
    commits = some_commits(9)
    plain = encode(commits, DECLARED)
    later = EventCodec(TYPES, declarations=[SOLD, SOLD._replace(number=2, expected={})])
    assert later.commits(later.unpack(plain)) == commits
    assert later.commits(later.unpack(encode(commits, later))) == commits
    assert encode(commits, later) != plain
    with pytest.raises(UnknownEventType, match="declaration 2"):
        DECLARED.commits(DECLARED.unpack(encode(commits, later)))


def test_an_identifier_that_no_row_holds_is_refused():
    for identifier in ("x" * 65, "é" * 33, "a\0"):
        with pytest.raises(TextTooLong):
            encode([Commit(identifier, 1, 5, "c", None, None, "ada", None, ())], CODEC)


def test_a_field_that_was_added_at_the_end_takes_its_default_and_the_hashed_bytes_stay():
    commit = Commit("a", 1, 5, "c", None, None, "ada", None, (Named("x", 3), Named("y", None)))
    plain = CODEC.decompress(compressed([commit], CODEC))
    grown = EventCodec([Grown])
    assert grown.commits(grown.unpack(plain))[0].events == (Grown("x", 3, "grey"), Grown("y", None, "grey"))
    assert grown.raw_commits(plain) == CODEC.raw_commits(plain)


def test_a_field_that_this_process_does_not_know_is_refused():
    commit = Commit("a", 1, 5, "c", None, None, "ada", None, (Grown("x", 3, "red"),))
    newer = EventCodec([Grown])
    with pytest.raises(UnknownEventType, match="3 fields"):
        CODEC.commits(CODEC.unpack(newer.decompress(compressed([commit], newer))))


def test_the_event_of_a_byte_is_the_first_that_another_byte_there_changes():
    events = (Named("first", 1), Nothing(), Named("second", 2), Nothing())
    plain = encode([Commit("a", 1, 5, "c", None, None, "ada", None, events)], CODEC)
    assert CODEC.event_at(plain, plain.index(b"first")) == 0
    assert CODEC.event_at(plain, plain.index(b"second") + 3) == 2
    assert CODEC.event_at(plain, 0) == 0
    assert CODEC.event_at(plain, len(plain)) == 0
