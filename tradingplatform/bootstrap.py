"""The composition root: which event store, which bus, which notifier. The only place that knows concrete classes."""

from django.conf import settings

from accounts.application.bus.in_process import InProcessBus
from accounts.application.bus.zeromq import ZeroMQBus
from accounts.application.decider import AccountDecider
from accounts.application.ports import Bus
from accounts.application.provider import set_bus_factory
from accounts.application.writer import Writer
from accounts.codec import account_codec
from eventstore.archive.engine import ArchivedEngine
from eventstore.archive.provider import ArchiveSetup, set_archive_setup
from eventstore.archive.s3 import S3Storage
from eventstore.archive.signing import Ed25519Signer, verifier
from eventstore.archive.storage import ArchiveStorage, FolderStorage
from eventstore.engines.base import Engine
from eventstore.engines.sqlite import SQLiteEngine
from eventstore.provider import get_store, set_store_factory
from eventstore.store import EventStore
from tradingplatform.notifier import CeleryNotifier


def wire() -> None:
    """Tell the apps where their store and their bus come from; nothing is opened yet."""
    set_store_factory(open_store)
    set_bus_factory(make_bus)
    set_archive_setup(
        ArchiveSetup(
            make_storage=make_archive_storage,
            make_signer=lambda: Ed25519Signer(settings.KEYS_PATH),
            verify=verifier(settings.KEYS_PATH),
            retention_days=settings.EVENT_RETENTION_DAYS,
            make_engine=make_engine,
            make_local_engine=SQLiteEngine,
            make_codec=account_codec,
        )
    )


def open_store() -> EventStore:
    """Open the event store that the settings name, creating it the first time."""
    engine = ArchivedEngine(make_engine(), make_archive_storage(), verify=verifier(settings.KEYS_PATH))
    return EventStore.open(engine, codec=account_codec(), partition_count=settings.EVENT_STORE_PARTITIONS)


def make_engine() -> Engine:
    """Return the engine that the settings name, not opened yet."""
    return SQLiteEngine(settings.EVENT_STORE_PATH)


def make_archive_storage() -> ArchiveStorage:
    """Return where the settings say that archive files are kept."""
    if settings.ARCHIVE_S3_BUCKET:
        return S3Storage(bucket=settings.ARCHIVE_S3_BUCKET, endpoint_url=settings.ARCHIVE_S3_ENDPOINT or None)
    return FolderStorage(settings.ARCHIVE_PATH)


def make_bus() -> Bus:
    """Return the bus of this process: to the writer process, or in process for tests and one-off commands."""
    if settings.COMMAND_BUS == "in_process":
        return make_in_process_bus()
    return ZeroMQBus(settings.WRITER_ENDPOINT)


def make_in_process_bus() -> InProcessBus:
    """Return a bus that needs no writer process."""
    return InProcessBus(get_store().writer(AccountDecider()), CeleryNotifier())


def make_writer() -> Writer:
    """Return the writer process's core, its partitions loaded."""
    group_commit = get_store().writer(AccountDecider())
    for partition in range(get_store().partition_count):
        group_commit.load(partition)
    return Writer(endpoint=settings.WRITER_ENDPOINT, group_commit=group_commit, notifier=CeleryNotifier())
