"""Compiled code checks no index: the kernels' proofs run once more, in one process, with every index checked."""

import os
import subprocess
import sys

import numpy as np
import pytest

from accounts.kernels import state as s
from accounts.kernels.state import State
from eventstore.kernels import message_pack, rows
from eventstore.kernels.message_pack import VALUE_BASE
from eventstore.kernels.texts import TEXT_BYTES
from tradingplatform.local.processes import BASE_DIR

CHECKED = "NUMBA_BOUNDSCHECK"
IS_CHECKED = CHECKED in os.environ
PROOFS = (
    "accounts/tests/unit/kernels",
    "eventstore/tests/columns/test_cells.py",
    "eventstore/tests/columns/test_packed.py",
)
only_checked = pytest.mark.skipif(not IS_CHECKED, reason="the run with every index checked shows it")


@pytest.mark.skipif(IS_CHECKED, reason="this is the run with every index checked")
@pytest.mark.timeout(900)
def test_the_proofs_pass_with_every_index_checked(tmp_path):
    environment = {**os.environ, CHECKED: "1", "NUMBA_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *PROOFS, __file__]
    done = subprocess.run(command, env=environment, cwd=BASE_DIR, capture_output=True, text=True, timeout=800)
    assert done.returncode == 0, done.stdout[-3_000:] + done.stderr[-2_000:]
    assert "3 skipped" in done.stdout, "this one, and two that ask other processes"


@only_checked
class TestWithoutRoom:
    """A buffer that is too small is found, whichever way it is written to."""

    def test_an_integer(self):
        assert message_pack.put_integer(np.empty(9, np.uint8), 0, 2**40) == 9
        with pytest.raises(IndexError):
            message_pack.put_integer(np.empty(8, np.uint8), 0, 2**40)

    def test_a_value(self):
        table = np.array([0xA1, 0x61], np.uint8), np.array([0, 2])
        assert message_pack.put_cell(np.empty(2, np.uint8), 0, VALUE_BASE, *table) == 2
        with pytest.raises(IndexError):
            message_pack.put_cell(np.empty(1, np.uint8), 0, VALUE_BASE, *table)
        with pytest.raises(IndexError):
            message_pack.put_cell(np.empty(9, np.uint8), 0, VALUE_BASE + 1, *table)

    def test_an_identifier(self):
        identifier = np.full(TEXT_BYTES, ord("a"), np.uint8)
        assert message_pack.put_identifier(np.empty(66, np.uint8), 0, identifier, 0) == 66
        with pytest.raises(IndexError):
            message_pack.put_identifier(np.empty(65, np.uint8), 0, identifier, 0)

    def test_rows(self):
        cells, one = np.arange(4), np.array([2])
        with pytest.raises(IndexError):
            rows.gather_cells(cells, one, one, np.empty(1, np.int64), 0)

    def test_a_log_of_the_state(self):
        state = State()
        state.add_accounts(np.ones((1, s.ACCOUNT_COLUMNS), np.int64))
        state.counters[s.UNDO_COUNT] = len(state.undo)
        with pytest.raises(IndexError):
            s.note(0, -1, state.accounts, state.positions, state.undo, state.counters)
