"""An archive run that dies at any step loses nothing, and a second run ends where an undisturbed one would."""

import itertools

import pytest

from eventstore.archive.archiver import Archiver
from eventstore.archive.holds import place_hold
from eventstore.archive.manifests import KIND
from eventstore.archive.storage import FolderStorage
from eventstore.engines.memory import MemoryEngine
from eventstore.errors import NotInArchive
from eventstore.tests.archive.scenario import DAY, PARTITIONS, Scenario, everything


class Crash(BaseException):
    """The process is gone: no handler of an Exception runs."""


class Steps:
    """Counts calls to storage and engine, and dies at one of them, before or after it took effect."""

    def __init__(self, fatal: int, *, after: bool) -> None:
        self.made = 0
        self._fatal = fatal
        self._after = after

    def around(self, inner):
        steps = self

        class Around:
            def __getattr__(self, name):
                def call(*args, **kwargs):
                    steps.made += 1
                    is_fatal = steps.made == steps._fatal
                    if is_fatal and not steps._after:
                        raise Crash
                    result = getattr(inner, name)(*args, **kwargs)
                    if is_fatal:
                        raise Crash
                    return result

                return call

        return Around()


@pytest.fixture
def original(tmp_path):
    scenario = Scenario(MemoryEngine(), tmp_path / "original", days=9)
    place_hold(scenario.bare, aggregate_id="counter-5", reason="case 1", actor="officer", at=1)
    return scenario


def clone(scenario):
    """Return the same store in another engine."""
    engine = MemoryEngine()
    engine.open(scenario.store.metadata)
    for batch in everything(scenario.bare):
        engine.append([batch])
    for document in scenario.bare.documents(kind="hold"):
        engine.append_document(document)
    return engine


def run(scenario, engine, storage, cls=Archiver):
    archiver = scenario.archiver(now=30, engine=engine, storage=storage, cls=cls)
    list(archiver.archive(before=8 * DAY))
    list(archiver.remove(before=8 * DAY))


def state(engine, storage):
    """Return everything that a run leaves behind."""
    stored = [(batch.partition, batch.seq) for batch in everything(engine)]
    return stored, engine.documents(kind=KIND), {name: storage.get(name) for name in storage.names()}


def crashed_runs(scenario, tmp_path, cls=Archiver):
    """Yield engine and storage after a crash before, and after, each single step of a run."""
    for after in (False, True):
        for fatal in itertools.count(1):
            engine, storage = clone(scenario), FolderStorage(tmp_path / f"{after}-{fatal}")
            steps = Steps(fatal, after=after)
            try:
                run(scenario, steps.around(engine), steps.around(storage), cls)
            except Crash:
                yield engine, storage
            else:
                assert steps.made == fatal - 1
                break


def readable(scenario, engine, storage):
    """Return every batch that can be read, from the store or through the archive."""
    again = Scenario.__new__(Scenario)
    again.__dict__ = {**scenario.__dict__, "bare": engine}
    return everything(again.wrapped(storage))


def test_a_crash_at_any_step_loses_nothing_and_the_next_run_ends_as_an_undisturbed_one(original, tmp_path):
    whole = everything(original.bare)
    undisturbed, storage, steps = clone(original), FolderStorage(tmp_path / "undisturbed"), Steps(0, after=False)
    run(original, steps.around(undisturbed), steps.around(storage))
    expected = state(undisturbed, storage)
    assert len(expected[0]) == 2 * PARTITIONS + 1
    crashes = 0
    for engine, storage in crashed_runs(original, tmp_path):
        crashes += 1
        assert readable(original, engine, storage) == whole
        run(original, engine, storage)
        assert state(engine, storage) == expected
        assert readable(original, engine, storage) == whole
    assert crashes == 2 * steps.made


def test_an_archiver_that_removes_before_it_recorded_is_caught(original, tmp_path):
    class ForgetsFirst(Archiver):
        def _write(self, batches):
            self._engine.forget(
                partition=batches[0].partition,
                first_seq=batches[0].seq,
                last_seq=batches[-1].seq,
                manifest_hash=bytes(32),
            )
            return super()._write(batches)

    whole = everything(original.bare)
    lost = [
        readable(original, engine, storage) != whole
        for engine, storage in crashed_runs(original, tmp_path, ForgetsFirst)
    ]
    assert True in lost


def test_an_archiver_that_records_before_it_wrote_is_caught(original, tmp_path):
    class WritesLast(Archiver):
        def _write(self, batches):
            storage, self._storage = self._storage, _Nothing()
            try:
                return super()._write(batches)
            finally:
                self._storage = storage

        def _verified(self, manifest):
            return self._standing(manifest)

    class _Nothing:
        def put(self, name, content, *, retain_until):
            pass

    engine, storage = clone(original), FolderStorage(tmp_path / "nothing")
    run(original, engine, storage, WritesLast)
    with pytest.raises(NotInArchive):
        readable(original, engine, storage)


def test_a_write_that_was_cut_off_leaves_a_temporary_file_that_nobody_reads(original, tmp_path):
    storage = FolderStorage(tmp_path / "cut")
    (tmp_path / "cut" / "partition-000").mkdir(parents=True)
    (tmp_path / "cut" / "partition-000" / ".000000000001.avro.77").write_bytes(b"half")
    run(original, clone(original), storage)
    assert [name for name in storage.names() if "77" in name and not name.endswith((".avro", ".json"))] == []
