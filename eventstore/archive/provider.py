"""Where the management commands get the archive from: the composition root says once what it is made of."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from eventstore.archive.archiver import Archiver
from eventstore.archive.avro import batch_schema
from eventstore.archive.engine import bare_engine
from eventstore.archive.storage import ArchiveStorage
from eventstore.audit.signing_keys import Ed25519Signer, Verify
from eventstore.columns.codec import EventCodec
from eventstore.engines.base import Engine
from eventstore.store import EventStore

DAY_MICROSECONDS = 24 * 3_600 * 1_000_000


class ArchiveSetup(NamedTuple):
    """What the archive of this installation is made of; nothing is opened before it is needed."""

    make_storage: Callable[[], ArchiveStorage]
    make_signer: Callable[[], Ed25519Signer]
    verify: Verify
    retention_days: int
    make_engine: Callable[[], Engine]
    """The configured engine, not opened: what an archive is imported into."""
    make_local_engine: Callable[[Path], Engine]
    """An engine in a folder, not opened: what a store is restored into."""
    make_codec: Callable[[], EventCodec]

    def archiver(self, store: EventStore, *, now: int) -> Archiver:
        """Return the archiver of an open store; `now` in UTC microseconds."""
        return Archiver(
            bare_engine(store.engine),
            metadata=store.metadata,
            codec=store.codec,
            schema=batch_schema(store.codec.event_types.values()),
            storage=self.make_storage(),
            signer=self.make_signer(),
            verify=self.verify,
            retention_microseconds=self.retention_days * DAY_MICROSECONDS,
            now=now,
        )


_setup: ArchiveSetup | None = None


def set_archive_setup(setup: ArchiveSetup) -> None:
    """Say what the archive is made of."""
    global _setup
    _setup = setup


def get_archive_setup() -> ArchiveSetup:
    """Return what the archive is made of."""
    if _setup is None:
        raise RuntimeError("no archive is configured: tradingplatform/bootstrap.py sets it when Django starts")
    return _setup
