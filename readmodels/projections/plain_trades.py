"""Plain events as columns: the fast path for what comes in thousands a second, with the rows of `changes.py`.

An event is *plain* when it is a trade or a refusal, alone in its commit, the next one of an account that stands in the
tables without working orders, and nothing else than plain events of that account is among the same batches. Then its
rows follow from the event alone, and no row of the account but its version has to be known. Everything else is left to
`changes.py`, account by account, so both may serve the same batches. Pure; tests hold both to the same rows.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import compress
from typing import Any, Final
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from accounts.domain.events import CommandRefused, TradeExecuted
from eventstore.column_batches import ColumnBatch
from eventstore.record import Batch

TRADE: Final = str(TradeExecuted.__struct_config__.tag)
REFUSAL: Final = str(CommandRefused.__struct_config__.tag)
_PLAIN: Final = frozenset({TRADE, REFUSAL})
_HEADER_FIELDS: Final = (
    "aggregate_id",
    "version",
    "recorded_at",
    "command_id",
    "correlation_id",
    "causation_id",
    "actor",
    "metadata",
)


class Columns:
    """Events of one type side by side: `columns["price"][i]` is a field of event i, or of its commit's header.

    `keys` and `event_keys` are the bytes of the account's and the event's id, `partitions` where the events are from.
    """

    def __init__(self, cls: type[Any]) -> None:
        self.cls = cls
        self.keys: list[bytes] = []
        self.event_keys: list[bytes] = []
        self.partitions: list[int] = []
        self._arrays: dict[str, NDArray[np.int64]] = {}
        self._columns: dict[str, list[Any]] = {name: [] for name in (*_HEADER_FIELDS, *cls.__struct_fields__)}

    def __len__(self) -> int:
        return len(self.keys)

    def __getitem__(self, name: str) -> list[Any]:
        return self._columns[name]

    def integers(self, name: str) -> NDArray[np.int64]:
        """Return a column of whole numbers as an array, made once, when all events are there; raises OverflowError
        beyond 64 bits.
        """
        found = self._arrays.get(name)
        if found is None or len(found) != len(self):
            found = self._arrays[name] = np.array(self[name], np.int64)
        return found

    def add(
        self, partition: int, keys: Iterable[bytes], event_keys: Iterable[bytes], columns: Iterable[Iterable[Any]]
    ) -> None:
        """Add the events of a batch: the columns of their headers, then their own."""
        self.keys += keys
        self.event_keys += event_keys
        self.partitions += [partition] * (len(self.keys) - len(self.partitions))
        for column, values in zip(self._columns.values(), columns, strict=True):
            column += values


class Sorted:
    """What was found among batches: plain events in columns, and which accounts have to be projected otherwise."""

    def __init__(self) -> None:
        self.trades = Columns(TradeExecuted)
        self.refusals = Columns(CommandRefused)
        self.other_accounts: set[bytes] = set()
        self.versions: dict[bytes, int] = {}
        """The version that each account with plain events stands on after them."""


def accounts_among(batches: Iterable[ColumnBatch]) -> set[bytes]:
    """Return the accounts of batches."""
    return {key for batch in batches for key in batch.aggregate_keys}


def sort_out(batches: Sequence[ColumnBatch], standing: Mapping[bytes, int]) -> Sorted:
    """Gather the plain events of batches in order; `standing` is the version of each account without working orders."""
    found = Sorted()
    found.other_accounts = _others(batches, standing, found.versions)
    for batch in batches:
        if batch.has_single_events and not found.other_accounts.issuperset(batch.aggregate_keys):
            _gather(found, batch)
    return found


def of_accounts(batches: Sequence[ColumnBatch], keys: set[bytes]) -> list[Batch]:
    """Return what batches hold of some accounts."""
    account_ids = {str(UUID(bytes=key)) for key in keys}
    found: list[Batch] = []
    for batch in batches:
        if keys.isdisjoint(batch.aggregate_keys):
            continue
        commits = [commit for commit in batch.commits() if commit.aggregate_id in account_ids]
        found.append(
            Batch(
                partition=batch.partition,
                seq=batch.seq,
                hash=b"",
                event_count=sum(len(commit.events) for commit in commits),
                last_timestamp=commits[-1].timestamp,
                commits=commits,
            )
        )
    return found


def _others(batches: Sequence[ColumnBatch], standing: Mapping[bytes, int], versions: dict[bytes, int]) -> set[bytes]:
    """Return the accounts with anything that is not plain; `versions` becomes those of the rest after the batches."""
    others: set[bytes] = set()
    for batch in batches:
        keys = batch.aggregate_keys
        if not batch.has_single_events:
            others.update(keys)
            continue
        for key, version in zip(keys, batch.first_versions, strict=True):
            if versions.get(key, standing.get(key, -1)) + 1 != version:
                others.add(key)
            versions[key] = version
        others.update(key for key, is_plain in zip(keys, _plain_places(batch), strict=True) if not is_plain)
    for key in others:
        versions.pop(key, None)
    return others


def _plain_places(batch: ColumnBatch) -> Iterator[bool] | list[bool]:
    plain = [tag in _PLAIN and batch.is_current(tag) for tag in batch.tags]
    if all(plain):
        return [True] * len(batch)
    return [plain[place] for place in batch.types.tolist()]


def _gather(found: Sorted, batch: ColumnBatch) -> None:
    keys, headers, all_event_keys = batch.aggregate_keys, batch.header_columns(), batch.event_keys()
    others = found.other_accounts
    has_others = not others.isdisjoint(keys)
    for place, tag in enumerate(batch.tags):
        if tag not in _PLAIN:
            continue
        into = found.trades if tag == TRADE else found.refusals
        own_keys, event_keys, own_headers = keys, all_event_keys, headers
        if len(batch.tags) > 1:
            is_own = (batch.types == place).tolist()
            own_keys, event_keys = list(compress(keys, is_own)), list(compress(all_event_keys, is_own))
            own_headers = [list(compress(each, is_own)) for each in headers]
        columns = [*own_headers, *batch.columns(place)]
        if has_others:
            is_plain = [key not in others for key in own_keys]
            own_keys, event_keys = list(compress(own_keys, is_plain)), list(compress(event_keys, is_plain))
            columns = [list(compress(column, is_plain)) for column in columns]
        into.add(batch.partition, own_keys, event_keys, columns)
