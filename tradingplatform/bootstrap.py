"""The composition root: which event store, archive, bus and notifier. The only place that knows concrete classes."""

from collections.abc import Callable

from django.conf import settings

from accounts.codec import account_codec
from accounts.domain.commands import AccountCommand
from accounts.domain.state import Account
from accounts.writer.bus.in_process import InProcessBus
from accounts.writer.bus.ports import Bus, set_bus_factory
from accounts.writer.bus.routed import Route, RoutedBus, check_complete, even_shares, parse_routes
from accounts.writer.bus.zeromq import ZeroMQBus
from accounts.writer.limits import COMMAND_DEADLINE_SECONDS
from accounts.writer.machine import AccountDecider
from accounts.writer.process import Writer
from eventstore.archive.engine import ArchivedEngine
from eventstore.archive.provider import ArchiveSetup, set_archive_setup
from eventstore.archive.storage import ArchiveStorage, FolderStorage, S3Storage
from eventstore.audit.signing_keys import Ed25519Signer, verifier
from eventstore.engines.base import Engine
from eventstore.engines.dynamodb import DynamoDBEngine
from eventstore.engines.sqlite import SQLiteEngine
from eventstore.pages.snapshotter import Snapshotter
from eventstore.store import EventStore, get_store, set_store_factory
from eventstore.writer.clock import WriterClock
from eventstore.writer.group_commit import GroupCommit
from tradingplatform.notifier import CeleryNotifier


def wire() -> None:
    """Tell the apps where their store and their bus come from; nothing is opened yet."""
    set_store_factory(open_store, check_exists=check_store_exists)
    set_bus_factory(make_bus)
    wire_archive(make_engine)


def open_store() -> EventStore:
    """Open the event store that the settings name, creating it the first time."""
    engine = with_archive(make_engine())
    return EventStore.open(engine, codec=account_codec(), partition_count=settings.EVENT_STORE_PARTITIONS)


def check_store_exists() -> None:
    """Raise ConfigurationMismatch when the store that the settings name was never created."""
    engine = make_engine()
    try:
        engine.check_exists()
    finally:
        engine.close()


def make_engine() -> Engine:
    """Return the engine that the settings name, not opened yet."""
    if settings.EVENT_STORE == "dynamodb":
        return DynamoDBEngine(
            endpoint_url=settings.DYNAMODB_ENDPOINT or None,
            region=settings.DYNAMODB_REGION,
            table_prefix=settings.EVENT_STORE_TABLE_PREFIX,
        )
    return SQLiteEngine(settings.EVENT_STORE_PATH)


def make_bus() -> Bus:
    """Return the bus of this process: to the writer processes, or in process for tests and one-off commands."""
    if settings.COMMAND_BUS == "in_process":
        return make_in_process_bus()
    routes = writer_routes()
    check_complete(routes, partition_count=settings.EVENT_STORE_PARTITIONS)
    buses = {route: make_writer_bus(route) for route in routes}
    if len(buses) == 1:
        return buses[routes[0]]
    return RoutedBus(buses, partition_count=settings.EVENT_STORE_PARTITIONS)


def make_writer_bus(route: Route, *, deadline_seconds: float = COMMAND_DEADLINE_SECONDS) -> ZeroMQBus:
    """Return the bus to one writer."""
    return ZeroMQBus(route.endpoint, keys=settings.WRITER_KEYS, deadline_seconds=deadline_seconds)


def writer_routes() -> list[Route]:
    """Return the writers that the settings name, or those that `make run` starts; raises InvalidRoutes."""
    text = settings.WRITER_ENDPOINT
    if not text:
        folder = settings.DATA_DIR / "run"
        shares = even_shares(settings.WRITER_PROCESSES, partition_count=settings.EVENT_STORE_PARTITIONS)
        text = ",".join(f"{share}=ipc://{folder}/writer-{number}.sock" for number, share in enumerate(shares, start=1))
    return parse_routes(text, partition_count=settings.EVENT_STORE_PARTITIONS)


def make_in_process_bus() -> InProcessBus:
    """Return a bus that needs no writer process."""
    return InProcessBus(make_group_commit(), CeleryNotifier())


def make_group_commit() -> GroupCommit[Account, AccountCommand]:
    """Return what executes the commands of a writer."""
    held_bytes_max = settings.WRITER_ACCOUNTS_MB * 1_000_000
    return get_store().writer(AccountDecider(), clock=make_clock(), held_bytes_max=held_bytes_max)


def make_clock() -> WriterClock:
    """Return the clock of a writer."""
    return WriterClock(accepts_newest=settings.EVENT_STORE_ACCEPTS_NEWEST_TIMESTAMP)


def make_snapshotter() -> Snapshotter[Account]:
    """Return the core of the snapshotter process."""
    return get_store().snapshotter(AccountDecider(), tail_events_max=settings.EVENT_STORE_TAIL_EVENTS)


def make_writer(route: Route, *, is_standby: bool) -> Writer:
    """Return the core of the writer process of a route."""
    store = get_store()

    def load() -> GroupCommit[Account, AccountCommand]:
        group_commit = make_group_commit()
        for partition in route.partitions:
            group_commit.load(partition)
        store.engine.expect_appends()
        return group_commit

    return Writer(
        endpoint=route.endpoint,
        load=load,
        notifier=CeleryNotifier(),
        share=route.share,
        keys=settings.WRITER_KEYS,
        is_standby=is_standby,
    )


def wire_archive(make_engine: Callable[[], Engine]) -> None:
    """Tell the commands what the archive is made of; nothing is opened yet."""
    set_archive_setup(
        ArchiveSetup(
            make_storage=make_archive_storage,
            make_signer=lambda: Ed25519Signer(settings.EVENT_STORE_SIGNING_KEY),
            verify=verifier(settings.EVENT_STORE_SIGNING_KEY),
            retention_days=settings.EVENT_RETENTION_DAYS,
            make_engine=make_engine,
            make_local_engine=SQLiteEngine,
            make_codec=account_codec,
        )
    )


def with_archive(engine: Engine) -> ArchivedEngine:
    """Return an engine that reads removed batches from the archive."""
    return ArchivedEngine(engine, make_archive_storage(), verify=verifier(settings.EVENT_STORE_SIGNING_KEY))


def make_archive_storage() -> ArchiveStorage:
    """Return where the settings say that archive files are kept."""
    if settings.ARCHIVE_S3_BUCKET:
        return S3Storage(bucket=settings.ARCHIVE_S3_BUCKET, endpoint_url=settings.ARCHIVE_S3_ENDPOINT or None)
    return FolderStorage(settings.ARCHIVE_PATH)
