"""`make run`: servers, the preparation, processes, until a signal stops all of it in order."""

import hashlib
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from tradingplatform.local import SERVICES_FILE
from tradingplatform.local.children import end_marked, mark_of
from tradingplatform.local.lock import PlatformLock
from tradingplatform.local.ports import HOST, PORT_MAX, next_free_port
from tradingplatform.local.processes import (
    BASE_DIR,
    PREPARATION,
    GuardedProcess,
    Process,
    platform_environment,
    platform_processes,
    preparation,
)
from tradingplatform.local.screen import Figures, Picture, Screen, make_screen
from tradingplatform.local.servers import EmbeddedDynamoDB, EmbeddedPostgres, EmbeddedServer, EmbeddedValkey
from tradingplatform.local.supervisor import State, Supervisor
from tradingplatform.venue.shares import SHARES_MAX

WEB_PORT_DEFAULT: Final = 8000
WRITERS_MAX: Final = 64
READY_SECONDS_MAX: Final = 120
FREE_BYTES_MIN: Final = 500 * 1024 * 1024
LOOK_SECONDS: Final = 0.1
STATUS_FILE: Final = Path("run") / "status.json"
LOG_FOLDER: Final = "log"
_STOPPING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class NotStarted(Exception):
    """The platform cannot be started; the message is for the person who tried."""


class Stopped(BaseException):
    """A signal asked the platform to stop."""


def run_platform(data_dir: Path) -> None:
    """Run the platform until a signal arrives; raises AlreadyRunning, NotStarted, RuntimeError, OSError."""
    first_port = number_of("WEB_PORT", WEB_PORT_DEFAULT, 1, PORT_MAX)
    writers = number_of("WRITER_PROCESSES", 1, 1, WRITERS_MAX)
    venues = number_of("VENUE_PROCESSES", 1, 1, SHARES_MAX)
    check_room(data_dir)
    lock = PlatformLock(data_dir)
    lock.acquire()
    try:
        end_marked(mark_of(data_dir), is_prefix=True)
        run = _Run(data_dir, lock, web_port=next_free_port(first_port), writers=writers, venues=venues)
        try:
            run.start()
            run.look_after()
        except Stopped:
            pass
        finally:
            run.stop()
    finally:
        lock.release()


class _Run:
    """One run of the platform."""

    def __init__(self, data_dir: Path, lock: PlatformLock, *, web_port: int, writers: int, venues: int) -> None:
        self._data_dir = data_dir
        self._lock = lock
        self._port = web_port
        self._writers = writers
        self._venues = venues
        self._address = f"http://{HOST}:{web_port}"
        self._must_stop = False
        for number in _STOPPING:
            signal.signal(number, self._note_signal)
        self._shows_logs = os.environ.get("LOG") == "1"
        self._screen: Screen = make_screen()
        self._supervisor = Supervisor(log_dir=data_dir / LOG_FOLDER, say=self._screen.say)
        self._services = Services(data_dir)
        self._figures = Figures(web_port)
        self._headline = ""
        self._footer: Sequence[str] = ()
        self._status = ""

    def start(self) -> None:
        """Start everything; return when the page answers."""
        servers = self._services.servers
        names = [server.name for server in servers]
        self._supervisor.add(*servers)
        self._supervisor.start(*names)
        self._wait_for("starting " + " and ".join(names), names, State.RUNNING)
        environment = platform_environment(TRADING_DATA_DIR=str(self._data_dir), **self._services.publish())
        prepared = Prepared(self._data_dir)
        is_prepared = prepared.is_current()
        self._add(environment, preparation(self._address))
        processes = platform_processes(
            data_dir=self._data_dir, web_port=self._port, writers=self._writers, venues=self._venues
        )
        self._add(environment, *processes)
        # The page first: what starts beside it takes its processor. It waits for the preparation only where that is
        # expected to change anything.
        early = ["web"]
        if is_prepared:
            self._supervisor.start(*early)
        self._supervisor.start(PREPARATION)
        self._wait_for("preparing", [PREPARATION], State.DONE)
        prepared.note()
        early = [*([] if is_prepared else early), processes[1].name]
        self._supervisor.start(*early)
        self._wait_for("starting; waiting for the page to answer", ["web"], State.RUNNING)
        self._supervisor.start(*(process.name for process in processes if process.name not in ("web", *early)))
        self._lock.announce(self._address)
        self._headline = "Trading platform"
        self._footer = welcome(self._address, self._data_dir)
        self._figures.start()

    def _add(self, environment: Mapping[str, str], *processes: Process) -> None:
        for process in processes:
            web_port = self._port if process.name == "web" else None
            self._supervisor.add(
                GuardedProcess(process, data_dir=self._data_dir, environment=environment, web_port=web_port)
            )

    def look_after(self) -> None:
        """Keep everything running until a signal arrives."""
        while True:
            self._look()

    def stop(self) -> None:
        """Stop everything in order; further signals change nothing."""
        for number in _STOPPING:
            signal.signal(number, signal.SIG_IGN)
        self._headline, self._footer = "stopping", ()
        self._show()
        self._supervisor.stop(show=self._show)
        self._services.withdraw()
        (self._data_dir / STATUS_FILE).unlink(missing_ok=True)
        self._screen.close()
        self._screen.say("stopped: nothing is left running, the data are kept")

    def _wait_for(self, headline: str, names: Sequence[str], state: State) -> None:
        self._headline = headline
        deadline = time.monotonic() + READY_SECONDS_MAX
        while not self._supervisor.is_in(state, *names):
            self._look()
            ended = self._supervisor.failing(*names)
            if ended is not None:
                raise NotStarted(f"the platform could not be started: {ended}")
            if time.monotonic() > deadline:
                logs = self._data_dir / LOG_FOLDER
                raise NotStarted(f"{', '.join(names)} not ready after {READY_SECONDS_MAX} s: see {logs}")

    def _look(self) -> None:
        if self._must_stop:
            raise Stopped
        self._supervisor.look_after()
        self._show()
        time.sleep(LOOK_SECONDS)

    def _show(self) -> None:
        for name, log in self._supervisor.logs().items():
            if self._shows_logs:
                for line in log.new_lines():
                    self._screen.say(f"{name:<11} | {line}")
        rows = self._supervisor.rows()
        headline = self._headline
        if headline == "preparing":
            headline = ": ".join([headline, *self._supervisor.logs()[PREPARATION].tail(1)])
        self._screen.show(Picture(headline, rows, self._figures.by_process(), self._footer))
        status = {
            "address": self._address if self._footer else "",
            "processes": [row._asdict() for row in rows],
        }
        self._write_status(json.dumps(status, indent=2))

    def _write_status(self, status: str) -> None:
        """Leave for others how everything is; a disk that is full is no reason to stop."""
        if status == self._status:
            return
        path = self._data_dir / STATUS_FILE
        try:
            made = path.with_suffix(".new")
            made.write_text(status)
            made.replace(path)
        except OSError:
            return
        self._status = status

    def _note_signal(self, *_: object) -> None:
        self._must_stop = True


class Services:
    """The servers that the platform needs, by the variables that name their addresses: embedded ones in the data folder
    where the environment names none.
    """

    def __init__(self, data_dir: Path) -> None:
        self._file = data_dir / SERVICES_FILE
        self._servers: dict[str, EmbeddedServer] = {}
        if not os.environ.get("DATABASE_URL"):
            self._servers["DATABASE_URL"] = EmbeddedPostgres(data_dir / "postgres")
        if not os.environ.get("REDIS_URL"):
            self._servers["REDIS_URL"] = EmbeddedValkey(data_dir / "valkey")
        if os.environ.get("EVENT_STORE") == "dynamodb" and not os.environ.get("DYNAMODB_ENDPOINT"):
            self._servers["DYNAMODB_ENDPOINT"] = EmbeddedDynamoDB(data_dir / "dynamodb")

    @property
    def servers(self) -> list[EmbeddedServer]:
        return list(self._servers.values())

    def publish(self) -> dict[str, str]:
        """Return the addresses, and leave them for manage.py in other terminals."""
        addresses = {variable: server.url for variable, server in self._servers.items()}
        if "DYNAMODB_ENDPOINT" in addresses:
            addresses["EVENT_STORE"] = "dynamodb"
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._file.unlink(missing_ok=True)
        self._file.touch(mode=0o600)
        self._file.write_text("".join(f"{name}={value}\n" for name, value in addresses.items()))
        return addresses

    def withdraw(self) -> None:
        """Take the addresses back."""
        self._file.unlink(missing_ok=True)


class Prepared:
    """Whether what the preparation works on is as it was when it last ran to its end. It always runs; this only says
    whether anybody has to wait for it.
    """

    def __init__(self, data_dir: Path) -> None:
        self._file = data_dir / "run" / "prepared"
        self._database = data_dir / "postgres" / "data" / "PG_VERSION"

    def is_current(self) -> bool:
        """Tell whether nothing has changed. Of a database that is not ours that cannot be known."""
        try:
            return self._database.exists() and self._file.read_text() == self._fingerprint()
        except OSError:
            return False

    def note(self) -> None:
        """Remember how everything is."""
        self._file.write_text(self._fingerprint())

    def _fingerprint(self) -> str:
        sources = [*BASE_DIR.glob("*/migrations/*.py"), *BASE_DIR.glob("requirements*.txt")]
        sources += [BASE_DIR / "frontend" / "dist" / "index.html", self._database]
        found = [(str(path), path.stat()) for path in sorted(sources) if path.exists()]
        states = [(name, stat.st_mtime_ns, stat.st_size) for name, stat in found]
        where = [os.environ.get(name, "") for name in ("DATABASE_URL", "EVENT_STORE", "DYNAMODB_ENDPOINT")]
        return hashlib.sha256(repr((states, where)).encode()).hexdigest()


def number_of(variable: str, default: int, lowest: int, highest: int) -> int:
    """Return the number in an environment variable; raises NotStarted."""
    text = os.environ.get(variable) or str(default)
    if not text.isascii() or not text.isdecimal() or not lowest <= int(text) <= highest:
        raise NotStarted(f"{variable} is {text!r}: set it to a number from {lowest} to {highest}, or not at all")
    return int(text)


def check_room(data_dir: Path) -> None:
    """See that there is a data folder with room; raises NotStarted."""
    data_dir.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(data_dir).free
    if free < FREE_BYTES_MIN:
        raise NotStarted(f"{data_dir} has {free // 1024**2} MB of room, and {FREE_BYTES_MIN // 1024**2} MB are needed")


def welcome(address: str, data_dir: Path) -> list[str]:
    """Return what people need to know, the address last."""
    logins = json.loads((data_dir / "demo_logins.json").read_text())
    return [
        *(f"log in as {login['username']:<11}{login['password']:<15} {login['description']}" for login in logins),
        f"logs in {data_dir / LOG_FOLDER}; Ctrl-C stops everything, the data are kept",
        f"commands {address}/graphql   queries {address}/api/docs   compliance {address}/admin/",
        f"Trading platform: {address}",
    ]


def main_data_dir() -> Path:
    """Return the data folder that the environment names."""
    base = Path(__file__).resolve().parent.parent.parent
    return (base / os.environ.get("TRADING_DATA_DIR", "var")).resolve()


def fail(message: str) -> None:
    """Say what is wrong, and exit."""
    print(message, file=sys.stderr, flush=True)
    sys.exit(1)
