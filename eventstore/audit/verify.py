"""Verification of a whole store: every partition from its first batch to its head, reading through the engine alone.

One partition is one job, in this process or in several. A run over a partition can say where it stands (`Progress`),
which is kept in a file, and another run can go on from there.
"""

import hashlib
import os
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from eventstore.errors import EventStoreError, IntegrityError
from eventstore.integrity.heads import ExpectedHead, HeadVerifier
from eventstore.integrity.merkle import Frontier
from eventstore.integrity.verifier import Examined, Finding, PartitionVerifier
from eventstore.processes import in_processes
from eventstore.reader import Source, say_unconfirmed
from eventstore.record import StoredBatch
from eventstore.store import EventStore

BATCHES_AT_ONCE: Final = 64


class Progress(msgspec.Struct, frozen=True, array_like=True):
    """How far a partition was verified, and all that is needed to go on after batch `seq`."""

    store_id: str
    partition: int
    seq: int
    hash: bytes
    batch_count: int
    event_count: int
    findings: list[Finding]
    versions: dict[str, int]
    tree_size: int
    tree_hashes: list[bytes]
    is_tree_whole: bool
    heads_compared: bytes


class PartitionRun:
    """One run over a partition: `run()` to its end, or as far as the caller iterates."""

    def __init__(
        self,
        store: EventStore,
        partition: int,
        *,
        heads: Sequence[ExpectedHead] = (),
        progress: Progress | None = None,
    ) -> None:
        self._store = store
        self._source = Source(store.engine, store.codec)
        self._expected = sorted(heads)
        resumed = progress if progress is not None and self._still_holds(progress, partition) else None
        genesis = store.genesis(partition)
        self.batch_count = resumed.batch_count if resumed else 0
        self.event_count = resumed.event_count if resumed else 0
        self.findings: list[Finding] = list(resumed.findings) if resumed else []
        self._is_resumed = resumed is not None
        self._settled_count = len(self.findings)  # Without those that a later run would come upon again.
        self._verifier = PartitionVerifier(
            partition=partition,
            previous_hash=resumed.hash if resumed else genesis,
            payload_format=store.codec,
            next_seq=resumed.seq + 1 if resumed else 1,
            versions=resumed.versions if resumed else None,
        )
        self._heads = HeadVerifier(
            partition=partition,
            genesis=genesis,
            heads=heads,
            frontier=Frontier(size=resumed.tree_size, hashes=resumed.tree_hashes) if resumed else Frontier(),
            is_tree_whole=resumed.is_tree_whole if resumed else True,
        )

    def run(self) -> Iterator[tuple[int, list[Finding]]]:
        """Verify; yield, batch by batch, how many sound events it held and what is wrong."""
        if not self._is_resumed:
            yield from self._without_batch(list(self._heads.begins()))
            self._settled_count = len(self.findings)
        while True:
            batches: Sequence[StoredBatch]
            try:
                batches = self._read(self._source, BATCHES_AT_ONCE)
            except EventStoreError:
                batches = yield from self._read_again()
            if not batches:
                batches = self._batches_past_the_end()
            if not batches:
                break
            after_seq = self._verifier.next_seq - 1
            for place, read in enumerate(batches):
                batch, examined = self._examined(read, after_seq, place)
                self._verifier.accept(batch, examined)
                found = [*examined.findings, *self._heads.passes(batch)]
                events = 0 if found else batch.event_count
                self.batch_count += 1
                self.event_count += events
                self.findings += found
                self._settled_count = len(self.findings)
                yield events, found
        yield from self._without_batch(list(self._heads.ends(last_seq=self._verifier.next_seq - 1)))

    def progress(self) -> Progress:
        """Return where this run stands."""
        seq = self._verifier.next_seq - 1
        return Progress(
            store_id=self._store.metadata.store_id,
            partition=self._verifier.partition,
            seq=seq,
            hash=self._verifier.previous_hash,
            batch_count=self.batch_count,
            event_count=self.event_count,
            findings=self.findings[: self._settled_count],
            versions=self._verifier.versions,
            tree_size=self._heads.frontier.size,
            tree_hashes=self._heads.frontier.hashes,
            is_tree_whole=self._heads.is_tree_whole,
            heads_compared=self._heads_upto(seq),
        )

    def _still_holds(self, progress: Progress, partition: int) -> bool:
        """Return whether the journal and the checkpoints still say what they said where the other run stopped."""
        if (progress.store_id, progress.partition) != (self._store.metadata.store_id, partition) or progress.seq == 0:
            return False
        try:
            batches = self._store.engine.read(partition=partition, after_seq=progress.seq - 1, limit=1)
        except EventStoreError:
            return False
        is_there = bool(batches) and (batches[0].seq, batches[0].hash) == (progress.seq, progress.hash)
        return is_there and progress.heads_compared == self._heads_upto(progress.seq)

    def _heads_upto(self, seq: int) -> bytes:
        said = [(head.seq, head.hash, head.root) for head in self._expected if head.seq <= seq]
        return hashlib.sha256(msgspec.msgpack.encode(said)).digest()

    def _without_batch(self, found: list[Finding]) -> Iterator[tuple[int, list[Finding]]]:
        if found:
            self.findings += found
            yield 0, found

    def _read(self, source: Source, limit: int) -> Sequence[StoredBatch]:
        verifier = self._verifier
        return source.engine.read(partition=verifier.partition, after_seq=verifier.next_seq - 1, limit=limit)

    def _read_again(self) -> Generator[tuple[int, list[Finding]], None, Sequence[StoredBatch]]:
        """Read a second time what could not be read: all of it, or up to the damage, and report that; nothing after it
        can be reached.
        """
        partition, next_seq = self._verifier.partition, self._verifier.next_seq
        with self._source.second() as source:
            for limit in (BATCHES_AT_ONCE, 1):
                try:
                    return self._read(source, limit)
                except IntegrityError as error:
                    seq = error.seq if error.seq is not None else next_seq
                    finding = Finding(partition, seq, error.aggregate_id, error.version, error.detail)
                except EventStoreError as error:
                    finding = Finding(partition, next_seq, None, None, str(error))
        yield from self._without_batch([finding])
        return []

    def _examined(self, batch: StoredBatch, after_seq: int, place: int) -> tuple[StoredBatch, Examined]:
        """Examine the next batch, which was read at a place after a seq; what is found counts if the same reading, done
        again, shows it too.
        """
        examined = self._verifier.examine(batch)
        if not examined.findings:
            return batch, examined
        with self._source.second() as source:
            try:
                partition = self._verifier.partition
                again = source.engine.read(partition=partition, after_seq=after_seq, limit=BATCHES_AT_ONCE)[place:]
            except EventStoreError:
                again = []
            if not again:
                return batch, examined
            second = self._verifier.examine(again[0], source.codec)
        if not second.findings:
            say_unconfirmed(examined.findings[0])
        return again[0], second

    def _batches_past_the_end(self) -> Sequence[StoredBatch]:
        """Read a second time where the partition seems to end too early."""
        missing = list(self._heads.ends(last_seq=self._verifier.next_seq - 1))
        if not missing:
            return []
        with self._source.second() as source:
            found = self._read(source, BATCHES_AT_ONCE)
        if found:
            say_unconfirmed(missing[0])
        return found


SAVE_INTERVAL_SECONDS: Final = 5.0
REPORT_INTERVAL_SECONDS: Final = 0.1

_decode_progress = msgspec.msgpack.Decoder(Progress).decode


class Job(NamedTuple):
    """A partition to verify; with `is_resumed`, from where an earlier run in `folder` stopped."""

    partition: int
    heads: Sequence[ExpectedHead]
    folder: Path
    is_resumed: bool


class Update(NamedTuple):
    """How far a partition is: totals since its first batch, and the findings since the update before."""

    partition: int
    batch_count: int
    event_count: int
    findings: list[Finding]
    is_finished: bool


class VerificationFailed(Exception):
    """A verifying process could not do its work; what was verified until then is kept."""


def verify_in_processes(
    open_store: Callable[[], EventStore], jobs: Sequence[Job], *, process_count: int
) -> Generator[Update, None, None]:
    """Verify partitions; yield updates until every job is finished. Closing the iterator stops the processes.

    `open_store` must be importable by name in another process. Raises VerificationFailed.
    """
    return in_processes(open_store, verify_job, jobs, process_count=process_count, failure=VerificationFailed)


def verify_here(store: EventStore, jobs: Sequence[Job]) -> Generator[Update, None, None]:
    """Do the same in this process: a short journal is verified sooner than another process is started."""
    try:
        for job in jobs:
            yield from verify_job(store, job)
    except (EventStoreError, OSError) as error:
        raise VerificationFailed(f"{type(error).__name__}: {error}") from error


def progress_path(folder: Path, partition: int) -> Path:
    """Return the file that says how far a partition was verified."""
    return folder / f"partition-{partition}.msgpack"


def forget_progress(folder: Path) -> None:
    """Remove what earlier runs left; what may not be removed is not looked at either."""
    with suppress(OSError):
        for path in folder.glob("partition-*.msgpack*"):
            path.unlink()
        if folder.exists() and not any(folder.iterdir()):
            folder.rmdir()


def verify_job(store: EventStore, job: Job) -> Generator[Update, None, None]:
    """Verify one partition in this process, saving how far it is every few seconds and when it is stopped."""
    run = PartitionRun(store, job.partition, heads=job.heads, progress=_loaded(job) if job.is_resumed else None)
    reported, saved_at, reported_at = 0, time.monotonic(), time.monotonic()

    def update(*, is_finished: bool) -> Update:
        return Update(job.partition, run.batch_count, run.event_count, run.findings[reported:], is_finished)

    try:
        yield update(is_finished=False)
        reported = len(run.findings)
        for _ in run.run():
            now = time.monotonic()
            if now - reported_at >= REPORT_INTERVAL_SECONDS:
                yield update(is_finished=False)
                reported, reported_at = len(run.findings), now
            if now - saved_at >= SAVE_INTERVAL_SECONDS:
                _save(job, run.progress())
                saved_at = now
    finally:
        _save(job, run.progress())
    yield update(is_finished=True)


def _loaded(job: Job) -> Progress | None:
    """Return where an earlier run stopped; None when it did not, or its file cannot be read."""
    try:
        return _decode_progress(progress_path(job.folder, job.partition).read_bytes())
    except (OSError, msgspec.DecodeError, msgspec.ValidationError):
        return None


def _save(job: Job, progress: Progress) -> None:
    """Keep how far a run is; where nothing may be written, an interrupted run begins again."""
    path = progress_path(job.folder, job.partition)
    made = path.with_suffix(f".msgpack.{os.getpid()}")
    with suppress(OSError):
        job.folder.mkdir(parents=True, exist_ok=True)
        made.write_bytes(msgspec.msgpack.encode(progress))
        made.replace(path)
