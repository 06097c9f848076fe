"""What if over REST and on the command line."""

import io
import json

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.test import Client

from identity.api_keys import create_api_key
from identity.permissions import grant_ownership
from temporal import what_if as module
from temporal.api import rest as views
from temporal.performance.history_shapes import AccountWhatIf
from temporal.tests.history.conftest import ADA
from temporal.what_if import limits_of, what_if

pytestmark = pytest.mark.django_db(transaction=True)
LIMITS = {"max_trade_value": "1000"}


@pytest.fixture
def traded(histories):
    histories.at("2026-01-05T12:00:00Z").open()
    histories.buy(10, 50)
    histories.buy(100, 50)
    histories.at("2026-01-06T12:00:00Z").sell(20, 30)
    return histories


@pytest.fixture
def post(db):
    user = get_user_model().objects.create_user("ada", password="a long password")
    grant_ownership(user=user, account_id=ADA)
    key = create_api_key(user=user, name="bot")

    def posted(account_id=ADA, **body):
        return Client().post(
            f"/api/accounts/{account_id}/what-if",
            json.dumps(body),
            content_type="application/json",
            headers={"Authorization": f"Bearer {key}"},
        )

    return posted


def test_the_owner_sees_what_would_have_been(traded, post):
    answer = post(limits=LIMITS)
    found = answer.json()
    assert answer.status_code == 200
    assert found == AccountWhatIf.show(what_if(ADA, limits=limits_of(**LIMITS)))
    others = dict.fromkeys(("max_position_percent", "max_daily_value", "price_band_percent"))
    assert found["limits"] == {**others, "max_trade_value": "1000.0000"}
    assert (found["commands"], found["refused_now"], found["accepted_now"], found["knock_ons"]) == (6, 2, 0, 1)
    assert (found["real"]["cash"], found["what_if"]["cash"]) == ("995100.0000", "999500.0000")
    assert found["what_if"]["positions"] == [
        {"symbol": "KO", "quantity": "10", "average_cost": "50.0000", "mark": "50.0000"}
    ]
    refused, knock_on = found["differences"]
    assert refused == {
        "version": 5,
        "recorded_at": "2026-01-05T12:00:00.000000Z",
        "command_id": "c-4",
        "outcome": "REFUSED_NOW",
        "is_knock_on": False,
        "command": "ExecuteTrade",
        "arguments": {
            **{"symbol": "KO", "side": "BUY", "quantity": "100", "price": "50.0000", "order_id": None},
            "market_price": "0.0000",
        },
        "code": "TRADE_LIMIT_EXCEEDED",
        "limit": "1000.0000",
        "actual": "5000.0000",
    }
    assert (knock_on["is_knock_on"], knock_on["limit"], knock_on["actual"]) == (True, "10", "20")


def test_parts_of_shares_are_shown_as_decimals(histories, post):
    histories.at("2026-01-05T12:00:00Z").open()
    histories.buy(0.5, 50)
    histories.buy(100.25, 50.0001)
    histories.sell(20.125, 30)
    found = post(limits=LIMITS).json()
    assert found["what_if"]["positions"] == [
        {"symbol": "KO", "quantity": "0.5", "average_cost": "50.0000", "mark": "50.0000"}
    ]
    assert found["real"]["positions"] == [
        {"symbol": "KO", "quantity": "80.625", "average_cost": "50.0001", "mark": "30.0000"}
    ]
    refused, knock_on = found["differences"]
    assert (refused["arguments"]["quantity"], refused["actual"]) == ("100.25", "5012.5100")
    assert (knock_on["code"], knock_on["limit"], knock_on["actual"]) == ("INSUFFICIENT_POSITION", "0.5", "20.125")


def test_a_stretch_of_time_can_be_asked_for(traded, post):
    found = post(**{"limits": {"max_position_percent": "12.50"}, "from": "2026-01-06T00:00:00Z"}).json()
    assert (found["from_version"], found["commands"]) == (5, 1)
    assert found["limits"]["max_position_percent"] == "12.50"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"limits": {}}, "INVALID_LIMIT"),
        ({"limits": {"max_trade_value": "-1"}}, "INVALID_LIMIT"),
        ({"limits": {"max_position_percent": "100.01"}}, "INVALID_LIMIT"),
        ({"limits": LIMITS, "from": "yesterday"}, "INVALID_MOMENT"),
        ({"limits": LIMITS, "to": "9999-01-01T00:00:00Z"}, "FUTURE_INSTANT"),
        ({"limits": LIMITS, "from": "2026-01-06T00:00:00Z", "to": "2026-01-05T13:00:00Z"}, "INVALID_MOMENT"),
        ({}, "BAD_REQUEST"),
        ({"limits": "none"}, "BAD_REQUEST"),
    ],
)
def test_what_cannot_be_asked_is_answered_with_its_code(traded, post, body, code):
    answer = post(**body)
    assert (answer.status_code, answer.json()["code"]) == (400, code)


def test_too_many_events_are_for_the_command(traded, post, monkeypatch):
    monkeypatch.setattr(views, "EVENTS_OVER_REST_MAX", 5)
    answer = post(limits=LIMITS)
    assert (answer.status_code, answer.json()["code"]) == (400, "TOO_MANY_EVENTS")
    assert "or use `manage.py what_if`" in answer.json()["detail"]


def test_an_account_that_one_may_not_see_does_not_exist(traded, post):
    answer = post("0b5c1f3e-0000-4000-8000-0000000000ff", limits=LIMITS)
    assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")


def run(*arguments):
    out = io.StringIO()
    call_command("what_if", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_prints_a_summary_or_json(traded):
    summary = run(ADA, "--max-trade-value", "1000")
    assert "6 commands decided again: 2 would have been refused, 0 that were refused would have passed" in summary
    assert (
        "ExecuteTrade KO BUY 100 50.0000: refused now: TRADE_LIMIT_EXCEEDED (limit 1000.0000, found 5000.0000)"
        in summary
    )
    assert "refused now, a knock-on: INSUFFICIENT_POSITION (limit 10, found 20)" in summary
    cash = next(line.split() for line in summary.splitlines() if " cash " in line)
    assert cash[3::2] == ["995100.0000", "999500.0000"]
    assert json.loads(run(ADA, "--max-trade-value", "1000", "--json")) == AccountWhatIf.show(
        what_if(ADA, limits=limits_of(**LIMITS))
    )


def test_the_command_says_what_is_wrong(traded, monkeypatch):
    with pytest.raises(CommandError, match="give at least one of"):
        run(ADA)

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "_decide_again", interrupted)
    with pytest.raises(CommandError, match="interrupted; nothing was written") as error:
        run(ADA, "--max-trade-value", "1000")
    assert error.value.returncode == 130
