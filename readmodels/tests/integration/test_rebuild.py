"""A rebuild beside the live tables: they are read and written meanwhile, and change in one moment or not at all."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import psycopg
import pytest
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from readmodels.models import AccountEvent, AccountSummary, DeadLetter, Order, ProjectionCheckpoint, TradeHistory
from readmodels.projector import locks, projector, writes
from readmodels.projector.projector import NOTHING, project_partition
from readmodels.queries import queries
from readmodels.rebuild import fresh_tables, rebuild
from readmodels.reconcile.reconcile import reconcile
from readmodels.tests.conftest import ADA, BOB, dump, project

pytestmark = pytest.mark.django_db(transaction=True)

EVENTS = 7
"""Of each account that has `lived`."""


@pytest.fixture
def lived(history):
    for account_id in (ADA, BOB):
        history.open(account_id)
        history.buy(account_id)
        history.sell(account_id)
        history.fill(account_id, history.place(account_id))
    project()
    return history


def fetch(query, *parameters):
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return cursor.fetchall()


def is_there(schema):
    return fetch("SELECT count(*) FROM pg_namespace WHERE nspname = %s", schema) == [(1,)]


def definitions():
    """Return what the tables are made of: columns, indexes, keys, comments and rights, by name."""
    return [
        fetch(
            "SELECT relname, attname, atttypid::regtype, attnotnull, col_description(attrelid, attnum) FROM pg_class "
            "JOIN pg_attribute ON attrelid = pg_class.oid WHERE relnamespace = 'public'::regnamespace AND attnum > 0 "
            "AND relkind IN ('r', 'p') ORDER BY relname, attnum"
        ),
        fetch("SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY indexname"),
        fetch(
            "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint "
            "WHERE connamespace = 'public'::regnamespace AND conparentid = 0 ORDER BY 1, 2"
        ),
        fetch(
            "SELECT relname, relkind, relacl::text, obj_description(oid, 'pg_class'), pg_get_partkeydef(oid) "
            "FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') ORDER BY relname"
        ),
        fetch(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'reporting' "
            "ORDER BY 1, 2"
        ),
    ]


@pytest.fixture
def _read_by_everybody():
    """A right that somebody gave on a table; taken back whatever the test comes to."""
    with connection.cursor() as cursor:
        cursor.execute("GRANT SELECT ON account_summary TO PUBLIC")
    yield
    with connection.cursor() as cursor:
        cursor.execute("REVOKE SELECT ON account_summary FROM PUBLIC")


@pytest.fixture
def _years_in_use():
    """Other tests leave tables of years of which these events have none: no rebuild makes them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent IN "
            "(SELECT oid FROM pg_class WHERE relkind = 'p' AND relnamespace = 'public'::regnamespace)"
        )
        for (name,) in cursor.fetchall():
            cursor.execute(f"SELECT count(*) FROM (SELECT FROM {name} LIMIT 1) AS one")
            if cursor.fetchone() == (0,):
                cursor.execute(f"DROP TABLE {name}")


@pytest.mark.usefixtures("lived", "_years_in_use", "_read_by_everybody")
def test_the_new_tables_are_defined_as_the_live_ones_were():
    expected = dump(), definitions(), fetch("SELECT 'orders'::regclass::oid")
    call_command("rebuild_readmodels", "--yes")
    assert (dump(), definitions()) == expected[:2]
    assert fetch("SELECT 'orders'::regclass::oid") != expected[2]  # They are others.
    assert fetch("SELECT count(*) FROM reporting.trades") == [(6,)]
    assert not is_there(fresh_tables.SCHEMA)


def test_what_was_changed_is_named_and_repaired(lived, capsys):
    expected = dump()
    TradeHistory.objects.filter(account_id=ADA, version=3).update(price=1)
    AccountEvent.objects.filter(account_id=BOB, version=7).delete()
    Order.objects.filter(account_id=ADA).update(status="PENDING", version=999)  # No event is newer.
    call_command("rebuild_readmodels", "--yes")
    shown = " ".join(capsys.readouterr().out.split())
    assert f"trades, first difference: account_id {ADA}, version 3: price was 1, is 500000" in shown
    assert f"account_events, first difference: account_id {BOB}, version 7: the row was missing" in shown
    assert "status was 'PENDING', is 'PARTIALLY_FILLED', version was 999, is 7" in shown
    assert dump() == expected
    assert reconcile().differences == []


def test_equal_tables_have_no_differences(lived):
    compared = []
    assert not rebuild.rebuild(on_progress=lambda _: None, may_swap=lambda found: bool(compared.append(found)))
    assert all(each.is_equal and each.live_rows == each.fresh_rows for each in compared[0].tables)
    assert {each.table: each.live_rows for each in compared[0].tables} == {
        "account_summary": 2,
        "stored_positions": 2,
        "orders": 2,
        "stored_days": 2,
        "trades": 6,
        "account_events": 2 * EVENTS - 6,
        "firm_totals": 1,
        "symbol_totals": 1,
        "symbol_days": 1,
        "flow_minutes": 1,
        "dead_letters": 0,
    }
    assert compared[0].elsewhere == []


@pytest.mark.parametrize("answer", ["no", EOFError])
def test_without_consent_nothing_is_changed(lived, monkeypatch, answer):
    TradeHistory.objects.filter(account_id=ADA, version=3).update(price=1)
    before = dump()

    def ask(_):
        if answer == "no":
            return answer
        raise answer

    monkeypatch.setattr("builtins.input", ask)
    with pytest.raises(CommandError, match="nothing was changed"):
        call_command("rebuild_readmodels")
    assert dump() == before
    assert not is_there(fresh_tables.SCHEMA)


def test_one_table_alone_is_put_in_place(lived):
    expected = dump()
    TradeHistory.objects.all().delete()
    AccountEvent.objects.all().delete()
    call_command("rebuild_readmodels", "trades", "--yes")
    assert dump() == {**expected, "activity": [row for row in expected["activity"] if "TradeExecuted" in row]}


def test_one_table_alone_is_not_replaced_while_there_are_dead_letters(lived):
    DeadLetter.objects.create(account_id=ADA, version=99, partition=0, seq=1, event_type="", error="")
    with pytest.raises(CommandError, match="while there are dead letters: rebuild all of them; nothing was changed"):
        call_command("rebuild_readmodels", "trades", "--yes")
    call_command("rebuild_readmodels", "--yes")
    assert not DeadLetter.objects.exists()


def test_tables_that_nobody_projected_into_are_filled_to_the_end(history):
    history.open(ADA)
    call_command("rebuild_readmodels", "--yes")
    assert AccountSummary.objects.get(pk=ADA).version == 2


def test_tables_of_a_longer_event_store_end_where_this_one_does(lived):
    expected = dump(), dict(ProjectionCheckpoint.objects.values_list("partition", "seq"))
    ProjectionCheckpoint.objects.filter(seq__gt=0).update(seq=1_000)
    AccountSummary.objects.update(version=2_000)
    call_command("rebuild_readmodels", "--yes")
    assert (dump(), dict(ProjectionCheckpoint.objects.values_list("partition", "seq"))) == expected


def test_commands_and_queries_go_on_meanwhile(lived, monkeypatch):
    """Between every two steps of the rebuild a trade is done and projected; a thread asks for accounts all the time."""
    answers, ends, failures = [], threading.Event(), []
    monkeypatch.setattr(rebuild, "BATCHES_BEHIND_MAX", 0)
    original = rebuild._project
    traded = []

    def query():
        try:
            while not ends.is_set():
                with transaction.atomic():
                    queries.read_one_snapshot()
                    account = queries.account(account_id=ADA)
                    trades = TradeHistory.objects.filter(account_id=ADA).count()
                assert trades == account["trade_count"], "of two moments"
                answers.append(account["version"])
        except Exception as error:
            failures.append(error)
        finally:
            connection.close()

    def worker(account_id):
        try:
            lived.buy(account_id, shares=1)
            project()
        finally:
            connection.close()

    def trade_and_project(partition, to_seq):
        if len(traded) < 30 and not fetch("SELECT 1 FROM pg_locks WHERE objid = %s", locks.PROJECTING):
            trade()
        return original(partition, to_seq)

    def trade(_question=""):
        traded.append(ADA if len(traded) % 2 else BOB)
        other = threading.Thread(target=worker, args=[traded[-1]])
        other.start()
        other.join()
        return "yes"

    monkeypatch.setattr(rebuild, "_project", trade_and_project)
    monkeypatch.setattr("builtins.input", trade)  # After the comparison, before the swap.
    asking = threading.Thread(target=query)
    asking.start()
    call_command("rebuild_readmodels")
    while len(answers) < 10 and asking.is_alive():
        pass
    ends.set()
    asking.join()
    assert failures == []
    assert answers == sorted(answers)
    assert len(traded) > 4
    assert AccountSummary.objects.get(pk=ADA).version == EVENTS + traded.count(ADA)
    assert AccountSummary.objects.get(pk=BOB).version == EVENTS + traded.count(BOB)
    assert reconcile().differences == []


def test_no_worker_projects_in_a_pause_and_every_one_does_after_it(lived):
    lived.buy(ADA)
    partition = lived.store.partition_of(ADA)
    done = []

    def worker():
        done.append(project_partition(partition))
        connection.close()

    with locks.paused_projections():
        other = threading.Thread(target=worker)
        other.start()
        other.join()
        assert done == [NOTHING]
    assert project_partition(partition).event_count == 1


def test_a_long_query_is_never_cancelled_and_only_puts_off_the_swap(lived, monkeypatch):
    monkeypatch.setattr(rebuild, "SWAPS_MAX", 1)
    before = dump(), fetch("SELECT 'trades'::regclass::oid")
    with psycopg.connect(**connection.get_connection_params() | {"cursor_factory": None}) as reading:
        assert reading.execute("SELECT count(*) FROM reporting.trades").fetchone() == (6,)
        with pytest.raises(CommandError, match="queries kept a table for too long"):
            call_command("rebuild_readmodels", "--yes")
        assert reading.execute("SELECT count(*) FROM reporting.trades").fetchone() == (6,)
    assert (dump(), fetch("SELECT 'trades'::regclass::oid")) == before
    assert not is_there(fresh_tables.SCHEMA)
    assert project_partition(lived.store.partition_of(ADA)) == NOTHING  # Nothing is left to do, and nothing waits.
    call_command("rebuild_readmodels", "--yes")


def test_somebody_elses_view_of_a_table_is_not_dropped(lived):
    with connection.cursor() as cursor:
        cursor.execute("CREATE VIEW own AS SELECT symbol FROM trades")
        try:
            with pytest.raises(CommandError, match="view own depends on table trades"):
                call_command("rebuild_readmodels", "--yes")
            assert fetch("SELECT count(*) FROM own") == [(6,)]
        finally:
            cursor.execute("DROP VIEW own")


def test_events_that_cannot_be_projected_leave_the_live_tables_alone(lived, monkeypatch):
    before = dump()
    monkeypatch.setattr(projector, "write", lambda _: (_ for _ in ()).throw(projector.VersionSkipped("a gap")))
    with pytest.raises(CommandError, match="cannot be projected past batch 0: a gap; nothing was changed"):
        call_command("rebuild_readmodels", "--yes")
    assert dump() == before
    assert not ProjectionCheckpoint.objects.exclude(stopped_because="").exists()


def test_a_poison_event_is_set_aside_in_the_new_tables(lived, monkeypatch, capsys):
    def poisoned(trades):
        if len(trades):
            raise ValueError("poison")

    monkeypatch.setattr(writes, "_copy_trades", poisoned)
    monkeypatch.setattr("builtins.input", lambda _: "no")
    with pytest.raises(CommandError, match="nothing was changed"):
        call_command("rebuild_readmodels")
    assert "10 events are set aside as dead letters" in capsys.readouterr().out
    assert not DeadLetter.objects.exists()


def test_a_killed_rebuild_leaves_the_live_tables_alone_and_the_next_one_starts_anew(lived, tmp_path):
    for _ in range(rebuild.BATCHES_BEHIND_MAX):
        lived.buy(ADA, shares=1)
    project()
    TradeHistory.objects.filter(account_id=ADA).update(price=1)
    before = dump()
    with transaction.atomic():
        locks.wait_to_project()  # The rebuild has folded everything when it comes to wait for this.
        process = subprocess.Popen(
            [sys.executable, "manage.py", "rebuild_readmodels", "--yes"],
            cwd=django_settings.BASE_DIR,
            env=_environment(lived, tmp_path),
            stderr=subprocess.PIPE,
        )
        waiting = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND NOT granted"
        while not (found := fetch(waiting, locks.PROJECTING)):
            assert process.poll() is None, process.stderr.read().decode()
        assert fetch(f"SELECT count(*) FROM {fresh_tables.SCHEMA}.trades") == [(6 + rebuild.BATCHES_BEHIND_MAX,)]
        with pytest.raises(CommandError, match="another rebuild"):
            call_command("rebuild_readmodels", "--yes")
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stderr.close()
    while fetch("SELECT 1 FROM pg_stat_activity WHERE pid = %s", found[0][0]):
        pass
    assert dump() == before
    assert is_there(fresh_tables.SCHEMA)
    call_command("rebuild_readmodels", "--yes")
    assert reconcile().differences == []
    assert not is_there(fresh_tables.SCHEMA)


def _environment(history, folder):
    address = connection.settings_dict
    user = f"{address['USER']}:{address['PASSWORD']}"
    return {
        **os.environ,
        "TRADING_DATA_DIR": str(folder / "data"),
        "DATABASE_URL": f"postgresql://{user}@{address['HOST']}:{address['PORT']}/{address['NAME']}",
        "EVENT_STORE_PATH": str(Path(history.store.engine.path).parent),
        "EVENT_STORE_PARTITIONS": "4",
    }
