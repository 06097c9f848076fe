"""Chaos: a platform under load whose processes are killed, and what has to hold afterwards.

First every process in turn, each when the one before is back; then, as long as there is time, one to three at once,
their guards too, at random moments. A seed makes the order the same again.
"""

import random
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.chaos.counting import problems
from tests.chaos.load import Caller, Follower, Load
from tests.chaos.target import Target, read_store

RECOVERY_SECONDS_MAX = 120.0
CATCH_UP_SECONDS_MAX = 120.0
FOLLOWER_SECONDS_MAX = 30.0
"""More than two heartbeats, with which a change whose push was lost comes at the latest."""
PATIENCE_SECONDS = 180.0
ACCOUNTS = 6
SINGLES = 2
BULKS = 1
LOAD_PAUSE_SECONDS = 0.05
AT_ONCE_MAX = 3
PAUSE_SECONDS_MAX = 6.0
LOOK_SECONDS = 0.1

Say = Callable[[str], None]


@dataclass
class Summary:
    """What was done, and what was found wrong."""

    kills: dict[str, int] = field(default_factory=dict)
    seconds_to_recover: dict[str, list[float]] = field(default_factory=dict)
    acknowledged: int = 0
    asked_again: int = 0
    events: int = 0
    follower_connections: int = 0
    problems: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """Return it for people."""
        found = [f"{'process':<12} {'kills':>5}  seconds until everything was well again"]
        for name, count in sorted(self.kills.items()):
            seconds = self.seconds_to_recover.get(name, [])
            shown = f"{min(seconds):.1f} to {max(seconds):.1f}" if seconds else "not waited for"
            found.append(f"{name:<12} {count:>5}  {shown}")
        found += [
            f"{self.acknowledged:,} commands acknowledged, {self.asked_again:,} outcomes asked for again, "
            f"{self.events:,} events stored, {self.follower_connections} connections of a follower",
        ]
        return found + ([f"WRONG: {problem}" for problem in self.problems] or ["nothing is wrong"])


def run(target: Target, *, seconds: float, seed: int, say: Say, waits_for_health: bool = True) -> Summary:
    """Start a platform, kill its processes for so many seconds (each once, however few), and check what is left."""
    summary = Summary()
    try:
        say("starting the platform")
        target.start()
        _attack(target, random.Random(seed), summary, say, seconds=seconds, waits_for_health=waits_for_health)
    except Exception as error:  # Whatever it is, the platform did not do what it should.
        summary.problems.append(repr(error) if not isinstance(error, TimeoutError) else str(error))
    finally:
        say("stopping the platform")
        left = target.stop()
    summary.problems += [f"left behind: {process}" for process in left]
    return summary


def _attack(
    target: Target, chances: random.Random, summary: Summary, say: Say, *, seconds: float, waits_for_health: bool
) -> None:
    made = target.manage("create_api_key", "integrator", "--name", "chaos", "--requests-per-minute", "0")
    key = made.stdout.strip()
    caller = Caller(target.base_url, key)
    account_ids = [caller.open_account() for _ in range(ACCOUNTS)]
    follower = Follower(target.base_url, key, account_ids[0])
    follower.start()
    load = Load(
        target.base_url,
        key,
        account_ids,
        patience_seconds=PATIENCE_SECONDS,
        singles=SINGLES,
        bulks=BULKS,
        pause_seconds=LOAD_PAUSE_SECONDS,
    )
    try:
        with load:
            deadline = time.monotonic() + seconds
            _kill_in_turn(target, chances, summary, say, waits_for_health=waits_for_health)
            _kill_at_random(target, chances, summary, say, deadline=deadline)
            say("waiting until everything is well, and for the last outcomes")
            took = target.wait_until_well(RECOVERY_SECONDS_MAX)
            say(f"well after {took:.1f} s")
    except TimeoutError as error:
        summary.problems.append(str(error))
    _check(target, load, follower, summary, say)
    follower.stop()


def _kill_in_turn(
    target: Target, chances: random.Random, summary: Summary, say: Say, *, waits_for_health: bool
) -> None:
    names = sorted(target.pids())
    chances.shuffle(names)
    for name in names:
        before, started = target.restarts(name), time.monotonic()
        _kill(target, name, summary, say, with_guard=False)
        _wait_for_restart(target, name, before)
        if waits_for_health:
            target.wait_until_well(RECOVERY_SECONDS_MAX)
            summary.seconds_to_recover.setdefault(name, []).append(time.monotonic() - started)


def _kill_at_random(target: Target, chances: random.Random, summary: Summary, say: Say, *, deadline: float) -> None:
    while time.monotonic() < deadline:
        running = sorted(target.pids())
        names = chances.sample(running, k=min(len(running), chances.randint(1, AT_ONCE_MAX)))
        for name in names:
            _kill(target, name, summary, say, with_guard=chances.random() < 0.3)
        time.sleep(chances.uniform(0, PAUSE_SECONDS_MAX))
        if chances.random() < 0.3:
            target.wait_until_well(RECOVERY_SECONDS_MAX)


def _kill(target: Target, name: str, summary: Summary, say: Say, *, with_guard: bool) -> None:
    if target.kill(name, with_guard=with_guard):
        summary.kills[name] = summary.kills.get(name, 0) + 1
        say(f"killed {name}{' and its guard' if with_guard else ''}")


def _wait_for_restart(target: Target, name: str, before: int) -> None:
    """Return when a process was started again; raises TimeoutError when it is not."""
    deadline = time.monotonic() + RECOVERY_SECONDS_MAX
    while target.restarts(name) <= before:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{name} was not started again within {RECOVERY_SECONDS_MAX:g} s")
        time.sleep(LOOK_SECONDS)


def _check(target: Target, load: Load, follower: Follower, summary: Summary, say: Say) -> None:
    """Find what is wrong now that nothing is killed any more."""
    summary.acknowledged, summary.asked_again = len(load.acknowledged), load.asked_again
    summary.problems += [f"a caller failed: {error!r}" for error in load.errors]
    say("counting what is stored")
    with target.open_store() as store:
        stored = read_store(store)
    summary.events = sum(len(versions) for versions in stored.versions.values())
    summary.problems += problems(load.acknowledged, stored)
    say("waiting for the projections")
    deadline = time.monotonic() + CATCH_UP_SECONDS_MAX
    while not is_projected(target):
        if time.monotonic() > deadline:
            summary.problems.append("the projections did not catch up")
            break
        time.sleep(0.5)
    for command in ("verify_events", "reconcile"):
        say(f"running {command}")
        done = target.manage(command)
        if done.returncode != 0:
            summary.problems.append(f"{command} failed: {(done.stdout + done.stderr)[-2_000:]}")
    followed = len(stored.versions[follower.account_id])
    deadline = time.monotonic() + FOLLOWER_SECONDS_MAX
    while follower.version < followed and time.monotonic() < deadline:
        time.sleep(LOOK_SECONDS)
    summary.follower_connections = follower.connections
    if follower.version != followed:
        summary.problems.append(f"the follower was shown version {follower.version} of {followed}")


def is_projected(target: Target) -> bool:
    detail = target.health().get("components", {}).get("projector", {}).get("detail", "")
    return detail == "up to date" or bool(re.match(r"\d+ batches behind, [01]\.", detail))
