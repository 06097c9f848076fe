"""Reads from a real streaming replica: in turn, never older than asked for, and from the primary when it is down."""

import asyncio
import os
import subprocess
import sys
import time
from contextlib import contextmanager

import environ
import psycopg
import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.contrib.auth import get_user_model
from django.db import DEFAULT_DB_ALIAS, connection, connections, transaction

from edge import database
from readmodels.models import AccountSummary, DeadLetter, ProjectionCheckpoint
from readmodels.queries import queries, replicas, version_waits
from readmodels.reconcile.reconcile import reconcile
from readmodels.tests.conftest import ADA, project
from tests.services import plugin
from tests.services.replica import make_replica

pytestmark = pytest.mark.django_db(transaction=True)

ALIAS = "replica_1"
OPTIONS = {"pool": {"min_size": 0, "max_size": 4, "timeout": 1}, "connect_timeout": 1, "tcp_user_timeout": 2_000}


@pytest.fixture(scope="module")
def server(django_db_setup, tmp_path_factory):
    replica = make_replica(plugin.postgres, tmp_path_factory.mktemp("replica") / "postgres")
    replica.start()
    yield replica
    replica.stop()


def ensure_connection():
    """What Django does when its tests do not keep them from databases that were not there at the beginning."""
    replica = connections[ALIAS]
    if replica.connection is None:
        with replica.wrap_database_errors:
            replica.connect()


@pytest.fixture
def replica(server, history, settings, monkeypatch):
    """The replica, set up as the settings do it; replaying what the primary does."""
    if server.pid is None:
        server.start()
    name = connection.settings_dict["NAME"]
    place = environ.Env.db_url_config(server.url_of(name))
    connections.databases[ALIAS] = {**connection.settings_dict, **place, "OPTIONS": OPTIONS}
    connections.databases[ALIAS] |= {"CONN_HEALTH_CHECKS": True, "TIME_ZONE": None}
    settings.READ_REPLICAS = [ALIAS]
    settings.DATABASE_ROUTERS = ["readmodels.queries.replicas.ReplicaRouter"]
    settings.MIDDLEWARE = ["readmodels.queries.replicas.read_from_replicas", *settings.MIDDLEWARE]
    monkeypatch.setattr(replicas, "_turns", replicas._Turns())
    monkeypatch.setattr(connections[ALIAS], "ensure_connection", ensure_connection)
    yield server
    connections[ALIAS].close()
    connections[ALIAS].close_pool()
    del connections[ALIAS]
    del connections.databases[ALIAS]


@contextmanager
def request():
    """What the middleware does around a view."""
    token = replicas._route.set(replicas.Route())
    try:
        yield
    finally:
        replicas._route.reset(token)


def on_replica(server, statement):
    with psycopg.connect(server.url_of(connection.settings_dict["NAME"]), autocommit=True) as replica:
        return replica.execute(statement).fetchall()


@contextmanager
def paused(server):
    on_replica(server, "SELECT pg_wal_replay_pause()")
    while on_replica(server, "SELECT pg_get_wal_replay_pause_state()") != [("paused",)]:
        pass
    try:
        yield
    finally:
        on_replica(server, "SELECT pg_wal_replay_resume()")


def wait_until_replayed(server):
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_wal_insert_lsn()::text")
        (place,) = cursor.fetchone()
    while on_replica(server, f"SELECT pg_last_wal_replay_lsn() >= '{place}'") != [(True,)]:
        pass


@pytest.fixture
def projected(replica, history):
    history.open(ADA)
    project()
    wait_until_replayed(replica)
    return replica


def test_a_request_reads_from_the_replica_and_nothing_else_does(projected, history):
    assert AccountSummary.objects.all().db == DEFAULT_DB_ALIAS
    with paused(projected):
        history.buy(ADA)
        project()
        assert queries.account(account_id=ADA)["version"] == 3  # The projector's own reads were right, too.
        assert reconcile().differences == []
        with request():
            assert AccountSummary.objects.all().db == ALIAS
            assert queries.account(account_id=ADA)["version"] == 2
            with transaction.atomic():
                queries.read_one_snapshot()
                assert queries.account(account_id=ADA)["version"] == 3
            for model in (get_user_model(), DeadLetter, ProjectionCheckpoint):
                assert model.objects.all().db == DEFAULT_DB_ALIAS


def test_a_replica_that_is_down_is_done_without_in_bounded_time_and_used_again(projected, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(replicas, "_turns", replicas._Turns(lambda: now[0]))
    with request():
        assert queries.account(account_id=ADA)["version"] == 2
    connections[ALIAS].close()  # As at the end of a request: back to the pool.
    projected.stop()
    for seconds_max in (2.0, 0.5):  # Who finds out waits for it; who comes next does not.
        began = time.monotonic()
        with request():
            assert queries.account(account_id=ADA)["version"] == 2
            assert AccountSummary.objects.all().db == DEFAULT_DB_ALIAS
        assert time.monotonic() - began < seconds_max
    projected.start()
    connections.databases[ALIAS]["PORT"] = connections[ALIAS].settings_dict["PORT"] = projected.port
    connections[ALIAS].close_pool()
    with request():
        assert AccountSummary.objects.all().db == DEFAULT_DB_ALIAS
    now[0] += replicas.DOWN_SECONDS
    with request():
        assert AccountSummary.objects.all().db == ALIAS
        assert queries.account(account_id=ADA)["version"] == 2


def test_a_replica_that_is_busy_is_not_down(projected):
    async def scenario():
        slow = [asyncio.create_task(database.read("SELECT pg_sleep(2)", using=ALIAS)) for _ in range(4)]
        await asyncio.sleep(0.3)
        with request():
            while_busy = await replicas.read("SELECT 1", [])
        for task in slow:
            task.cancel()
        await asyncio.gather(*slow, return_exceptions=True)
        with request():
            return while_busy, await replicas.read("SELECT 1", [])

    assert asyncio.run(scenario()) == (([(1,)], True), ([(1,)], False))


def test_nor_is_one_whose_connections_for_threads_are_all_in_use(projected):
    with request():
        assert queries.account(account_id=ADA)["version"] == 2
    connections[ALIAS].close()
    pool = connections[ALIAS].pool
    in_use = [pool.getconn() for _ in range(OPTIONS["pool"]["max_size"])]
    with request():
        assert AccountSummary.objects.all().db == DEFAULT_DB_ALIAS
    for one in in_use:
        pool.putconn(one)
    with request():
        assert AccountSummary.objects.all().db == ALIAS


def test_requests_take_turns(settings):
    settings.READ_REPLICAS = ["replica_1", "replica_2", "replica_3"]
    now = [100.0]
    turns = replicas._Turns(lambda: now[0])
    assert [turns.next() for _ in range(6)] == ["replica_1", "replica_2", "replica_3"] * 2
    turns.note("replica_1", answered=False)
    assert [turns.next() for _ in range(4)] == ["replica_2", "replica_3"] * 2
    turns.note("replica_2", answered=False)
    turns.note("replica_3", answered=False)
    assert turns.next() == DEFAULT_DB_ALIAS
    now[0] += replicas.DOWN_SECONDS
    assert [turns.next() for _ in range(4)] == ["replica_1", "replica_2", "replica_3", DEFAULT_DB_ALIAS]


def test_a_web_request_is_routed(projected, history, client):
    user = get_user_model().objects.create_superuser("root", password="a long one")
    client.force_login(user)
    with paused(projected):
        history.buy(ADA)
        project()
        assert client.get(f"/api/accounts/{ADA}").json()["version"] == 2
        began = time.monotonic()
        assert client.get(f"/api/accounts/{ADA}?min_version=3").json()["version"] == 3
        assert version_waits.REPLICA_WAIT_SECONDS_MAX <= time.monotonic() - began < version_waits.WAIT_SECONDS_MAX
        answer = client.get(f"/api/accounts/{ADA}?min_version=4")
        assert (answer.status_code, "the newest is 3" in answer.json()["detail"]) == (503, True)


def test_a_query_over_graphql_is_routed_with_all_that_it_reads(projected, history, client):
    client.force_login(get_user_model().objects.create_superuser("root", password="a long one"))

    def ask(min_version):
        arguments = f'(id: "{ADA}", minVersion: {min_version})'
        fields = 'version positions { symbol } trades(symbol: "KO") { nodes { version } }'
        answer = client.post("/graphql", {"query": f"{{ account{arguments} {{ {fields} }} }}"}, "application/json")
        return answer.json()["data"]["account"]

    with paused(projected):
        history.buy(ADA)
        project()
        assert ask(2) == {"version": 2, "positions": [], "trades": {"nodes": []}}
        newest = {"version": 3, "positions": [{"symbol": "KO"}], "trades": {"nodes": [{"version": 3}]}}
        assert ask(3) == newest


@pytest.mark.parametrize(("urls", "expected"), [("", []), ("postgresql://a/t, postgresql://b:6/t", ["a", "b"])])
def test_the_settings_name_the_replicas(tmp_path, urls, expected):
    shown = (
        "from tradingplatform import settings as s; print([s.DATABASES[name]['HOST'] for name in s.READ_REPLICAS], "
        "s.MIDDLEWARE[0] == 'readmodels.queries.replicas.read_from_replicas', hasattr(s, 'DATABASE_ROUTERS'))"
    )
    environment = {**os.environ, "TRADING_DATA_DIR": str(tmp_path), "READ_REPLICA_URLS": urls}
    printed = subprocess.check_output([sys.executable, "-c", shown], env=environment, text=True)
    assert printed.strip() == f"{expected} {bool(expected)} {bool(expected)}"


def test_an_asynchronous_request_is_routed(projected, history):
    async def view(_request):
        return await sync_to_async(lambda: AccountSummary.objects.all().db)()

    assert async_to_sync(replicas.read_from_replicas(view))(None) == ALIAS
    assert AccountSummary.objects.all().db == DEFAULT_DB_ALIAS
