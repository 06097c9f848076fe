"""The projector on a real PostgreSQL: idempotent, ordered, whole or not at all, and it never skips."""

import contextlib
import threading
import uuid
from fractions import Fraction
from unittest.mock import patch

import msgspec
import numpy as np
import pytest
from django.core.management import call_command
from django.db import OperationalError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from accounts.domain.commands import CancelOrder, ExecuteTrade, FreezeAccount, UnfreezeAccount, WithdrawCash
from accounts.domain.values import SHARE
from accounts.kernels.state import VERSION
from eventstore.kernels.texts import pack_texts
from eventstore.tests.sqlite_file import unprotected
from eventstore.writer.request import Committed, Request
from readmodels.models import (
    AccountSummary,
    Activity,
    DeadLetter,
    Name,
    Order,
    PortfolioPosition,
    ProjectionCheckpoint,
    Trade,
    TradeHistory,
)
from readmodels.projector import locks, projector, tables, writes
from readmodels.projector.projector import NOTHING, project_partition, retry_account
from readmodels.reconcile.reconcile import reconcile
from readmodels.tests.conftest import ADA, BOB, DAY, dump, forget_everything, millionths, project

EVENTS = 20
"""Of each account that has `lived`: its version in the end."""

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def lived(history):
    """Two accounts with events of most kinds, orders in every place among them, over two days."""
    for account_id in (ADA, BOB):
        history.open(account_id)
        history.buy(account_id)
        history.buy(account_id, symbol="XOM", shares=3, price=333_333)
        history.sell(account_id)
        history.sell(account_id, shares=999)  # Refused.
        history.execute(account_id, WithdrawCash(10_000, "rent"), FreezeAccount("audit"), UnfreezeAccount("clean"))
        history.now += DAY
        history.buy(account_id, price=510_000)
        replaced = history.place(account_id)
        history.fill(account_id, replaced)
        cancelled = history.replace(account_id, replaced, shares=20)
        sold = history.place(account_id, side="SELL", shares=3)
        history.fill(account_id, sold, side="SELL", shares=3)
        history.place(account_id, side="SELL", shares=2)
        history.execute(account_id, CancelOrder(cancelled, "enough"))
    return history


def test_a_history_is_in_the_tables(lived):
    project()
    account = AccountSummary.objects.get(pk=ADA)
    assert (account.version, account.trade_count, account.status) == (EVENTS, 6, "ACTIVE")
    assert TradeHistory.objects.count() == 12
    assert Activity.objects.filter(account_id=ADA).count() == EVENTS
    assert (account.open_orders, account.reserved_cash) == (1, 0)
    assert PortfolioPosition.objects.get(account_id=ADA, symbol="KO").reserved_quantity == 2 * SHARE
    statuses = Order.objects.filter(account_id=ADA).order_by("placed_version").values_list("status", flat=True)
    assert list(statuses) == ["REPLACED", "CANCELLED", "FILLED", "PENDING"]
    assert reconcile().differences == []


def test_a_second_delivery_changes_nothing(lived):
    project()
    expected = dump()
    ProjectionCheckpoint.objects.update(seq=0)
    project()
    assert dump() == expected


def test_without_the_rows_version_a_second_delivery_does_not_go_unnoticed(lived, monkeypatch):
    """Plant the bug: the projector forgets which events the rows stand on. The tables' keys refuse the doubles."""
    project()
    original = writes.current_versions
    monkeypatch.setattr(
        writes, "current_versions", lambda keys: original(keys)._replace(versions=np.zeros(len(keys), np.int64))
    )
    monkeypatch.setattr(tables, "read_rows", lambda **_: [])
    ProjectionCheckpoint.objects.update(seq=0)
    project()
    assert all("Error" in letter.error for letter in DeadLetter.objects.all() if letter.version == 1)
    assert TradeHistory.objects.count() == 12


@pytest.mark.parametrize("number", range(1, 5))
def test_a_crash_at_any_statement_leaves_nothing_half_done(lived, monkeypatch, number):
    project()
    expected = dump()
    forget_everything()
    calls = iter(range(1, 1_000))
    crashed = []

    def crashing(original):
        def write(**arguments):
            if next(calls) == number:
                crashed.append(True)
                raise KeyboardInterrupt
            return original(**arguments)

        return write

    with monkeypatch.context() as patched:
        patched.setattr(tables, "copy_binary", crashing(tables.copy_binary))
        patched.setattr(tables, "upsert_rows", crashing(tables.upsert_rows))
        partition = lived.store.partition_of(ADA)
        with pytest.raises(KeyboardInterrupt):
            project_partition(partition)
    assert crashed == [True]
    assert all(rows == [] for rows in dump().values())
    project()
    assert dump() == expected


def test_a_partition_that_another_worker_is_at_is_left_to_it(lived):
    partition = lived.store.partition_of(ADA)
    ProjectionCheckpoint.objects.create(partition=partition, seq=0)
    held, go_on = threading.Event(), threading.Event()

    def other_worker():
        with transaction.atomic():
            ProjectionCheckpoint.objects.select_for_update().get(partition=partition)
            held.set()
            go_on.wait(10)
        connection.close()

    worker = threading.Thread(target=other_worker)
    worker.start()
    held.wait(10)
    assert project_partition(partition) == NOTHING
    go_on.set()
    worker.join()
    assert project_partition(partition).event_count == EVENTS


def damage(history, statement, *parameters):
    with unprotected(history.store.engine.path) as file:
        file.execute(statement, parameters)
        assert file.changes() == 1


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("DELETE FROM journal WHERE partition = ? AND seq = 4", "seq 4 is missing"),
        ("UPDATE journal SET payload = x'00' WHERE partition = ? AND seq = 4", "is not what was written"),
    ],
)
def test_a_hole_or_an_altered_batch_stops_its_partition_and_no_other(lived, statement, reason):
    broken = lived.store.partition_of(ADA)
    assert lived.store.partition_of(BOB) != broken
    damage(lived, statement, broken)
    for _ in range(3):
        for partition in range(4):
            project_partition(partition)
    assert reason in ProjectionCheckpoint.objects.get(partition=broken).stopped_because
    assert not Activity.objects.filter(account_id=ADA).exists()
    assert AccountSummary.objects.get(pk=BOB).version == EVENTS


def test_a_partition_that_cannot_even_be_read_keeps_no_other_from_being_projected(lived, monkeypatch):
    broken = lived.store.partition_of(ADA)
    assert broken < lived.store.partition_of(BOB), "the other one comes after it"
    original = type(lived.store).read_column_batches

    def read(store, *, partition, **given):
        if partition == broken:
            raise ValueError("what nobody thought of")
        return original(store, partition=partition, **given)

    monkeypatch.setattr(type(lived.store), "read_column_batches", read)
    with capture_logs() as logs:
        for _ in range(3):
            project()
    assert AccountSummary.objects.get(pk=BOB).version == EVENTS
    assert not AccountSummary.objects.filter(pk=ADA).exists()
    stopped = ProjectionCheckpoint.objects.get(partition=broken).stopped_because
    assert stopped == "ValueError: what nobody thought of"
    assert sum(each["event"] == "projection stopped" for each in logs) == 1, "it is said once"
    monkeypatch.undo()
    project()
    assert AccountSummary.objects.get(pk=ADA).version == EVENTS


def test_an_account_whose_versions_have_a_gap_stops_its_partition_and_no_other(lived):
    partition = lived.store.partition_of(ADA)
    held = lived.writer._partitions[partition]
    number = held._names.find(pack_texts([ADA]))[0]
    held.machine._state.accounts[number, VERSION] += 1  # Plant the bug in the writer.
    lived.buy(ADA)
    project()
    checkpoint = ProjectionCheckpoint.objects.get(partition=partition)
    assert f"version {EVENTS + 1} should follow, found {EVENTS + 2}" in checkpoint.stopped_because
    assert AccountSummary.objects.get(pk=BOB).version == EVENTS
    assert not DeadLetter.objects.exists()


def poisoned(original):
    """Make Ada's trades in XOM poison."""
    ada = np.frombuffer(uuid.UUID(ADA).bytes, np.uint8)

    def copy(trades):
        symbols = trades.distinct("symbol", msgspec.msgpack.decode)
        if any(
            symbols.values[number] == "XOM" and (key == ada).all()
            for number, key in zip(symbols.numbers.tolist(), trades.keys, strict=True)
        ):
            raise ValueError("poison")
        original(trades)

    return copy


def test_a_poison_event_holds_its_account_in_order_and_no_other(lived, monkeypatch):
    lived.open("0b5c1f3e-0000-4000-8000-00000000000c")
    with monkeypatch.context() as patched:
        patched.setattr(writes, "_copy_trades", poisoned(writes._copy_trades))
        project()
    assert AccountSummary.objects.get(pk=ADA).version == 3
    assert AccountSummary.objects.get(pk=BOB).version == EVENTS
    letters = list(DeadLetter.objects.filter(account_id=ADA).order_by("version"))
    assert [letter.version for letter in letters] == list(range(4, EVENTS + 1))
    assert [bool(letter.error) for letter in letters] == [True] + [False] * (EVENTS - 4)
    assert "poison" in letters[0].error
    assert reconcile().differences == []  # Sums over all accounts are those of what was projected.
    lived.buy(ADA)
    project()
    assert DeadLetter.objects.filter(account_id=ADA).count() == EVENTS - 2
    retry_account(ADA)
    assert not DeadLetter.objects.exists()
    assert AccountSummary.objects.get(pk=ADA).version == EVENTS + 1
    assert reconcile().differences == []


def test_a_retry_that_fails_again_changes_nothing(lived, monkeypatch):
    monkeypatch.setattr(writes, "_copy_trades", poisoned(writes._copy_trades))
    project()
    before = dump(), DeadLetter.objects.count()
    with pytest.raises(ValueError, match="poison"):
        retry_account(ADA)
    assert (dump(), DeadLetter.objects.count()) == before


def test_the_databases_own_trouble_makes_no_dead_letter(lived, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(tables, "add_sums", lambda _: (_ for _ in ()).throw(OperationalError("deadlock detected")))
        project()
    assert not DeadLetter.objects.exists()
    assert not AccountSummary.objects.exists()
    stopped = ProjectionCheckpoint.objects.get(partition=lived.store.partition_of(ADA))
    assert (stopped.seq, stopped.stopped_because) == (0, "OperationalError: deadlock detected")
    project()
    assert AccountSummary.objects.get(pk=ADA).version == EVENTS
    assert not ProjectionCheckpoint.objects.exclude(stopped_because="").exists()


def test_workers_add_to_sums_one_at_a_time(lived):
    held, go_on = threading.Event(), threading.Event()

    def other_worker():
        with transaction.atomic():
            locks.wait_to_add_sums()
            held.set()
            go_on.wait(10)
        connection.close()

    worker = threading.Thread(target=other_worker)
    worker.start()
    held.wait(10)
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = 100")
    project()
    assert not AccountSummary.objects.exists()
    go_on.set()
    worker.join()
    project()
    assert AccountSummary.objects.get(pk=ADA).version == EVENTS
    with connection.cursor() as cursor:
        cursor.execute("RESET lock_timeout")


def test_a_rebuild_gives_the_same_rows(lived):
    project()
    expected = dump()
    TradeHistory.objects.filter(account_id=ADA).delete()
    Order.objects.filter(account_id=ADA).update(status="PENDING", version=999)  # No event is newer: it must be emptied.
    call_command("rebuild_readmodels", "--yes")
    assert dump() == expected


def test_ids_of_commands_are_shown_as_they_were_sent(history):
    own = str(uuid.uuid4())
    ids = [own, own.upper(), own.replace("-", ""), "x" * 64, "c-\u00e4"]
    history.open(ADA)
    for number, command_id in enumerate(ids):
        actor = f"actor {number % 2}"
        trade = ExecuteTrade("KO", "BUY", millionths(1), 10_000, None)
        history.now += 1_000_000
        (outcome,) = history.writer.execute([Request(ADA, command_id, actor, trade)])
        assert isinstance(outcome, Committed)
    project()
    rows = TradeHistory.objects.order_by("version").values_list("command_id", "actor", "symbol", "side")
    assert list(rows) == [(each, f"actor {number % 2}", "KO", "BUY") for number, each in enumerate(ids)]
    assert [str(each) for each in Trade.objects.exclude(command_uuid=None).values_list("command_uuid", flat=True)] == [
        own
    ]
    assert sorted(Name.objects.values_list("name", flat=True)) == ["KO", "actor 0", "actor 1"]
    assert reconcile().differences == []


def test_a_round_that_fails_takes_back_the_numbers_that_it_gave(history):
    history.open(ADA)
    project()
    history.buy(ADA, symbol="XOM")
    with (
        patch.object(writes, "_move_accounts", side_effect=OperationalError("gone")),
        contextlib.suppress(OperationalError),
    ):
        project()
    assert not Name.objects.filter(name="XOM").exists()
    other = Name.objects.create(name="AAPL")
    project()
    assert TradeHistory.objects.get().symbol == "XOM"
    assert Trade.objects.get().symbol != other.pk


KINDS = ["buy", "sell", "refused", "day", "place buy", "place sell", "fill", "replace", "cancel"]
STEPS = st.lists(st.tuples(st.sampled_from([ADA, BOB]), st.sampled_from(KINDS)), min_size=1, max_size=14)
DELIVERIES = st.lists(st.tuples(st.integers(0, 3), st.integers(1, 3), st.integers(0, 6), st.booleans()), max_size=10)


def do_with_an_order(history, account_id, kind):
    orders = history.writer.state(account_id)[0].orders
    if kind.startswith("place"):
        history.place(account_id, side=kind.removeprefix("place ").upper(), shares=3)
    elif orders:
        order_id, order = next(iter(orders.items()))
        if kind == "fill":
            history.fill(
                account_id, order_id, side=order.side, shares=min(Fraction(7, 3), Fraction(order.remaining, SHARE))
            )
        elif kind == "replace":
            history.replace(account_id, order_id, shares=Fraction(order.quantity, SHARE) + 1)
        else:
            history.execute(account_id, CancelOrder(order_id, ""))


@given(steps=STEPS, deliveries=DELIVERIES)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_delivery_gives_the_rows_of_one_clean_pass(history, monkeypatch, steps, deliveries):
    """Slices of random size, partitions in any order, checkpoints moved back, crashes at any statement."""
    forget_everything()
    for account_id in (ADA, BOB):
        if history.writer.state(account_id)[1] == 0:
            history.open(account_id)
    for account_id, kind in steps:
        if kind == "day":
            history.now += DAY
        elif kind == "buy":
            history.buy(account_id)
        elif kind in ("sell", "refused"):
            history.sell(account_id, shares=Fraction(1, 3) if kind == "sell" else 10**6)
        else:
            do_with_an_order(history, account_id, kind)
    project()
    expected = dump()
    assert reconcile().differences == []
    forget_everything()
    for partition, size, crash_at, is_moved_back in deliveries:
        with monkeypatch.context() as patched:
            patched.setattr(projector, "EVENTS_AT_ONCE_MAX", size)
            patched.setattr(projector, "BATCHES_AT_ONCE_MAX", size)
            calls = iter(range(1, 1_000))

            def copy(*, original=tables.copy_binary, calls=calls, crash_at=crash_at, **arguments):
                if next(calls) == crash_at:
                    raise KeyboardInterrupt
                original(**arguments)

            patched.setattr(tables, "copy_binary", copy)
            with contextlib.suppress(KeyboardInterrupt):
                project_partition(partition)
        if is_moved_back:
            ProjectionCheckpoint.objects.filter(partition=partition).update(seq=0)
    project()
    assert dump() == expected
