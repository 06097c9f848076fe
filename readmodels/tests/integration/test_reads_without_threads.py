"""Reads on the event loop: no thread, one statement, a bounded number of connections that nobody can keep or break."""

import asyncio
import json
import time
from contextlib import asynccontextmanager, contextmanager
from functools import partial

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.db import DatabaseError, OperationalError, connection
from django.test import RequestFactory
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from rest_framework.exceptions import AuthenticationFailed

from accounts.api.graphql import database_outage
from accounts.api.graphql.database_outage import ask_database
from accounts.api.graphql.errors import ApiError
from edge import database
from edge.breaker import Breaker
from edge.turns import turn
from identity import permissions, recent_access
from identity.models import AccountAccess, ApiKey
from identity.permissions import find_access
from market.quote_board import read_board
from readmodels.live.consumers import read_snapshot
from readmodels.queries import snapshots
from readmodels.tests.conftest import ADA, BOB
from readmodels.tests.integration.test_rest import Reader, ada, problem  # noqa: F401 - `ada` is a fixture.
from tradingplatform.web.handler import Handler

pytestmark = pytest.mark.django_db(transaction=True)

PATHS = ["", "/summary", "/portfolio", "/risk-metrics", "/positions", "/trades", "/orders", "/activity", "/daily-pnl"]
CONNECTIONS_MAX = settings.DATABASES["default"]["OPTIONS"]["pool"]["max_size"]
WAITING_MAX = settings.DATABASES["default"]["OPTIONS"]["pool"]["max_waiting"]
SLEEP = "SELECT pg_sleep(%s)"
COUNT = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'reads'"
ASLEEP = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'SELECT pg_sleep%%'"


@contextmanager
def counted(monkeypatch):
    """The statements, and the visits to threads, of a block."""
    statements, visits = [], []
    read, visit = database._Connection.read, asyncio.BaseEventLoop.run_in_executor

    async def reading(self, query, values):
        statements.append(query)
        return await read(self, query, values)

    def visiting(self, *work):
        visits.append(work)
        return visit(self, *work)

    with monkeypatch.context() as patch:
        patch.setattr(database._Connection, "read", reading)
        patch.setattr(asyncio.BaseEventLoop, "run_in_executor", visiting)
        yield statements, visits


async def answer_to(handler, reader, path):
    """Return what the web process answers to a GET: its status and its body."""
    sent = []
    requests = iter([{"type": "http.request", "body": b"", "more_body": False}])

    async def receive():
        return next(requests)

    async def send(message):
        sent.append(message)

    headers = [(b"host", b"127.0.0.1"), (b"authorization", reader.headers["Authorization"].encode())]
    scope = {"type": "http", "method": "GET", "path": f"/api/{path}", "query_string": b"", "headers": headers}
    await handler(scope, receive, send)
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:])


def request_of(reader):
    """A request of a key."""
    return RequestFactory().post("/graphql", headers=reader.headers)


@pytest.mark.parametrize("path", ["accounts", *(f"accounts/{ADA}{path}" for path in PATHS)])
def test_a_read_is_one_statement_on_one_connection_and_no_thread(ada, path, monkeypatch):  # noqa: F811
    async def scenario():
        handler = Handler()
        first = await answer_to(handler, ada, path)
        with counted(monkeypatch) as (statements, visits):
            again = await answer_to(handler, ada, path)
        pools = database._pools_by_loop[asyncio.get_running_loop()]._pools
        return first, again, len(statements), visits, {name: len(pool._idle) for name, pool in pools.items()}

    first, again, statements, visits, connections = asyncio.run(scenario())
    assert first == again
    assert (again[0], statements, visits) == (200, 1, [])
    assert connections == {("default", database._Use.LOOK_UPS): 1, ("default", database._Use.QUERIES): 1}


def test_who_asks_is_found_out_by_one_statement(ada, monkeypatch):  # noqa: F811
    ada.get("accounts")  # Notes that the key was used.
    permissions._recent_access.forget(ada.headers["Authorization"].removeprefix("Bearer "))

    async def scenario():
        with counted(monkeypatch) as (statements, visits):
            status, body = await answer_to(Handler(), ada, f"accounts/{ADA}/portfolio")
        # The quote board is read once in the life of a process, before its sheets come by themselves.
        visits = [visit for visit in visits if read_board.__name__ not in repr(visit)]
        return status, json.loads(body)["account"]["role"], len(statements), visits

    assert asyncio.run(scenario()) == (200, "owner", 2, [])


class TestFlood:
    """Slow reads that take every connection and every place to wait for one."""

    @asynccontextmanager
    async def of_reads(self):
        flood = [asyncio.create_task(database.read(SLEEP, [30])) for _ in range(CONNECTIONS_MAX + WAITING_MAX)]
        try:
            yield
        finally:
            for task in flood:
                task.cancel()
            await asyncio.gather(*flood, return_exceptions=True)

    def test_who_asks_is_known_meanwhile_and_the_database_is_not_away(self, ada):  # noqa: F811
        key = ada.headers["Authorization"].removeprefix("Bearer ")

        async def scenario():
            async with self.of_reads():
                await asyncio.sleep(0.3)
                permissions._recent_access.forget(key)
                began = time.monotonic()
                status, _ = await answer_to(Handler(), ada, "accounts")
                is_known = permissions._recent_access.find(key, None) is not None
                permissions._recent_access.forget(key)
                access = await ask_database(partial(find_access, request_of(ada), ADA), remembered=None)
                return status, is_known, access.role, time.monotonic() - began

        *found, seconds = asyncio.run(scenario())
        assert found == [503, True, "owner"]  # What REST reads for them is one read too many.
        assert seconds < 1
        assert database_outage._breaker.may_ask()

    def test_a_socket_is_shown_its_account_meanwhile_and_looks_for_what_it_missed(self, ada):  # noqa: F811
        async def scenario():
            async with self.of_reads():
                await asyncio.sleep(0.3)
                return await read_snapshot(ADA, "owner"), await snapshots.versions(account_ids=[ADA, BOB])

        snapshot, versions = asyncio.run(scenario())
        assert versions[ADA] == snapshot["version"]

    def test_sockets_that_come_back_at_once_leave_the_others_their_connections(self, monkeypatch):
        monkeypatch.setattr(database, "SOCKET_WAIT_SECONDS_MAX", 0.5)

        async def scenario():
            coming = [asyncio.create_task(database.read_for_socket(SLEEP, [1])) for _ in range(100)]
            await asyncio.sleep(0.3)
            ((asleep,),) = await database.read_reserved(ASLEEP)
            await asyncio.gather(*(database.read("SELECT 1") for _ in range(CONNECTIONS_MAX + WAITING_MAX)))
            waited_too_long = await asyncio.gather(*coming, return_exceptions=True)
            return asleep, [type(each) for each in waited_too_long if each != [("",)]]

        asleep, refused = asyncio.run(scenario())
        assert asleep == database.SOCKET_CONNECTIONS
        assert refused == [database.DatabaseBusy] * (100 - database.SOCKET_CONNECTIONS)

    def test_a_session_for_which_no_connection_is_free_is_no_outage_to_a_key(self, ada, monkeypatch):  # noqa: F811
        pool = connection.pool
        monkeypatch.setattr(pool, "timeout", 0.2)
        session = RequestFactory().post("/graphql")
        session.user = SimpleLazyObject(get_user_model().objects.get)
        connection.close()
        in_use = [pool.getconn() for _ in range(CONNECTIONS_MAX)]

        async def scenario():
            with pytest.raises(ApiError, match="the platform's database does not answer"):
                await ask_database(partial(find_access, session, ADA), remembered=None)
            return await ask_database(partial(find_access, request_of(ada), ADA), remembered=None)

        try:
            assert asyncio.run(scenario()).role == "owner"
        finally:
            for one in in_use:
                pool.putconn(one)

    def test_look_ups_of_one_that_take_long_are_no_outage_to_another(self, ada, monkeypatch):  # noqa: F811
        async def slow():
            return await database.read_reserved(SLEEP, [30])

        async def look_up():
            return await ask_database(partial(find_access, request_of(ada), ADA), remembered=None)

        monkeypatch.setattr(database, "STATEMENT_SECONDS_MAX", 0.2)
        monkeypatch.setattr(database, "RESERVED_WAIT_SECONDS_MAX", 0.1)

        async def scenario():
            slow_ones = [asyncio.create_task(ask_database(slow, remembered=None)) for _ in range(3)]
            await asyncio.sleep(0.05)
            busy = await asyncio.gather(look_up(), *slow_ones, return_exceptions=True)
            return busy, await look_up()

        busy, access = asyncio.run(scenario())
        assert [error.extensions["code"] for error in busy] == ["DATABASE_UNAVAILABLE"] * 4
        assert access.role == "owner"


class TestOutage:
    @pytest.fixture
    def now(self, monkeypatch):
        seconds = [100.0]
        breaker = Breaker(database_outage.LOOK_AGAIN_SECONDS, clock=lambda: seconds[0])
        breaker.note(answered=False)
        monkeypatch.setattr(database_outage, "_breaker", breaker)
        return seconds

    def look_up(self, key):
        request = RequestFactory().post("/graphql", headers={"Authorization": f"Bearer {key}"} if key else {})
        request.user = AnonymousUser()
        return asyncio.run(ask_database(partial(find_access, request, ADA), remembered=None))

    @pytest.mark.parametrize("wrong", ["none", f"tp_{'0' * 12}_{'a' * 43}"])
    def test_a_key_that_is_refused_does_not_make_it_longer(self, ada, now, wrong):  # noqa: F811
        key = ada.headers["Authorization"].removeprefix("Bearer ")
        with pytest.raises(ApiError):
            self.look_up(key)
        now[0] += database_outage.LOOK_AGAIN_SECONDS
        with pytest.raises(AuthenticationFailed):
            self.look_up(wrong)
        assert self.look_up(key).role == "owner"

    def test_somebody_who_is_not_looked_up_does_not_end_it(self, now, monkeypatch):
        async def away(*_, **__):
            raise OperationalError("away")

        monkeypatch.setattr(database, "_read", away)
        now[0] += database_outage.LOOK_AGAIN_SECONDS
        with pytest.raises(ApiError):
            self.look_up(None)
        assert not database_outage._breaker.may_ask()


def test_what_a_thread_would_cost_is_noticed(ada, monkeypatch):  # noqa: F811
    async def with_thread(request):
        await asyncio.to_thread(time.monotonic)
        return await asking(request)

    asking = permissions.aaccess_of
    monkeypatch.setattr("readmodels.api.base.aaccess_of", with_thread)
    with pytest.raises(AssertionError):
        test_a_read_is_one_statement_on_one_connection_and_no_thread(ada, f"accounts/{ADA}", monkeypatch)


class TestAccess:
    def test_a_role_that_is_taken_away_counts_at_once(self, ada):  # noqa: F811
        assert ada.get(f"accounts/{ADA}").status_code == 200
        AccountAccess.objects.all().delete()
        assert problem(ada.get(f"accounts/{ADA}")) == (404, "NOT_FOUND")

    def test_a_key_that_is_revoked_is_refused_after_a_second(self, ada, monkeypatch):  # noqa: F811
        now = [1_000.0]
        monkeypatch.setattr(permissions._recent_access, "_clock", lambda: now[0])
        assert ada.get(f"accounts/{ADA}").status_code == 200
        ApiKey.objects.update(revoked_at=timezone.now())
        assert ada.get(f"accounts/{ADA}").status_code == 200
        now[0] += recent_access.ACCESS_SECONDS
        assert problem(ada.get(f"accounts/{ADA}")) == (401, "UNAUTHENTICATED")

    def test_who_sees_every_account_has_a_role_there(self, ada):  # noqa: F811
        officer = Reader("officer", is_staff=True)
        roles = [officer.get(f"accounts/{each}/portfolio").json()["account"]["role"] for each in (ADA, BOB)]
        assert roles == ["staff", "staff"]
        assert problem(ada.get(f"accounts/{BOB}")) == (404, "NOT_FOUND")

    def test_the_use_of_a_key_is_noted(self, ada):  # noqa: F811
        assert ApiKey.objects.get().last_used_at is None
        ada.get(f"accounts/{ADA}")
        assert ApiKey.objects.get().last_used_at is not None


class TestConnections:
    def test_whoever_goes_away_gives_their_connection_back_and_leaves_no_statement(self):
        async def scenario():
            for _ in range(2):
                leaving = [asyncio.create_task(database.read(SLEEP, [2])) for _ in range(CONNECTIONS_MAX)]
                await asyncio.sleep(0.3)
                for task in leaving:
                    task.cancel()
                await asyncio.gather(*leaving, return_exceptions=True)
            return await database.read(ASLEEP), await asyncio.gather(
                *(database.read("SELECT 1") for _ in range(3 * CONNECTIONS_MAX))
            )

        assert asyncio.run(scenario()) == ([(0,)], [[(1,)]] * 3 * CONNECTIONS_MAX)

    def test_more_than_there_are_connections_wait_and_more_than_may_wait_are_refused(self):
        async def scenario():
            reads = [database.read(SLEEP, [0.05]) for _ in range(CONNECTIONS_MAX + WAITING_MAX + 3)]
            answers = await asyncio.gather(*reads, return_exceptions=True)
            (pool,) = database._pools_by_loop[asyncio.get_running_loop()]._pools.values()
            return [answer for answer in answers if isinstance(answer, Exception)], len(pool._idle)

        refused, connections = asyncio.run(scenario())
        assert [type(error) for error in refused] == [database.DatabaseBusy] * 3
        assert connections == CONNECTIONS_MAX

    def test_a_connection_that_the_server_has_left_is_replaced_unnoticed(self):
        async def scenario():
            ((pid,),) = await database.read("SELECT pg_backend_pid()")
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
            return await database.read("SELECT pg_backend_pid() <> %s", [pid])

        assert asyncio.run(scenario()) == [(True,)]

    def test_a_statement_that_takes_too_long_is_given_up_and_the_next_is_answered(self, monkeypatch):
        monkeypatch.setattr(database, "STATEMENT_SECONDS_MAX", 0.1)

        async def scenario():
            with pytest.raises(database.StatementTooLong):
                await database.read(SLEEP, [5])
            return await database.read("SELECT 1")

        assert asyncio.run(scenario()) == [(1,)]

    def test_a_server_that_says_nothing_is_given_up(self, monkeypatch):
        monkeypatch.setattr(database, "ANSWER_SECONDS_MAX", 0.1)

        async def scenario():
            with pytest.raises(OperationalError, match=r"no answer for 0\.1 s"):
                await database.read(SLEEP, [2])
            return await database.read("SELECT 1")

        assert asyncio.run(scenario()) == [(1,)]

    def test_a_table_that_a_migration_changed_is_read_again(self):
        async def scenario():
            read = "SELECT kept FROM changing"
            await database.read("CREATE TABLE changing AS SELECT 1 AS kept")
            try:
                assert await database.read(read) == [(1,)]
                with connection.cursor() as cursor:
                    cursor.execute("ALTER TABLE changing ALTER COLUMN kept TYPE text")
                with pytest.raises(OperationalError):
                    await database.read(read)
                return await database.read(read)
            finally:
                await database.read("DROP TABLE changing")

        assert asyncio.run(scenario()) == [("1",)]

    def test_connections_end_with_their_event_loop(self):
        async def scenario():
            await database.read("SET application_name = 'reads'")
            return await database.read(COUNT)

        assert asyncio.run(scenario()) == [(1,)]
        assert database._pools_by_loop == {}
        assert asyncio.run(database.read(COUNT)) == [(0,)]


def test_rows_by_the_hundred_are_all_there_and_others_have_their_turn_between(monkeypatch):
    looks = []

    async def turn_after_each_look():
        looks.append(1)
        await turn()

    monkeypatch.setattr(database, "turn", turn_after_each_look)
    for count in (0, 1, database.ROWS_AT_A_TIME, 5 * database.ROWS_AT_A_TIME + 1):
        looks.clear()
        rows = asyncio.run(database.read("SELECT n FROM generate_series(1, %s) AS n", [count]))
        assert rows == [(n,) for n in range(1, count + 1)]
        assert len(looks) == max(0, count - 1) // database.ROWS_AT_A_TIME


@pytest.mark.parametrize("query", ["SELECT nothing FROM nowhere", "SELECT 1/0", "nonsense"])
def test_what_a_statement_does_wrong_is_an_error_as_django_raises_it(query):
    with pytest.raises(DatabaseError) as raised:
        asyncio.run(database.read(query))
    assert not isinstance(raised.value, OperationalError), "which says that the database is away"
