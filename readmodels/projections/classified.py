"""Which events of a round are new, and of what kind: trades and refusals, which become rows as columns, and all others,
which are taken one by one (changes.py).

A trade says what it led to, and a refusal changes nothing, so neither needs to know any row but the version of its
account's. An event at or below that version was applied before and is left out, so delivering anything twice changes
nothing; a version that is skipped is an error. Pure.
"""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, Final, NamedTuple, TypeVar

import numpy as np

from accounts.domain.events import CommandRefused, TradeExecuted
from eventstore.columns.batches import EventColumns
from eventstore.columns.cells import VALUE_BASE, VALUE_LIMIT
from eventstore.kernels.compiling import Integers, Octets
from readmodels.projections.rows import Recorded, uuid_text

T = TypeVar("T")

TRADE: Final = str(TradeExecuted.__struct_config__.tag)
REFUSAL: Final = str(CommandRefused.__struct_config__.tag)


class VersionSkipped(Exception):
    """An account's event does not follow the version that its row stands on."""


class CurrentVersions(NamedTuple):
    """What the rows of a accounts say before a round, in the order of `EventColumns.aggregate_keys`; zeros and empty
    texts where there is no row.
    """

    versions: Integers
    positions_versions: Integers
    open_orders: Integers
    currencies: list[str]


class Distinct(NamedTuple):
    """A column in which few values come again and again: event i has `values[numbers[i]]`."""

    values: Sequence[Any]
    numbers: Integers


class Columns:
    """Some events side by side, given their places i8[n]: what their headers say, and, of one type, their fields."""

    def __init__(self, events: EventColumns, places: Integers, cls: type[Any]) -> None:
        self.events = events
        self.places = places
        self.commits = events.commit_of[places]
        self._names: tuple[str, ...] = cls.__struct_fields__

    def __len__(self) -> int:
        return len(self.places)

    @property
    def accounts(self) -> Integers:
        """The number of each event's account."""
        return self.events.aggregate_numbers[self.commits]

    @property
    def keys(self) -> Octets:
        """The bytes of each event's account id: u1[n, 16]."""
        return self.events.aggregate_keys[self.accounts]

    @property
    def event_keys(self) -> Octets:
        """The bytes of each event's id: u1[n, 16]."""
        return self.events.ids[self.places]

    @property
    def versions(self) -> Integers:
        """The version of each event."""
        return self.events.versions[self.places]

    @property
    def recorded_at(self) -> Integers:
        """When each event was recorded, in UTC microseconds."""
        return self.events.commits.timestamps[self.commits]

    @property
    def command_ids(self) -> Octets:
        """The command of each event: u1[n, 64], zeros behind."""
        return self.events.commits.command_ids[self.commits]

    def origins(self) -> tuple[Distinct, Distinct, Distinct]:
        """Return the correlation id, the causation id and the actor of each event."""
        numbers = self.events.commits.origin_numbers[self.commits].astype(np.int64)
        used, numbers = _ranked(numbers, len(self.events.commits.origins))
        origins = [self.events.commits.origins.values(number) for number in used.tolist()]
        correlations, causations, actors, _ = zip(*origins, strict=True) if origins else ((),) * 4
        return Distinct(correlations, numbers), Distinct(causations, numbers), Distinct(actors, numbers)

    def integers(self, name: str) -> Integers:
        """Return a field of whole numbers; raises OverflowError beyond 64 bits."""
        cells = self._cells(name)
        if len(cells) and cells.min() < VALUE_LIMIT:
            raise OverflowError(f"{name} of an event is no whole number of 64 bits")
        return cells

    def distinct(self, name: str, decode: Callable[[bytes], T]) -> Distinct:
        """Return a field of texts or nothing, each distinct value decoded once; raises ValueError for a number."""
        cells = self._cells(name)
        if len(cells) and cells.max() >= VALUE_LIMIT:
            raise ValueError(f"{name} of an event is a number, where a text should be")
        used, numbers = _ranked(cells - VALUE_BASE, self.events.cells.values.count)
        encoded = [self.events.cells.values.encoded(VALUE_BASE + number) for number in used.tolist()]
        return Distinct([decode(each) for each in encoded], numbers)

    @cached_property
    def _starts(self) -> Integers:
        return self.events.cells.starts[self.places]

    def _cells(self, name: str) -> Integers:
        cells: Integers = self.events.cells.cells[self._starts + self._names.index(name)]
        return cells


class ClassifiedEvents(NamedTuple):
    """The new events of a round, by kind, those of an account side by side and in order, and what they come to."""

    trades: Columns
    refusals: Columns
    others: list[Recorded]
    activities: Columns
    """Refusals and others together."""
    versions: Integers
    """The version of each account after the round: i8[accounts]."""
    updated_at: Integers
    """When its last new event was recorded; anything where there is none."""


def classify(events: EventColumns, current: CurrentVersions) -> ClassifiedEvents:
    """Sort the new events of a round out by kind; raises VersionSkipped."""
    accounts = events.aggregate_numbers[events.commit_of]
    order = np.argsort(accounts, kind="stable")
    places = order[events.versions[order] > current.versions[accounts[order]]]
    accounts, versions = accounts[places], events.versions[places]
    is_first = np.ones(len(accounts), bool)
    is_first[1:] = accounts[1:] != accounts[:-1]
    expected = np.where(is_first, current.versions[accounts], np.roll(versions, 1)) + 1
    for wrong in np.flatnonzero(versions != expected)[:1].tolist():
        account_id = uuid_text(events.aggregate_keys[accounts[wrong]])
        raise VersionSkipped(f"account {account_id}: version {expected[wrong]} should follow, found {versions[wrong]}")
    last = last_of_each(accounts)
    after, updated_at = current.versions.copy(), np.zeros(len(current.versions), np.int64)
    after[accounts[last]] = versions[last]
    updated_at[accounts[last]] = events.commits.timestamps[events.commit_of[places[last]]]
    are_trades, are_refusals = events.are_of(TRADE)[places], events.are_of(REFUSAL)[places]
    return ClassifiedEvents(
        trades=Columns(events, places[are_trades], TradeExecuted),
        refusals=Columns(events, places[are_refusals], CommandRefused),
        others=_recorded(events, places[~(are_trades | are_refusals)]),
        activities=Columns(events, places[~are_trades], CommandRefused),
        versions=after,
        updated_at=updated_at,
    )


def last_of_each(accounts: Integers) -> Integers:
    """Return the place of the last event of each account, given accounts side by side."""
    is_last = np.ones(len(accounts), bool)
    is_last[:-1] = accounts[1:] != accounts[:-1]
    return np.flatnonzero(is_last)


def _ranked(numbers: Integers, count: int) -> tuple[Integers, Integers]:
    """Return which of the numbers below a count there are, and the rank of each place's among them."""
    is_used = np.zeros(count, bool)
    is_used[numbers] = True
    ranks = np.cumsum(is_used) - 1
    return np.flatnonzero(is_used), ranks[numbers]


def _recorded(events: EventColumns, places: Integers) -> list[Recorded]:
    """Return events as objects."""
    found = []
    rows = events.commits
    commits = events.commit_of[places].tolist()
    for place, commit, version in zip(places.tolist(), commits, events.versions[places].tolist(), strict=True):
        correlation_id, causation_id, actor, _ = rows.origins.values(int(rows.origin_numbers[commit]))
        found.append(
            Recorded(
                uuid_text(events.aggregate_keys[events.aggregate_numbers[commit]]),
                version,
                uuid_text(events.ids[place]),
                events.event(place),
                int(rows.timestamps[commit]),
                events.command_id(commit),
                correlation_id,
                causation_id,
                actor,
            )
        )
    return found
