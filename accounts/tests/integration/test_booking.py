"""Who books trades that were executed elsewhere: nobody does by owning the account, on any way in."""

import time

import pytest

from accounts.tests.integration.test_bulk import TRADES, buy, submit
from accounts.tests.integration.test_graphql import TRADE, Api, events
from accounts.tests.integration.test_orders_graphql import PLACE, limit_order
from identity.models import AccountAccess
from identity.permissions import COMPLIANCE, INTEGRATOR, OPERATOR, TRADER, give_role
from identity.recent_access import ACCESS_SECONDS

pytestmark = pytest.mark.django_db(transaction=True)

WHAT_TO_DO = "place an order (placeOrder), or ask an operator for the role integrator"


def trades_of(api):
    """Return an account of somebody's, and trades of it: one that stands alone, and one that fills an order."""
    account_id = api.open()
    order_id = api.run(PLACE, **limit_order(account_id))["order"]["orderId"]
    return account_id, [buy(account_id), buy(account_id, price="50", orderId=order_id)]


def in_text(trades):
    fields = ["{" + ", ".join(f'{name}: "{value}"' for name, value in trade.items()) + "}" for trade in trades]
    return f"mutation {{ submitTrades(trades: [{', '.join(fields)}]) {{ accepted refused outcomes }} }}"


@pytest.mark.parametrize("role", [None, TRADER, COMPLIANCE])
def test_an_owner_is_refused_each_trade_is_told_what_to_do_and_nothing_is_recorded(store, role):
    ada = Api("ada", role=role)
    _, trades = trades_of(ada)
    before = len(events(store))
    for trade in trades:
        (error,) = ada.post(TRADE, trade).json()["errors"]
        assert (error["extensions"]["code"], error["message"].endswith(WHAT_TO_DO)) == ("FORBIDDEN", True)
    for result in (submit(ada, TRADES, trades=trades), submit(ada, in_text(trades))):
        assert (result["accepted"], result["refused"]) == (0, 2)
        for outcome in result["outcomes"]:
            assert outcome.keys() == {"code", "message"}
            assert (outcome["code"], outcome["message"].endswith(WHAT_TO_DO)) == ("FORBIDDEN", True)
    assert len(events(store)) == before


def test_who_was_made_a_trader_of_an_account_is_refused_too_until_they_are_an_integrator(store):
    account_id, trades = trades_of(Api("ada"))
    bob = Api("bob")
    AccountAccess.objects.create(user=bob.user, account_id=account_id, role="trader")
    before = len(events(store))
    assert [bob.error(TRADE, **trade) for trade in trades] == ["FORBIDDEN"] * 2
    assert submit(bob, TRADES, trades=trades)["accepted"] == 0
    assert len(events(store)) == before
    give_role(bob.user, INTEGRATOR)
    time.sleep(ACCESS_SECONDS)
    assert bob.run(TRADE, **trades[0])["__typename"] == "TradeExecuted"
    assert submit(bob, TRADES, trades=trades)["accepted"] == 2


def test_of_a_batch_only_what_is_of_accounts_that_an_integrator_trades_is_booked(store):
    iris = Api("iris", role=INTEGRATOR)
    (_, own), (_, others) = trades_of(iris), trades_of(Api("ada"))
    before = len(events(store))
    result = submit(iris, TRADES, trades=[own[0], *others, own[1]])
    assert [outcome.get("code") for outcome in result["outcomes"]] == [None, "FORBIDDEN", "FORBIDDEN", None]
    assert len(events(store)) == before + 3, "a trade; a trade and what it made of its order"


def test_operators_book_on_every_account(store):
    _, trades = trades_of(Api("ada"))
    olga = Api("olga", role=OPERATOR)
    assert olga.run(TRADE, **trades[0])["__typename"] == "TradeExecuted"
    assert submit(olga, TRADES, trades=trades)["accepted"] == 2
