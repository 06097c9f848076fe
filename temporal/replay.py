"""Replay: accounts made again from their first event, up to now, an instant or a version. Writes nothing.

Everything is replayed from the journal, partition by partition, its chain verified; single accounts from their own
events in pages and tail. Either way no stored state is used, so the result can be compared with one: what the last page
and the events after it give.
"""

import hashlib
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np

from accounts.codec import dump_account
from accounts.domain.state import Account
from accounts.writer.machine import AccountDecider
from eventstore.errors import EventStoreError, IntegrityError
from eventstore.kernels.texts import NameTable, pack_texts
from eventstore.pages.states import Folded, PageStates, per_event
from eventstore.processes import in_processes
from eventstore.record import microseconds
from eventstore.store import EventStore
from temporal.as_of.as_of import Moment, account_as_of
from temporal.errors import ReplayFailed

REPORT_INTERVAL_SECONDS: Final = 0.1
BATCHES_AT_ONCE: Final = 16
DIFFERENCES_MAX: Final = 20
"""Differences that one job tells of; all are counted."""
FINGERPRINT_MODULUS: Final = 2**256

_EVOLVER: Final = AccountDecider()


class ReplayJob(NamedTuple):
    """A whole partition, or one account; `steps` (batches, or events) is how much there is to read."""

    partition: int
    account_id: str | None
    steps: int
    through: datetime | None = None
    version: int | None = None
    with_states: bool = False
    is_checked: bool = False


class Money(NamedTuple):
    """Sums over all accounts of one currency, in ten-thousandths."""

    cash: int = 0
    positions_value: int = 0
    realized_pnl: int = 0


class StateDifference(NamedTuple):
    """Where a replayed account is not what its page and the events after it say."""

    account_id: str
    version: int
    field: str
    replayed: str
    looked_up: str


@dataclass(slots=True)
class Result:
    """What was replayed, added up; the sum of two results is that of both. `states` only when they were asked for.

    `fingerprint` is the sum of the SHA-256 of every account's id and state: equal for equal accounts, in any order.
    """

    accounts: int = 0
    events: int = 0
    trades: int = 0
    fingerprint: int = 0
    money: dict[str, Money] = field(default_factory=dict)
    states: dict[str, bytes] = field(default_factory=dict)
    difference_count: int = 0
    differences: list[StateDifference] = field(default_factory=list)

    def add(self, other: "Result") -> None:
        """Add another result to this one."""
        self.accounts += other.accounts
        self.events += other.events
        self.trades += other.trades
        self.fingerprint = (self.fingerprint + other.fingerprint) % FINGERPRINT_MODULUS
        for currency, money in other.money.items():
            self.money[currency] = _sum(self.money.get(currency, Money()), money)
        self.states |= other.states
        self.difference_count += other.difference_count
        self.differences += other.differences

    def add_account(self, account_id: str, state: Account, *, keeps_state: bool) -> None:
        """Add one replayed account."""
        dumped = dump_account(state)
        digest = hashlib.sha256(account_id.encode() + dumped).digest()
        self.accounts += 1
        self.trades += state.trade_count
        self.fingerprint = (self.fingerprint + int.from_bytes(digest)) % FINGERPRINT_MODULUS
        money = Money(state.cash, state.positions_value, state.realized_pnl)
        self.money[state.currency] = _sum(self.money.get(state.currency, Money()), money)
        if keeps_state:
            self.states[account_id] = dumped


class ReplayUpdate(NamedTuple):
    """How far a job is, in its steps and in events; the last one of a job has its result."""

    job: ReplayJob
    steps: int
    events: int
    result: Result | None


def partition_jobs(store: EventStore, *, through: datetime | None = None, **options: bool) -> list[ReplayJob]:
    """Return the jobs that replay every account, the longest first."""
    heads = sorted(store.heads().items(), key=lambda head: -head[1])
    return [ReplayJob(partition, None, head, through=through, **options) for partition, head in heads if head]


def account_jobs(
    store: EventStore,
    account_ids: Iterable[str],
    *,
    through: datetime | None = None,
    version: int | None = None,
    **options: bool,
) -> list[ReplayJob]:
    """Return the jobs that replay these accounts, the longest first.

    Raises UnknownAccount, BeforeOpening, or InvalidMoment for a version that one has not reached.
    """
    jobs = []
    for account_id in dict.fromkeys(account_ids):
        steps = account_as_of(account_id, Moment(at=through, version=version)).version
        jobs.append(ReplayJob(store.partition_of(account_id), account_id, steps, through, version, **options))
    return sorted(jobs, key=lambda job: -job.steps)


def replay_here(store: EventStore, jobs: Sequence[ReplayJob]) -> Generator[ReplayUpdate, None, None]:
    """Replay in this process, one job after another; yield updates until every job has its result."""
    for job in jobs:
        yield from run_job(store, job)


def replay_in_processes(
    open_store: Callable[[], EventStore], jobs: Sequence[ReplayJob], *, process_count: int
) -> Generator[ReplayUpdate, None, None]:
    """Replay; yield updates until every job has its result. Closing the iterator stops the processes.

    `open_store` must be importable by name in another process. Raises ReplayFailed.
    """
    return in_processes(open_store, run_job, jobs, process_count=process_count, failure=ReplayFailed)


def run_job(store: EventStore, job: ReplayJob) -> Generator[ReplayUpdate, None, None]:
    """Replay; yield now and then how far it is, and the result last. Raises ReplayFailed."""
    try:
        yield from _replayed_partition(store, job) if job.account_id is None else _replayed_account(store, job)
    except EventStoreError as error:
        raise ReplayFailed(f"{type(error).__name__}: {error}") from error


def _replayed_partition(store: EventStore, job: ReplayJob) -> Generator[ReplayUpdate, None, None]:
    reported_at, replayed = time.monotonic(), None
    for replayed in store.replay(_EVOLVER, partition=job.partition, through=job.through):
        if time.monotonic() - reported_at >= REPORT_INTERVAL_SECONDS:
            reported_at = time.monotonic()
            yield ReplayUpdate(job, min(replayed.through_seq, job.steps), replayed.event_count, None)
    result = Result()
    if replayed is not None:
        result.events = replayed.event_count
        states = replayed.states
        versions = states.versions() if job.is_checked else {}
        looked_up = _looked_up(store, job.partition, versions) if job.is_checked else iter(())
        yield from _finished(job, result, states, versions, looked_up)
    yield ReplayUpdate(job, job.steps, result.events, result)


def _replayed_account(store: EventStore, job: ReplayJob) -> Generator[ReplayUpdate, None, None]:
    assert job.account_id is not None, "a job without an account is a whole partition"
    through = None if job.through is None else microseconds(job.through)
    folded = Folded.alone(_EVOLVER, state=Account(), version=0, aggregate_id=job.account_id, codec=store.codec)
    reported_at = time.monotonic()
    for columns in store.columns(job.account_id):
        folded.fold(columns, through_version=job.steps, through_timestamp=through)
        if folded.version == job.steps or (through is not None and columns.commits.timestamps[-1] > through):
            break
        if time.monotonic() - reported_at >= REPORT_INTERVAL_SECONDS:
            reported_at = time.monotonic()
            yield ReplayUpdate(job, folded.version, folded.version, None)
    state, version = folded.state, folded.version
    result = Result(events=version)
    if job.is_checked:
        looked_up = iter([(job.account_id, store.state(_EVOLVER, job.account_id, version=version).state)])
    else:
        looked_up = iter(())
    yield from _finished(job, result, {job.account_id: state}, {job.account_id: version}, looked_up)
    yield ReplayUpdate(job, job.steps, version, result)


def _finished(
    job: ReplayJob,
    result: Result,
    states: Mapping[str, Account],
    versions: Mapping[str, int],
    looked_up: Iterator[tuple[str, Account]],
) -> Generator[ReplayUpdate, None, None]:
    """Add the accounts to the result and compare them with what was looked up, telling now and then of being alive."""
    reported_at = time.monotonic()
    for account_id, expected in looked_up:
        if dump_account(expected) != dump_account(states[account_id]):
            result.difference_count += 1
            if len(result.differences) < DIFFERENCES_MAX:
                result.differences.append(_difference(account_id, versions[account_id], states[account_id], expected))
        if time.monotonic() - reported_at >= REPORT_INTERVAL_SECONDS:
            reported_at = time.monotonic()
            yield ReplayUpdate(job, job.steps, result.events, None)
    for account_id, state in states.items():
        result.add_account(account_id, state, keeps_state=job.with_states)


def _looked_up(store: EventStore, partition: int, versions: Mapping[str, int]) -> Iterator[tuple[str, Account]]:
    """Yield every account at its version: the last page before it, and what the tail has after that.

    As `EventStore.state` does it, but the tail is read once for all of them. The position is read before the pages, so
    that what becomes a page meanwhile is not missed.
    """
    if not versions:
        return
    position = store.engine.page_position(partition=partition)
    states, machine, names = PageStates(_EVOLVER, store.pages), _EVOLVER.machine(), NameTable()
    for account_id, version in versions.items():
        page = store.pages.last(account_id, version=version)
        state, reached = (Account(), 0) if page is None else (states.before(page), page.first_version - 1)
        number = int(names.enter(pack_texts([account_id]))[0])
        machine.add(number, state, reached)
        if page is not None:
            folded = Folded(machine, number, aggregate_id=account_id, codec=store.codec, partition=partition)
            folded.fold(page.columns(), through_version=version)
    firsts = np.array([machine.version(number) for number in range(len(names))], np.int64) + 1
    lasts = np.array(list(versions.values()), np.int64)
    while batches := store.read_column_batches(partition=partition, after_seq=position, limit=BATCHES_AT_ONCE):
        for batch in batches:
            commits, events = batch.columns
            found = names.find(commits.aggregate_ids)
            numbers, of_events = per_event(found, commits.first_versions, commits.event_counts)
            is_past = (of_events >= firsts[numbers]) & (of_events <= lasts[numbers])
            wrong = machine.fold(np.where(is_past, numbers, -1), of_events, events, store.codec)
            if wrong is not None:
                number = int(numbers[wrong])
                raise IntegrityError(
                    f"the version should be {machine.version(number) + 1}",
                    partition=partition,
                    seq=batch.seq,
                    aggregate_id=names.name(number),
                    version=int(of_events[wrong]),
                )
        position = batches[-1].seq
    for number, account_id in enumerate(versions):
        yield account_id, machine.state(number)


def _difference(account_id: str, version: int, replayed: Account, looked_up: Account) -> StateDifference:
    """Name the first field, or of a table the first entry, in which two unequal accounts differ."""
    for name in sorted(Account.__struct_fields__):
        ours, theirs = getattr(replayed, name), getattr(looked_up, name)
        if ours == theirs:
            continue
        if isinstance(ours, dict):
            key = min(key for key in ours.keys() | theirs.keys() if ours.get(key) != theirs.get(key))
            name, ours, theirs = f"{name}[{key}]", ours.get(key), theirs.get(key)
        return StateDifference(account_id, version, name, _shown(ours), _shown(theirs))
    raise AssertionError("two accounts with equal fields have the same bytes")


def _shown(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _sum(one: Money, other: Money) -> Money:
    return Money(*(ours + theirs for ours, theirs in zip(one, other, strict=True)))
