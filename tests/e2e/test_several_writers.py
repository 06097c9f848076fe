"""Two writer processes that share the partitions: both are killed under load, one after the other and together, and
nothing acknowledged is lost or doubled.
"""

import json

import pytest

from tests.chaos.load import Load
from tests.e2e.client import Api, assert_each_once, open_sqlite_store, wait_until_reconciled
from tests.services.platform import Platform
from tests.services.plugin import postgres


@pytest.fixture(scope="module")
def two_writers(tmp_path_factory):
    running = Platform(tmp_path_factory.mktemp("two-writers"), postgres, WRITER_PROCESSES="2")
    try:
        running.set_up()
        running.start("writer-1", "writer-2", "snapshotter", "projector", "beat", "web")
        running.wait_until_ready()
        yield running
    finally:
        running.stop_all()


def test_a_killed_writer_costs_the_accounts_of_its_partitions_a_moment_and_nobody_a_trade(two_writers):
    key = two_writers.api_key("integrator")
    api = Api(two_writers.base_url, key)
    account_ids = [api.open() for _ in range(12)]
    with Load(two_writers.base_url, key, account_ids) as load:
        load.wait_for(60)
        for name in ("writer-1", "writer-2"):
            two_writers.kill(name)
            two_writers.start(name)
            load.wait_for(60)
        two_writers.kill("writer-1")
        two_writers.kill("writer-2")
        two_writers.start("writer-1", "writer-2")
        load.wait_for(60)
    assert_each_once(load, open_sqlite_store(two_writers.data_dir))
    assert "the read models equal the" in wait_until_reconciled(two_writers)

    done = two_writers.manage("writer_status", "--json")
    assert done.returncode == 0, done.stderr
    writers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [writer["partitions"] for writer in writers] == ["0-7", "8-15"]
    for writer in writers:
        assert sum(of["count"] for of in writer["commands"] if of["outcome"] == "EXECUTED") > 0


def test_a_standby_takes_over_from_a_killed_writer(two_writers):
    key = two_writers.api_key("integrator")
    api = Api(two_writers.base_url, key)
    account_ids = [api.open() for _ in range(6)]
    two_writers.start("standby-1")
    with Load(two_writers.base_url, key, account_ids) as load:
        load.wait_for(60)
        two_writers.kill("writer-1")
        load.wait_for(60)
        two_writers.start("writer-1")
        load.wait_for(60)
        two_writers.kill("standby-1")
        load.wait_for(60)
    assert_each_once(load, open_sqlite_store(two_writers.data_dir))


def test_a_writer_that_does_not_answer_is_named(two_writers):
    two_writers.kill("writer-2")
    done = two_writers.manage("writer_status")
    assert done.returncode == 1
    assert "writer of partitions 0-7" in done.stdout
    assert "writer-2.sock: is the writer running?" in done.stderr


def test_a_writer_that_runs_already_is_refused(two_writers):
    done = two_writers.manage("run_writer", "--number", "1")
    assert done.returncode == 1
    assert "another writer serves ipc://" in done.stderr
