"""An account as of a moment over REST: what is shown, to whom, and what is said of a moment that is none."""

import uuid

import pytest

from accounts.domain.commands import CancelOrder, ExecuteTrade, FreezeAccount, PlaceOrder
from accounts.domain.values import SHARE
from eventstore.record import instant_of
from identity.models import AccountAccess
from temporal.tests.accounts_of_the_past.conftest import ADA, BOB, Reader, flip_a_bit

pytestmark = pytest.mark.django_db(transaction=True)
ORDER = "1f0e4a52-0000-4000-8000-000000000001"
AS_OF = f"accounts/{ADA}/as-of"
DIFF = f"accounts/{ADA}/diff"


@pytest.fixture
def traded(past):
    """Versions 4 and 5 at one o'clock, 6 a day later: a purchase, an order, the freezing of the account."""
    order = PlaceOrder(ORDER, "mine", "KO", "BUY", 3 * SHARE, "LIMIT", "GTC", 400_000, None, 0)
    past.at("2026-01-05T13:00:00Z").buy(10, 50).execute(ADA, order)
    return past.at("2026-01-06T12:00:00Z").execute(ADA, FreezeAccount("audit"), actor="officer")


def test_everything_that_an_account_was_is_shown(traded, ada):
    found = ada.get(AS_OF, at="2026-01-05T13:30:00Z").json()
    (event,) = traded.store.events(ADA, from_version=5, through_version=5)
    assert found == {
        "account_id": ADA,
        "at": "2026-01-05T13:30:00.000000Z",
        "status": "ACTIVE",
        "currency": "USD",
        "cash": "999500.0000",
        "reserved_cash": "120.0000",
        "buying_power": "999380.0000",
        "positions_cost": "500.0000",
        "positions_value": "500.0000",
        "portfolio_value": "1000000.0000",
        "realized_pnl": "0.0000",
        "unrealized_pnl": "0.0000",
        "fees": "0.0000",
        "dividends": "0.0000",
        "marked_session": None,
        "deposited": "1000000.0000",
        "withdrawn": "0.0000",
        "trade_count": 1,
        "day": {"date": "2026-01-05", "volume": "500.0000", "trades": 1, "realized_pnl": "0.0000"},
        "limits": {
            "max_position_percent": "100.00",
            "max_daily_value": "100000000000.0000",
            "max_trade_value": "10000000000.0000",
            "price_band_percent": "10.00",
        },
        "fee_schedule": {"per_order": "0.0000", "per_share": "0.0000", "percent": "0.00", "minimum": "0.0000"},
        "positions": [
            {
                "symbol": "KO",
                "quantity": "10",
                "reserved_quantity": "0",
                "available": "10",
                "avg_cost": "50.0000",
                "cost": "500.0000",
                "last_price": "50.0000",
                "market_value": "500.0000",
                "unrealized_pnl": "0.0000",
                "realized_pnl": "0.0000",
            }
        ],
        "orders": [
            {
                "order_id": ORDER,
                "client_order_id": "mine",
                "symbol": "KO",
                "side": "BUY",
                "order_type": "LIMIT",
                "time_in_force": "GTC",
                "status": "PENDING",
                "quantity": "3",
                "filled_quantity": "0",
                "remaining_quantity": "3",
                "filled_value": "0.0000",
                "limit_price": "40.0000",
                "stop_price": None,
                "trail_amount": None,
                "trail_percent": None,
                "trigger_price": None,
                "expires_at": None,
                "order_class": "SIMPLE",
                "parent_order_id": None,
                "oco_group": None,
                "reserve_price": "40.0000",
            }
        ],
        "version": 5,
        "event_id": event.event_id,
        "event_type": "OrderPlaced",
        "recorded_at": "2026-01-05T13:00:00.000000Z",
        "actor": "ada/bot",
        "command_id": event.command_id,
    }


def test_parts_of_shares_are_shown_without_superfluous_zeros(past, ada):
    order = PlaceOrder(ORDER, "mine", "KO", "SELL", SHARE // 4, "LIMIT", "GTC", 600_000, None, 0)
    past.at("2026-01-05T13:00:00Z").buy(2.5, 50.0001).buy(0.333333, 60).execute(ADA, order)
    past.execute(ADA, ExecuteTrade("KO", "SELL", 100_000, 600_000, ORDER))
    found = ada.get(AS_OF, at="2026-01-05T13:00:00Z").json()
    (position,), (working,) = found["positions"], found["orders"]
    assert {name: position[name] for name in ("quantity", "reserved_quantity", "available")} == {
        "quantity": "2.733333",
        "reserved_quantity": "0.15",
        "available": "2.583333",
    }
    assert (position["cost"], position["avg_cost"]) == ("139.8826", "51.1766")  # 125.0002 and 20, less 5.1176.
    assert (position["market_value"], position["unrealized_pnl"]) == ("164.0000", "24.1174")
    assert [working[f"{name}quantity"] for name in ("", "filled_", "remaining_")] == ["0.25", "0.1", "0.15"]
    assert (working["filled_value"], found["day"]["volume"]) == ("6.0000", "151.0002")


def test_the_answer_stands_on_the_event_of_its_version(traded, ada):
    for event in traded.store.events(ADA):
        found = ada.get(AS_OF, version=event.version).json()
        expected = (event.event_id, event.event_type, event.actor, event.command_id)
        assert (found["event_id"], found["event_type"], found["actor"], found["command_id"]) == expected
        assert found["at"] == found["recorded_at"] == f"{instant_of(event.timestamp):%Y-%m-%dT%H:%M:%S.%fZ}"


def test_the_figures_of_the_day_are_those_of_the_day_of_the_moment(traded, ada):
    assert ada.get(AS_OF, at="2026-01-05T23:59:59.999999Z").json()["day"]["trades"] == 1
    nothing = {"date": "2026-01-06", "volume": "0.0000", "trades": 0, "realized_pnl": "0.0000"}
    assert ada.get(AS_OF, at="2026-01-06T00:00:00Z").json()["day"] == nothing
    assert ada.get(AS_OF, at="2026-01-06T01:00:00+02:00").json()["day"]["trades"] == 1, "days are those of UTC"
    assert ada.get(AS_OF).json()["day"]["trades"] == 0, "now is not that day any more"


def test_now_is_the_newest_version(traded, ada):
    found = ada.get(AS_OF).json()
    assert (found["version"], found["status"], found["actor"]) == (6, "FROZEN", "officer")
    traded.execute(ADA, CancelOrder(ORDER, ""))
    assert ada.get(AS_OF).json()["version"] == 7


@pytest.mark.parametrize(
    ("parameters", "status", "code"),
    [
        ({"at": "2026-01-05T11:59:59.999999Z"}, 404, "BEFORE_OPENING"),
        ({"at": "2026-01-05T12:00:00"}, 400, "INVALID_MOMENT"),
        ({"at": "noon"}, 400, "INVALID_MOMENT"),
        ({"at": "9999-01-01T00:00:00Z"}, 400, "FUTURE_INSTANT"),
        ({"at": "2026-01-05T13:00:00Z", "version": 1}, 400, "INVALID_MOMENT"),
        ({"version": 7}, 400, "INVALID_MOMENT"),
        ({"version": 0}, 400, "INVALID_MOMENT"),
        ({"version": "two"}, 400, "INVALID_MOMENT"),
        ({"valued": "perhaps"}, 400, "BAD_REQUEST"),
    ],
)
def test_what_is_wrong_with_a_question_is_said(traded, ada, parameters, status, code):
    assert ada.problem(AS_OF, **parameters) == (status, code)


@pytest.mark.parametrize("path", ["as-of", "diff"])
def test_an_account_that_one_may_not_see_does_not_exist(traded, ada, path):
    traded.open(BOB)
    assert ada.problem(f"accounts/{BOB}/{path}") == (404, "NOT_FOUND")
    assert ada.problem(f"accounts/{uuid.uuid4()}/{path}") == (404, "NOT_FOUND")
    assert Reader("stranger").problem(f"accounts/{ADA}/{path}") == (404, "NOT_FOUND")
    officer, viewer = Reader("officer", is_staff=True), Reader("viewer")
    AccountAccess.objects.create(user=viewer.user, account_id=ADA, role="viewer")
    assert [reader.get(f"accounts/{ADA}/{path}").status_code for reader in (ada, officer, viewer)] == [200, 200, 200]
    assert officer.problem(f"accounts/{uuid.uuid4()}/{path}") == (404, "ACCOUNT_NOT_FOUND")


def test_an_account_whose_opening_was_never_recorded_is_not_found(past):
    assert Reader("bob", BOB).problem(f"accounts/{BOB}/as-of") == (404, "ACCOUNT_NOT_FOUND")


@pytest.mark.parametrize("table", ["journal", "page"])
def test_a_flipped_bit_is_never_a_figure(traded, ada, tmp_path, table):
    if table == "page":
        traded.make_pages()
    flip_a_bit(tmp_path / "events", table)
    for path in (AS_OF, DIFF):
        assert ada.problem(path) == (500, "HISTORY_DAMAGED")
        assert "verify_events" in ada.get(path).json()["detail"]
    assert ada.problem(AS_OF, version=1) == (500, "HISTORY_DAMAGED")
    assert ada.problem(AS_OF, at="2026-01-05T12:00:00Z") == (500, "HISTORY_DAMAGED")
