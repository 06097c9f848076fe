"""Projections of single events: given events, these rows."""

import json
from datetime import date

import pytest
from msgspec.structs import replace

from accounts.domain import events as e
from accounts.domain.values import SHARE
from eventstore.record import Commit
from readmodels import shapes
from readmodels.projections import activity, trade_history
from readmodels.projections.changes import changes_of
from readmodels.projections.classified import VersionSkipped
from readmodels.projections.rows import day, instant, recorded_events
from readmodels.reconcile.ledger import Ledger
from readmodels.shapes import account_shape

NONE = {}
ACCOUNT = "0b5c1f3e-0000-4000-8000-00000000000a"
OPENED = e.AccountOpened("ada", "Savings", "USD", 1_000, 10_000_000_000, 1_000_000_000)
DEPOSITED = e.CashDeposited(5_000_000, "first", 5_000_000, 5_000_000, 5_000_000)
BOUGHT = e.TradeExecuted(
    "KO", "BUY", 3 * SHARE, 500_000, None, 1_500_000, 0, 3_500_000, 3 * SHARE, 1_500_000, 0, 0, 0, 0, 1_500_000,
    5_000_000, 1, 20_000, 1_500_000, 1, 0,
)  # fmt: skip
SOLD = e.TradeExecuted(
    "KO", "SELL", SHARE, 600_000, "o-1", 600_000, 1_000, 4_099_000, 2 * SHARE, 1_000_000, 99_000, 99_000, 99_000,
    1_000, 1_000_000, 5_299_000, 2, 20_000, 2_100_000, 2, 99_000,
)  # fmt: skip


def commit(first_version, *events, command_id="c"):
    ids = tuple(f"00000000-0000-8000-8000-{first_version + n:012d}" for n in range(len(events)))
    return Commit(ACCOUNT, first_version, 1_728_000_000_000_123, command_id, None, None, "ada", None, events, ids)


def events_of(commits):
    return [recorded for each in commits for recorded in recorded_events(each)]


def changes_after(commits, summaries=NONE, orders=NONE):
    return changes_of(events_of(commits), summaries, orders)


def test_a_history_becomes_last_values():
    changes = changes_after([commit(1, OPENED), commit(2, DEPOSITED), commit(3, e.AccountFrozen("audit"))])
    row = changes.summaries[ACCOUNT]
    assert (row["cash"], row["version"], row["status"], row["deposited"]) == (5_000_000, 3, "FROZEN", 5_000_000)
    assert (row["trade_count"], row["day_date"]) == (0, None)
    assert changes.figures[ACCOUNT] == {"cash": (2, 5_000_000), "portfolio_value": (2, 5_000_000)}


def test_rows_as_they_are_are_not_changed_in_place():
    rows = changes_after([commit(1, OPENED)]).summaries
    before = dict(rows[ACCOUNT])
    changes_after([commit(2, DEPOSITED)], rows)
    assert rows[ACCOUNT] == before


def test_an_account_does_not_begin_with_anything_but_its_opening():
    with pytest.raises(VersionSkipped, match="first event is CashDeposited"):
        changes_after([commit(1, DEPOSITED)])


def activity_of(event):
    (recorded,) = events_of([commit(2, event)])
    return json.loads(activity.row_of(recorded)["data"])


def test_a_refusal_is_shown_with_its_figures_as_decimals():
    refused = e.CommandRefused("ExecuteTrade", "INSUFFICIENT_FUNDS", 1, 20_000, {"price": 5_000, "quantity": 3 * SHARE})
    data = activity_of(refused)
    assert (data["limit"], data["actual"]) == ("0.0001", "2.0000")
    assert data["arguments"] == {"price": "0.5000", "quantity": "3"}


def test_shares_in_a_refusal_are_not_shown_as_money():
    data = activity_of(
        e.CommandRefused("ExecuteTrade", "INSUFFICIENT_POSITION", 3 * SHARE, SHARE // 2, {"quantity": 4 * SHARE})
    )
    assert (data["limit"], data["actual"]) == ("3", "0.5")


def test_shapes_are_decimal_strings_and_exact_instants():
    ledger = Ledger(ACCOUNT)
    charged, sold = e.FeeScheduleChanged(1_000, 0, 0, 0), replace(SOLD, order_id=None)
    commits = [commit(1, OPENED), commit(2, DEPOSITED), commit(3, BOUGHT), commit(4, charged), commit(5, sold)]
    for each in commits:
        ledger.add(each)
    account = account_shape(ledger.summary_row(), role="owner")
    assert (account["cash"], account["positions_value"], account["unrealized_pnl"]) == (
        "409.9000",
        "120.0000",
        "20.0000",
    )
    assert account["limits"]["max_position_percent"] == "10.00"
    schedule = {"per_order": "0.1000", "per_share": "0.0000", "percent": "0.00", "minimum": "0.0000"}
    assert account["fee_schedule"] == schedule
    assert account["updated_at"] == "2024-10-04T00:00:00.000123Z"
    (position,) = [shapes.Position.show(row) for row in ledger.position_rows()]
    assert (position["market_value"], position["unrealized_pnl"]) == ("120.0000", "20.0000")
    trade = shapes.Trade.show(trade_history.row_of(events_of(commits)[4]))
    assert (trade["quantity"], trade["fee"], trade["realized_pnl"]) == ("1", "0.1000", "9.9000")


def test_instants_and_days_are_exact():
    assert instant(1_728_000_000_000_123).isoformat() == "2024-10-04T00:00:00.000123+00:00"
    assert day(20_000) == date(2024, 10, 4)
