"""PostgreSQL and Valkey go away under load: commands are accepted meanwhile, and everything catches up alone."""

import time

import httpx
import psycopg
import pytest

from tests.chaos.load import Load
from tests.e2e.client import Api, assert_each_once, open_sqlite_store, wait_until_reconciled
from tests.services.platform import Platform
from tradingplatform.local.servers import EmbeddedPostgres


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    server = EmbeddedPostgres(tmp_path_factory.mktemp("outages") / "postgres", is_durable=True)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def alone(database, tmp_path_factory):
    """A platform whose servers are its own to stop."""
    running = Platform(tmp_path_factory.mktemp("outages") / "platform", database)
    try:
        running.set_up()
        running.start("writer", "snapshotter", "projector", "beat", "web")
        running.wait_until_ready()
        yield running
    finally:
        running.stop_all()


def logins(alone) -> int:
    """Return how many connections the platform's database has had."""
    with psycopg.connect(alone.database_url) as connection:
        query = "SELECT sessions FROM pg_stat_database WHERE datname = current_database()"
        return connection.execute(query).fetchone()[0]


def test_the_worker_keeps_its_connection_from_task_to_task(alone):
    """A login for every task costs more than what the task does: Celery's own way with a pool."""
    api = Api(alone.base_url, alone.api_key("integrator"))
    account_id = api.open()
    versions = [api.buy(account_id)["version"] for _ in range(3)]
    before = logins(alone)
    for _ in range(30):
        versions.append(api.buy(account_id)["version"])
        assert api.get(f"/api/accounts/{account_id}", min_version=versions[-1])["version"] == versions[-1]
    assert logins(alone) - before < 10


def test_commands_are_accepted_while_postgresql_is_away_and_the_projections_catch_up(alone, database):
    key = alone.api_key("integrator")
    api = Api(alone.base_url, key)
    account_ids = [api.open() for _ in range(6)]
    with Load(alone.base_url, key, account_ids) as load:
        load.wait_for(120)
        database.stop()
        load.wait_for(500)
        with httpx.Client(base_url=alone.base_url, headers={"Authorization": f"Bearer {key}"}, timeout=15) as client:
            away = client.get(f"/api/accounts/{account_ids[0]}")
            assert (away.status_code, away.json()["code"]) == (503, "DATABASE_UNAVAILABLE")
            assert away.headers["Retry-After"] == "1"
            query = {"query": f'{{ account(id: "{account_ids[0]}") {{ positions {{ symbol }} }} }}'}
            (error,) = client.post("/graphql", json=query).json()["errors"]
            assert error["extensions"] == {"code": "DATABASE_UNAVAILABLE", "retry_after_ms": 1000}
        database.start()
        load.wait_for(60)
    assert_each_once(load, open_sqlite_store(alone.data_dir))
    assert "the read models equal the" in wait_until_reconciled(alone)


def test_commands_are_accepted_while_valkey_is_away_and_the_projections_catch_up(alone):
    key = alone.api_key("integrator")
    api = Api(alone.base_url, key)
    account_ids = [api.open() for _ in range(6)]
    with Load(alone.base_url, key, account_ids) as load:
        load.wait_for(60)
        alone.stop_valkey()
        load.wait_for(500)
        assert api.get(f"/api/accounts/{account_ids[0]}")["account_id"] == account_ids[0]
        alone.start_valkey()
        load.wait_for(60)
    assert_each_once(load, open_sqlite_store(alone.data_dir))
    assert "the read models equal the" in wait_until_reconciled(alone)


def test_instruments_are_known_while_postgresql_is_away_and_followed_again_afterwards(alone, database, tmp_path):
    api = Api(alone.base_url, alone.api_key("integrator"))
    account_id = api.open()
    assert api.buy(account_id)["__typename"] == "TradeExecuted"
    log = alone.log_path("web")
    said = log.read_text().count("instruments.database_away")
    database.stop()
    deadline = time.monotonic() + 10
    while log.read_text().count("instruments.database_away") == said:
        assert time.monotonic() < deadline, "the process says that it goes on with what it has"
        time.sleep(0.1)
    for _ in range(10):
        assert api.buy(account_id)["__typename"] == "TradeExecuted"
        time.sleep(0.3)
    assert log.read_text().count("instruments.database_away") == said + 1
    database.start()
    file = tmp_path / "halted.csv"
    file.write_text("symbol,is_halted\nKO,true\n")
    halted = alone.manage("import_instruments", str(file))
    assert halted.returncode == 0, halted.stderr
    deadline = time.monotonic() + 8
    while (refused := api.buy(account_id)).get("code") != "INSTRUMENT_HALTED":
        assert time.monotonic() < deadline, refused
        time.sleep(0.1)
