"""Partitions by year: no row is refused, every page stays a look-up in indexes, and a migration keeps what there is."""

import asyncio
import threading
import uuid
from datetime import UTC, datetime

import pytest
from django.db import IntegrityError, connection, transaction

from edge import database
from readmodels.models import DeadLetter, Trade, TradeHistory
from readmodels.projector.tables import numbers_of
from readmodels.projector.year_partitions import TABLES, ensure_years
from readmodels.queries import account_queries, listings, snapshots
from readmodels.reconcile.reconcile import reconcile
from readmodels.tests.conftest import ADA, BOB, DAY, project

pytestmark = pytest.mark.django_db(transaction=True)

PARTITIONS = (
    "SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid WHERE inhparent = %s::regclass "
    "ORDER BY relname"
)


def fetch(query, *parameters):
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return cursor.fetchall()


@pytest.fixture(autouse=True)
def without_partitions(transactional_db):
    drop_partitions()
    yield
    drop_partitions()


def drop_partitions():
    with connection.cursor() as cursor:
        for table in TABLES:
            for (name,) in fetch(PARTITIONS, table):
                cursor.execute(f"DROP TABLE {name}")


@pytest.fixture
def three_years(history):
    """A trade of each account in 2024, 2025 and 2026; the history begins on 2024-10-04."""
    for account_id in (ADA, BOB):
        history.open(account_id)
    for _ in range(3):
        for account_id in (ADA, BOB):
            history.buy(account_id)
        history.now += 365 * DAY
    return history


@pytest.mark.usefixtures("three_years")
def test_the_projector_makes_the_years_that_it_meets():
    project()
    assert not DeadLetter.objects.exists()
    for table in TABLES:
        assert [name for (name,) in fetch(PARTITIONS, table)] == [f"{table}_{year}" for year in (2024, 2025, 2026)]
    assert fetch("SELECT count(*) FROM trades_2025") == [(2,)]
    assert reconcile().differences == []


def test_the_first_and_the_last_microsecond_of_a_year_are_in_it(history):
    first = datetime(2025, 1, 1, tzinfo=UTC)
    history.now = int(first.timestamp()) * 1_000_000 - 1_000_001  # The clock moves on by a second before each command.
    history.open(ADA)
    project()
    assert fetch("SELECT version, recorded_at FROM account_events_2025 ORDER BY version")[0][0] == 2
    assert fetch("SELECT version FROM account_events_2024") == [(1,)]


def test_two_workers_may_meet_the_same_new_year():
    failures, both = [], threading.Barrier(2)

    def make():
        try:
            with transaction.atomic():
                both.wait(10)
                ensure_years([2031, 2030])
        except Exception as error:
            failures.append(error)
        finally:
            connection.close()

    workers = [threading.Thread(target=make) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert failures == []
    assert [name for (name,) in fetch(PARTITIONS, "account_events")] == ["account_events_2030", "account_events_2031"]


def test_a_year_is_made_while_others_are_read(three_years):
    project()
    with transaction.atomic():
        TradeHistory.objects.count()  # Its lock is held to the end of the transaction.
        made = threading.Thread(target=lambda: (ensure_in_transaction(2040), connection.close()))
        made.start()
        made.join(10)
        assert not made.is_alive()
    assert fetch("SELECT 1 FROM pg_class WHERE relname = 'account_events_2040'") == [(1,)]


def ensure_in_transaction(year):
    with transaction.atomic():
        ensure_years([year])


def test_an_event_is_still_refused_twice(three_years):
    project()
    (row,) = Trade.objects.filter(account_id=ADA, version=3)
    columns = [field.column for field in Trade._meta.concrete_fields if field.column]
    with pytest.raises(IntegrityError, match="duplicate key"):
        Trade.objects.create(**{name: getattr(row, name) for name in columns})


def fill(years, per_year):
    with transaction.atomic():
        ensure_years(years)
        numbers = numbers_of(["KO", "ada"])
    with connection.cursor() as cursor:
        for year in years:
            cursor.execute(
                "INSERT INTO trades (account_id, version, trade_id, symbol, is_buy, quantity, price, value, "
                "fee, realized_pnl, cash_after, order_id, command_text, executed_at, actor, position_quantity, "
                "position_cost, position_realized_pnl, total_realized_pnl, total_fees, positions_cost, "
                "portfolio_value, trade_count, day, day_volume, day_trades, day_realized_pnl) "
                "SELECT md5((n %% 50)::text)::uuid, %s * 10000 + n, gen_random_uuid(), %s, true, 1, 1, 1, 0, 0, 1, "
                "NULL, 'c', make_timestamptz(%s, 1, 1, 0, 0, 0, 'UTC') + n * interval '1 minute', %s, 1, 1, 0, 0, "
                "0, 1, 1, 1, '2026-01-01', 1, 1, 0 FROM generate_series(1, %s) AS n",
                [year, numbers["KO"], year, numbers["ada"], per_year],
            )
        cursor.execute("ANALYZE trades, names")


def nodes(plan):
    yield plan
    for inner in plan.get("Plans", []):
        yield from nodes(inner)


def is_of_a_name(node):
    return node.get("Relation Name") == "names"


ACCOUNT = str(uuid.UUID("c4ca4238a0b923820dcc509a6f75849b"))  # md5 of 1.


def explained(statement, values):
    """Return the nodes of the plan of a statement that were executed."""
    (((plan,),),) = asyncio.run(database.read(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", values))
    return [node for node in nodes(plan["Plan"]) if node["Actual Loops"]]


def assert_reads_latest_trades(found, limit, years):
    trades = [node for node in found if node.get("Relation Name", "").startswith("trades")]
    assert {node["Node Type"] for node in trades} == {"Index Scan"}
    assert len(trades) == len(years)
    assert sum(node["Actual Rows"] for node in trades) < limit + 2 * len(years)
    # The symbol's and the actor's, of what is shown.
    assert [node["Actual Loops"] for node in found if is_of_a_name(node)] == [limit, limit]


@pytest.mark.parametrize("beyond", [listings.VERSION_ABOVE_ALL, 20_260_000])
def test_a_page_of_trades_looks_up_each_years_index_and_sorts_no_history(beyond):
    years = range(2020, 2028)
    fill(years, 5_000)
    query, values = listings.page_of(listing=listings.TRADES, beyond=beyond, limit=51)
    rows = asyncio.run(account_queries.find(query, user_id=0, account_id=uuid.UUID(ACCOUNT), values=values)).rows
    assert len(rows) == 51
    assert rows == sorted(rows, key=lambda row: -row["version"])
    assert_reads_latest_trades(explained(query.statement, [0, ACCOUNT, ACCOUNT, *values]), 51, years)


def test_so_does_a_snapshot_for_a_socket():
    years = range(2020, 2028)
    fill(years, 5_000)
    asked = [ACCOUNT] * len(snapshots._COLUMNS)
    assert_reads_latest_trades(explained(snapshots._SNAPSHOT, asked), snapshots.TRADES_MAX, years)


def test_a_page_of_events_looks_up_both_tables_and_sorts_no_history():
    fill(range(2025, 2028), 5_000)
    query, values = listings.page_of(listing=listings.EVENTS, beyond=listings.VERSION_ABOVE_ALL, limit=51)
    page = asyncio.run(account_queries.find(query, user_id=0, account_id=uuid.UUID(ACCOUNT), values=values)).rows
    plan = explained(query.statement, [0, ACCOUNT, ACCOUNT, *values])
    found = [node for node in plan if node.get("Relation Name", "").startswith(("trade", "account_e"))]
    assert len(page) == 51
    assert page[0]["data"]["price"] == "0.0001"
    assert {node["Node Type"] for node in found} == {"Index Scan"}
    assert sum(node["Actual Rows"] for node in found) < 51 + 2 * len(found)
