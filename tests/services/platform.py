"""A complete platform of its own for the end-to-end tests: real processes, which a test may kill and start again."""

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
import psycopg

from tradingplatform.local.ports import free_port
from tradingplatform.local.processes import BASE_DIR, platform_processes
from tradingplatform.local.servers import EmbeddedPostgres, EmbeddedValkey

READY_SECONDS_MAX = 60


class Platform:
    """Processes by their name in tradingplatform/local/processes.py."""

    def __init__(self, data_dir: Path, postgres: EmbeddedPostgres, **more_environment: str) -> None:
        self.data_dir = data_dir
        self._more_environment = more_environment
        self._postgres = postgres
        self._database = f"platform_{os.getpid()}_{free_port()}"
        self._valkey = EmbeddedValkey(data_dir / "valkey")
        self.port = free_port()
        self.base_url = f"http://127.0.0.1:{self.port}"
        writers = int(more_environment.get("WRITER_PROCESSES", "1"))
        venues = int(more_environment.get("VENUE_PROCESSES", "1"))
        processes = platform_processes(data_dir=data_dir, web_port=self.port, writers=writers, venues=venues)
        self._processes = {process.name: process for process in processes}
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self.environment: dict[str, str] = {}

    @property
    def database_url(self) -> str:
        return self._postgres.url_of(self._database)

    @property
    def redis_url(self) -> str:
        return self._valkey.url

    def set_up(self, *first: str) -> None:
        """Make the database, start Valkey, run the commands `first`, migrate, collect static files, load the demo."""
        with psycopg.connect(self._postgres.url_of("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {self._database}")
        self.environment = {
            **os.environ,
            "TRADING_DATA_DIR": str(self.data_dir),
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self._valkey.start(),
            "COMMAND_BUS": "zeromq",
            "EVENT_STORE_TAIL_EVENTS": "160",  # Ten for each partition: restarts are from pages, not from the journal.
            "PYTHONUNBUFFERED": "1",
            **self._more_environment,
        }
        more = [(command,) for command in first]
        for arguments in (
            *more,
            ("migrate",),
            ("collectstatic", "--no-input"),
            ("load_demo", "--web-url", self.base_url),
        ):
            done = self.manage(*arguments)
            assert done.returncode == 0, done.stdout + done.stderr

    def start(self, *names: str) -> None:
        for name in names:
            with self.log_path(name).open("ab") as log:
                self._running[name] = subprocess.Popen(
                    [sys.executable, "-m", "tradingplatform.local.guard", *self._processes[name].command],
                    cwd=BASE_DIR,
                    env=self.environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )

    def start_twin(self, name: str) -> str:
        """Start a process a second time; return the name of that one."""
        twin = f"{name}-twin"
        self._processes[twin] = self._processes[name]._replace(name=twin)
        self.start(twin)
        return twin

    def kill(self, name: str) -> None:
        """Kill -9 everything of a process at once."""
        guard = self._running.pop(name)
        family = [psutil.Process(guard.pid), *psutil.Process(guard.pid).children(recursive=True)]
        for member in family:
            with suppress(psutil.NoSuchProcess):  # Some die with their parent before it is their turn.
                member.send_signal(signal.SIGKILL)
        psutil.wait_procs(family, timeout=10)
        guard.wait()

    def stop(self, name: str) -> None:
        guard = self._running.pop(name)
        guard.terminate()
        guard.wait(20)

    def stop_all(self) -> None:
        for name in reversed(list(self._running)):
            self.stop(name)
        self._valkey.stop()

    def stop_valkey(self) -> None:
        self._valkey.stop()

    def start_valkey(self) -> None:
        """Start Valkey again, at the address that it had."""
        self._valkey.start()

    def process_ids(self) -> dict[str, frozenset[int]]:
        """Return the ids of each running process and of what it started; a process that ended has none."""
        found = {}
        for name, guard in self._running.items():
            try:
                parent = psutil.Process(guard.pid)
                family = [parent, *parent.children(recursive=True)]
            except psutil.NoSuchProcess:
                family = []
            found[name] = frozenset(member.pid for member in family if member.is_running() and not _is_dead(member))
        return found

    def log_path(self, name: str) -> Path:
        return self.data_dir / f"{name}.log"

    def manage(self, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, str(BASE_DIR / "manage.py"), *arguments],
            cwd=BASE_DIR,
            env=self.environment,
            input=typed,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def api_key(self, username: str, *, role: str | None = None) -> str:
        """Make a key of a user, who is made before: with a role when one is given, else unless there is one."""
        if role is not None:
            user = self.manage("create_user", username, "--role", role, "--password-stdin", typed="a long password\n")
            assert user.returncode == 0, user.stderr
        made = self.manage("create_api_key", username, "--create-user", "--requests-per-minute", "0")
        assert made.returncode == 0, made.stderr
        return made.stdout.strip()

    def wait_until_ready(self) -> None:
        """Return when the web server answers and the projections have reached the demo accounts."""
        deadline = time.monotonic() + READY_SECONDS_MAX
        while time.monotonic() < deadline:
            try:
                urllib.request.urlopen(f"{self.base_url}/api/session", timeout=5).close()
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
                continue
            if self._is_projected():
                return
            time.sleep(0.1)
        logs = {name: self.log_path(name).read_text()[-2_000:] for name in self._running}
        raise AssertionError(f"the platform is not ready: {json.dumps(logs, indent=2)}")

    def _is_projected(self) -> bool:
        with psycopg.connect(self.database_url) as connection:
            row = connection.execute("SELECT count(*) FROM account_summary WHERE cash > 0").fetchone()
            return row is not None and row[0] >= 6

    def query(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            cursor = connection.execute(statement, parameters)
            return cursor.fetchall() if cursor.description else []


def _is_dead(process: psutil.Process) -> bool:
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True
