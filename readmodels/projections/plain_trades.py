"""Plain events as columns: the fast path for what comes in thousands a second, with the rows of `changes.py`.

An event is *plain* when it is a trade or a refusal, alone in its commit, the next one of an account that stands in the
tables without working orders, and nothing else than plain events of that account is among the same batches. Then its
rows follow from the event alone, and no row of the account but its version has to be known. Everything else is left to
`changes.py`, account by account, so both may serve the same batches. Pure; tests hold both to the same rows.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import compress
from typing import Any, Final

from accounts.domain.events import CommandRefused, TradeExecuted
from eventstore.column_batches import ColumnBatch, tagged

TRADE: Final = str(TradeExecuted.__struct_config__.tag)
REFUSAL: Final = str(CommandRefused.__struct_config__.tag)
_PLAIN: Final = frozenset({TRADE, REFUSAL})
_HEADER_FIELDS: Final = (
    "account_id",
    "version",
    "recorded_at",
    "command_id",
    "correlation_id",
    "causation_id",
    "actor",
)


class Columns:
    """Events of one type side by side: `columns["price"][i]` is a field of event i or of its commit's header.

    `keys` and `event_keys` are the bytes of the account's and the event's id.
    """

    def __init__(self, cls: type[Any]) -> None:
        self.cls = cls
        self.keys: list[bytes] = []
        self.event_keys: list[bytes] = []
        self._headers: list[tuple[Any, ...]] = []
        self._fields: list[list[Any]] = [[] for _ in cls.__struct_fields__]

    def __len__(self) -> int:
        return len(self.keys)

    def add(
        self,
        keys: Iterable[bytes],
        event_keys: Iterable[bytes],
        headers: Iterable[tuple[Any, ...]],
        fields: Iterable[Iterable[Any]],
    ) -> None:
        """Add the events of a batch."""
        self.keys += keys
        self.event_keys += event_keys
        self._headers += headers
        for column, values in zip(self._fields, fields, strict=True):
            column += values

    def by_name(self) -> dict[str, Sequence[Any]]:
        """Return every column."""
        headers = zip(*self._headers, strict=True) if self._headers else iter([()] * 8)
        columns: dict[str, Sequence[Any]] = dict(zip(_HEADER_FIELDS, headers, strict=False))
        return columns | dict(zip(self.cls.__struct_fields__, self._fields, strict=True))


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


def _others(batches: Sequence[ColumnBatch], standing: Mapping[bytes, int], versions: dict[bytes, int]) -> set[bytes]:
    """Return the accounts with anything that is not plain; `versions` becomes those of the rest after the batches."""
    others: set[bytes] = set()
    for batch in batches:
        keys = batch.aggregate_keys
        if not batch.has_single_events:
            others.update(keys)
            continue
        for key, version in zip(keys, batch.layout.first_versions, strict=True):
            if versions.get(key, standing.get(key, -1)) + 1 != version:
                others.add(key)
            versions[key] = version
        others.update(key for key, is_plain in zip(keys, _plain_places(batch), strict=True) if not is_plain)
    for key in others:
        versions.pop(key, None)
    return others


def _plain_places(batch: ColumnBatch) -> Iterator[bool] | list[bool]:
    plain = [of_type.tag in _PLAIN and batch.is_current(of_type.tag) for of_type in batch.layout.types]
    if all(plain):
        return [True] * batch.layout.commit_count
    return [plain[place] for place in batch.layout.type_places or [0] * batch.layout.commit_count]


def _gather(found: Sorted, batch: ColumnBatch) -> None:
    keys, headers = batch.aggregate_keys, batch.header_columns()
    is_wanted = None
    if not found.other_accounts.isdisjoint(keys):
        is_wanted = [key not in found.other_accounts for key in keys]
    places = batch.layout.type_places
    for place, of_type in enumerate(batch.layout.types):
        if of_type.tag not in _PLAIN:
            continue
        chosen = found.trades if of_type.tag == TRADE else found.refusals
        of_place = [each == place for each in places] if places is not None else None
        own_keys: Iterable[bytes] = keys if of_place is None else compress(keys, of_place)
        own_headers = headers if of_place is None else list(compress(headers, of_place))
        fields: Iterable[Iterable[Any]] = (columns := batch.columns(of_type))
        if len(columns[0]) != len(own_headers):
            raise ValueError(f"the columns hold {len(columns[0])} events where {len(own_headers)} belong")
        event_keys: Iterable[bytes] = batch.event_keys(own_headers, tagged(of_type.tag, columns))
        if is_wanted is not None:
            own = is_wanted if of_place is None else list(compress(is_wanted, of_place))
            own_keys, event_keys = compress(own_keys, own), compress(event_keys, own)
            own_headers = list(compress(own_headers, own))
            fields = [compress(column, own) for column in columns]
        chosen.add(own_keys, event_keys, own_headers, fields)
