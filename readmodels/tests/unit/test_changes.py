"""Projections: given events, these rows; what was applied is not applied again, what is missing is an error."""

import json
from datetime import date

import pytest

from accounts.domain import events as e
from accounts.domain.values import SHARE
from eventstore.record import Commit
from readmodels.projections.changes import VersionSkipped, changes_of
from readmodels.projections.rows import day, instant
from readmodels.shapes import account_shape, position_shape, trade_shape

ACCOUNT = "0b5c1f3e-0000-4000-8000-00000000000a"
OPENED = e.AccountOpened("ada", "Savings", "USD", 1_000, 10_000_000_000, 1_000_000_000)
DEPOSITED = e.CashDeposited(5_000_000, "first", 5_000_000, 5_000_000, 5_000_000)
BOUGHT = e.TradeExecuted(
    "KO", "BUY", 3 * SHARE, 500_000, None, 1_500_000, 0, 3_500_000, 3 * SHARE, 1_500_000, 0, 0, 0, 1_500_000, 5_000_000,
    1, 20_000, 1_500_000, 1, 0,
)  # fmt: skip
SOLD = e.TradeExecuted(
    "KO", "SELL", SHARE, 600_000, "o-1", 600_000, 1_000, 4_099_000, 2 * SHARE, 1_000_000, 99_000, 99_000, 99_000,
    1_000_000, 5_299_000, 2, 20_000, 2_100_000, 2, 99_000,
)  # fmt: skip


def commit(first_version, *events, command_id="c"):
    ids = tuple(f"00000000-0000-8000-8000-{first_version + n:012d}" for n in range(len(events)))
    return Commit(ACCOUNT, first_version, 1_728_000_000_000_123, command_id, None, None, "ada", None, events, ids)


def test_a_history_becomes_last_values_and_one_row_per_event():
    changes = changes_of([commit(1, OPENED), commit(2, DEPOSITED), commit(3, BOUGHT), commit(4, SOLD)], {})
    row = changes.summaries[ACCOUNT]
    assert (row["cash"], row["version"], row["trade_count"], row["realized_pnl"]) == (4_099_000, 4, 2, 99_000)
    assert (row["day_date"], row["day_volume"]) == (day(20_000), 2_100_000)
    (position,) = changes.positions.values()
    assert (position["quantity"], position["avg_cost"], position["version"]) == (2 * SHARE, 500_000, 4)
    assert [trade["value"] for trade in changes.trades] == [1_500_000, 600_000]
    assert [activity["version"] for activity in changes.activities] == [1, 2]
    assert [trade["version"] for trade in changes.trades] == [3, 4]
    assert len(changes.days) == 1
    assert changes.from_versions == {ACCOUNT: 0}


def test_events_that_were_applied_are_left_out():
    first = changes_of([commit(1, OPENED), commit(2, DEPOSITED)], {})
    again = changes_of([commit(1, OPENED), commit(2, DEPOSITED), commit(3, BOUGHT)], first.summaries)
    assert (again.activities, [trade["version"] for trade in again.trades]) == ([], [3])
    assert again.from_versions == {ACCOUNT: 2}
    assert changes_of([commit(1, OPENED)], first.summaries).summaries == {}


def test_rows_as_they_stand_are_not_changed_in_place():
    standing = changes_of([commit(1, OPENED)], {}).summaries
    before = dict(standing[ACCOUNT])
    changes_of([commit(2, DEPOSITED)], standing)
    assert standing[ACCOUNT] == before


@pytest.mark.parametrize("commits", [[commit(2, DEPOSITED)], [commit(1, OPENED), commit(3, BOUGHT)]])
def test_a_version_that_is_missing_is_an_error(commits):
    with pytest.raises(VersionSkipped):
        changes_of(commits, {})


def test_an_account_does_not_begin_with_anything_but_its_opening():
    with pytest.raises(VersionSkipped, match="first event is CashDeposited"):
        changes_of([commit(1, DEPOSITED)], {})


def test_a_refusal_moves_the_version_alone():
    refused = e.CommandRefused("ExecuteTrade", "INSUFFICIENT_FUNDS", 1, 20_000, {"price": 5_000, "quantity": 3 * SHARE})
    before = changes_of([commit(1, OPENED)], {}).summaries[ACCOUNT]
    changes = changes_of([commit(2, refused)], {ACCOUNT: before})
    after = changes.summaries[ACCOUNT]
    assert {name for name in after if after[name] != before[name]} <= {"version", "updated_at"}
    data = json.loads(changes.activities[0]["data"])
    assert (data["limit"], data["actual"]) == ("0.0001", "2.0000")
    assert data["arguments"] == {"price": "0.5000", "quantity": "3"}


def test_shares_in_a_refusal_are_not_shown_as_money():
    refused = e.CommandRefused("ExecuteTrade", "INSUFFICIENT_POSITION", 3 * SHARE, SHARE // 2, {"quantity": 4 * SHARE})
    changes = changes_of([commit(1, OPENED), commit(2, refused)], {})
    data = json.loads(changes.activities[1]["data"])
    assert (data["limit"], data["actual"]) == ("3", "0.5")


def test_shapes_are_decimal_strings_and_exact_instants():
    changes = changes_of([commit(1, OPENED), commit(2, DEPOSITED), commit(3, BOUGHT), commit(4, SOLD)], {})
    account = account_shape(changes.summaries[ACCOUNT], role="owner")
    assert (account["cash"], account["positions_value"], account["unrealized_pnl"]) == (
        "409.9000",
        "120.0000",
        "20.0000",
    )
    assert account["limits"]["max_position_percent"] == "10.00"
    assert account["updated_at"] == "2024-10-04T00:00:00.000123Z"
    (position,) = [position_shape(row) for row in changes.positions.values()]
    assert (position["market_value"], position["unrealized_pnl"]) == ("120.0000", "20.0000")
    trade = trade_shape(changes.trades[1])
    assert (trade["quantity"], trade["fee"], trade["realized_pnl"]) == ("1", "0.1000", "9.9000")


def test_instants_and_days_are_exact():
    assert instant(1_728_000_000_000_123).isoformat() == "2024-10-04T00:00:00.000123+00:00"
    assert day(20_000) == date(2024, 10, 4)
