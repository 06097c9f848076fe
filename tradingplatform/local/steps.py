"""Steps of getting ready: each has a name, shows that it is alive, says how long it took, and shows its output if it
fails.
"""

import itertools
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeVar

from tradingplatform.local.processes import BASE_DIR

V = TypeVar("V")

_LIFE_SECONDS: Final = 0.2
_DOTS_SECONDS: Final = 2.0


class StepFailed(Exception):
    """A step did not work; the message is for the person who ran it."""


def step(name: str, action: Callable[[], V]) -> V:
    """Run an action under a name."""
    started = time.monotonic()
    is_done = threading.Event()
    alive = threading.Thread(target=_show_life, args=(name, is_done), daemon=True)
    alive.start()
    try:
        result = action()
    except BaseException:
        is_done.set()
        alive.join()
        print(f"{_clear()}  failed  {name}", flush=True)
        raise
    is_done.set()
    alive.join()
    print(f"{_clear()}  {time.monotonic() - started:5.1f} s  {name}", flush=True)
    return result


def manage(*arguments: str, environment: Mapping[str, str], typed: str = "") -> str:
    """Run a management command, with `typed` on its standard input, and return what it printed.

    Raises StepFailed with its output.
    """
    return run([sys.executable, str(BASE_DIR / "manage.py"), *arguments], environment=environment, typed=typed)


def run(command: Sequence[str], *, environment: Mapping[str, str], typed: str = "") -> str:
    """Run a command and return what it printed; raises StepFailed with its output."""
    done = subprocess.run(
        command, cwd=BASE_DIR, env=dict(environment), input=typed, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise StepFailed(f"`{' '.join(command[1:])}` failed:\n{done.stdout}{done.stderr}".rstrip())
    return done.stdout


def _show_life(name: str, is_done: threading.Event) -> None:
    if not sys.stdout.isatty():
        while not is_done.wait(_DOTS_SECONDS):
            print(f"     ...  {name}", flush=True)
        return
    for mark in itertools.cycle("|/-\\"):
        if is_done.wait(_LIFE_SECONDS):
            return
        print(f"\r       {mark}  {name}", end="", flush=True)


def _clear() -> str:
    return "\r\x1b[K" if sys.stdout.isatty() else ""
