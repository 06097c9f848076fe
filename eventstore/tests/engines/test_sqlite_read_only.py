"""A store that may only be read: a copy of another user in a folder of his, in every state that a copy can be in."""

import shutil
from pathlib import Path

import pytest

from eventstore.audit.verify import PartitionRun
from eventstore.engines.sqlite import SQLiteEngine
from eventstore.errors import StoreUnavailable
from eventstore.tests.counter import CounterDecider, add, histories, open_counters
from eventstore.tests.engines.test_sqlite_database import as_nobody, folder, needs_root

__all__ = ["folder"]

pytestmark = needs_root

FILES = ("journal.sqlite3", "pages.sqlite3")
STATES = {
    "a clean end": ("",),
    "a leftover WAL": ("", "-wal"),
    "a leftover WAL and its index": ("", "-wal", "-shm"),
    "no pages": ("", "-wal"),
}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A store that was not closed: its newest batches are in the WAL alone."""
    made = tmp_path_factory.mktemp("written")
    store = open_counters(SQLiteEngine(made), partition_count=2)
    writer = store.writer(CounterDecider())
    for group in range(5):
        writer.execute([add(f"counter-{n}", 1, f"{group}") for n in range(6)])
        if group == 2:
            for partition in range(2):
                store.snapshotter(CounterDecider()).write(partition=partition, through_seq=3)
    yield made
    store.close()


@pytest.fixture(params=STATES)
def copied(request, written, folder):
    """A copy that nobody else may write. A clean end moves the WAL into the file, and removes it."""
    copy = folder / "copy"
    copy.mkdir()
    for file in FILES[: 1 if request.param == "no pages" else 2]:
        for suffix in ("", "-wal", "-shm"):
            shutil.copy(written / f"{file}{suffix}", copy / f"{file}{suffix}")
    if request.param == "a clean end":
        engine = SQLiteEngine(copy)
        engine.heads()
        engine.page_position(partition=0)
        engine.close()
    for path in copy.iterdir():
        kept = any(path.name.endswith(f"3{suffix}") for suffix in STATES[request.param])
        path.chmod(0o444) if kept else path.unlink()
    copy.chmod(0o555)
    return copy


def everything(store):
    states = [store.state(CounterDecider(), f"counter-{n}", version=version) for n in range(6) for version in (2, 5)]
    events = [event.event_id for n in range(6) for event in store.events(f"counter-{n}")]
    found = [finding for number in range(2) for _, found in PartitionRun(store, number).run() for finding in found]
    return repr((histories(store), states, events, found, store.engine.problems(), store.heads()))


def test_everything_is_read_and_nothing_is_made_beside_it(copied, written):
    expected = everything(open_counters(SQLiteEngine(written), partition_count=2))
    before = sorted(path.name for path in copied.iterdir())
    assert as_nobody(lambda: everything(open_counters(SQLiteEngine(copied), partition_count=2))) == repr(expected)
    assert sorted(path.name for path in copied.iterdir()) == before


def test_a_write_says_that_it_may_not_be_written(copied):
    def write():
        (outcome,) = (
            open_counters(SQLiteEngine(copied), partition_count=2)
            .writer(CounterDecider())
            .execute([add("counter-1", 1, "new")])
        )
        raise outcome.error

    said = as_nobody(write)
    assert said.startswith(StoreUnavailable.__name__)
    assert "may not be written" in said or "cannot be used ([Errno 13] Permission denied" in said


def test_a_live_store_that_somebody_else_may_only_read_shows_what_is_written_meanwhile(folder):
    store = open_counters(SQLiteEngine(folder), partition_count=1)
    writer = store.writer(CounterDecider())
    writer.execute([add("a", 1, "1")])
    for path in Path(folder).iterdir():
        path.chmod(0o644)

    def look():
        reader = open_counters(SQLiteEngine(folder), partition_count=1)
        before = reader.heads()
        return before, reader.state(CounterDecider(), "a").state

    assert as_nobody(look) == "({0: 1}, 1)"
    writer.execute([add("a", 1, "2")])
    assert as_nobody(look) == "({0: 2}, 2)"
    store.close()
