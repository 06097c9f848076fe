"""A real platform to measure over HTTP: its own data folder, PostgreSQL, Valkey, and the processes that are asked
for.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType

import httpx
import numpy as np
import psutil
import psycopg

from accounts.codec import account_codec
from accounts.domain.events import TradeExecuted
from benchmarks.instruments import write
from eventstore.columns.batches import join
from eventstore.engines.sqlite import SQLiteEngine
from eventstore.store import EventStore
from tradingplatform.local.ports import free_port
from tradingplatform.local.processes import GuardedProcess, is_live, manage, platform_environment, platform_processes
from tradingplatform.local.servers import EmbeddedPostgres, EmbeddedValkey
from tradingplatform.local.supervisor import Supervisor

READY_SECONDS_MAX = 60
BATCHES_AT_ONCE = 64
_TRADE = str(TradeExecuted.__struct_config__.tag)
OPEN = 'mutation { openAccount(input: {name: "Benchmark"}) { ... on AccountOpened { accountId } } }'
DEPOSIT = "mutation($input: DepositCashInput!) { depositCash(input: $input) { __typename } }"


class BenchmarkPlatform:
    """A context manager: inside it, the named processes run, and one funded account is open."""

    def __init__(
        self, *names: str, prepare: Callable[[Path], None] | None = None, environment: Mapping[str, str] | None = None
    ) -> None:
        """`prepare` fills the folder of the events before any process starts; `environment` is for the processes."""
        self._more_environment = dict(environment or {})
        self._prepare = prepare
        self._folder = tempfile.TemporaryDirectory()
        self.data_dir = Path(self._folder.name)
        self._postgres = EmbeddedPostgres(self.data_dir / "postgres")
        self._valkey = EmbeddedValkey(self.data_dir / "valkey")
        self._names = names
        self._serving = "writer"
        self._port = free_port()
        self.base_url = f"http://127.0.0.1:{self._port}"
        self.key = self.operator_key = ""
        self.environment: dict[str, str] = {}
        self.account_id = ""

    def __enter__(self) -> "BenchmarkPlatform":
        environment = self.environment = platform_environment(
            TRADING_DATA_DIR=str(self.data_dir),
            DATABASE_URL=self._postgres.start(),
            REDIS_URL=self._valkey.start(),
            LOG_LEVEL="WARNING",
            **self._more_environment,
        )
        for name in ("static", "run"):
            (self.data_dir / name).mkdir()
        manage("migrate", environment=environment)
        write(self.data_dir / "instruments.csv")
        manage("import_instruments", str(self.data_dir / "instruments.csv"), environment=environment)
        self.key = _key("bench", environment, role="integrator")
        self.operator_key = _key("operator", environment, role="operator")
        if self._prepare is not None:
            self._prepare(self.data_dir / "events")
        processes = [
            GuardedProcess(process, data_dir=self.data_dir, environment=environment)
            for process in platform_processes(data_dir=self.data_dir, web_port=self._port)
            if process.name in self._names
        ]
        self._supervisor = Supervisor(
            processes, log_dir=self.data_dir / "log", say=lambda line: print(line, file=sys.stderr)
        )
        self._supervisor.start_all()
        if "web" not in self._names:
            return self
        self._wait_until_ready()
        self.account_id = self.command(OPEN, None)["openAccount"]["accountId"]
        self.command(DEPOSIT, {"accountId": self.account_id, "amount": "1000000"})
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._supervisor.stop()
        self._valkey.stop()
        self._postgres.stop()
        self._folder.cleanup()

    def command(self, query: str, fields: dict[str, object] | None) -> dict[str, dict[str, str]]:
        """Send one GraphQL command and return its data."""
        answer = httpx.post(
            f"{self.base_url}/graphql",
            headers={"Authorization": f"Bearer {self.key}"},
            json={"query": query, "variables": {"input": fields}},
        ).json()
        data: dict[str, dict[str, str]] = answer["data"]
        return data

    def give_access(self, account_ids: Sequence[str]) -> None:
        """Make the user of `key` a trader on accounts."""
        with psycopg.connect(self.environment["DATABASE_URL"]) as connection:
            connection.execute(
                "INSERT INTO identity_accountaccess (account_id, role, user_id) "
                "SELECT id, 'trader', (SELECT id FROM auth_user WHERE username = 'bench') "
                "FROM unnest(%s::uuid[]) AS id",
                [list(account_ids)],
            )

    def assert_stored(self, trades_min: int) -> None:
        """Check that the journal holds at least so many trades of the account."""
        with EventStore.open(
            SQLiteEngine(self.data_dir / "events"), codec=account_codec(), partition_count=16
        ) as store:
            partition = store.partition_of(self.account_id)
            found = sum(len(c.events) for b in store.read_all(partition=partition) for c in b.commits)
        assert found >= trades_min, f"{trades_min} trades were acknowledged and {found} events are there"

    def count_trades(self) -> int:
        """Return how many trades the journal holds."""
        return self.count_events(_TRADE)

    def count_events(self, tag: str) -> int:
        """Return how many events of a type the journal holds."""
        found = 0
        with EventStore.open(
            SQLiteEngine(self.data_dir / "events"), codec=account_codec(), partition_count=16
        ) as store:
            for partition in range(16):
                seq = 0
                while batches := store.read_column_batches(partition=partition, after_seq=seq, limit=BATCHES_AT_ONCE):
                    found += int(np.count_nonzero(join(batches).are_of(tag)))
                    seq = batches[-1].seq
        return found

    def cpu_seconds(self, name: str) -> float:
        """Return the processor time that a process and its children took so far."""
        times = [process.cpu_times() for process in self._family(name)]
        return sum(of.user + of.system for of in times)

    def heads(self) -> dict[int, int]:
        """Return the newest batch of every partition."""
        with EventStore.open(
            SQLiteEngine(self.data_dir / "events"), codec=account_codec(), partition_count=16
        ) as store:
            return store.heads()

    def kill_writer(self) -> None:
        """Kill -9 the writer that serves; started again, it stands by for the one that stood by."""
        (writer,) = self._family(self._serving)
        writer.kill()
        self._serving, killed = "standby" if self._serving == "writer" else "writer", self._serving
        self._supervisor.start(killed)

    def wait_for_standby(self) -> None:
        """Return when the process that does not serve has come so far that it waits for the one that does."""
        name = "standby" if self._serving == "writer" else "writer"
        deadline = time.monotonic() + READY_SECONDS_MAX
        while time.monotonic() < deadline:
            if any(file.path.endswith(".lock") for process in self._family(name) for file in process.open_files()):
                return
            time.sleep(0.05)
        raise RuntimeError(f"no writer stood by for {READY_SECONDS_MAX} s")

    def _family(self, name: str) -> list[psutil.Process]:
        guard = self._supervisor.pid(name)
        assert guard is not None
        return psutil.Process(guard).children(recursive=True)

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS_MAX
        while time.monotonic() < deadline:
            if is_live(self._port):
                return
            time.sleep(0.1)
        raise RuntimeError(f"the web server did not answer for {READY_SECONDS_MAX} s")


def _key(name: str, environment: dict[str, str], *, role: str) -> str:
    passphrase = "a-long-passphrase\n"
    manage("create_user", name, "--role", role, "--password-stdin", environment=environment, typed=passphrase)
    return manage("create_api_key", name, "--requests-per-minute", "0", environment=environment).strip()


def commit_id() -> str:
    """Return the commit that is measured."""
    done = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"
