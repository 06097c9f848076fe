"""What is attacked: the platform as `make run` starts it, with the real supervisor, in a folder of its own."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from accounts.codec import account_codec
from eventstore.engines.dynamodb import DynamoDBEngine
from eventstore.engines.sqlite import SQLiteEngine
from eventstore.store import EventStore
from tests.chaos.counting import Command, Execution, Stored
from tradingplatform.local import SERVICES_FILE
from tradingplatform.local.children import MARK, mark_of
from tradingplatform.local.ports import free_port
from tradingplatform.local.processes import BASE_DIR
from tradingplatform.local.run import STATUS_FILE

START_SECONDS_MAX = 180
OTHER_SERVERS = ("DATABASE_URL", "REDIS_URL", "COMMAND_BUS", "DYNAMODB_ENDPOINT", "EVENT_STORE", MARK)


class Target:
    """One platform. It has to be stopped, whatever happens."""

    def __init__(
        self, data_dir: Path, *, event_store: str = "sqlite", python: str = sys.executable, **more: str
    ) -> None:
        """`more` are settings of the platform."""
        self.data_dir = data_dir
        self.log = data_dir.parent / f"{data_dir.name}.log"
        self._event_store = event_store
        self._environment = {name: value for name, value in os.environ.items() if name not in OTHER_SERVERS}
        self._environment |= {
            "TRADING_DATA_DIR": str(data_dir),
            "WEB_PORT": str(free_port()),
            "EVENT_STORE": event_store,
            "EVENT_STORE_TAIL_EVENTS": "640",  # Few enough that restarts are from pages, not from the journal alone.
            **more,
        }
        self._python = python
        self._running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and return when everything is well."""
        with self.log.open("ab") as log:
            self._running = subprocess.Popen(
                [self._python, "-m", "tradingplatform.local", "run"],
                cwd=BASE_DIR,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.wait_until_well(START_SECONDS_MAX)

    def stop(self) -> list[str]:
        """Stop it; return what is left of it."""
        assert self._running is not None
        self._running.send_signal(signal.SIGINT)
        try:
            self._running.wait(60)
        except subprocess.TimeoutExpired:
            self._running.kill()
            self._running.wait()
        deadline = time.monotonic() + 10
        while (left := self._left()) and time.monotonic() < deadline:
            time.sleep(0.1)
        return left

    @property
    def is_running(self) -> bool:
        """Whether the supervisor runs."""
        return self._running is not None and self._running.poll() is None

    @property
    def base_url(self) -> str:
        """Where it answers; empty while it starts."""
        return str(self.status()["address"])

    def status(self) -> dict[str, Any]:
        """Return what the supervisor says."""
        try:
            found: dict[str, Any] = json.loads((self.data_dir / STATUS_FILE).read_text())
        except FileNotFoundError:
            return {"address": "", "processes": []}
        return found

    def pids(self) -> dict[str, int]:
        """Return the process id of everything that runs now."""
        return {row["name"]: row["pid"] for row in self.status()["processes"] if row["pid"] is not None}

    def restarts(self, name: str) -> int:
        """Return how often something was started again; counted once it runs."""
        return sum(row["restarts"] for row in self.status()["processes"] if row["name"] == name and row["pid"])

    def kill(self, name: str, *, with_guard: bool = False) -> bool:
        """Kill -9 a process, perhaps its guard too; False when it is not running just now."""
        pid = self.pids().get(name)
        if pid is None:
            return False
        victims = [pid]
        if with_guard:
            with suppress(psutil.NoSuchProcess):
                parent = psutil.Process(pid).parent()
                if parent is not None and "tradingplatform.local.guard" in parent.cmdline():
                    victims.insert(0, parent.pid)
        for victim in victims:
            with suppress(ProcessLookupError):
                os.kill(victim, signal.SIGKILL)
        return True

    def health(self) -> dict[str, Any]:
        """Return what /api/health/ready says; nothing when nobody answers."""
        try:
            with urllib.request.urlopen(f"{self.base_url}/api/health/ready", timeout=5) as answer:
                found: dict[str, Any] = json.load(answer)
        except urllib.error.HTTPError as error:
            found = json.load(error)
        except (OSError, ValueError):
            return {}
        return found

    def is_well(self) -> bool:
        """Tell whether every process runs and no component is down; slow is what a small machine may be."""
        rows = self.status()["processes"]
        return (
            bool(rows)
            and all(row["state"] == "running" for row in rows)
            and self.health().get("status") in ("ok", "slow")
        )

    def wait_until_well(self, seconds: float) -> float:
        """Return how long it took until everything is well; raises TimeoutError with what is not."""
        started = time.monotonic()
        while not (self.base_url and self.is_well()):
            if not self.is_running or time.monotonic() - started > seconds:
                raise TimeoutError(
                    f"not well after {seconds:g} s: {json.dumps(self.health())} {json.dumps(self.status())}; the end "
                    f"of {self.log}: {self.log.read_text()[-2_000:]}"
                )
            time.sleep(0.2)
        return time.monotonic() - started

    def manage(self, *arguments: str, timeout: float = 600) -> subprocess.CompletedProcess[str]:
        """Run a management command as in another terminal: it finds the servers by the data folder."""
        return subprocess.run(
            [self._python, "manage.py", *arguments],
            cwd=BASE_DIR,
            env={**self._environment, "COMMAND_BUS": "zeromq"},
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def open_store(self) -> EventStore:
        """Open the event store."""
        if self._event_store == "sqlite":
            return EventStore.open(SQLiteEngine(self.data_dir / "events"), codec=account_codec(), partition_count=16)
        lines = (self.data_dir / SERVICES_FILE).read_text().splitlines()
        endpoint = dict(line.split("=", 1) for line in lines)["DYNAMODB_ENDPOINT"]
        engine = DynamoDBEngine(endpoint_url=endpoint, region="us-east-1", table_prefix="trading")
        return EventStore.open(engine, codec=account_codec(), partition_count=64)

    def _left(self) -> list[str]:
        mark, found = mark_of(self.data_dir), []
        for process in psutil.process_iter():
            try:
                is_ours = process.environ().get(MARK, "").startswith(mark) or process.cwd().startswith(
                    str(self.data_dir)
                )
                if is_ours and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(f"{process.pid} {' '.join(process.cmdline())[:100]}")
            except psutil.Error:
                continue
        return found


def read_store(store: EventStore) -> Stored:
    """Read the journal itself."""
    commands: dict[Command, list[Execution]] = {}
    versions: dict[str, list[int]] = {}
    for partition in range(store.partition_count):
        for batch in store.read_all(partition=partition):
            for commit in batch.commits:
                last_version = commit.first_version + len(commit.events) - 1
                execution = Execution(commit.actor, last_version)
                commands.setdefault((commit.aggregate_id, commit.command_id), []).append(execution)
                found = range(commit.first_version, last_version + 1)
                versions.setdefault(commit.aggregate_id, []).extend(found)
    return Stored(commands, versions)
