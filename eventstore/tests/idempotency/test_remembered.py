"""Remembered commands against a model, a list of pairs; bounded, and complete since the time that they say."""

import hypothesis.strategies as st
import msgspec
import numpy as np
from hypothesis import given, settings

from eventstore.engines.memory import MemoryEngine
from eventstore.idempotency import remembered as module
from eventstore.idempotency.remembered import RememberedCommands, Run, open_run, packed, run_name, seal_run
from eventstore.pages import snapshotter as snapshotter_module
from eventstore.tests.counter import CounterDecider, add, open_counters

KEYS = st.integers(0, 40) | st.sampled_from([(1 << 40) - 1, (1 << 40) - 2, 1 << 39])


@settings(max_examples=200, deadline=None)
@given(batches=st.lists(st.lists(KEYS, min_size=1, max_size=12), max_size=60), data=st.data())
def test_every_command_is_found_in_all_of_its_places_and_no_other(batches, data):
    with_small_runs = RememberedCommands()
    model: list[tuple[int, int]] = []
    for seq, keys in enumerate(batches, start=1):
        before = with_small_runs.recent
        recent = [key for key, _ in model[len(model) - before :]]
        were_there = with_small_runs.remember(np.array(keys, np.uint64), seq=seq)
        assert were_there.tolist() == [key in recent + keys[:place] for place, key in enumerate(keys)]
        if data.draw(st.booleans()):
            with_small_runs.take_back(before)
            continue
        model += [(key, seq) for key in keys]
        with_small_runs.move_on(seq=seq, timestamp=seq)
        if data.draw(st.booleans()):
            with_small_runs.close_recent(seq=seq, timestamp=seq)
    wanted = data.draw(st.lists(KEYS, unique=True, max_size=40))
    earlier = with_small_runs.find(np.array(wanted, np.uint64))
    for place, key in enumerate(wanted):
        found = {*earlier.get(place, ()), *with_small_runs.find_recent(key, last_seq=len(batches))}
        assert found == {seq for known, seq in model if known == key}


def test_memory_is_bounded_by_count_and_by_age_and_says_since_when_it_is_complete(monkeypatch):
    monkeypatch.setattr(module, "RECENT_MAX", 10)
    monkeypatch.setattr(module, "RUN_MAX", 40)
    commands = RememberedCommands(commands=100, seconds=1_000)
    for seq in range(1, 501):
        commands.remember(np.array([seq], np.uint64), seq=seq)
        commands.move_on(seq=seq, timestamp=seq * 1_000_000)
    assert 100 <= len(commands) <= 100 + 40
    oldest = 501 - len(commands)
    assert commands.complete_since == (oldest - 1) * 1_000_000 + 1
    assert list(commands.find(np.array([oldest - 1, oldest], np.uint64))) == [1]
    commands.remember(np.array([501], np.uint64), seq=501)
    commands.move_on(seq=501, timestamp=2_000_000_000)
    assert len(commands) <= 10, "all others are older than 1,000 s"


def test_a_kept_run_is_read_back_as_it_was_even_when_seqs_are_large():
    seqs = [(1 << 24) - 2, (1 << 24) - 1, 1 << 24, (1 << 24) + 5]
    run = Run(packed(np.array([9, 3, 9, 1], np.uint64), seqs), seqs[0], seqs[-1], 7)
    again = open_run(seal_run(run, partition=3, first_timestamp=1), partition=3)
    assert (again.first_seq, again.last_seq, again.last_timestamp) == (seqs[0], seqs[-1], 7)
    assert sorted(again.find(np.array([1, 2, 3, 9], np.uint64))) == [
        (0, seqs[3]),
        (2, seqs[1]),
        (3, seqs[0]),
        (3, seqs[2]),
    ]
    assert sorted(again.find(np.array([*range(100, 200), 9], np.uint64))) == [(100, seqs[0]), (100, seqs[2])]


def with_pages(engine):
    store = open_counters(engine, partition_count=1)
    writer = store.writer(CounterDecider(), clock=lambda: 1_000)
    for number in range(9):
        writer.execute([add("a", 1, str(number))])
        if number % 3 == 2:
            store.snapshotter(CounterDecider(), tail_events_max=1).run(now=0)
    return store


def duplicates(store):
    outcomes = store.writer(CounterDecider(), clock=lambda: 2_000).execute([add("a", 1, str(n)) for n in range(10)])
    return [outcome.is_duplicate for outcome in outcomes]


def test_the_journal_answers_where_a_run_is_missing_or_damaged():
    for damage in (None, "missing", "altered"):
        engine = MemoryEngine()
        store = with_pages(engine)
        pages = engine._pages[run_name(0)]
        if damage == "missing":
            del pages[4]
        elif damage == "altered":
            pages[4] = msgspec.structs.replace(pages[4], payload=b"x" * 24)
        assert duplicates(store) == [True] * 9 + [False]


def test_runs_are_made_again_to_the_same_bytes():
    engine = MemoryEngine()
    store = with_pages(engine)
    before = dict(engine._pages[run_name(0)])
    snapshotter = store.snapshotter(CounterDecider())
    assert [page for page in snapshotter.check() if page is not None] == []
    assert sum(snapshotter.rebuild()) == 6
    assert engine._pages[run_name(0)] == before


def test_the_commands_of_a_long_stretch_are_kept_in_runs_that_every_engine_can_keep(monkeypatch):
    monkeypatch.setattr(snapshotter_module, "KEPT_RUN_COMMANDS_MAX", 25)
    engine = MemoryEngine()
    store = open_counters(engine, partition_count=1)
    writer = store.writer(CounterDecider(), clock=lambda: 1_000)
    sizes = [10, 10, 10, 24, 2, 1, 25, 30]
    commands = [[add("a", 1, f"{group}-{number}") for number in range(size)] for group, size in enumerate(sizes)]
    for group in commands:
        writer.execute(group)
    store.snapshotter(CounterDecider()).write(partition=0, through_seq=len(sizes))
    runs = [open_run(page, partition=0) for page in engine._pages[run_name(0)].values()]
    assert [(run.first_seq, run.last_seq, len(run.keys)) for run in runs] == [
        (1, 2, 20), (3, 3, 10), (4, 4, 24), (5, 6, 3), (7, 7, 25), (8, 8, 30),
    ]  # fmt: skip
    again = store.writer(CounterDecider(), clock=lambda: 2_000)
    monkeypatch.setattr(type(store.engine), "seek", None)  # Nothing is read from the journal for them.
    assert all(outcome.is_duplicate for group in commands for outcome in again.execute(group))
