"""Embedded servers: data stay, kill -9 is recovered from, foreign processes are left alone; ports and the lock."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from tradingplatform.local.lock import AlreadyRunning, PlatformLock
from tradingplatform.local.ports import HOST, accepts, free_port, next_free_port
from tradingplatform.local.processes import BASE_DIR
from tradingplatform.local.servers import EmbeddedPostgres, EmbeddedValkey


def test_postgres_keeps_its_data_and_recovers_from_kill_9(tmp_path):
    server = EmbeddedPostgres(tmp_path / "postgres")
    with psycopg.connect(server.start()) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS number")
    os.kill(server.pid, signal.SIGKILL)
    time.sleep(0.2)
    again = EmbeddedPostgres(tmp_path / "postgres")
    with psycopg.connect(again.start()) as connection:
        assert connection.execute("SELECT number FROM kept").fetchone() == (1,)
    port = again.port
    again.stop()
    assert not accepts(port)


def test_postgres_wants_its_password_and_listens_on_loopback_only(tmp_path):
    server = EmbeddedPostgres(tmp_path / "postgres", is_durable=False)
    url = server.start()
    try:
        password = url.split(":")[2].split("@")[0]
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(url.replace(password, "wrong"))
        with psycopg.connect(url) as connection:
            assert connection.execute("SHOW listen_addresses").fetchone() == (HOST,)
        assert (tmp_path / "postgres" / "password").stat().st_mode & 0o077 == 0
    finally:
        server.stop()


def test_a_start_right_after_kill_9_under_open_connections_ends_what_is_left_of_the_server(tmp_path):
    server = EmbeddedPostgres(tmp_path / "postgres")
    with psycopg.connect(server.start()):
        orphans = [child.pid for child in psutil.Process(server.pid).children()]
        for pid in orphans:
            os.kill(pid, signal.SIGSTOP)  # They would notice that their server is gone, and end.
        os.kill(server.pid, signal.SIGKILL)
        server.start()
    assert not [pid for pid in orphans if psutil.pid_exists(pid) and psutil.Process(pid).status() != "zombie"]
    server.stop()


def test_an_interrupted_first_start_leaves_no_data_folder_that_is_half_made(tmp_path):
    half = tmp_path / "postgres" / "data.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    server = EmbeddedPostgres(tmp_path / "postgres", is_durable=False)
    server.start()
    server.stop()
    assert not half.exists()


def test_a_password_that_is_missing_is_said_with_what_to_do(tmp_path):
    server = EmbeddedPostgres(tmp_path / "postgres", is_durable=False)
    server.start()
    server.stop()
    (tmp_path / "postgres" / "password").unlink()
    with pytest.raises(RuntimeError, match=r"password of the database in .* is missing: bring it back, or remove"):
        server.start()


def test_a_port_is_none_that_outgoing_connections_are_given():
    first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert all(free_port() < first for _ in range(100))


def test_a_stale_pid_file_that_names_somebody_else_harms_nobody(tmp_path):
    server = EmbeddedPostgres(tmp_path / "postgres", is_durable=False)
    server.start()
    server.stop()
    bystander = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", "postgres"])
    (tmp_path / "postgres" / "data" / "postmaster.pid").write_text(f"{bystander.pid}\n")
    server.start()
    server.stop()
    assert bystander.poll() is None
    bystander.kill()
    bystander.wait()


def test_valkey_starts_again_on_the_same_port_and_wants_its_password(tmp_path):
    server = EmbeddedValkey(tmp_path)
    first = server.start()
    server.stop()
    assert server.start() == first
    with redis.Redis.from_url(first) as client:
        assert client.ping()
    with redis.Redis(host=HOST, port=server.port) as client, pytest.raises(redis.AuthenticationError):
        client.ping()
    server.stop()
    assert not accepts(server.port)


def test_a_taken_port_is_passed_over():
    with socket.socket() as taken:
        taken.bind((HOST, free_port()))
        taken.listen()
        port = taken.getsockname()[1]
        assert next_free_port(port) > port
        assert accepts(port)


class TestLock:
    def test_a_second_one_is_told_who_runs_and_where(self, tmp_path):
        first, second = PlatformLock(tmp_path), PlatformLock(tmp_path)
        assert first.holder() is None
        first.acquire()
        first.announce("http://127.0.0.1:8000")
        with pytest.raises(AlreadyRunning, match=rf"already at http://127.0.0.1:8000 \(process {os.getpid()}\)"):
            second.acquire()
        assert second.holder() == (os.getpid(), "http://127.0.0.1:8000")
        first.release()
        second.acquire()
        second.release()

    def test_it_is_free_again_when_its_holder_is_killed(self, tmp_path):
        program = (
            "import sys, time; from pathlib import Path; from tradingplatform.local.lock import PlatformLock\n"
            "lock = PlatformLock(Path(sys.argv[1])); lock.acquire(); print('held', flush=True); time.sleep(60)"
        )
        command = [sys.executable, "-c", program, str(tmp_path)]
        holder = subprocess.Popen(command, cwd=BASE_DIR, stdout=subprocess.PIPE)
        holder.stdout.readline()
        with pytest.raises(AlreadyRunning):
            PlatformLock(tmp_path).acquire()
        holder.kill()
        holder.wait()
        PlatformLock(tmp_path).acquire()
