"""What changed between two moments, and who did it: over REST, and as a table at a terminal."""

import io
import json

import msgspec
import pytest
from django.core.management import CommandError, call_command

from accounts.domain.commands import (
    CancelOrder,
    ChangeFeeSchedule,
    ExecuteTrade,
    FreezeAccount,
    PlaceOrder,
    UnfreezeAccount,
)
from accounts.domain.events import TradeExecuted
from accounts.domain.values import SHARE
from temporal.as_of.as_of import NOW, Moment, account_as_of
from temporal.as_of.diff import difference, event_page, figures
from temporal.errors import InvalidMoment
from temporal.summaries import summary_of
from temporal.tests.accounts_of_the_past.conftest import ADA, NOBODY, instant

pytestmark = pytest.mark.django_db(transaction=True)
ORDER = "1f0e4a52-0000-4000-8000-000000000001"
DIFF = f"accounts/{ADA}/diff"


@pytest.fixture
def traded(past):
    """4: buy, 5: order placed, 6 and 7: a part of it filled, 8: refused, 9: frozen, 10: cancelled."""
    past.at("2026-01-05T13:00:00Z").buy(10, 50)
    past.execute(ADA, PlaceOrder(ORDER, "mine", "KO", "SELL", 4 * SHARE, "LIMIT", "GTC", 600_000, None, 0))
    past.at("2026-01-06T12:00:00Z").execute(ADA, ExecuteTrade("KO", "SELL", SHARE, 600_000, ORDER))
    past.execute(ADA, ExecuteTrade("KO", "SELL", 7 * SHARE, 600_000, None))
    return past.execute(ADA, FreezeAccount("audit"), CancelOrder(ORDER, "done"), actor="officer")


def test_every_figure_that_differs_is_listed_and_no_other(traded, ada):
    found = ada.get(DIFF, from_at="2026-01-05T13:00:00Z", to_version=7).json()
    assert (found["from_version"], found["to_version"]) == (5, 7)
    assert {change["field"]: (change["before"], change["after"]) for change in found["changes"]} == {
        "cash": ("999500.0000", "999560.0000"),
        "buying_power": ("999500.0000", "999560.0000"),
        "positions_cost": ("500.0000", "450.0000"),
        "positions_value": ("500.0000", "540.0000"),
        "portfolio_value": ("1000000.0000", "1000100.0000"),
        "realized_pnl": ("0.0000", "10.0000"),
        "unrealized_pnl": ("0.0000", "90.0000"),
        "trade_count": (1, 2),
        "day.date": ("2026-01-05", "2026-01-06"),
        "day.volume": ("500.0000", "60.0000"),
        "day.realized_pnl": ("0.0000", "10.0000"),
        "positions.KO.quantity": ("10", "9"),
        "positions.KO.reserved_quantity": ("4", "3"),
        "positions.KO.cost": ("500.0000", "450.0000"),
        "positions.KO.last_price": ("50.0000", "60.0000"),
        "positions.KO.market_value": ("500.0000", "540.0000"),
        "positions.KO.unrealized_pnl": ("0.0000", "90.0000"),
        "positions.KO.realized_pnl": ("0.0000", "10.0000"),
        f"orders.{ORDER}.status": ("PENDING", "PARTIALLY_FILLED"),
        f"orders.{ORDER}.filled_quantity": ("0", "1"),
        f"orders.{ORDER}.remaining_quantity": ("4", "3"),
        f"orders.{ORDER}.filled_value": ("0.0000", "60.0000"),
    }


def test_the_events_that_did_it_say_who_when_and_why(traded, ada):
    events = ada.get(DIFF, from_version=5).json()["events"]
    recorded = list(traded.store.events(ADA, from_version=6))
    for shown, event in zip(events, recorded, strict=True):
        assert shown["event_id"] == event.event_id
        assert (shown["command_id"], shown["correlation_id"]) == (event.command_id, event.correlation_id)
    assert [(e["version"], e["event_type"], e["actor"], e["reason"], e["summary"]) for e in events] == [
        (6, "TradeExecuted", "ada/bot", None, "sold 1 KO at 60.0000, realized 10.0000"),
        (7, "OrderFilled", "ada/bot", None, f"filled 1 KO at 60.0000 of order {ORDER}: 1 of 4"),
        (
            8,
            "CommandRefused",
            "ada/bot",
            "INSUFFICIENT_POSITION",
            "refused ExecuteTrade: INSUFFICIENT_POSITION (limit 6, found 7)",
        ),
        (9, "AccountFrozen", "officer", "audit", "frozen: audit"),
        (10, "OrderCancelled", "officer", "done", f"cancelled order {ORDER} of KO, 1 of 4 filled: done"),
    ]
    assert {event["recorded_at"] for event in events} == {"2026-01-06T12:00:00.000000Z"}


def test_parts_of_shares_and_a_fee_are_in_the_words_of_an_event(past):
    past.buy(2.5, 50)
    past.execute(ADA, PlaceOrder(ORDER, "mine", "KO", "SELL", SHARE // 4, "LIMIT", "GTC", 600_000, None, 0))
    past.execute(ADA, ExecuteTrade("KO", "SELL", 125_000, 600_000, ORDER), CancelOrder(ORDER, ""))
    past.execute(ADA, ExecuteTrade("KO", "SELL", 2_375_001, 600_000, None), ExecuteTrade("KO", "BUY", 1, 10, None))
    events = [event.data for event in past.store.events(ADA, from_version=4)]
    assert [summary_of(event) for event in events] == [
        "bought 2.5 KO at 50.0000",
        f"placed SELL 0.25 KO LIMIT GTC limit 60.0000: order {ORDER}",
        "sold 0.125 KO at 60.0000, realized 1.2500",
        f"filled 0.125 KO at 60.0000 of order {ORDER}: 0.125 of 0.25",
        f"cancelled order {ORDER} of KO, 0.125 of 0.25 filled",
        "refused ExecuteTrade: INSUFFICIENT_POSITION (limit 2.375, found 2.375001)",
        "refused ExecuteTrade: VALUE_TOO_SMALL (limit 0.0001, found 0.0000)",
    ]
    with_fee = [msgspec.structs.replace(event, fee=12_500) for event in events if isinstance(event, TradeExecuted)]
    assert [summary_of(event) for event in with_fee] == [
        "bought 2.5 KO at 50.0000, fee 1.2500",
        "sold 0.125 KO at 60.0000, fee 1.2500, realized 1.2500",
    ]


def test_a_change_of_the_schedule_of_fees_is_said(past, ada):
    past.at("2026-01-06T12:00:00Z").execute(ADA, ChangeFeeSchedule(10_000, 35, 5, 20_000))
    found = ada.get(DIFF, from_version=3).json()
    assert {change["field"]: change["after"] for change in found["changes"]} == {
        "fee_schedule.per_order": "1.0000",
        "fee_schedule.per_share": "0.0035",
        "fee_schedule.percent": "0.05",
        "fee_schedule.minimum": "2.0000",
    }
    (event,) = found["events"]
    assert event["summary"] == "fees are 1.0000 an order, 0.0035 a share, 0.05 % of the value, at least 2.0000"


def test_events_come_page_by_page_each_once(traded, ada):
    versions, cursor = [], {}
    while True:
        page = ada.get(DIFF, from_version=1, limit=4, **cursor).json()
        versions.append([event["version"] for event in page["events"]])
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert versions == [[2, 3, 4, 5], [6, 7, 8, 9], [10]]


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"from_version": 4, "to_version": 3}, "INVALID_MOMENT"),
        ({"from_at": "2026-01-06T11:00:00Z", "to_at": "2026-01-06T10:00:00Z"}, "INVALID_MOMENT"),
        ({"from_version": 5, "to_at": "2026-01-05T12:00:00Z"}, "INVALID_MOMENT"),
        ({"from_at": "2026-01-05T12:00:00Z", "from_version": 2}, "INVALID_MOMENT"),
        ({"to_version": 11}, "INVALID_MOMENT"),
        ({"to_at": "2026-01-05T12:00:00"}, "INVALID_MOMENT"),
        ({"to_at": "9999-01-01T00:00:00Z"}, "FUTURE_INSTANT"),
        ({"from_at": "2026-01-05T11:00:00Z"}, "BEFORE_OPENING"),
        ({"limit": 0}, "BAD_REQUEST"),
        ({"limit": 501}, "BAD_REQUEST"),
        ({"cursor": "x"}, "BAD_REQUEST"),
    ],
)
def test_a_range_that_is_none_is_refused(traded, ada, parameters, code):
    status, found = ada.problem(DIFF, **parameters)
    assert (status, found) == (404 if code == "BEFORE_OPENING" else 400, code)


def test_a_moment_is_no_different_from_itself_nor_from_one_without_events_between(traded):
    at = Moment(at=instant("2026-01-05T13:00:00Z"))
    for end in (at, Moment(version=5), Moment(at=instant("2026-01-06T11:59:59Z"))):
        found = difference(ADA, at, end)
        assert (found.changes, event_page(found, after_version=0, limit=10)) == ((), ([], None))


def test_what_was_before_and_the_changes_give_what_is_after(traded):
    for start in range(1, 11):
        for end in range(start, 11):
            found = difference(ADA, Moment(version=start), Moment(version=end))
            after = figures(found.before)
            for change in found.changes:
                assert after.pop(change.field, None) == change.before
                after |= {} if change.after is None else {change.field: change.after}
            assert {k: v for k, v in after.items() if v is not None} == {
                k: v for k, v in figures(found.after).items() if v is not None
            }


def test_an_event_without_effect_changes_nothing_and_is_listed(traded):
    found = difference(ADA, Moment(version=7), Moment(version=8))
    assert found.changes == ()
    assert [event.event_type for event in event_page(found, after_version=0, limit=10).events] == ["CommandRefused"]


def test_without_a_start_it_begins_with_the_first_version(traded):
    traded.execute(ADA, UnfreezeAccount("done"))
    found = difference(ADA, NOW, NOW)
    assert (found.before.version, found.after.version) == (1, 11)
    assert found.after == account_as_of(ADA)


def test_the_command_prints_a_table_or_json(traded):
    out = io.StringIO()
    call_command("account_diff", ADA, "--from-version", "5", "--events", "3", stdout=out)
    table = out.getvalue()
    assert "positions.KO.quantity" in table
    assert "sold 1 KO at 60.0000, realized 10.0000" in table
    assert "--after 8 shows them" in table
    assert "cancelled" not in table
    out = io.StringIO()
    call_command("account_diff", ADA, "--from-version", "5", "--after", "8", "--json", stdout=out)
    assert [event["version"] for event in json.loads(out.getvalue())["events"]] == [9, 10]
    with pytest.raises(CommandError, match="goes from a moment to a later one"):
        call_command("account_diff", ADA, "--from-version", "5", "--to-version", "4")
    with pytest.raises(CommandError, match="no events of an account"):
        call_command("account_diff", NOBODY)
    with pytest.raises(CommandError, match="above zero"):
        call_command("account_diff", ADA, "--events", "0")


def test_a_range_that_goes_backwards_in_time_is_refused_though_nothing_happened_in_it(traded):
    with pytest.raises(InvalidMoment, match="found 2026-01-06T11:00:00"):
        difference(ADA, Moment(at=instant("2026-01-06T11:00:00Z")), Moment(at=instant("2026-01-06T10:00:00Z")))
