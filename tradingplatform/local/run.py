"""`make run`: servers, one-off steps, processes, until a signal stops all of it in order."""

import json
import os
import shutil
import signal
import sys
import threading
import time
import urllib.error
import urllib.request
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Final

from tradingplatform.local.lock import PlatformLock
from tradingplatform.local.ports import next_free_port
from tradingplatform.local.processes import platform_processes
from tradingplatform.local.services import Services
from tradingplatform.local.steps import StepFailed, manage, step
from tradingplatform.local.supervisor import Supervisor, platform_environment

WEB_PORT_DEFAULT: Final = 8000
READY_SECONDS_MAX: Final = 90
FREE_BYTES_MIN: Final = 500 * 1024 * 1024
LOOK_SECONDS: Final = 0.3
_STOPPING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(BaseException):
    """A signal asked the platform to stop."""


def run_platform(data_dir: Path) -> None:
    """Run the platform until a signal arrives; raises AlreadyRunning, StepFailed, RuntimeError, OSError."""
    _check_room(data_dir)
    lock = PlatformLock(data_dir)
    lock.acquire()
    for number in _STOPPING:
        signal.signal(number, _raise_stopped)
    with ExitStack() as ending:
        ending.callback(_write, "stopped: nothing is left running, the data are kept")
        ending.callback(lock.release)
        services = Services(data_dir)
        ending.callback(services.stop)
        try:
            _start_and_look_after(data_dir, services, lock, ending)
        except Stopped:
            _write("\nstopping")
        finally:
            for number in _STOPPING:
                signal.signal(number, signal.SIG_IGN)


def _start_and_look_after(data_dir: Path, services: Services, lock: PlatformLock, ending: ExitStack) -> None:
    port = next_free_port(int(os.environ.get("WEB_PORT", WEB_PORT_DEFAULT)))
    address = f"http://127.0.0.1:{port}"
    environment = platform_environment(TRADING_DATA_DIR=str(data_dir), **services.start())
    if environment.get("EVENT_STORE") == "dynamodb":
        step("create the event tables", lambda: manage("create_event_tables", environment=environment))
    step("migrate the read models", lambda: manage("migrate", "--no-input", environment=environment))
    step("collect static files", lambda: manage("collectstatic", "--no-input", environment=environment))
    step("load the demo", lambda: manage("load_demo", "--web-url", address, environment=environment))
    writers = int(os.environ.get("WRITER_PROCESSES", "1"))
    processes = platform_processes(data_dir=data_dir, web_port=port, writers=writers)
    supervisor = Supervisor(processes, environment=environment, write=_write)
    ending.callback(supervisor.stop)
    step("start " + ", ".join(process.name for process in processes), supervisor.start_all)
    step("wait for the web server", lambda: _wait_until_ready(address, supervisor))
    lock.announce(address)
    _write(_welcome(address, data_dir))
    while True:
        supervisor.look_after()
        time.sleep(LOOK_SECONDS)


def _raise_stopped(*_: object) -> None:
    raise Stopped


_output = threading.Lock()


def _write(text: str) -> None:
    with _output, suppress(OSError):  # A terminal that is gone must not keep the platform from stopping in order.
        print(text, flush=True)


def _check_room(data_dir: Path) -> None:
    data_dir.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(data_dir).free
    if free < FREE_BYTES_MIN:
        raise StepFailed(f"{data_dir} has {free // 1024**2} MB of room, and {FREE_BYTES_MIN // 1024**2} MB are needed")


def _wait_until_ready(address: str, supervisor: Supervisor) -> None:
    deadline = time.monotonic() + READY_SECONDS_MAX
    while time.monotonic() < deadline:
        supervisor.look_after()
        try:
            with urllib.request.urlopen(f"{address}/api/session", timeout=2):  # noqa: S310 - our own address.
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise StepFailed(f"the web server did not answer at {address} for {READY_SECONDS_MAX} s: its lines above say why")


def _welcome(address: str, data_dir: Path) -> str:
    logins = json.loads((data_dir / "demo_logins.json").read_text())
    lines = [
        f"Trading platform     {address}",
        f"GraphQL commands     {address}/graphql",
        f"REST queries         {address}/api/docs",
        f"Compliance admin     {address}/admin/",
        "",
        *(f"log in as {login['username']:<11}{login['password']:<15} {login['description']}" for login in logins),
        "",
        "Ctrl-C stops everything; the data are kept (make reset removes them).",
    ]
    width = max(len(line) for line in lines)
    rule = "-" * (width + 4)
    return "\n".join(["", rule, *(f"| {line:<{width}} |" for line in lines), rule, ""])


def main_data_dir() -> Path:
    """Return the data folder that the environment names."""
    base = Path(__file__).resolve().parent.parent.parent
    return (base / os.environ.get("TRADING_DATA_DIR", "var")).resolve()


def fail(message: str) -> None:
    """Say what is wrong, and exit."""
    print(message, file=sys.stderr, flush=True)
    sys.exit(1)
