"""Reconcile finds every change of every column of every table, rows that are gone, and rows too many."""

import datetime
import io
import uuid

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, models

from accounts.domain import corporate_actions, state
from accounts.domain.commands import (
    ApplySplit,
    CancelOrder,
    ChangeFeeSchedule,
    ChangeSymbol,
    MarkPositions,
    PayDividend,
    PlaceBracket,
    PlaceOco,
    PlaceOrder,
    RejectOrder,
    TrailOrder,
    TriggerOrder,
)
from accounts.domain.fees import fee_of
from accounts.domain.values import SHARE
from accounts.writer import machine
from readmodels.models import (
    AccountEvent,
    AccountSummary,
    Activity,
    DailyPnl,
    FirmTotals,
    Order,
    PortfolioPosition,
    StoredDay,
    StoredPosition,
    Trade,
    TradeHistory,
)
from readmodels.reconcile.consistency_checks import compare_sums
from readmodels.reconcile.reconcile import reconcile
from readmodels.tests.conftest import ADA, BOB, DAY, OF_STORING, STORED, SUMS, project

pytestmark = pytest.mark.django_db(transaction=True)

READ_AS = {AccountEvent: Activity, StoredPosition: PortfolioPosition, StoredDay: DailyPnl, Trade: TradeHistory}
"""The views of stored tables, by which their differences are named."""
SHOWN_AS = {"is_buy": "side", "command_uuid": "command_id", "command_text": "command_id"}
"""Columns of views, by which differences of their tables' columns are named."""
OF_ACCOUNTS = [model for model in STORED if model not in SUMS]
COLUMNS = [
    (model, field.column)
    for model in OF_ACCOUNTS
    for field in model._meta.concrete_fields
    if field.column
    and field not in model._meta.pk_fields
    and field.column not in ("account_id", "version", *OF_STORING)
]
SUM_COLUMNS = [
    (model, field.column)
    for model in SUMS
    for field in model._meta.concrete_fields
    if field.column and field not in model._meta.pk_fields
]


@pytest.fixture
def projected(history):
    for account_id in (ADA, BOB):
        history.open(account_id)
        history.buy(account_id)
        history.sell(account_id)
        filled = history.place(account_id)
        history.fill(account_id, filled)
        history.execute(account_id, RejectOrder(history.replace(account_id, filled, price=490_000), "halted"))
        history.place(account_id, side="SELL", shares=2)
    project()
    return history


def test_sound_tables_have_no_differences_and_every_row_is_counted(projected):
    report = reconcile()
    assert report.differences == []
    assert report.event_count == 22
    assert report.rows == {
        "account_summary": 2,
        "portfolio_positions": 2,
        "orders": 6,
        "daily_pnl": 2,
        "trade_history": 6,
        "activity": 22,
        "firm_totals": 1,
        "symbol_totals": 1,
        "symbol_days": 1,
        "flow_minutes": 1,
    }


def with_fees(history):
    """Charge trades, fills of one order and of one that replaced it, by one schedule and another."""
    history.open(ADA)
    history.execute(ADA, ChangeFeeSchedule(10_000, 35, 5, 20_000))
    history.buy(ADA)
    history.sell(ADA)
    placed = history.place(ADA)
    history.fill(ADA, placed)
    replaced = history.replace(ADA, placed, price=490_000)
    history.execute(ADA, ChangeFeeSchedule(70_000, 0, 25, 10_000))
    history.fill(ADA, replaced, shares=1, price=49)
    project()
    return AccountSummary.objects.get(pk=ADA)


def with_groups(history):
    """Orders of groups at every stage, a trailing stop that was moved, and one that was triggered."""
    history.open(ADA)
    history.buy(ADA)
    ids = {name: history.next_order_id() for name in ("entry", "profit", "loss", "trailing", "first", "second", "part")}
    ids |= {name: history.next_order_id() for name in ("part profit", "waiting", "waiting loss")}

    def bracket(entry, profit, loss, price):
        exits = (profit and ids[profit], profit and 600_000, ids[loss], None, None, None, 250)
        terms = ("KO", "BUY", 3 * SHARE, "LIMIT", "GTD", price, None, 0, history.now + DAY, None, None)
        history.execute(ADA, PlaceBracket(*exits, ids[entry], ids[entry], *terms))

    bracket("entry", "profit", "loss", 500_000)
    history.fill(ADA, ids["entry"], shares=3)
    history.execute(ADA, TrailOrder(ids["loss"], 560_000))
    history.fill(ADA, ids["profit"], side="SELL", shares=1, price=600_000)
    bracket("part", None, "part profit", 510_000)
    history.fill(ADA, ids["part"], shares=2, price=510_000)
    history.execute(ADA, CancelOrder(ids["part"], "enough"))
    bracket("waiting", None, "waiting loss", 400_000)
    trailing = ("KO", "SELL", SHARE, "TRAILING_STOP", "GTC", None, None, 500_000, None, 10_000, None)
    history.execute(
        ADA, PlaceOrder(ids["trailing"], ids["trailing"], *trailing), TriggerOrder(ids["trailing"], 490_000)
    )
    oco = (
        ids["first"],
        400_000,
        ids["second"],
        600_000,
        None,
        None,
        None,
        "oco",
        "KO",
        "BUY",
        2 * SHARE,
        "GTC",
        None,
        0,
    )
    history.execute(ADA, PlaceOco(*oco))
    history.fill(ADA, ids["first"], shares=1, price=400_000)
    history.replace(ADA, ids["first"], price=410_000)
    project()
    return ids


def test_groups_of_orders_have_no_differences(history):
    ids = with_groups(history)
    report = reconcile()
    assert report.differences == []
    orders = {str(order.pk): order for order in Order.objects.all()}
    status = {name: orders[order_id].status for name, order_id in ids.items()}
    assert status == {
        "entry": "FILLED", "profit": "PARTIALLY_FILLED", "loss": "PENDING", "trailing": "PENDING", "first": "REPLACED",
        "second": "PENDING", "part": "CANCELLED", "part profit": "PENDING", "waiting": "PENDING",
        "waiting loss": "HELD",
    }  # fmt: skip
    assert [orders[ids[name]].quantity // SHARE for name in ("profit", "loss", "part profit", "second")] == [3, 2, 2, 1]
    assert all(figure.agrees for figure in compare_sums()), compare_sums()


@pytest.mark.parametrize(
    ("name", "column", "value"),
    [
        ("loss", "stop_price", 1),
        ("loss", "quantity", 1),
        ("trailing", "trigger_price", 1),
        ("second", "oco_group", None),
    ],
)
def test_a_changed_order_of_a_group_is_found(history, name, column, value):
    ids = with_groups(history)
    Order.objects.filter(pk=ids[name]).update(**{column: value})
    (difference,) = reconcile().differences
    assert (difference.table, difference.column) == ("orders", column)


def test_accounts_with_fees_have_no_differences(history):
    account = with_fees(history)
    assert (account.fee_per_order, account.fee_per_share, account.fee_bp, account.fee_minimum) == (
        70_000,
        0,
        25,
        10_000,
    )
    charged = list(TradeHistory.objects.order_by("version").values_list("fee", "total_fees"))
    assert [fee for fee, _ in charged].count(0) < len(charged) == 4
    assert charged[-1][1] == sum(fee for fee, _ in charged) == FirmTotals.objects.get().fees
    assert reconcile().differences == []


def test_a_fee_that_is_not_by_the_schedule_is_found(history, monkeypatch):
    """The ledger reckons fees by itself: an event with another one is not believed."""
    monkeypatch.setattr(machine, "decide_commands", lambda *_, first=0, **__: first)  # The domain decides everything.
    monkeypatch.setattr(state, "fee_of", lambda *given: fee_of(*given) + 1)
    with_fees(history)
    found = {(difference.table, difference.column) for difference in reconcile().differences}
    assert {("account_summary", "cash"), ("portfolio_positions", "cost"), ("firm_totals", "fees")} <= found


def with_actions(history):
    """Let companies do to two holders all that they can, between trades and at the close of sessions."""
    for account_id in (ADA, BOB):
        history.open(account_id)
        history.buy(account_id, shares=7, price=500_000)
        history.buy(account_id, symbol="XOM", shares=5, price=900_000)
        history.execute(
            account_id,
            MarkPositions(20_000, history.now, {"KO": 510_000, "XOM": 880_000}),
            ApplySplit("a", "KO", 3, 2, SHARE, 333_333),
            PayDividend("b", "KO", 24_287_500),
        )
        history.sell(account_id, shares=2, price=350_000)
        history.execute(account_id, ChangeSymbol("c", "KO", "COKE"), ApplySplit("d", "XOM", 1, 9, SHARE, 8_000_000))
        history.buy(account_id, symbol="COKE", shares=1, price=340_000)
        history.execute(account_id, MarkPositions(20_001, history.now, {"COKE": 345_000}))
    project()


def test_accounts_with_corporate_actions_have_no_differences(history):
    with_actions(history)
    assert reconcile().differences == []
    call_command("reconcile", "--sums", stdout=io.StringIO())
    account, firm = AccountSummary.objects.get(pk=ADA), FirmTotals.objects.get()
    assert (account.dividends, firm.dividends) == (24_288, 2 * 24_288)  # 10 shares at 0.242875, half to even.
    assert firm.fractions == 2 * (166_666 + 4_444_444)  # Half a share of KO, and all of XOM.
    held = {row.symbol: row for row in PortfolioPosition.objects.filter(account_id=ADA)}
    assert {symbol: row.quantity for symbol, row in held.items()} == {"KO": 0, "XOM": 0, "COKE": 9 * SHARE}
    assert (held["COKE"].last_price, held["COKE"].market_value) == (345_000, 9 * 345_000)
    assert (account.portfolio_value, account.marked_session) == (account.cash + 9 * 345_000, datetime.date(2024, 10, 5))
    (day,) = DailyPnl.objects.filter(account_id=ADA)
    assert (day.trades, day.dividends) == (4, 24_288)
    assert day.realized_pnl == account.realized_pnl == sum(row.realized_pnl for row in held.values())


@pytest.mark.parametrize(
    ("name", "wrong", "column"),
    [
        ("round_half_even", lambda a, b, c: a * b // c + 1, "cash"),
        ("_cost_of_fraction", lambda *_: 0, "realized_pnl"),
    ],
)
def test_an_action_that_is_not_what_it_says_is_found(history, monkeypatch, name, wrong, column):
    """The ledger reckons actions by itself: an event with other figures is not believed."""
    monkeypatch.setattr(corporate_actions, name, wrong)
    with_actions(history)
    assert ("account_summary", column) in {(found.table, found.column) for found in reconcile().differences}


def changed(model, column, value):
    field = next(field for field in model._meta.concrete_fields if field.column == column)
    match field:
        case models.BooleanField():
            return not value
        case models.UUIDField() if value is None:
            return str(uuid.UUID(int=1))
        case models.DateField() if value is None and not isinstance(field, models.DateTimeField):
            return datetime.date(2026, 1, 1)
        case models.DateTimeField() if value is None:
            return datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
        case models.UUIDField():
            return str(uuid.UUID(int=uuid.UUID(str(value)).int ^ 1))
        case models.IntegerField() | models.DecimalField():
            return (value or 0) + 1
        case models.DateTimeField():
            return value + datetime.timedelta(microseconds=1)
        case models.DateField():
            return value + datetime.timedelta(days=1)
        case models.JSONField():
            return '{"altered": true}'
        case _:
            return "x" if value is None else ("y" + value)[: field.max_length]


@pytest.mark.parametrize(("model", "column"), COLUMNS, ids=lambda value: getattr(value, "__name__", value))
def test_a_changed_value_is_found_and_named(projected, model, column):
    table = READ_AS.get(model, model)._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {column}, version FROM {model._meta.db_table} WHERE account_id = %s ORDER BY version DESC", [ADA]
        )
        value, version = cursor.fetchone()
        cursor.execute(
            f"UPDATE {model._meta.db_table} SET {column} = %s WHERE account_id = %s AND version = %s",
            [changed(model, column, value), ADA, version],
        )
        assert cursor.rowcount == 1
    differences = reconcile().differences
    assert (table, SHOWN_AS.get(column, column)) in {
        (difference.table, difference.column) for difference in differences
    }
    assert all(ADA in difference.key for difference in differences)


@pytest.mark.parametrize(
    ("column", "value"),
    [("positions_version", 99), ("behind_since", datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC))],
)
def test_stored_rows_that_say_to_be_ahead_or_behind_and_are_not_are_found(projected, column, value):
    AccountSummary.objects.filter(pk=ADA).update(**{column: value})
    (difference,) = reconcile().differences
    assert (difference.key, difference.column, difference.found) == (ADA, column, value)


@pytest.mark.parametrize(("model", "column"), SUM_COLUMNS, ids=lambda value: getattr(value, "__name__", value))
def test_a_changed_sum_is_found_and_named(projected, model, column):
    row = model.objects.get()
    value = changed(model, column, getattr(row, column))
    model.objects.filter(pk=row.pk).update(**{column: value})
    (difference,) = reconcile().differences
    assert (difference.table, difference.column, difference.found) == (model._meta.db_table, column, value)
    assert difference.key.startswith("USD")


@pytest.mark.parametrize("model", SUMS, ids=lambda model: model.__name__)
def test_a_sum_that_is_gone_or_too_many_is_found(projected, model):
    row = model.objects.get()
    names = {field.name: getattr(row, field.name) for field in model._meta.concrete_fields if field.column}
    model.objects.create(**{**names, "currency": "EUR"})
    model.objects.filter(pk=row.pk).delete()
    found = {(difference.table, difference.found) for difference in reconcile().differences}
    assert found == {(model._meta.db_table, "missing"), (model._meta.db_table, "present")}


@pytest.mark.parametrize("column", ["status", "filled_quantity", "avg_fill_price", "ended_at", "replaced_by"])
def test_a_changed_value_of_an_order_that_has_ended_is_found_as_well(projected, column):
    order = Order.objects.get(account_id=ADA, status="REPLACED")
    Order.objects.filter(pk=order.pk).update(**{column: changed(Order, column, getattr(order, column))})
    (difference,) = reconcile().differences
    assert (difference.table, difference.key, difference.column) == ("orders", f"{ADA} {order.pk}", column)


@pytest.mark.parametrize("model", OF_ACCOUNTS, ids=lambda model: model.__name__)
def test_a_row_that_is_gone_is_found(projected, model):
    model.objects.filter(account_id=BOB).delete()
    found = {(difference.table, difference.found) for difference in reconcile().differences}
    assert (READ_AS.get(model, model)._meta.db_table, "missing") in found


@pytest.mark.parametrize("model", [Trade, AccountEvent], ids=lambda model: model.__name__)
def test_a_row_without_an_event_is_found(projected, model):
    row = model.objects.filter(account_id=ADA).values().last()
    columns = [field.name for field in model._meta.concrete_fields if field.column]
    model.objects.create(**{**{name: row[name] for name in columns}, "version": 999})
    assert READ_AS[model]._meta.db_table in {difference.table for difference in reconcile().differences}


def test_the_command_exits_with_an_error_and_names_the_difference(projected):
    output = io.StringIO()
    call_command("reconcile", stdout=output)
    assert "the read models equal the 22 events" in output.getvalue()
    TradeHistory.objects.filter(account_id=ADA, version=3).update(price=1)
    with pytest.raises(CommandError, match="2 differences"):
        call_command("reconcile", stdout=output)
    assert f"trade_history {ADA} 3: price should be 500000, found 1" in output.getvalue()


class TestSums:
    def test_sound_tables_agree(self, firm):
        output = io.StringIO()
        call_command("reconcile", "--sums", stdout=output)
        assert "sums agree" in output.getvalue()

    @pytest.mark.parametrize(
        ("statement", "what"),
        [
            ("DELETE FROM trade_history WHERE version = 3", "events"),
            ("UPDATE account_summary SET trade_count = trade_count + 1", "trades"),
            ("UPDATE stored_days SET realized_pnl = realized_pnl + 1", "realized P&L"),
            ("UPDATE stored_positions SET quantity = quantity + 1 WHERE quantity = 0", "shares held"),
            ("UPDATE symbol_totals SET holders = holders + 1", "positions"),
            ("UPDATE flow_minutes SET sold_value = sold_value + 1", "value traded"),
            ("UPDATE symbol_days SET dividends = dividends + 1", "dividends"),
            ("UPDATE symbol_totals SET actions_quantity = actions_quantity + 1", "shares held"),
            ("UPDATE firm_totals SET deposited = deposited - 1", "cash"),
            ("UPDATE account_summary SET open_orders = 1", "orders that work"),
            ("UPDATE account_summary SET reserved_cash = 1", "cash that buys keep"),
        ],
    )
    def test_the_first_sum_that_differs_is_named(self, firm, statement, what):
        with connection.cursor() as cursor:
            cursor.execute(statement)
        output = io.StringIO()
        with pytest.raises(CommandError, match=f"the first is {what}:"):
            call_command("reconcile", "--sums", "--quiet", stdout=output)
        assert f"{what}: " in output.getvalue()

    def test_working_orders_are_summed_up(self, projected):
        call_command("reconcile", "--sums", stdout=io.StringIO())


def test_tables_of_another_or_a_shorter_store_are_refused(projected):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE projection_checkpoints SET seq = seq + 5")
    with pytest.raises(CommandError, match="another event store"):
        call_command("reconcile")
