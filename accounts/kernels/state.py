"""Accounts as rows of integers, and a log of what was overwritten, so that a group of commands can be taken back.

An account has a number, in the order in which accounts came. `accounts[number]` are its figures, in the columns that
are named here. A position is a row of its own, found by account and symbol in a table of chains that grows by one
bucket for each position (linear hashing: W. Litwin, 1980), so that no command waits for a table to be made anew. Rows
get more room between groups, in steps (`grown`), never inside a kernel: a kernel is given room for all that it may add
(`State.make_room`). The rows of accounts that are let go are zeros again; those of their positions are given to the
next new ones.

What working orders are, and everything else that is rare, is not here: see `accounts/domain/state.py`.
"""

from collections.abc import Iterator
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from accounts.kernels.compiling import kernel

Integers: TypeAlias = NDArray[np.int64]

STATUS: Final = 0
VERSION: Final = 1
CASH: Final = 2
RESERVED_CASH: Final = 3
POSITIONS_COST: Final = 4
POSITIONS_VALUE: Final = 5
REALIZED_PNL: Final = 6
TRADE_COUNT: Final = 7
DAY: Final = 8
DAY_VOLUME: Final = 9
DAY_TRADES: Final = 10
DAY_REALIZED_PNL: Final = 11
MAX_POSITION_BP: Final = 12
MAX_DAILY_VALUE: Final = 13
MAX_TRADE_VALUE: Final = 14
LAST_POSITION: Final = 15
"""The row of the position that came last, plus one; 0 when there is none."""
DEPOSITED: Final = 16
WITHDRAWN: Final = 17
CURRENCY: Final = 18
"""The number of the currency's text; whoever owns the state knows it."""
FEES: Final = 19
OPEN_ORDERS: Final = 20
"""How many orders work."""
FEE_PER_ORDER: Final = 21
FEE_PER_SHARE: Final = 22
FEE_BASIS_POINTS: Final = 23
FEE_MINIMUM: Final = 24
"""The schedule of fees, in the order of accounts.domain.fees.FeeSchedule."""
PRICE_BAND_BP: Final = 25
DIVIDENDS: Final = 26
DIVIDEND_DAY: Final = 27
DAY_DIVIDENDS: Final = 28
"""What was ever paid, the last day with a dividend, and what on it."""
MARKED_SESSION: Final = 29
"""The last session whose close positions were marked at."""
ACCOUNT_COLUMNS: Final = 32
"""Four lines of the processor's cache; what trades are judged by, fees and the band aside, is in the first two."""

KEY: Final = 0
QUANTITY: Final = 1
COST: Final = 2
MARK: Final = 3
POSITION_REALIZED_PNL: Final = 4
RESERVED_SHARES: Final = 5
NEXT_POSITION: Final = 6
"""The row of the account's position that came before this one, plus one; 0 when there is none. In a row that was let
go, -1 less that of the next such row, plus one: below 0.
"""
NEXT_IN_BUCKET: Final = 7
"""The row of the next position in the same bucket, plus one; 0 at the end. The last column: it belongs to the table."""
POSITION_COLUMNS: Final = 8
"""One line."""

NONE: Final = 0
ACTIVE: Final = 1
FROZEN: Final = 2
CLOSED: Final = 3
STATUSES: Final = ("NONE", "ACTIVE", "FROZEN", "CLOSED")

SYMBOL_BITS: Final = 20
"""A symbol's number has fewer bits; the account's number stands above them in the key of a position."""

ACCOUNT_COUNT: Final = 0
"""How many numbers of accounts, and rows of positions, were given; those that were let go are among them."""
POSITION_COUNT: Final = 1
UNDO_COUNT: Final = 2
BUCKET_COUNT: Final = 3
BUCKET_MASK: Final = 4
"""The lowest number of bits that all buckets fit in, as a mask."""
FREE_POSITION: Final = 5
"""The row of a position that was let go last, plus one; 0 when there is none."""
FREE_COUNT: Final = 6
"""How many there are of them."""
COUNTERS: Final = 8

_LEAST_ROWS: Final = 1_024
_STEP_BYTES: Final = 1 << 22
"""How much more room rows get at once, at most; doubled until then."""
_UNDO_POSITION: Final = 1 + ACCOUNT_COLUMNS
_UNDO_COLUMNS: Final = _UNDO_POSITION + 1 + POSITION_COLUMNS
"""What an entry of the log holds: an account's number and its row, a position's place (or -1) and its row."""


@kernel("i8(i8, i8)")
def position_key(account: int, symbol: int) -> int:
    """Return the key of a position; 0 is none's."""
    return (account + 1) << SYMBOL_BITS | symbol


@kernel("i8(i8, i8[::1])")
def _bucket(key: int, counters: Integers) -> Any:
    """Return the bucket that a position with this key is in."""
    mixed = np.int64((np.uint64(key) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(32))
    bucket = mixed & counters[BUCKET_MASK]
    return bucket if bucket < counters[BUCKET_COUNT] else mixed & (counters[BUCKET_MASK] >> 1)


@kernel("i8(i8, i8[:,::1], i8[::1], i8[::1])")
def position_row(key: int, positions: Integers, buckets: Integers, counters: Integers) -> Any:
    """Return a position's row, -1 when there is none."""
    row = buckets[_bucket(key, counters)] - 1
    while row >= 0 and positions[row, KEY] != key:
        row = positions[row, NEXT_IN_BUCKET] - 1
    return row


@kernel("void(i8[:,::1], i8[::1], i8[::1])")
def _split_bucket(positions: Integers, buckets: Integers, counters: Integers) -> None:
    """Add a bucket, for which the positions of one other are divided."""
    new = counters[BUCKET_COUNT]
    if new > counters[BUCKET_MASK]:
        counters[BUCKET_MASK] = 2 * counters[BUCKET_MASK] + 1
    counters[BUCKET_COUNT] = new + 1
    old = new & (counters[BUCKET_MASK] >> 1)
    row = buckets[old] - 1
    buckets[old] = buckets[new] = 0
    while row >= 0:
        following = positions[row, NEXT_IN_BUCKET] - 1
        bucket = _bucket(positions[row, KEY], counters)
        positions[row, NEXT_IN_BUCKET] = buckets[bucket]
        buckets[bucket] = row + 1
        row = following


@kernel("void(i8, i8[:,::1], i8[::1], i8[::1])")
def _take_out(row: int, positions: Integers, buckets: Integers, counters: Integers) -> None:
    """Take a position out of its bucket."""
    bucket = _bucket(positions[row, KEY], counters)
    after = positions[row, NEXT_IN_BUCKET]
    before = buckets[bucket] - 1
    if before == row:
        buckets[bucket] = after
        return
    while positions[before, NEXT_IN_BUCKET] != row + 1:
        before = positions[before, NEXT_IN_BUCKET] - 1
    positions[before, NEXT_IN_BUCKET] = after


@kernel("void(i8, i8, i8[:,::1], i8[:,::1], i8[:,::1], i8[::1])")
def note(account: int, row: int, accounts: Integers, positions: Integers, undo: Integers, counters: Integers) -> None:
    """Note an account's row and a position's (none for a row of -1) before they are overwritten."""
    entry = counters[UNDO_COUNT]
    undo[entry, 0] = account
    for column in range(ACCOUNT_COLUMNS):
        undo[entry, 1 + column] = accounts[account, column]
    undo[entry, _UNDO_POSITION] = row
    if row >= 0:
        for column in range(POSITION_COLUMNS):
            undo[entry, _UNDO_POSITION + 1 + column] = positions[row, column]
    counters[UNDO_COUNT] = entry + 1


@kernel("void(i8[:,::1], i8[:,::1], i8[::1], i8[:,::1], i8[::1])")
def take_back(accounts: Integers, positions: Integers, buckets: Integers, undo: Integers, counters: Integers) -> None:
    """Put back everything that was noted, the latest first. Positions that came since then are gone again; the table
    keeps its buckets.
    """
    for entry in range(counters[UNDO_COUNT] - 1, -1, -1):
        account = undo[entry, 0]
        for column in range(ACCOUNT_COLUMNS):
            accounts[account, column] = undo[entry, 1 + column]
        row = undo[entry, _UNDO_POSITION]
        if row < 0:
            continue
        if undo[entry, _UNDO_POSITION + 1 + KEY] == 0:  # The latest position has the row that was to be given last.
            _take_out(row, positions, buckets, counters)
            positions[row, NEXT_IN_BUCKET] = 0
            if undo[entry, _UNDO_POSITION + 1 + NEXT_POSITION] < 0:
                counters[FREE_POSITION] = row + 1
                counters[FREE_COUNT] += 1
            else:
                counters[POSITION_COUNT] -= 1
        for column in range(NEXT_IN_BUCKET):
            positions[row, column] = undo[entry, _UNDO_POSITION + 1 + column]
    counters[UNDO_COUNT] = 0


@kernel("i8(i8[::1])")
def next_position(counters: Integers) -> Any:
    """Return the row that the next new position will have. It is zeros but for its place among those let go."""
    return counters[FREE_POSITION] - 1 if counters[FREE_POSITION] > 0 else counters[POSITION_COUNT]


@kernel("i8(i8, i8, i8[:,::1], i8[:,::1], i8[::1], i8[::1])")
def enter_position(
    account: int, key: int, accounts: Integers, positions: Integers, buckets: Integers, counters: Integers
) -> Any:
    """Add a position of nothing, which there is not yet; return its row. Its rows were noted before."""
    row = next_position(counters)
    if counters[FREE_POSITION] > 0:
        counters[FREE_POSITION] = -1 - positions[row, NEXT_POSITION]
        counters[FREE_COUNT] -= 1
    else:
        counters[POSITION_COUNT] = row + 1
    positions[row, KEY] = key
    positions[row, NEXT_POSITION] = accounts[account, LAST_POSITION]
    accounts[account, LAST_POSITION] = row + 1
    bucket = _bucket(key, counters)
    positions[row, NEXT_IN_BUCKET] = buckets[bucket]
    buckets[bucket] = row + 1
    if counters[BUCKET_COUNT] <= row:
        _split_bucket(positions, buckets, counters)
    return row


@kernel("void(i8, i8[:,::1], i8[:,::1], i8[:,::1], i8[::1], i8[::1])")
def _enter_positions(
    account: int, rows: Integers, accounts: Integers, positions: Integers, buckets: Integers, counters: Integers
) -> None:
    """Add positions that there are not yet, each a row with the number of the symbol in the place of its key."""
    for each in range(len(rows)):
        key = position_key(account, rows[each, KEY])
        row = enter_position(account, key, accounts, positions, buckets, counters)
        for column in range(KEY + 1, NEXT_POSITION):
            positions[row, column] = rows[each, column]


@kernel("void(i8, i8[::1], i8[::1], i8[:,::1], i8[::1], i8[::1])")
def _find_positions(
    account: int, symbols: Integers, rows: Integers, positions: Integers, buckets: Integers, counters: Integers
) -> None:
    """Find the rows of an account's positions in these symbols, -1 for one that there is not."""
    for each in range(len(symbols)):
        rows[each] = position_row(position_key(account, symbols[each]), positions, buckets, counters)


@kernel("void(i8, i8[:,::1], i8[:,::1], i8[:,::1], i8[::1], i8[:,::1], i8[::1])")
def _put_positions(
    account: int,
    rows: Integers,
    accounts: Integers,
    positions: Integers,
    buckets: Integers,
    undo: Integers,
    counters: Integers,
) -> None:
    """Add positions or replace their figures, each a row with the number of the symbol in the place of its key."""
    for each in range(len(rows)):
        key = position_key(account, rows[each, KEY])
        row = position_row(key, positions, buckets, counters)
        note(account, next_position(counters) if row < 0 else row, accounts, positions, undo, counters)
        if row < 0:
            row = enter_position(account, key, accounts, positions, buckets, counters)
        for column in range(KEY + 1, NEXT_POSITION):
            positions[row, column] = rows[each, column]


@kernel("void(i8[::1], i8[:,::1], i8[:,::1], i8[::1], i8[::1])")
def _let_go(numbers: Integers, accounts: Integers, positions: Integers, buckets: Integers, counters: Integers) -> None:
    """Make the rows of accounts zeros, and those of their positions free."""
    for number in numbers:
        row = accounts[number, LAST_POSITION] - 1
        while row >= 0:
            following = positions[row, NEXT_POSITION] - 1
            _take_out(row, positions, buckets, counters)
            for column in range(POSITION_COLUMNS):
                positions[row, column] = 0
            positions[row, NEXT_POSITION] = -1 - counters[FREE_POSITION]
            counters[FREE_POSITION] = row + 1
            counters[FREE_COUNT] += 1
            row = following
        for column in range(ACCOUNT_COLUMNS):
            accounts[number, column] = 0


class State:
    """The accounts of a writer, or of whoever folds events. Not safe for threads: it has one owner."""

    def __init__(self) -> None:
        self.accounts: Integers = np.zeros((_LEAST_ROWS, ACCOUNT_COLUMNS), np.int64)
        self.positions: Integers = np.zeros((_LEAST_ROWS, POSITION_COLUMNS), np.int64)
        self.buckets: Integers = np.zeros(_LEAST_ROWS, np.int64)
        """The row of the first position in each bucket, plus one; 0 in an empty one."""
        self.undo: Integers = np.zeros((_LEAST_ROWS, _UNDO_COLUMNS), np.int64)
        self.counters: Integers = np.zeros(COUNTERS, np.int64)
        self.counters[BUCKET_COUNT] = 1

    @property
    def account_count(self) -> int:
        """How many numbers of accounts were given."""
        return int(self.counters[ACCOUNT_COUNT])

    @property
    def position_count(self) -> int:
        """How many positions there are, flat ones included."""
        return int(self.counters[POSITION_COUNT] - self.counters[FREE_COUNT])

    def add_account(self, number: int) -> None:
        """Give an account of zeros a number that no other one has."""
        self.accounts = grown(self.accounts, number + 1)
        self.counters[ACCOUNT_COUNT] = max(self.account_count, number + 1)

    def let_go(self, numbers: Integers) -> None:
        """Let accounts go with their positions; nothing that was noted is waiting to be kept."""
        assert not self.counters[UNDO_COUNT], "what may be taken back cannot be let go"
        _let_go(numbers, self.accounts, self.positions, self.buckets, self.counters)

    def add_accounts(self, rows: Integers) -> range:
        """Add accounts by their rows; return their numbers."""
        first, last = self.account_count, self.account_count + len(rows)
        self.accounts = grown(self.accounts, last)
        self.accounts[first:last] = rows
        self.counters[ACCOUNT_COUNT] = last
        return range(first, last)

    def add_positions(self, account: int, rows: Integers) -> None:
        """Add positions that an account does not have yet, by their rows: i8[n, POSITION_COLUMNS], with the number of
        the symbol in the place of the key. They are not noted, so none that is may be a new one.
        """
        self.make_room_for_positions(len(rows))
        _enter_positions(account, rows, self.accounts, self.positions, self.buckets, self.counters)

    def make_room(self, changes: int) -> None:
        """Make sure that so many changes find room: each may note a row and add a position."""
        self.undo = grown(self.undo, int(self.counters[UNDO_COUNT]) + changes)
        self.make_room_for_positions(changes)

    def make_room_for_positions(self, changes: int) -> None:
        """Make sure that so many changes find room of which none is noted."""
        rows = int(self.counters[POSITION_COUNT]) + changes
        self.positions = grown(self.positions, rows)
        self.buckets = grown(self.buckets, rows + 1)

    def note(self, account: int, row: int = -1) -> None:
        """Note an account's row, and a position's, before they are overwritten."""
        self.make_room(1)
        note(account, row, self.accounts, self.positions, self.undo, self.counters)

    def put_positions(self, account: int, rows: Integers) -> None:
        """Add positions, or replace the figures of those that there are: rows as `add_positions` takes them. They and
        their account are noted.
        """
        self.make_room(len(rows))
        _put_positions(account, rows, self.accounts, self.positions, self.buckets, self.undo, self.counters)

    def positions_of(self, account: int) -> Iterator[int]:
        """Yield the rows of an account's positions, the latest first."""
        row = int(self.accounts[account, LAST_POSITION]) - 1
        while row >= 0:
            yield row
            row = int(self.positions[row, NEXT_POSITION]) - 1

    def keep(self) -> None:
        """Make what was done since the last `keep` or `take_back` final."""
        self.counters[UNDO_COUNT] = 0

    def take_back(self) -> None:
        """Take back everything since the last `keep`, bit for bit."""
        take_back(self.accounts, self.positions, self.buckets, self.undo, self.counters)

    def position_rows(self, account: int, symbols: Integers) -> Integers:
        """Return the rows of an account's positions in these symbols (i8[n]), -1 for one that there is not."""
        rows: Integers = np.empty(len(symbols), np.int64)
        _find_positions(account, symbols, rows, self.positions, self.buckets, self.counters)
        return rows


def grown(rows: Integers, count: int) -> Integers:
    """Return rows with room for so many: the same array, which the operating system gives more pages where it can.

    No part of it may be in use: it may lie elsewhere afterwards.
    """
    if count > len(rows):
        step = min(len(rows), _STEP_BYTES // rows[:1].nbytes)
        rows.resize((max(count, len(rows) + step), *rows.shape[1:]), refcheck=False)
    return rows
