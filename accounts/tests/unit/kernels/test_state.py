"""The table of positions finds every one while it grows, and groups that are taken back leave nothing in it."""

from random import Random

import numpy as np
import pytest

from accounts.kernels import state as s
from accounts.kernels.state import State, grown

ACCOUNTS = 40
SYMBOLS = 90


def opened():
    state = State()
    state.add_accounts(np.zeros((ACCOUNTS, s.ACCOUNT_COLUMNS), np.int64))
    return state


def check(state, held):
    """Every position is found with its figures, in its account's list, and no other one is."""
    assert state.position_count == len(held)
    for account in range(ACCOUNTS):
        rows = sorted(state.positions_of(account))
        found = state.position_rows(account, np.arange(SYMBOLS)).tolist()
        assert rows == sorted(found[symbol] for of, symbol in held if of == account)
        for symbol, row in enumerate(found):
            assert (row >= 0) == ((account, symbol) in held)
            assert row < 0 or state.positions[row, s.QUANTITY] == held[account, symbol]
    assert state.counters[s.BUCKET_COUNT] >= len(held)
    assert (state.positions[state.counters[s.POSITION_COUNT] :] == 0).all()
    free, row = [], state.counters[s.FREE_POSITION] - 1
    while row >= 0:
        free.append(row)
        row = -2 - state.positions[row, s.NEXT_POSITION]
    assert len({*free}) == state.counters[s.FREE_COUNT] == state.counters[s.POSITION_COUNT] - len(held)
    assert not np.delete(state.positions[free], s.NEXT_POSITION, 1).any()


def lived(seed, groups):
    random, state, held = Random(seed), opened(), {}
    for number in range(groups):
        after = dict(held)
        for _ in range(random.randrange(1, 200)):
            account, symbol, quantity = random.randrange(ACCOUNTS), random.randrange(SYMBOLS), random.randrange(1, 9)
            state.put_positions(account, np.array([[symbol, quantity, *[0] * (s.POSITION_COLUMNS - 2)]], np.int64))
            after[account, symbol] = quantity
        if random.random() < 0.4:
            state.take_back()
        else:
            state.keep()
            held = after
        if random.random() < 0.2:
            gone = random.sample(range(ACCOUNTS), random.randrange(1, 4))
            state.let_go(np.array(gone, np.int64))
            assert not state.accounts[gone].any()
            held = {key: quantity for key, quantity in held.items() if key[0] not in gone}
        if number % 8 == 0:
            check(state, held)
    check(state, held)
    return state


@pytest.mark.parametrize("seed", range(4))
def test_every_position_is_found_whatever_was_taken_back(seed):
    assert lived(seed, 40).counters[s.POSITION_COUNT] > 1_024, "more than there was room for at first"


def test_a_table_that_is_put_back_as_it_was_noted_is_found_out(monkeypatch):
    def with_its_chains(self):  # What a position's row was, its place in a bucket of then included.
        entries = self.undo[: self.counters[s.UNDO_COUNT]].copy()
        put_back(self)
        for entry in entries[::-1]:
            row, place = entry[1 + s.ACCOUNT_COLUMNS], 2 + s.ACCOUNT_COLUMNS
            if row >= 0 and entry[place + s.KEY]:
                self.positions[row, s.NEXT_IN_BUCKET] = entry[place + s.NEXT_IN_BUCKET]

    put_back = State.take_back
    monkeypatch.setattr(State, "take_back", with_its_chains)
    with pytest.raises(AssertionError):
        lived(0, 40)


@pytest.mark.parametrize("columns", [(), (s.POSITION_COLUMNS,), (s.ACCOUNT_COLUMNS,)])
def test_rows_get_room_in_steps_and_keep_what_they_hold(columns):
    rows = np.zeros((16, *columns), np.int64)
    rows[:] = 7
    sizes = [len(rows)]
    while rows.nbytes < 40 << 20:
        rows = grown(rows, len(rows) + 1)
        sizes.append(len(rows))
    assert max(np.diff(sizes)) * rows[:1].nbytes <= 4 << 20
    assert (rows[:16] == 7).all()
    assert not rows[16:].any()
