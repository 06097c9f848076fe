"""Connections that wait so long and no longer: for a server that hangs, and for a query that takes its time."""

import os
import signal

import psutil
import psycopg
import pytest

from edge.database import BoundedConnection
from tradingplatform.local.servers import EmbeddedPostgres


class Impatient(BoundedConnection):
    answer_seconds_max = 0.3


def test_what_is_not_answered_in_time_is_an_error_and_the_connection_is_closed(postgres_url):
    connection = Impatient.connect(postgres_url)
    assert connection.execute("SELECT 1").fetchone() == (1,)
    with pytest.raises(psycopg.OperationalError, match=r"no answer for 0\.3 s"):
        connection.execute("SELECT pg_sleep(5)")
    assert connection.closed


def test_without_a_bound_it_waits(postgres_url):
    with BoundedConnection.connect(postgres_url) as connection:
        connection.execute("SELECT pg_sleep(0.5)")


def test_a_server_that_hangs_keeps_nobody_waiting(tmp_path):
    server = EmbeddedPostgres(tmp_path / "postgres", is_durable=False)
    connection = Impatient.connect(server.start())
    family = [server.pid, *(child.pid for child in psutil.Process(server.pid).children())]
    for pid in family:
        os.kill(pid, signal.SIGSTOP)
    try:
        with pytest.raises(psycopg.OperationalError, match="no answer"):
            connection.execute("SELECT 1")
        with pytest.raises(psycopg.OperationalError):
            Impatient.connect(server.url, connect_timeout=2)
    finally:
        for pid in family:
            os.kill(pid, signal.SIGCONT)
        server.stop()
