"""Fuzz a platform of its own, started for this and removed afterwards: exit code 0 when nothing was found.

Every case is made from the seed, its way in and its number: --way rest-parameters --case 17 sends one again.
"""

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.fuzz.campaign import Campaign, prepared
from tests.services.platform import Platform
from tradingplatform.local.servers import EmbeddedPostgres

PROCESSES = ("writer", "snapshotter", "projector", "beat", "web", "market")


def main() -> None:
    """Parse the command line, start a platform, fuzz it, report."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=5, help="how long to send (default: %(default)s)")
    parser.add_argument(
        "--seed", type=int, default=int(time.time()), help="what the cases are made from (default: the time)"
    )
    parser.add_argument(
        "--way", action="append", default=[], help="only this way in; may be given again (default: all)"
    )
    parser.add_argument("--case", type=int, help="only the case of this number, once")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="trading-fuzz-"))
    postgres = EmbeddedPostgres(folder / "postgres", is_durable=False)
    print(f"seed {arguments.seed}; starting a platform in {folder}", flush=True)
    try:
        postgres.start()
        platform = Platform(folder / "platform", postgres)
        try:
            platform.data_dir.mkdir(parents=True)
            platform.set_up()
            platform.start(*PROCESSES)
            platform.wait_until_ready()
            campaign = prepared(platform, seed=arguments.seed)
            _check_names(parser, arguments.way, campaign)
            began = time.monotonic()
            campaign.run(
                names=arguments.way,
                seconds=arguments.minutes * 60 if arguments.case is None else None,
                rounds=None if arguments.case is None else 1,
                only_case=arguments.case,
                progress=lambda line: print(f"{time.monotonic() - began:6.0f} s  {line}", flush=True),
            )
            print("checking the journal and the read models", flush=True)
            campaign.check_journal()
        finally:
            platform.stop_all()
    finally:
        postgres.stop()
        shutil.rmtree(folder, ignore_errors=True)
    print(summary(campaign))
    sys.exit(1 if campaign.target.judge.findings else 0)


def _check_names(parser: argparse.ArgumentParser, names: list[str], campaign: Campaign) -> None:
    known = campaign.ways
    for name in names:
        if name not in known:
            parser.error(f"there is no way in {name!r}: there are {', '.join(known)}")


def summary(campaign: Campaign) -> str:
    """Return cases and slowest answer by way in, what the innocent client noticed, and the findings."""
    judge, seconds = campaign.target.judge, sorted(campaign.innocent.seconds) or [0.0]
    lines = [f"seed {campaign.seed}", f"{'way in':<20}{'cases':>8}{'slowest':>10}  answers"]
    for name, count in judge.cases.items():
        statuses = {key.removeprefix(f"{name} "): n for key, n in judge.statuses.items() if key.startswith(f"{name} ")}
        answers = ", ".join(f"{status} x {n}" for status, n in sorted(statuses.items()))
        lines.append(f"{name:<20}{count:>8,}{judge.slowest.get(name, (0.0, ''))[0]:>8.2f} s  {answers}")
    middle, late = seconds[len(seconds) // 2], seconds[int(len(seconds) * 0.99)]
    lines.append(
        f"innocent client: {len(seconds):,} requests, {len(campaign.innocent.errors)} errors; half within "
        f"{middle * 1_000:.0f} ms, 99 % within {late * 1_000:.0f} ms, all within {seconds[-1] * 1_000:.0f} ms"
    )
    lines += [f"slowest of {name}: {case}" for name, (taken, case) in judge.slowest.items() if taken > 1]
    lines.append(f"{len(judge.findings)} findings")
    return "\n".join([*lines, *map(str, judge.findings)])


if __name__ == "__main__":
    main()
