"""`python -m tradingplatform.local run|status|reset`: what the Makefile calls."""

import argparse
import json
import os
import shutil
import time

from tradingplatform.local.lock import AlreadyRunning, PlatformLock
from tradingplatform.local.run import STATUS_FILE, NotStarted, fail, main_data_dir, run_platform
from tradingplatform.local.screen import duration


def main() -> None:
    """Parse the command line and do what it says."""
    parser = argparse.ArgumentParser(prog="python -m tradingplatform.local", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("run", help="start the whole platform; Ctrl-C stops it (LOG=1 shows the logs)")
    status = commands.add_parser("status", help="say whether it runs, where, and how its processes are")
    status.add_argument("--json", action="store_true", help="for programs")
    reset = commands.add_parser("reset", help="remove all data of the local platform")
    reset.add_argument("--yes", action="store_true", default=os.environ.get("YES") == "1", help="do not ask (YES=1)")
    arguments = parser.parse_args()
    try:
        {"run": _run, "status": _status, "reset": _reset}[arguments.command](arguments)
    except (AlreadyRunning, NotStarted, RuntimeError, OSError) as error:
        fail(str(error))


def _run(_: argparse.Namespace) -> None:
    run_platform(main_data_dir())


def _status(arguments: argparse.Namespace) -> None:
    data_dir = main_data_dir()
    holder = PlatformLock(data_dir).holder()
    if holder is None:
        fail("the platform is not running: `make run` starts it")
        return
    try:
        text = (data_dir / STATUS_FILE).read_text()
    except FileNotFoundError:  # It has only just begun.
        text = '{"address": "", "processes": []}'
    if arguments.json:
        print(text)
        return
    print(f"running at {holder.address or '(starting)'}, process {holder.pid}")
    for row in json.loads(text)["processes"]:
        age = duration(time.time() - row["since"])
        restarts = f"{row['restarts']} restarts" if row["restarts"] else ""
        print(f"{row['name']:<12} {row['state']:<9} {row['pid'] or '':>8} {age:>9}  {restarts}  {row['note']}".rstrip())


def _reset(arguments: argparse.Namespace) -> None:
    data_dir = main_data_dir()
    holder = PlatformLock(data_dir).holder()
    if holder is not None:
        raise AlreadyRunning(holder)
    if not data_dir.exists():
        print(f"nothing to remove: {data_dir} does not exist")
        return
    if not arguments.yes and not _is_confirmed(f"Remove {data_dir} with every event in it? Type yes: "):
        fail("nothing was removed")
    shutil.rmtree(data_dir)
    print(f"removed {data_dir}")


def _is_confirmed(question: str) -> bool:
    try:
        return input(question) == "yes"
    except EOFError:  # Nobody is there to answer.
        return False


if __name__ == "__main__":
    main()
