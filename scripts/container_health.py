#!/usr/bin/env python3
"""Whether the main process of a container is well: exit code 0, or one sentence and 1. docker-compose.yml calls it.

What a process shows is checked where it shows anything: a port, a sign of life, the market's board. Of the others,
which only work on what they find, `process` can say no more than that they neither hang stopped nor are dead.
"""

import argparse
import json
import os
import socket
import sys
import time
from pathlib import Path
from typing import Final

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

TIMEOUT_SECONDS: Final = 3.0
BOARD_KEY: Final = "market:quotes:3"
"""As in market/quote_board.py, which is not imported: a check should start fast. A test compares the two."""
BOARD_AGE_SECONDS_MAX: Final = 10.0
PULSE_PREFIX: Final = "cache:1:readmodels.pulse."
PULSE_KEPT_SECONDS: Final = 3_600
"""As in readmodels/pulse.py, under the prefix of Django's cache; a test compares these too."""
PULSE_AGE_SECONDS_MAX: Final = 30.0
MAIN_PROCESS: Final = Path("/proc/1/stat")


def check_port(port: str) -> str | None:
    """Say what is wrong when nobody listens on a port of this container."""
    try:
        socket.create_connection(("127.0.0.1", int(port)), timeout=TIMEOUT_SECONDS).close()
    except OSError as error:
        return f"nobody listens on port {port}: {error}"
    return None


def check_pulse(name: str) -> str | None:
    """Say what is wrong when a process has not given its sign of life for long: `projector` or `beat`."""
    try:
        with _valkey() as client:
            kept_milliseconds = client.pttl(f"{PULSE_PREFIX}{name}")
    except redis.RedisError as error:
        return f"Redis does not answer: {error}"
    if not isinstance(kept_milliseconds, int) or kept_milliseconds < 0:
        return f"{name} has not been heard of"
    age = PULSE_KEPT_SECONDS - kept_milliseconds / 1_000
    return f"{name} was heard of {age:.0f} s ago" if age > PULSE_AGE_SECONDS_MAX else None


def check_board() -> str | None:
    """Say what is wrong when the market's prices in Redis (REDIS_URL) are old."""
    try:
        with _valkey() as client:
            session = client.hget(BOARD_KEY, "session")
    except redis.RedisError as error:
        return f"Redis does not answer: {error}"
    if not isinstance(session, bytes):
        return "there are no prices"
    age = time.time() - json.loads(session)["made_at_us"] / 1_000_000
    return f"the prices are {age:.0f} s old" if age > BOARD_AGE_SECONDS_MAX else None


def check_process(stat: Path = MAIN_PROCESS) -> str | None:
    """Say what is wrong when the main process is stopped or dead."""
    state = stat.read_text().rpartition(")")[2].split()[0]
    return f"the main process is in state {state}" if state in "TtZX" else None


def _valkey() -> redis.Redis:
    return redis.Redis.from_url(
        os.environ["REDIS_URL"],
        socket_timeout=TIMEOUT_SECONDS,
        socket_connect_timeout=TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )


CHECKS: Final = {"port": check_port, "pulse": check_pulse, "board": check_board, "process": check_process}


def main(arguments: list[str]) -> int:
    """Make the check that the arguments name."""
    parser = argparse.ArgumentParser(description=__doc__)
    checks = parser.add_subparsers(dest="check", required=True)
    checks.add_parser("port").add_argument("port")
    checks.add_parser("pulse").add_argument("name", choices=("projector", "beat"))
    checks.add_parser("board")
    checks.add_parser("process")
    named = vars(parser.parse_args(arguments))
    check = CHECKS[named.pop("check")]
    wrong = check(**named)
    if wrong is not None:
        sys.stderr.write(f"{wrong}\n")
    return 0 if wrong is None else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
