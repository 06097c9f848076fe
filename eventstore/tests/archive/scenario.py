"""A store of two partitions with one batch of each a day, and an archiver with a key of its own."""

from pathlib import Path

from eventstore.archive.archiver import Archiver
from eventstore.archive.avro import batch_schema
from eventstore.archive.engine import ArchivedEngine
from eventstore.archive.storage import FolderStorage
from eventstore.audit.signing_keys import Ed25519Signer, verifier
from eventstore.audit.verify import PartitionRun
from eventstore.tests.counter import Added, CounterDecider, add, open_counters

DAY = 24 * 3_600 * 1_000_000
AGGREGATES = [f"counter-{n}" for n in range(6)]
PARTITIONS = 2
SCHEMA = batch_schema([Added])


class Scenario:
    """`bare` is the store's own engine; days run 1, 2, 3 ..., and day n is seq n of both partitions."""

    def __init__(self, bare, folder: Path, *, days: int = 20) -> None:
        self.bare = bare
        self.folder = folder
        self.storage = FolderStorage(folder / "archive")
        self.signer = Ed25519Signer(folder / "keys" / "signing.pem")
        self.verify = verifier(folder / "keys" / "signing.pem")
        self.store = open_counters(bare, partition_count=PARTITIONS)
        self.codec = self.store.codec
        self._now = 0
        self._writer = self.store.writer(CounterDecider(), clock=lambda: self._now)
        self.live(1, days)

    def live(self, first: int, last: int) -> None:
        """Let every counter count once a day; counter-5 only on day 3."""
        for day in range(first, last + 1):
            self._now = day * DAY
            names = AGGREGATES if day == 3 else AGGREGATES[:5]
            self._writer.execute([add(name, day, f"{name} on {day}") for name in names])

    def archiver(self, *, now: int, retention: int = 10, engine=None, storage=None, cls=Archiver) -> Archiver:
        """Return an archiver on a day, with a retention in days, three batches to a file."""
        return cls(
            engine or self.bare,
            metadata=self.store.metadata,
            codec=self.codec,
            schema=SCHEMA,
            storage=storage or self.storage,
            signer=self.signer,
            verify=self.verify,
            retention_microseconds=retention * DAY,
            now=now * DAY,
            batches_per_file=3,
        )

    def archive(self, before: int, *, now: int = 30, retention: int = 10, keep: bool = False, **more):
        """Archive, and remove unless `keep`; return the manifests and the removals."""
        archiver = self.archiver(now=now, retention=retention, **more)
        manifests = list(archiver.archive(before=before * DAY))
        return manifests, [] if keep else list(archiver.remove(before=before * DAY))

    def wrapped(self, storage=None) -> ArchivedEngine:
        """Return the engine that also reads the archive."""
        return ArchivedEngine(self.bare, storage or self.storage, verify=self.verify)

    def open_wrapped(self):
        """Return the store as the platform opens it."""
        return open_counters(self.wrapped(), partition_count=PARTITIONS)

    def stored_seqs(self, partition: int) -> list[int]:
        """Return what stands in the store itself."""
        return [batch.seq for batch in self.bare.read(partition=partition, after_seq=0, limit=10_000)]


def everything(engine):
    """Return every batch that an engine returns, read in small pieces."""
    found = []
    for partition in range(PARTITIONS):
        after_seq = 0
        while batches := engine.read(partition=partition, after_seq=after_seq, limit=4):
            found += batches
            after_seq = batches[-1].seq
    return found


def findings(store):
    return [
        finding for number in range(PARTITIONS) for _, found in PartitionRun(store, number).run() for finding in found
    ]
