"""`python -m tests.chaos`: chaos for some minutes, with progress and a summary; exits 1 when anything is wrong."""

import argparse
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.chaos.chaos import run
from tests.chaos.target import Target


def main() -> int:
    """Parse the command line, run, print the summary."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.chaos",
        description="Kill every process of a platform of its own with kill -9, under load, and see that everything "
        "acknowledged is there once, versions have no gap, verify_events and reconcile pass, and nothing is left.",
    )
    parser.add_argument("--minutes", type=float, default=5.0, help="how long (default: 5); each process once at least")
    parser.add_argument("--seed", type=int, default=None, help="repeats the order of an earlier run (default: random)")
    parser.add_argument("--event-store", choices=("sqlite", "dynamodb"), default="sqlite", help="default: sqlite")
    parser.add_argument("--keep", action="store_true", help="keep the data folder also when nothing is wrong")
    arguments = parser.parse_args()
    if arguments.minutes <= 0:
        parser.error(f"--minutes is {arguments.minutes:g}: expected more than 0")
    seed = random.randrange(1_000_000) if arguments.seed is None else arguments.seed
    started = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - started:6.1f} s  {text}", flush=True)

    place = Path(tempfile.mkdtemp(prefix="trading-chaos-"))
    say(f"seed {seed}, in {place}")
    target = Target(place / "data", event_store=arguments.event_store)
    summary = run(target, seconds=arguments.minutes * 60, seed=seed, say=say)
    print("\n".join(["", *summary.lines()]))
    if summary.problems or arguments.keep:
        print(f"the data are in {place}")
    else:
        shutil.rmtree(place)
    return 1 if summary.problems else 0


if __name__ == "__main__":
    sys.exit(main())
