"""Compiled code checks no index: the kernels' proofs run once more with every index checked."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from accounts.kernels import state as s
from accounts.kernels.state import State

HERE = Path(__file__).parent
CHECKED = "NUMBA_BOUNDSCHECK"
IS_CHECKED = CHECKED in os.environ


@pytest.mark.skipif(IS_CHECKED, reason="this is the run with every index checked")
def test_the_proofs_pass_with_every_index_checked(tmp_path):
    environment = {**os.environ, CHECKED: "1", "NUMBA_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(HERE)]
    done = subprocess.run(command, env=environment, cwd=HERE.parents[3], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-3_000:] + done.stderr[-2_000:]
    assert "1 skipped" in done.stdout, "this one alone"


@pytest.mark.skipif(not IS_CHECKED, reason="indices are not checked here: the test above has them checked")
def test_a_log_without_room_is_found():
    state = State()
    state.add_accounts(np.ones((1, s.ACCOUNT_COLUMNS), np.int64))
    state.counters[s.UNDO_COUNT] = len(state.undo)
    with pytest.raises(IndexError):
        s.note(0, -1, state.accounts, state.positions, state.undo, state.counters)
