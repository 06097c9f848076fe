"""Events as cells become the same bytes, hashes and payloads as the same events as objects."""

import os
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventstore.columns.cells import VALUE_BASE, VALUE_LIMIT, CommitRows, EventCells, Origins, Values, leaf_hashes
from eventstore.columns.codec import EventCodec
from eventstore.columns.packed import payload_columns, unpack
from eventstore.errors import UnknownEventType
from eventstore.integrity.merkle import merkle_root
from eventstore.kernels import messages, sha256
from eventstore.kernels.sha256 import merkle_root_of
from eventstore.kernels.texts import pack_texts
from eventstore.tests.reference import encode_columns, hash_commit

ROOT = Path(__file__).parents[3]
IS_CHECKED = "NUMBA_BOUNDSCHECK" in os.environ
TIMESTAMP = 1_753_000_000_000_000


class Moved(msgspec.Struct, frozen=True, array_like=True, tag="Moved@1"):
    """Two integers."""

    amount: int
    total: int


class Noted(msgspec.Struct, frozen=True, array_like=True, tag="Noted@2"):
    """Whatever there is."""

    name: str
    value: Any
    flag: bool
    arguments: dict[str, str | int | None]
    other: Any


class Ended(msgspec.Struct, frozen=True, array_like=True, tag="Ended@1"):
    """Nothing at all."""


Broad = msgspec.defstruct(
    "Broad", [(f"field_{n}", Any) for n in range(17)], frozen=True, array_like=True, tag="A type with a longer name@1"
)
CODEC = EventCodec([Moved, Noted, Ended, Broad])

EDGES = sorted({sign * 2**bits + by for bits in range(64) for by in (-2, -1, 0, 1) for sign in (1, -1)})
WIDE_EDGES = [-(2**63), VALUE_LIMIT - 1, VALUE_LIMIT, 2**63 - 1, 2**63, 2**64 - 1]
TEXTS = ["", "x" * 31, "x" * 32, "é" * 16, "x" * 255, "x" * 256, "é€𝄞" * 40, "x" * 65_535, "ж" * 32_768]

small = st.integers(-300, 70_000)
integers = st.one_of(
    small, st.sampled_from([edge for edge in EDGES if edge >= -(2**63)]), st.integers(-(2**63), 2**63 - 1)
)
anything = st.one_of(
    integers,
    st.sampled_from(WIDE_EDGES),
    st.none(),
    st.booleans(),
    st.text(max_size=40),
    st.sampled_from(TEXTS),
    st.floats(allow_nan=False),
    st.lists(small, max_size=3),
)
arguments = st.dictionaries(st.text(max_size=5), st.one_of(small, st.none(), st.text(max_size=5)), max_size=3)
events = st.one_of(
    st.builds(Moved, integers, integers),
    st.builds(Noted, st.text(max_size=40), anything, st.booleans(), arguments, anything),
    st.builds(Ended),
    st.lists(integers, min_size=17, max_size=17).map(lambda values: Broad(*values)),
)

uuids = st.uuids().map(str)
NEARLY = "0f9d1c3e-5b7a-4d2f-8e6c-1a2b3c4d5e6f"
odd_identifiers = st.one_of(
    st.text("abc-XYZ019 ", min_size=1, max_size=64),
    st.text("aé€𝄞", min_size=1, max_size=16),
    st.sampled_from(
        [
            "a",
            "x" * 31,
            "x" * 32,
            "x" * 64,
            NEARLY.upper(),
            NEARLY.replace("-", ""),
            NEARLY[:-1] + "g",
            NEARLY[:-1] + " ",
            NEARLY[1:9] + NEARLY[0] + NEARLY[9:],
            NEARLY[:-1],
            NEARLY + "0",
        ]
    ),
)
identifiers = st.one_of(uuids, odd_identifiers)


@st.composite
def batches(draw):
    """Draw commits of one timestamp: the eight values of each one's header, and its events."""
    ids = draw(st.sampled_from([uuids, uuids, identifiers]))
    other_ids = draw(
        st.sampled_from([st.none(), uuids, st.one_of(st.none(), uuids), st.one_of(identifiers, st.text())])
    )
    metadata = draw(st.sampled_from([st.none(), st.sampled_from([None, {}]), st.none() | arguments_of_text]))
    actor = draw(st.sampled_from([st.just("user:17"), st.text(max_size=40), st.sampled_from(["a", "b"])]))
    origins = draw(st.lists(st.tuples(other_ids, other_ids, actor, metadata), min_size=1, max_size=4))
    timestamp = draw(st.one_of(st.just(TIMESTAMP), integers.filter(lambda value: value >= VALUE_LIMIT)))
    counts = draw(st.sampled_from([st.just(1), st.integers(0, 3), st.integers(0, 300)]))
    pool = draw(st.lists(events, min_size=1, max_size=6))
    headers, groups = [], []
    for _ in range(draw(st.integers(0, 20))):
        correlation_id, causation_id, by, about = draw(st.sampled_from(origins))
        version = draw(st.integers(1, 2**63 - 1))
        headers.append((draw(ids), version, timestamp, draw(ids), correlation_id, causation_id, by, about))
        begin = draw(st.integers(0, len(pool) - 1))
        count = draw(counts)
        groups.append((pool * (1 + (begin + count) // len(pool)))[begin : begin + count])
    return headers, groups


arguments_of_text = st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=2)


def rows_of(headers, groups) -> CommitRows:
    origins = Origins()
    return CommitRows(
        aggregate_ids=pack_texts([header[0] for header in headers]),
        command_ids=pack_texts([header[3] for header in headers]),
        first_versions=np.array([header[1] for header in headers], np.int64),
        timestamps=headers[0][2] if headers else TIMESTAMP,
        origins=origins,
        origin_numbers=np.array([origins.number(*header[4:]) for header in headers], np.int32),
        event_counts=np.array([len(group) for group in groups], np.int64),
    )


def cells_of(groups) -> EventCells:
    cells = EventCells()
    for group in groups:
        for event in group:
            cells.add(event)
    return cells


def leaves_of(headers, groups) -> list[bytes]:
    return [leaf for pair in zip(headers, groups, strict=True) for leaf in hash_commit(*pair, CODEC)]


def simple_batch(event_list) -> tuple[list[tuple], list[list]]:
    """Return a commit for each event."""
    headers = [
        (str(uuid.UUID(int=n, version=4)), n + 1, TIMESTAMP, str(uuid.UUID(int=n, version=5)), None, None, "a", None)
        for n in range(len(event_list))
    ]
    return headers, [[event] for event in event_list]


def assert_same(headers, groups) -> None:
    rows, cells = rows_of(headers, groups), cells_of(groups)
    expected, found = leaves_of(headers, groups), leaf_hashes(rows, cells)
    assert found.shape == (len(expected), 32)
    assert [leaf.tobytes() for leaf in found] == expected
    assert merkle_root_of(found) == merkle_root(expected)
    assert_payload(rows, cells, headers, groups)


def assert_payload(rows, cells, headers, groups) -> None:
    """The payload holds exactly these commits, and is hardly ever another one than that of the objects."""
    found = unpack(payload_columns(rows, cells))
    assert [tuple(header) for header in zip(*found.header_columns(), strict=True)] == [tuple(each) for each in headers]
    assert found.commits.event_counts.tolist() == list(map(len, groups))
    assert list(map(bytes, found.events.all_encoded())) == [CODEC.encode_value(e) for group in groups for e in group]
    assert [leaf.tobytes() for leaf in leaf_hashes(*found)] == leaves_of(headers, groups)


@settings(max_examples=60 if IS_CHECKED else 250, deadline=None)
@given(batches())
def test_hashes_roots_and_payloads_are_those_of_the_objects(batch):
    assert_same(*batch)


@settings(max_examples=100, deadline=None)
@given(st.lists(events, max_size=8))
def test_an_event_comes_back(event_list):
    cells = cells_of([event_list])
    assert len(cells) == len(event_list)
    assert [cells.event(place, CODEC) for place in range(len(cells))] == event_list
    assert [cells.encoded(place) for place in range(len(cells))] == [CODEC.encode_value(e) for e in event_list]


def test_integers_of_every_size():
    edges = [edge for edge in [*EDGES, *WIDE_EDGES] if edge >= -(2**63)]
    assert_same(*simple_batch([Moved(edge, -edge if -(2**63) < edge < 2**63 else edge) for edge in edges]))


@pytest.mark.parametrize("text", TEXTS)
def test_texts_of_every_size(text):
    assert_same(*simple_batch([Noted(text, text, True, {text: text}, None)]))


@pytest.mark.parametrize("count", [0, 1, 15, 16, 4_095, 4_096, *([] if IS_CHECKED else [65_535, 65_536])])
def test_headers_of_every_size(count):
    assert_same(*simple_batch([Moved(1, n) for n in range(count)]))


def test_a_merkle_tree_of_every_shape():
    leaves = np.random.default_rng(1).integers(0, 256, (70, 32)).astype(np.uint8)
    for count in range(71):
        expected = merkle_root([leaf.tobytes() for leaf in leaves[:count]])
        assert merkle_root_of(leaves[:count]) == expected
        assert merkle_root_of(leaves[:count]) == expected, "the leaves are left what they are"


def test_events_can_be_hashed_as_they_come():
    headers, groups = simple_batch([Moved(n, n) if n % 3 else Noted("n", n, False, {}, None) for n in range(50)])
    cells, found = EventCells(), []
    for begin in range(0, 50, 10):
        first_event = len(cells)
        for group in groups[begin : begin + 10]:
            cells.add(group[0])
        found.append(
            leaf_hashes(
                rows_of(headers[begin : begin + 10], groups[begin : begin + 10]), cells, first_event=first_event
            )
        )
    assert [leaf.tobytes() for leaf in np.concatenate(found)] == leaves_of(headers, groups)


@settings(max_examples=30, deadline=None)
@given(st.lists(events, max_size=30), st.integers(0, 3))
def test_events_that_are_added_as_arrays(event_list, gap):
    """Many at once, with whatever lies between their rows, are those that were added one by one."""
    one_by_one = cells_of([event_list])
    sizes = one_by_one.field_counts[one_by_one.types]
    flat, starts = [7] * gap, []
    for start, size in zip(one_by_one.starts, sizes, strict=True):
        starts.append(len(flat))
        flat += [*one_by_one.cells[start : start + size].tolist(), *[7] * gap]
    found = EventCells(one_by_one.values)
    found.add_rows("Moved@1", np.array([[1, 2], [3, 4]]))
    field_counts = one_by_one.field_counts.tolist()
    found.add_mixed(
        one_by_one.tags, field_counts, one_by_one.types, np.array(flat, np.int64), np.array(starts, np.int64)
    )
    expected = [Moved(1, 2), Moved(3, 4), *event_list]
    assert [found.event(place, CODEC) for place in range(len(found))] == expected
    headers, groups = simple_batch(expected)
    assert_payload(rows_of(headers, groups), found, headers, groups)


def test_rows_of_a_long_batch():
    rows = np.arange(20_000).reshape(-1, 2)
    cells = EventCells()
    for begin in range(0, 10_000, 600):
        cells.add_rows("Moved@1", rows[begin : begin + 600])
    assert (cells.cells.reshape(-1, 2) == rows).all()
    assert (cells.starts == np.arange(0, 20_000, 2)).all()
    assert cells.event(9_999, CODEC) == Moved(19_998, 19_999)


def test_events_are_taken_back():
    event_list = [Moved(1, 2), Noted("a", "b", True, {}, None), Ended(), Moved(3, 4)]
    cells = cells_of([event_list])
    cells.truncate(4)
    cells.truncate(1)
    assert len(cells) == 1
    cells.add(event_list[2])
    headers, groups = simple_batch([event_list[0], event_list[2]])
    assert payload_columns(rows_of(headers, groups), cells) == encode_columns(headers, groups, CODEC), "no other type"
    with pytest.raises(ValueError, match="there are 2 events, found 3"):
        cells.truncate(3)


def test_many_values_have_the_cells_that_they_have_one_by_one():
    values, alone = Values(), Values()
    texts = [b"\xa1a", b"\xa1b", b"\xa1a", b"\xa1c"]
    values.number(b"\xa1b")
    alone.number(b"\xa1b")
    assert values.numbers(texts) == [alone.number(text) for text in texts]
    assert values.numbers([]) == []
    assert values.numbers(texts) == [alone.number(text) for text in texts]
    assert [values.encoded(cell) for cell in values.numbers(texts)] == texts


def test_a_table_of_values_grows():
    values = Values()
    cells = [values.cell(f"value {n}" * (n % 5)) for n in range(5_000)]
    more = values.append_many(np.frombuffer(b"\xa1x" * 3_000, np.uint8), np.arange(2, 6_001, 2))
    expected = [msgspec.msgpack.encode(f"value {n}" * (n % 5)) for n in range(5_000)]
    assert [values.encoded(cell) for cell in cells] == expected
    assert all(values.encoded(more + n) == b"\xa1x" for n in range(3_000))
    assert values.append_many(np.empty(0, np.uint8), np.empty(0, np.int64)) == VALUE_BASE + values.count


@pytest.mark.parametrize("value", [True, False, VALUE_LIMIT - 1, 2**63, None, 1.0])
def test_what_is_no_integer_of_63_bits_is_a_value(value):
    values = Values()
    assert values.cell(value) == VALUE_BASE
    assert values.encoded(VALUE_BASE) == msgspec.msgpack.encode(value)
    assert values.cell(VALUE_LIMIT) == VALUE_LIMIT
    assert values.cell(2**63 - 1) == 2**63 - 1


def test_read_only_arrays_are_taken():
    headers, groups = simple_batch([Moved(1, 2), Moved(3, 4)])
    rows = rows_of(headers, groups)
    for name in ("aggregate_ids", "command_ids", "first_versions", "timestamps", "origin_numbers", "event_counts"):
        getattr(rows, name).flags.writeable = False
    fields = vars(rows)
    assert payload_columns(CommitRows(**fields), cells_of(groups)) == encode_columns(headers, groups, CODEC)


def test_arrays_are_let_go_of():
    headers, groups = simple_batch([Moved(1, 2), Noted("a", "b", True, {}, None)])
    rows, cells = rows_of(headers, groups), cells_of(groups)
    arrays = [cells.values.bytes, cells.values.starts, rows.aggregate_ids, rows.first_versions, rows.origin_numbers]
    before = [sys.getrefcount(array) for array in arrays]
    for _ in range(20):
        merkle_root_of(leaf_hashes(rows, cells))
        payload_columns(rows, cells)
    assert [sys.getrefcount(array) for array in arrays] == before


def test_what_does_not_belong_together_is_refused():
    headers, groups = simple_batch([Moved(1, 2), Moved(3, 4)])
    rows, cells = rows_of(headers, groups), cells_of(groups)
    with pytest.raises(ValueError, match="the commits have 2 events, and there are 2 less 1"):
        leaf_hashes(rows, cells, first_event=1)
    with pytest.raises(ValueError, match="a Moved@1 has 2 fields here, found 3"):
        cells.add_rows("Moved@1", np.zeros((1, 3), np.int64))
    with pytest.raises(ValueError, match="types of events are 0 to 0, found 1 to 1"):
        cells.add_mixed(["Moved@1"], [2], np.ones(1, np.int32), np.zeros(2, np.int64), np.zeros(1, np.int64))
    with pytest.raises(ValueError, match="rows of events lie within 2 cells"):
        cells.add_mixed(["Moved@1"], [2], np.zeros(1, np.int32), np.zeros(2, np.int64), np.ones(1, np.int64))
    cells.add_rows("Other@1", np.zeros((1, 1), np.int64))
    with pytest.raises(UnknownEventType, match="'Other@1'"):
        cells.event(2, CODEC)
    cells.truncate(1)
    cells.add_rows("Moved@1", np.array([[1, VALUE_BASE]]))
    for function in (leaf_hashes, payload_columns):
        with pytest.raises(ValueError, match="the table has 0 values"):
            function(rows, cells)


@pytest.mark.parametrize("change", [{"origin_numbers": [0, 1]}, {"event_counts": [3, -1]}, {"first_versions": [1]}])
def test_commits_that_cannot_be_are_refused(change):
    headers, groups = simple_batch([Moved(1, 2), Moved(3, 4)])
    fields = {**vars(rows_of(headers, groups)), **{name: np.array(value) for name, value in change.items()}}
    with pytest.raises(ValueError, match="commit"):
        CommitRows(**fields)


def test_without_openssl_the_hashes_are_the_same(monkeypatch):
    assert sha256.USES_OPENSSL, "this interpreter has its functions"
    monkeypatch.setattr(sha256, "USES_OPENSSL", False)
    assert_same(*simple_batch([Moved(n, n) for n in range(9)]))
    assert_same([], [])


HASH = """
import numpy as np
from eventstore.kernels import sha256
found = sha256.hash_messages(np.frombuffer(b"abc", np.uint8).copy(), np.array([3]))
print(sha256.USES_OPENSSL, found[0].tobytes().hex())
"""
ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def run(script: str) -> str:
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.skipif(IS_CHECKED, reason="no kernel of ours is asked anything else there")
def test_an_interpreter_that_hides_openssl_hashes_as_well():
    hidden = "import ctypes, numba\ndef hide(name): raise OSError(name)\nctypes.CDLL = hide\n"
    assert run(hidden + HASH).split() == ["False", ABC]


@pytest.mark.skipif(IS_CHECKED, reason="what is compiled there is kept nowhere")
def test_another_process_reads_the_kernels_from_the_cache():
    """This process has put them there; OpenSSL's functions are elsewhere in the memory of another one."""
    stats = HASH + "print(sum(sha256._hash_each.stats.cache_misses.values()))"
    assert run(stats).split() == ["True", ABC, "0"]
    assert messages.put_messages.signatures
