"""What the interpreter of a writer process is set to. Without Django: the benchmarks measure with the same settings."""

import gc
import sys
from typing import Final

SWITCH_SECONDS: Final = 0.000_5
"""How long the thread that notifies the projections may keep the interpreter while a command waits for it."""

GARBAGE_THRESHOLDS: Final = (50_000, 20, 1_000)
"""The state of the accounts lives on and has no cycles: looking through it all the time costs a sixth of a trade."""


def settle_interpreter() -> None:
    """Set this process up to be a writer, once everything that it needs is loaded."""
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.freeze()
    gc.set_threshold(*GARBAGE_THRESHOLDS)
