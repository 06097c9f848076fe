"""`python -m tests.year`: a year in minutes, with progress and a summary; exits 1 when anything is wrong."""

import argparse
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.chaos.target import Target
from tests.year.year import SECONDS_PER_DAY, run


def main() -> int:
    """Parse the command line, run, print the summary."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.year",
        description="Replay a year of sessions on a platform of its own, two seconds each, with orders, fees, splits, "
        "dividends and a change of symbol, and see that the books are right to the last unit.",
    )
    parser.add_argument("--sessions", type=int, default=252, help="how many (default: 252, a year)")
    parser.add_argument("--accounts", type=int, default=50, help="how many trade (default: 50)")
    parser.add_argument("--orders", type=int, default=40, help="how many are placed at once (default: 40)")
    parser.add_argument("--seed", type=int, default=None, help="repeats the choices of an earlier run")
    parser.add_argument("--keep", action="store_true", help="keep the data folder also when nothing is wrong")
    arguments = parser.parse_args()
    for name in ("sessions", "accounts", "orders"):
        if getattr(arguments, name) < 1:
            parser.error(f"--{name} is {getattr(arguments, name)}: expected at least 1")
    seed = random.randrange(1_000_000) if arguments.seed is None else arguments.seed
    started = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - started:6.1f} s  {text}", flush=True)

    place = Path(tempfile.mkdtemp(prefix="trading-year-"))
    say(f"seed {seed}, in {place}")
    target = Target(place / "data", MARKET_SECONDS_PER_DAY=str(SECONDS_PER_DAY))
    year = run(
        target,
        sessions=arguments.sessions,
        accounts=arguments.accounts,
        orders=arguments.orders,
        seed=seed,
        say=say,
    )
    print("\n".join(["", *year.lines()]))
    if year.problems or arguments.keep:
        print(f"the data are in {place}")
    else:
        shutil.rmtree(place)
    return 1 if year.problems else 0


if __name__ == "__main__":
    sys.exit(main())
