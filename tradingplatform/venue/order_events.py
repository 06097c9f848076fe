"""What the journal says of orders, as columns: the events of many commits become a few tables, without an object for
each. Pure.

An order's id makes the ids of the commands that the venue sends for it, which have a width. Orders with longer ids than
the platform gives (ORDER_ID_BYTES_MAX) are left out: no command could name them.
"""

from typing import Final, NamedTuple

import msgspec
import numpy as np

from accounts.domain import events as e
from accounts.kernels.orders import TIMES_IN_FORCE
from eventstore.columns.batches import text_lengths, text_rows
from eventstore.columns.packed import CommitColumns
from eventstore.kernels.texts import Texts
from tradingplatform.venue.matcher import Flags, Integers

ORDER_ID_BYTES_MAX: Final = 36
"""Of a UUID, as every order of the platform has one."""
_COMMITS_TOGETHER_BITS: Final = 24
"""A position is the seq of the first batch that was read together and, in so many bits, the commit's place."""
_decode_text: Final = msgspec.msgpack.Decoder(str).decode
_NOTHING: Final = msgspec.msgpack.encode(None)


class Placed(NamedTuple):
    """Orders that began to work. Prices are in ten-thousandths, 0 for one that an order does not have; quantities in
    millionths of a share; `placed_at` is UTC microseconds.
    """

    account_ids: Texts
    order_ids: Texts
    symbols: list[str]
    symbol_of: Integers
    """The place of each order's symbol in `symbols`."""
    are_buys: Flags
    quantities: Integers
    filled_quantities: Integers
    limit_prices: Integers
    stop_prices: Integers
    trail_amounts: Integers
    trail_bps: Integers
    are_triggered: Flags
    are_held: Flags
    """Whether each waits for another order's fill."""
    expires_at: Integers
    """UTC microseconds, 0 for an order that is good till no instant."""
    times_in_force: Integers
    """Numbers as in accounts.kernels.orders."""
    placed_at: Integers
    positions: Integers


class Filled(NamedTuple):
    """Fills, in the order of each account; `filled_quantities` is what all fills of the order make together."""

    account_ids: Texts
    order_ids: Texts
    command_ids: Texts
    filled_quantities: Integers
    are_whole: Flags
    """Whether nothing of the order is left."""


class Changed(NamedTuple):
    """Orders that are other ones from here on, in the order of each account."""

    account_ids: Texts
    order_ids: Texts
    command_ids: Texts
    figures: Integers
    """Their quantity, or their stop, 0 for none."""


class Ended(NamedTuple):
    """Orders that work no more, for whatever reason but a last fill."""

    account_ids: Texts
    order_ids: Texts


class Freezes(NamedTuple):
    """Accounts that take no fill from here on, or take them again; in the order of each account."""

    account_ids: Texts
    are_frozen: Flags


class OrderEvents(NamedTuple):
    """What happened, of each kind in order. An order is placed before anything else happens to it, and activated before
    its stop or its quantity changes: these kinds come before the others.
    """

    placed: Placed
    activated: Changed
    """With their quantities; their stops stand among those that moved."""
    stops: Changed
    triggered: Changed
    reduced: Changed
    filled: Filled
    ended: Ended
    freezes: Freezes


def order_events(columns: CommitColumns, *, first_seq: int) -> OrderEvents:
    """Return what commits of one partition say of orders, in their order; `first_seq` is that of the first one."""
    positions = first_seq << _COMMITS_TOGETHER_BITS | np.arange(len(columns.commits))
    return OrderEvents(
        placed=_placed(columns, positions),
        activated=_changed(columns, "quantity", e.OrderActivated),
        stops=_changed(columns, "stop_price", e.OrderActivated, e.OrderTrailed),
        triggered=_changed(columns, "stop_price", e.OrderTriggered),
        reduced=_changed(columns, "quantity", e.OrderReduced),
        filled=_filled(columns),
        ended=_ended(columns),
        freezes=_freezes(columns),
    )


class _Rows:
    """The events of one type: their fields, and the commits that they are of."""

    def __init__(self, columns: CommitColumns, kind: type[msgspec.Struct]) -> None:
        events, tag = columns.events, str(kind.__struct_config__.tag)
        of_kind = [number for number, each in enumerate(events.tags) if each == tag]
        places = np.flatnonzero(np.isin(events.types, of_kind)) if of_kind else np.zeros(0, np.int64)
        self._events = events
        self._fields = {name: number for number, name in enumerate(kind.__struct_fields__)}
        if "order_id" in self._fields:
            ids = events.cells[events.starts[places] + self._fields["order_id"]]
            places = places[text_lengths(events, ids) <= ORDER_ID_BYTES_MAX]
        self._starts, self._widths = events.starts[places], events.field_counts[events.types[places]]
        self.places = places
        self.commits: Integers = np.searchsorted(np.cumsum(columns.commits.event_counts), places, side="right")
        self.account_ids: Texts = columns.commits.aggregate_ids[self.commits]

    def cells(self, name: str) -> Integers:
        """Return the cells of a field, 0 where an earlier release wrote the event without it."""
        field = self._fields[name]
        found: Integers = self._events.cells[self._starts + np.minimum(field, self._widths - 1)]
        return np.where(field < self._widths, found, 0)

    def texts(self, name: str) -> Texts:
        return text_rows(self._events, self.cells(name))

    def words(self, name: str) -> tuple[list[str], Integers]:
        """Return the texts that a field has, each once, and which of them each event has."""
        cells, numbers = np.unique(self.cells(name), return_inverse=True)
        encoded = self._events.values.encoded
        return [_decode_text(encoded(cell)) for cell in cells.tolist()], numbers

    def are(self, name: str, word: str) -> Flags:
        words, numbers = self.words(name)
        return np.array([each == word for each in words], bool)[numbers]

    def figures(self, name: str) -> Integers:
        """Return prices and other figures above 0, 0 where there is none."""
        cells = self.cells(name)
        return np.where(cells > 0, cells, 0)

    def are_given(self, name: str) -> Flags:
        """Tell which events have a text, and not nothing, in a field."""
        found, numbers = np.unique(self.cells(name), return_inverse=True)
        encoded = self._events.values.encoded
        return np.array([cell != 0 and encoded(cell) != _NOTHING for cell in found.tolist()], bool)[numbers]


def _placed(columns: CommitColumns, positions: Integers) -> Placed:
    rows = _Rows(columns, e.OrderPlaced)
    symbols, symbol_of = rows.words("symbol")
    words, of_words = rows.words("time_in_force")
    numbers = np.array([TIMES_IN_FORCE.index(word) for word in words], np.int64)
    return Placed(
        account_ids=rows.account_ids,
        order_ids=rows.texts("order_id"),
        symbols=symbols,
        symbol_of=symbol_of,
        are_buys=rows.are("side", "BUY"),
        quantities=rows.cells("quantity"),
        filled_quantities=rows.cells("filled_quantity"),
        limit_prices=rows.figures("limit_price"),
        stop_prices=rows.figures("stop_price"),
        trail_amounts=rows.figures("trail_amount"),
        trail_bps=rows.figures("trail_bp"),
        are_triggered=(rows.figures("filled_quantity") > 0) | (rows.figures("trigger_price") > 0),
        are_held=rows.are_given("waits_for"),
        expires_at=rows.figures("expires_at"),
        times_in_force=numbers[of_words],
        placed_at=columns.commits.timestamps[rows.commits],
        positions=positions[rows.commits],
    )


def _filled(columns: CommitColumns) -> Filled:
    rows = _Rows(columns, e.OrderFilled)
    return Filled(
        account_ids=rows.account_ids,
        order_ids=rows.texts("order_id"),
        command_ids=columns.commits.command_ids[rows.commits],
        filled_quantities=rows.cells("filled_quantity"),
        are_whole=rows.are("status", "FILLED"),
    )


def _changed(columns: CommitColumns, field: str, *kinds: type[msgspec.Struct]) -> Changed:
    rows = [_Rows(columns, kind) for kind in kinds]
    in_order = np.argsort(np.concatenate([each.places for each in rows]), kind="stable")
    return Changed(
        account_ids=np.concatenate([each.account_ids for each in rows])[in_order],
        order_ids=np.concatenate([each.texts("order_id") for each in rows])[in_order],
        command_ids=np.concatenate([columns.commits.command_ids[each.commits] for each in rows])[in_order],
        figures=np.concatenate([each.figures(field) for each in rows])[in_order],
    )


def _ended(columns: CommitColumns) -> Ended:
    kinds = (e.OrderReplaced, e.OrderCancelled, e.OrderExpired, e.OrderRejected)
    rows = [_Rows(columns, kind) for kind in kinds]
    return Ended(
        account_ids=np.concatenate([each.account_ids for each in rows]),
        order_ids=np.concatenate([each.texts("order_id") for each in rows]),
    )


def _freezes(columns: CommitColumns) -> Freezes:
    frozen, unfrozen = _Rows(columns, e.AccountFrozen), _Rows(columns, e.AccountUnfrozen)
    in_order = np.argsort(np.concatenate([frozen.places, unfrozen.places]))
    account_ids = np.concatenate([frozen.account_ids, unfrozen.account_ids])
    return Freezes(account_ids[in_order], in_order < len(frozen.places))
