"""`python -m tradingplatform.local run|status|reset`: what the Makefile calls."""

import argparse
import os
import shutil

from tradingplatform.local.lock import AlreadyRunning, PlatformLock
from tradingplatform.local.run import fail, main_data_dir, run_platform
from tradingplatform.local.steps import StepFailed


def main() -> None:
    """Parse the command line and do what it says."""
    parser = argparse.ArgumentParser(prog="python -m tradingplatform.local", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("run", help="start the whole platform; Ctrl-C stops it")
    commands.add_parser("status", help="say whether it runs, and where")
    reset = commands.add_parser("reset", help="remove all data of the local platform")
    reset.add_argument("--yes", action="store_true", default=os.environ.get("YES") == "1", help="do not ask (YES=1)")
    arguments = parser.parse_args()
    try:
        {"run": _run, "status": _status, "reset": _reset}[arguments.command](arguments)
    except (AlreadyRunning, StepFailed, RuntimeError, OSError) as error:
        fail(str(error))


def _run(_: argparse.Namespace) -> None:
    run_platform(main_data_dir())


def _status(_: argparse.Namespace) -> None:
    holder = PlatformLock(main_data_dir()).holder()
    if holder is None:
        fail("the platform is not running: `make run` starts it")
    else:
        print(f"running at {holder.address or '(starting)'}, process {holder.pid}")


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
