"""The processes of the platform, in the order in which they are started; they are stopped the other way round."""

import sys
from pathlib import Path
from typing import Final, NamedTuple

BASE_DIR: Final = Path(__file__).resolve().parent.parent.parent


class Process(NamedTuple):
    """One process: its name before its log lines, its command, and the colour of the name (ANSI)."""

    name: str
    command: tuple[str, ...]
    colour: int


def platform_processes(*, data_dir: Path, web_port: int, writers: int = 1) -> tuple[Process, ...]:
    """Return every process of the platform."""
    return (
        *_writers(writers),
        Process("snapshotter", _manage("run_snapshotter"), 37),
        Process("projector", _celery("worker", "-c", "1", "--without-gossip", "--without-mingle"), 35),
        Process("beat", _celery("beat", "-s", str(data_dir / "run" / "beat")), 34),
        Process("web", _web(data_dir, web_port), 32),
        Process("market", _manage("run_market"), 36),
        Process("traders", _manage("run_demo_traders"), 31),
    )


def _writers(count: int) -> tuple[Process, ...]:
    """Return the writers and, for each, a standby that takes over when it dies: whoever comes first serves."""
    found = []
    for number in map(str, range(1, count + 1)):
        suffix = "" if count == 1 else f"-{number}"
        command = _manage("run_writer", "--standby", "--number", number)
        found += [Process(f"writer{suffix}", command, 33), Process(f"standby{suffix}", command, 33)]
    return tuple(found)


def _manage(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, str(BASE_DIR / "manage.py"), *arguments)


def _celery(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "celery", "--quiet", "-A", "tradingplatform", *arguments)


def _web(data_dir: Path, port: int) -> tuple[str, ...]:
    options = {
        "--interface": "asginl",
        "--http": "1",  # Only so are connections closed that say nothing: HTTP/2 is a proxy's, as is TLS.
        "--host": "127.0.0.1",
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
