"""Identifiers as rows of bytes: found by name, placed in partitions and hashed as texts are."""

import uuid

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventstore.idempotency.command_ids import CommandKeys, may_carry_time
from eventstore.idempotency.remembered import RecentCommands
from eventstore.kernels import texts as texts_module
from eventstore.kernels.partitions import partitions_of, places_by_partition
from eventstore.kernels.texts import (
    TEXT_BYTES,
    NameTable,
    TextTooLong,
    are_texts,
    pack_texts,
    text_of,
    texts_of,
    uuid_texts,
)
from eventstore.record import partition_of
from eventstore.tests.counter import uuid7

NAMES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=16)
ALIKE = st.sampled_from(["", "a", "a" * 7, "a" * 8, "a" * 9, "a" * 64, "a" * 63, "b" + "a" * 63, "a" * 63 + "b"])


@settings(max_examples=50, deadline=None)
@given(st.lists(st.binary(min_size=16, max_size=16), max_size=5))
def test_random_bytes_become_uuids_of_version_4(randoms):
    rows = uuid_texts(b"".join(randoms))
    assert rows.shape == (len(randoms), TEXT_BYTES)
    assert texts_of(rows) == [str(uuid.UUID(bytes=random, version=4)) for random in randoms]


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.sampled_from([b"", b"a", b"a" * 64, b"a\0b", b"\0a", b"\0" * 63 + b"a", b"a\x7f", b"\x80"]), max_size=5)
)
def test_rows_are_texts_when_each_says_one(rows):
    matrix = np.frombuffer(b"".join(row.ljust(TEXT_BYTES, b"\0") for row in rows), np.uint8).reshape(-1, TEXT_BYTES)
    assert are_texts(matrix) == all(row and b"\0" not in row and row.isascii() for row in rows)
    beside = np.zeros((len(rows), TEXT_BYTES + 3), np.uint8)
    beside[:, 1 : TEXT_BYTES + 1] = matrix
    assert are_texts(beside[:, 1 : TEXT_BYTES + 1]) == are_texts(matrix)


def test_a_row_with_a_zero_byte_inside_never_gives_its_neighbour_another_text():
    rows = pack_texts(["abc", "def"])
    rows[0, 1] = 0
    with pytest.raises(ValueError, match="3 texts in 2 rows"):
        texts_of(rows)


@settings(max_examples=200, deadline=None)
@given(st.lists(NAMES | ALIKE, unique=True, max_size=60), st.lists(NAMES | ALIKE, max_size=20))
def test_names_are_found_by_their_numbers_and_no_others_are(names, strangers):
    table = NameTable()
    cut = len(names) // 2
    assert table.enter(pack_texts(names[:cut])).tolist() == list(range(cut))
    assert table.enter(pack_texts([*names, *names[:3]])).tolist() == [*range(len(names)), *range(len(names[:3]))]
    assert table.find(pack_texts(names)).tolist() == list(range(len(names)))
    assert [table.name(number) for number in range(len(table))] == names
    wanted = pack_texts(strangers)
    assert [text_of(row) for row in wanted] == strangers
    assert table.find(wanted).tolist() == [names.index(name) if name in names else -1 for name in strangers]


def test_a_table_of_many_names_grows_and_finds_them_all():
    rows = pack_texts([str(uuid.UUID(int=number)) for number in range(5_000)])
    table = NameTable()
    for place in range(0, len(rows), 7):
        table.enter(rows[place : place + 7])
    assert np.array_equal(table.find(rows), np.arange(5_000))
    assert table.find(pack_texts([str(uuid.UUID(int=5_000))])).tolist() == [-1]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.lists(st.integers(0, 700), min_size=1, max_size=60)), max_size=30))
def test_names_that_are_removed_are_not_found_and_their_numbers_are_given_again(steps):
    table, model = NameTable(), {}
    rows = pack_texts([str(number) for number in range(701)])
    table.enter(rows[:200])
    model.update(zip(range(200), range(200), strict=True))
    for is_removed, names in steps:
        if is_removed:
            gone = sorted({*names} & model.keys())
            table.remove(np.array([model.pop(name) for name in gone], np.int64))
        else:
            found = table.enter(rows[names]).tolist()
            for name, number in zip(names, found, strict=True):
                assert model.setdefault(name, number) == number
        assert len(table) == len(model) == len({*model.values()})
        assert table.find(rows).tolist() == [model.get(name, -1) for name in range(701)]
        assert all(table.name(number) == str(name) for name, number in model.items())
    assert max(model.values(), default=0) < 701, "no more numbers than there are names"


def test_a_table_that_leaves_a_gap_where_a_name_was_is_found_out(monkeypatch):
    def with_a_gap(table, hashes, free, counters, numbers):
        table[np.isin(table, numbers)] = -1

    monkeypatch.setattr(texts_module, "_remove", with_a_gap)
    table, rows = NameTable(), pack_texts([str(number) for number in range(250)])
    table.enter(rows)
    table.remove(np.arange(0, 250, 2))
    assert (table.find(rows)[1::2] < 0).any()


@pytest.mark.parametrize("text", ["a" * (TEXT_BYTES + 1), "é" * (TEXT_BYTES // 2 + 1), "a\0b"])
def test_what_does_not_fit_a_row_is_refused(text):
    with pytest.raises(TextTooLong, match="at most 64 bytes"):
        pack_texts(["good", text])


@settings(max_examples=100, deadline=None)
@given(st.lists(NAMES | ALIKE, min_size=1, max_size=20), st.integers(1, 64))
def test_an_aggregate_lives_in_the_partition_that_its_text_says(names, count):
    found = np.empty(len(names), np.int64)
    partitions_of(pack_texts(names), count, found)
    assert found.tolist() == [partition_of(name, count) for name in names]


@settings(max_examples=100, deadline=None)
@given(st.lists(NAMES | ALIKE, min_size=1, max_size=20), st.integers(1, 64), st.data())
def test_places_are_ordered_by_partition_and_stay_in_their_order_within_one(names, count, data):
    places = sorted(data.draw(st.sets(st.integers(0, len(names) - 1))))
    ordered, ends = places_by_partition(pack_texts(names), np.array(places, np.int64), count)
    of_place = [partition_of(name, count) for name in names]
    assert ordered.tolist() == sorted(places, key=of_place.__getitem__)
    assert ends.tolist() == [sum(of_place[place] <= number for place in places) for number in range(count)]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(NAMES | ALIKE, st.sampled_from(["ann/key", "ann", "bob"]), NAMES | ALIKE), unique=True))
def test_keys_of_columns_are_those_of_single_commands_and_differ(identities):
    keys = CommandKeys(str(uuid.UUID(int=7)))
    together = keys.of_texts(identities)
    assert [keys.of_texts([identity])[0] for identity in identities] == together.tolist()
    distinct = {(aggregate, actor.partition("/")[0], command) for aggregate, actor, command in identities}
    assert len(set(together.tolist())) == len(distinct)


def test_ids_that_may_carry_a_time_are_told_by_length_and_mark():
    ids = ["1", "01M3250V007ZZZZZZZZZZZZZZZ", uuid7(10**15), str(uuid.UUID(int=1, version=4)), "x" * 64, "x" * 27]
    assert may_carry_time(pack_texts(ids)).tolist() == [False, True, True, False, False, False]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(st.integers(0, 30), min_size=1, max_size=9), max_size=20), st.data())
def test_recent_commands_are_those_that_were_not_taken_back(batches, data):
    recent, model = RecentCommands(), []
    for seq, keys in enumerate(batches, start=1):
        before = len(model)
        were_there = recent.add(np.array(keys, np.uint64), seq=seq)
        known = [key for key, _ in model]
        assert were_there.tolist() == [key in known + keys[:place] for place, key in enumerate(keys)]
        model += [(key, seq) for key in keys]
        if data.draw(st.booleans()):
            recent.take_back(before)
            del model[before:]
        assert len(recent) == len(model)
        for key in range(31):
            seqs = [entry & 0xFFFFFF for entry in recent.find(key).tolist()]
            assert seqs == [of for found, of in model if found == key]
