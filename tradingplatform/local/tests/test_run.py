"""`make run` itself, once, for real: it starts, says where, refuses a second one, stops in order and leaves nothing."""

import fcntl
import os
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import termios
import time
import urllib.request

import pytest

from tradingplatform.local.ports import HOST, free_port
from tradingplatform.local.processes import BASE_DIR
from tradingplatform.local.tests.processes_of import marked, wait_for

NAMES = [
    "postgresql",
    "valkey",
    "web",
    "writer",
    "standby",
    "projector",
    "beat",
    "market",
    "venue",
    "backoffice",
    "snapshotter",
    "traders",
]


_started = []


@pytest.fixture(autouse=True)
def _leave_nothing():
    """A test that fails leaves no platform either."""
    yield
    for running in _started:
        if running.poll() is None:
            running.kill()
            running.wait()
    _started.clear()


def local(*arguments, data_dir, **environment):
    return subprocess.run(
        [sys.executable, "-m", "tradingplatform.local", *arguments],
        cwd=BASE_DIR,
        env={**os.environ, "TRADING_DATA_DIR": str(data_dir), **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def start(data_dir, port, terminal=None):
    environment = {**os.environ, "TRADING_DATA_DIR": str(data_dir), "WEB_PORT": str(port)}
    for name in ("DATABASE_URL", "REDIS_URL", "COMMAND_BUS"):
        environment.pop(name, None)
    log = (data_dir.parent / "run.log").open("a") if terminal is None else terminal
    running = subprocess.Popen(
        [sys.executable, "-m", "tradingplatform.local", "run"],
        cwd=BASE_DIR,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
    )
    _started.append(running)
    return running


def open_terminal(*, lines, columns):
    """Return the two ends of a terminal of this size: what is shown on it, and where processes write to."""
    shown, terminal = os.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    return shown, terminal


def read_until(shown, text, seconds):
    """Read what a terminal shows until a text, whole."""
    read, deadline = b"", time.monotonic() + seconds
    while text not in read:
        assert time.monotonic() < deadline, read[-2_000:]
        if select.select([shown], [], [], 0.5)[0]:
            read += os.read(shown, 65_536)
    while select.select([shown], [], [], 0.05)[0]:
        read += os.read(shown, 65_536)
    return read


def test_it_runs_refuses_a_second_one_and_leaves_nothing(tmp_path):
    data_dir = tmp_path / "data"
    log = tmp_path / "run.log"
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        running = start(data_dir, port)
        wait_for(lambda: running.poll() is not None or "Ctrl-C stops everything" in log.read_text(), 90)
    printed = log.read_text()
    (address,) = set(re.findall(r"Trading platform: (http://127\.0\.0\.1:\d+)", printed))
    assert int(address.rsplit(":", 1)[1]) > port, "the taken port was passed over"
    for step in ("starting postgresql and valkey", "preparing: migrate", "preparing: load the demo", "log in as alice"):
        assert step in printed
    assert printed.rstrip().endswith(address), "the address is the last thing on the screen"
    assert "\x1b" not in printed, "plain lines where there is no terminal"
    assert "demo_trader" not in printed, "what processes log is in their files"
    urllib.request.urlopen(f"{address}/api/session", timeout=5).close()

    shown = local("status", data_dir=data_dir).stdout
    assert address in shown
    for name in NAMES:
        assert re.search(rf"^{name} +(running|starting) +\d+", shown, re.MULTILINE), shown
    wait_for(lambda: "demo_traders.started" in (data_dir / "log" / "traders.log").read_text(), 60)
    for action in ("run", "reset"):
        refused = local(action, data_dir=data_dir, YES="1")
        assert refused.returncode == 1
        assert f"running already at {address}" in refused.stderr

    running.send_signal(signal.SIGINT)
    running.wait(30)
    assert "nothing is left running, the data are kept" in log.read_text()
    assert marked(str(data_dir)) == []

    shown, terminal = open_terminal(lines=24, columns=100)
    again = start(data_dir, port, terminal)
    os.close(terminal)
    read = read_until(shown, b"Trading platform: http", 90)
    read += read_until(shown, b"Trading platform: http", 30)
    frame = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", read.decode())[-3_000:].splitlines()
    assert frame[-1].startswith("Trading platform: http"), "the address is the last thing on the screen"
    assert any(re.match(r"web +running +\d+", line) for line in frame), frame
    assert "demo_trader" not in read.decode()
    again.kill()
    again.wait()
    wait_for(lambda: marked(str(data_dir)) == [], 20)
    assert (data_dir / "events" / "journal.sqlite3").exists()
    assert local("status", data_dir=data_dir).returncode == 1
    assert "nothing was removed" in local("reset", data_dir=data_dir).stderr, "it asks, and nobody answers"
    assert local("reset", data_dir=data_dir, YES="1").returncode == 0
    assert not data_dir.exists()


@pytest.mark.parametrize(
    ("variable", "text", "said"),
    [
        ("WEB_PORT", "http", "WEB_PORT is 'http': set it to a number from 1 to 65535, or not at all"),
        ("WEB_PORT", "70000", "WEB_PORT is '70000'"),
        ("WEB_PORT", "0", "WEB_PORT is '0'"),
        ("WRITER_PROCESSES", "-1", "WRITER_PROCESSES is '-1': set it to a number from 1 to 64"),
    ],
)
def test_a_setting_that_cannot_be_read_is_one_sentence_and_nothing_is_started(tmp_path, variable, text, said):
    refused = local("run", data_dir=tmp_path / "data", **{variable: text})
    assert refused.returncode == 1
    assert refused.stderr.startswith(said)
    assert "Traceback" not in refused.stderr
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_during_the_start_stops_it_in_order(tmp_path, number):
    data_dir, log = tmp_path / "data", tmp_path / "run.log"
    running = start(data_dir, free_port())
    wait_for(lambda: "preparing" in log.read_text(), 60)
    running.send_signal(number)
    assert running.wait(30) == 0
    assert "nothing is left running" in log.read_text()
    assert marked(str(data_dir)) == []


@pytest.mark.parametrize("version", ["3.9", "2.7"])
def test_setup_without_a_new_enough_python_is_one_clear_sentence(tmp_path, version):
    fake = tmp_path / "python"
    fake.write_text(f'#!/bin/sh\ncase "$2" in *print*) echo {version};; *) exit 1;; esac\n')
    fake.chmod(0o755)
    done = subprocess.run(
        ["bash", "scripts/setup.sh", "python", str(tmp_path / "venv")],
        cwd=BASE_DIR,
        env={**os.environ, "PYTHON": str(fake)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.strip().count("\n") == 0
    assert f"Python 3.11 or newer is needed (found: {fake} is {version})" in done.stderr


def test_help_names_every_subcommand(tmp_path):
    printed = local("--help", data_dir=tmp_path).stdout
    assert all(name in printed for name in ("run", "status", "reset"))
