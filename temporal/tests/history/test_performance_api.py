"""Performance over REST and on the command line."""

import csv
import io
import json
from datetime import date

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.test import Client

from identity.api_keys import create_api_key
from identity.permissions import grant_ownership
from temporal.performance.history import performance
from temporal.performance.history_shapes import AccountPerformance
from temporal.performance.periods import periods_of, zone_of
from temporal.tests.history.conftest import ADA, BOB

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def traded(histories):
    histories.at("2026-01-05T12:00:00Z").open().buy(100, 50)
    return histories.at("2026-01-07T03:00:00Z").sell(40, 60) and histories


def as_user(name, *accounts, **flags):
    user = get_user_model().objects.create_user(name, password="a long password", **flags)
    for account_id in accounts:
        grant_ownership(user=user, account_id=account_id)
    key = create_api_key(user=user, name="bot")

    def get(account_id=ADA, **parameters):
        return Client().get(
            f"/api/accounts/{account_id}/performance", parameters, headers={"Authorization": f"Bearer {key}"}
        )

    return get


def test_the_owner_gets_every_period_and_the_totals(traded):
    answer = as_user("ada", ADA)(**{"from": "2026-01-05", "to": "2026-01-07", "zone": "America/New_York"})
    found = answer.json()
    assert answer.status_code == 200
    assert {name: found[name] for name in ("account_id", "zone", "period")} == {
        "account_id": ADA,
        "zone": "America/New_York",
        "period": "day",
    }
    assert [(day["start_date"], day["trades"]) for day in found["periods"]] == [
        ("2026-01-05", 1),
        ("2026-01-06", 1),
        ("2026-01-07", 0),
    ]
    assert found["totals"] == {
        "start_date": "2026-01-05",
        "end_date": "2026-01-07",
        "version": 5,
        "trades": 2,
        "volume": "7400.0000",
        "realized_pnl": "400.0000",
        "unrealized_pnl_change": "600.0000",
        "fees": "0.0000",
        "dividends": "0.0000",
        "symbols_changed": ["KO"],
        "opening_equity": "0.0000",
        "closing_equity": "1001000.0000",
        "deposits": "1000000.0000",
        "withdrawals": "0.0000",
        "time_weighted_return": "0.001000",
        "drawdown": "0.000000",
    }


def test_it_is_all_history_when_no_day_is_named(traded):
    found = as_user("grace", is_staff=True)(period="month").json()
    assert found["periods"][0]["start_date"] == "2026-01-05"
    assert found["totals"]["trades"] == 2
    ends = [month["end_date"] for month in found["periods"]]
    assert ends == sorted(ends)
    assert ends[0] == "2026-01-31"


@pytest.mark.parametrize(
    ("parameters", "status", "code"),
    [
        ({"from": "yesterday"}, 400, "INVALID_MOMENT"),
        ({"from": "2026-01-06", "to": "2026-01-05"}, 400, "INVALID_MOMENT"),
        ({"period": "year"}, 400, "INVALID_MOMENT"),
        ({"zone": "Mars/Olympus"}, 400, "INVALID_MOMENT"),
        ({"from": "2010-01-01"}, 400, "INVALID_MOMENT"),
        ({"to": "9998-01-01"}, 400, "FUTURE_INSTANT"),
        ({"from": "2026-01-05", "to": "9999-12-31"}, 400, "FUTURE_INSTANT"),
    ],
)
def test_what_cannot_be_asked_is_answered_with_its_code(traded, parameters, status, code):
    answer = as_user("ada", ADA)(**parameters)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer["content-type"] == "application/problem+json"


def test_an_account_that_one_may_not_see_does_not_exist(traded):
    traded.open(BOB)
    refused = as_user("bob", BOB)(ADA)
    assert (refused.status_code, refused.json()["code"]) == (404, "NOT_FOUND")
    unknown = as_user("grace", is_staff=True)("0b5c1f3e-0000-4000-8000-0000000000ff")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "ACCOUNT_NOT_FOUND")
    assert Client().get(f"/api/accounts/{ADA}/performance").status_code == 401


def run(*arguments):
    out = io.StringIO()
    call_command("performance", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_prints_json_csv_and_a_table(traded):
    days = ("--from", "2026-01-05", "--to", "2026-01-07")
    zone = zone_of("UTC")
    periods = periods_of(date(2026, 1, 5), date(2026, 1, 7), "day", today=date(2026, 1, 8))
    expected = AccountPerformance.show(performance(ADA, periods=periods, kind="day", zone=zone))
    assert json.loads(run(ADA, *days, "--json")) == expected
    rows = list(csv.DictReader(io.StringIO(run(ADA, *days, "--csv"))))
    assert [row["closing_equity"] for row in rows] == ["1000000.0000", "1000000.0000", "1001000.0000"]
    assert [row["symbols_changed"] for row in rows] == ["KO", "", "KO"]
    table = run(ADA, *days)
    assert [line.split("│")[1].strip() for line in table.splitlines() if "│" in line] == [
        "2026-01-05",
        "2026-01-06",
        "2026-01-07",
        "total",
    ]
    assert "0.001000" in table


def test_the_command_says_what_is_wrong(traded):
    with pytest.raises(CommandError, match="a day is written YYYY-MM-DD"):
        run(ADA, "--from", "yesterday")
    with pytest.raises(CommandError, match="no events of an account nobody"):
        run("nobody")
