"""What was decided and is folded again gives the same state, to the bit."""

from random import Random

import numpy as np
import pytest

from accounts.kernels import fold
from accounts.kernels import state as s
from accounts.kernels.fold import apply_trades
from accounts.kernels.state import State
from accounts.tests.unit.kernels.test_decide import Both, entry, opened, row_of


def decided(seed):
    """Return accounts before, their state after random trades, and the trades that happened, as columns."""
    random = Random(seed)
    accounts = [opened(random) for _ in range(12)]
    before = np.array([row_of(account, 3) for account in accounts])
    both = Both(accounts)
    for batch in range(200):
        both.run([entry(random, accounts) for _ in range(10)], 20_000 + batch // 30)
        both.state.keep()
    return before, both.state, [np.ascontiguousarray(np.concatenate(each)) for each in zip(*both.happened, strict=True)]


def folded(before, columns, pieces):
    state = State()
    state.add_accounts(before)
    for part in np.array_split(np.arange(len(columns[0])), pieces):
        numbers, symbols, prices, days, figures = (np.ascontiguousarray(column[part]) for column in columns)
        apply_trades(state, numbers=numbers, symbols=symbols, prices=prices, days=days, figures=figures)
    return state


def same(one, other):
    """Compare all but the versions: refusals move them, and are not folded here."""
    figures = [column for column in range(s.ACCOUNT_COLUMNS) if column != s.VERSION]
    count = one.position_count
    return (
        count == other.position_count
        and np.array_equal(one.accounts[:, figures], other.accounts[:, figures])
        and np.array_equal(one.positions[:count], other.positions[:count])
    )


@pytest.mark.parametrize("seed", range(6))
def test_a_history_is_folded_to_what_it_was_decided_on_however_it_is_cut(seed):
    before, state, columns = decided(seed)
    assert len(columns[0]) > 200
    for pieces in (1, 7, 100):
        assert same(folded(before, columns, pieces), state)


def test_a_fold_that_forgets_the_price_is_found_out(monkeypatch):
    before, state, columns = decided(1)
    forgetful = fold._apply_trades
    monkeypatch.setattr(fold, "_apply_trades", lambda *given: forgetful(*given[:2], np.ones_like(given[2]), *given[3:]))
    assert not same(folded(before, columns, 3), state)
