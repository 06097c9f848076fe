"""The processes of the platform, in the order in which they are started; they are stopped the other way round."""

import http.client
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Final, NamedTuple

from tradingplatform.local.children import MARK, end_marked, end_with_parent, mark_of
from tradingplatform.local.ports import HOST

BASE_DIR: Final = Path(__file__).resolve().parent.parent.parent
PREPARATION: Final = "prepare"
PROBE_SECONDS_MAX: Final = 1.0


class Process(NamedTuple):
    """One process: its name and its command."""

    name: str
    command: tuple[str, ...]


def platform_processes(*, data_dir: Path, web_port: int, writers: int = 1, venues: int = 1) -> tuple[Process, ...]:
    """Return every process of the platform."""
    return (
        Process("web", _web(data_dir, web_port)),
        *_writers(writers),
        Process("projector", _celery("worker", "-c", "1", "--without-gossip", "--without-mingle")),
        Process("beat", _celery("beat", "-s", str(data_dir / "run" / "beat"))),
        Process("market", _manage("run_market")),
        *_venues(venues),
        Process("backoffice", _manage("run_back_office")),
        Process("snapshotter", _manage("run_snapshotter")),
        Process("traders", _manage("run_demo_traders")),
    )


def preparation(web_url: str) -> Process:
    """Return what has to have run before the others: tables, static files, the demo."""
    return Process(PREPARATION, _manage("prepare", "--web-url", web_url))


class GuardedProcess:
    """A process under a guard, for the supervisor: nothing of it survives the supervisor or its own restart."""

    stop_signal = signal.SIGTERM
    stop_seconds_max = 7.0
    """More than a guard gives to its command (guard.py)."""

    def __init__(
        self, process: Process, *, data_dir: Path, environment: Mapping[str, str], web_port: int | None = None
    ) -> None:
        """`web_port` is where it serves HTTP, if it does: it is ready when it answers there."""
        self.name = process.name
        self.is_one_shot = process.name == PREPARATION
        self.stop_order = 1 if process.name.startswith(("writer", "standby")) else 0  # After those who send commands.
        self._command = process.command
        self._mark = mark_of(data_dir, process.name)
        self._environment = {**environment, "PYTHONUNBUFFERED": "1", MARK: self._mark}
        self._web_port = web_port

    def launch(self, log: IO[bytes]) -> subprocess.Popen[bytes]:
        """Start it and return at once. A guard that was killed may have left its command: that is ended first."""
        end_marked(self._mark)
        return subprocess.Popen(
            [sys.executable, "-m", "tradingplatform.local.guard", *self._command],
            cwd=BASE_DIR,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=end_with_parent,
        )

    def is_ready(self) -> bool:
        """Tell whether it answers, where it is one that does."""
        return self._web_port is None or is_live(self._web_port)


def is_live(port: int) -> bool:
    """Tell whether a web process answers at a port."""
    connection = http.client.HTTPConnection(HOST, port, timeout=PROBE_SECONDS_MAX)
    try:
        connection.request("GET", "/api/health/live")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


class CommandFailed(Exception):
    """A command did not work; the message holds what it printed."""


def manage(*arguments: str, environment: Mapping[str, str], typed: str = "") -> str:
    """Run a management command, with `typed` on its standard input, and return what it printed.

    Raises CommandFailed with its output.
    """
    command = _manage(*arguments)
    done = subprocess.run(
        command, cwd=BASE_DIR, env=dict(environment), input=typed, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise CommandFailed(f"`{' '.join(command[1:])}` failed:\n{done.stdout}{done.stderr}".rstrip())
    return done.stdout


def platform_environment(**services: str) -> dict[str, str]:
    """Return the environment of the platform's processes: this one's, and where the services are."""
    return {**os.environ, **services}


def _writers(count: int) -> tuple[Process, ...]:
    """Return the writers and, for each, a standby that takes over when it dies: whoever comes first serves."""
    found = []
    for number in map(str, range(1, count + 1)):
        suffix = "" if count == 1 else f"-{number}"
        command = _manage("run_writer", "--standby", "--number", number)
        found += [Process(f"writer{suffix}", command), Process(f"standby{suffix}", command)]
    return tuple(found)


def _venues(count: int) -> tuple[Process, ...]:
    """Return the venue processes, each with its share of the symbols."""
    if count == 1:
        return (Process("venue", _manage("run_venue")),)
    return tuple(
        Process(f"venue-{number}", _manage("run_venue", "--share", f"{number}/{count}"))
        for number in range(1, count + 1)
    )


def _manage(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, str(BASE_DIR / "manage.py"), *arguments)


def _celery(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "celery", "--quiet", "-A", "tradingplatform", *arguments)


def _web(data_dir: Path, port: int) -> tuple[str, ...]:
    options = {
        "--interface": "asginl",
        "--http": "1",  # Only so are connections closed that say nothing: HTTP/2 is a proxy's, as is TLS.
        "--host": HOST,
        "--port": str(port),
        "--workers": "1",
        "--loop": "uvloop",
        # Connections at a time. Granian counts them all, and takes no new one beyond: sockets and idle ones too.
        "--backpressure": "10000",
        "--log-level": "warning",
        "--static-path-route": "/static",
        "--static-path-mount": str(data_dir / "static"),
    }
    arguments = [part for option in options.items() for part in option]
    return (sys.executable, "-m", "granian", *arguments, "tradingplatform.asgi:application")
