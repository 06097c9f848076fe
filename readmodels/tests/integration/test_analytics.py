"""Analytics over REST: what all accounts come to, for whom sees them all; an account's limits, for whom sees it."""

import datetime
from unittest.mock import patch

import pytest
from django.db import transaction

from accounts.domain.commands import ChangeRiskLimits
from identity.permissions import grant_ownership
from readmodels.api import analytics
from readmodels.projector import stored_rows
from readmodels.tests.conftest import ADA, BOB, DAY, ZOE, project
from readmodels.tests.integration.test_rest import Reader, problem

pytestmark = pytest.mark.django_db(transaction=True)

PATHS = (
    "totals",
    "exposure/symbols",
    "exposure/sectors",
    "pnl/accounts",
    "pnl/symbols",
    "pnl/days",
    "risk",
    "flow",
)


@pytest.fixture
def officer(firm):
    return Reader("officer", is_staff=True)


def results(reader, path, **asked):
    answer = reader.get(f"analytics/{path}", **asked)
    assert answer.status_code == 200, answer.content
    return answer.json()["results"]


def today_is(timestamp):
    date = datetime.datetime.fromtimestamp(timestamp // 1_000_000, datetime.UTC).date()
    return patch.object(analytics, "_today", lambda: date)


@pytest.mark.parametrize("path", PATHS)
def test_who_does_not_see_every_account_sees_no_figures_of_all(firm, path):
    assert problem(Reader("trader").get(f"analytics/{path}")) == (403, "FORBIDDEN")


@pytest.mark.parametrize("path", PATHS)
def test_an_unknown_parameter_is_refused(officer, path):
    assert problem(officer.get(f"analytics/{path}", sort="x")) == (400, "BAD_REQUEST")


def test_totals_by_currency(officer):
    euros, dollars = results(officer, "totals")
    assert (euros["currency"], euros["accounts"], euros["cash"]) == ("EUR", 1, "89920.0000")
    assert dollars == {
        "currency": "USD",
        "accounts": 2,
        "closed_accounts": 1,
        "cash": "99557.0000",
        "positions_value": "433.0000",
        "portfolio_value": "99990.0000",
        "realized_pnl": "1.0000",
        "unrealized_pnl": "-7.0000",
        "deposited": "200000.0000",
        "withdrawn": "100004.0000",
        "dividends": "0.0000",
        "volume": "1149.0000",
        "trades": 5,
        "refusals": 1,
    }


def test_exposure_by_symbol_and_by_sector(officer):
    euro, first, second = results(officer, "exposure/symbols")
    assert (euro["currency"], euro["symbol"], euro["percent"]) == ("EUR", "KO", "100.00")
    assert (first["symbol"], first["quantity"], first["holders"], first["value"]) == ("KO", "7", 1, "343.0000")
    assert (second["symbol"], second["value"], second["percent"]) == ("XOM", "90.0000", "20.78")
    sectors = {(row["currency"], row["sector"]): row["value"] for row in results(officer, "exposure/sectors")}
    assert sectors == {
        ("EUR", "Consumer Staples"): "80.0000",
        ("USD", "Consumer Staples"): "343.0000",
        ("USD", "Energy"): "90.0000",
    }


def test_pnl_by_account_symbol_and_day(officer):
    assert [row["account_id"] for row in results(officer, "pnl/accounts", currency="USD")] == [BOB, ADA]
    (worst,) = results(officer, "pnl/accounts", order="worst", limit=1)
    assert (worst["account_id"], worst["pnl"]) == (ADA, "-10.0000")
    assert {(row["currency"], row["symbol"]): row["pnl"] for row in results(officer, "pnl/symbols")} == {
        ("EUR", "KO"): "0.0000",
        ("USD", "KO"): "-6.0000",
        ("USD", "XOM"): "0.0000",
    }
    second, _, first = results(officer, "pnl/days")
    assert (second["realized_pnl"], first["realized_pnl"]) == ("-3.0000", "4.0000")
    assert [row["trades"] for row in results(officer, "pnl/days", symbol="XOM")] == [1]
    assert results(officer, "pnl/days", **{"from": second["date"]}) == [second]
    assert second not in results(officer, "pnl/days", to=second["date"])


def test_flow_by_minute_hour_and_day(officer, firm):
    begin = datetime.datetime.fromtimestamp((firm.now - 2 * DAY) // 1_000_000, datetime.UTC)
    span = {"from": begin.isoformat(), "to": (begin + datetime.timedelta(days=3)).isoformat()}
    for unit in ("minute", "hour", "day"):
        rows = [row for row in results(officer, "flow", per=unit, **span) if row["currency"] == "USD"]
        assert [(row["trades"], row["refusals"]) for row in rows] == [(2, 0), (3, 1)]
    assert rows[0]["begins_at"].endswith("T00:00:00.000000Z")
    assert results(officer, "flow") == []  # Of the last 400 days.
    answer = officer.get("analytics/flow", **{"from": "2020-01-01T00:00:00Z", "to": "2024-01-01T00:00:00Z"})
    assert problem(answer) == (400, "BAD_REQUEST")


def test_who_is_nearest_to_a_limit_comes_first(officer, firm):
    firm.execute(ADA, ChangeRiskLimits(1_000, 2_400_000, 10**9))
    firm.buy(ADA, symbol="XOM", shares=1, price=30_000)
    project()
    with today_is(firm.now):
        first, *_ = found = results(officer, "risk")
    assert {row["account_id"] for row in found} == {ADA, ZOE}  # Bob's is closed.
    assert first["account_id"] == ADA
    assert (first["day"]["used_percent"], first["day"]["left"]) == ("100.00", "0.0000")
    with today_is(firm.now + DAY):
        assert results(officer, "risk")[0]["day"]["used_percent"] == "0.00"


def test_a_list_of_positions_that_are_behind_says_since_when(officer, firm):
    with transaction.atomic():
        stored_rows.follow_all()
    assert [row["behind_since"] for row in results(officer, "risk")] == [None, None]
    for _ in range(3):
        firm.buy(ADA, symbol="XOM", shares=1, price=30_000)
    before = results(officer, "risk")
    project()
    ada, zoe = sorted(results(officer, "risk"), key=lambda row: row["account_id"] != ADA)
    assert (ada["account_id"], zoe["behind_since"]) == (ADA, None)
    since = datetime.datetime.fromisoformat(ada["behind_since"])
    assert datetime.timedelta(0) <= datetime.datetime.now(datetime.UTC) - since < datetime.timedelta(minutes=1)
    assert ada["largest_position"] in [row["largest_position"] for row in before], "still as it was"
    with transaction.atomic():
        stored_rows.follow_all()
    assert {row["behind_since"] for row in results(officer, "risk")} == {None}


class TestRiskMetrics:
    @pytest.fixture
    def ada(self, firm):
        reader = Reader("ada")
        grant_ownership(user=reader.user, account_id=ADA)
        return reader

    def test_the_use_of_each_limit(self, ada, firm):
        with today_is(firm.now):
            found = ada.get(f"accounts/{ADA}/risk-metrics").json()
        assert found["largest_position"] == {
            "symbol": "KO",
            "value": "343.0000",
            "percent": "0.34",
            "limit_percent": "10.00",
            "used_percent": "3.40",
        }
        assert (found["day"]["value"], found["day"]["limit"]) == ("237.0000", "1000000.0000")
        assert (found["exposure_percent"], found["behind_since"]) == ("0.43", None)

    def test_they_are_of_now_whatever_the_stored_rows_are(self, ada, firm):
        before = ada.get(f"accounts/{ADA}/risk-metrics").json()
        firm.buy(ADA, symbol="AAPL", shares=100, price=10_000)
        project()
        found = ada.get(f"accounts/{ADA}/risk-metrics").json()
        assert (found["open_positions"], found["behind_since"]) == (before["open_positions"] + 1, None)

    def test_another_day_is_another_answer(self, ada, firm):
        with today_is(firm.now):
            today = ada.get(f"accounts/{ADA}/risk-metrics")
        with today_is(firm.now + DAY):
            tomorrow = ada.get(f"accounts/{ADA}/risk-metrics")
        assert today["ETag"] != tomorrow["ETag"]
        assert tomorrow.json()["day"]["value"] == "0.0000"

    def test_of_others_there_are_none(self, ada):
        assert problem(ada.get(f"accounts/{BOB}/risk-metrics")) == (404, "NOT_FOUND")

    def test_the_summary_is_the_account(self, ada):
        assert ada.get(f"accounts/{ADA}/summary").json() == ada.get(f"accounts/{ADA}").json()
