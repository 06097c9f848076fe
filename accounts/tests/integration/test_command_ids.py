"""Command ids on every way in: anything else under an id that was spent is refused, and books nothing."""

import pytest

from accounts.tests.integration.test_bulk import ORDERS, TRADES, buy, submit
from accounts.tests.integration.test_graphql import DEPOSIT, TRADE, Api, events
from accounts.tests.integration.test_orders_graphql import PLACE
from identity.api_keys import create_api_key
from identity.permissions import INTEGRATOR

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ada(store):
    return Api("ada", role=INTEGRATOR)


def order(account_id, **fields):
    terms = {"symbol": "KO", "side": "BUY", "quantity": 1, "type": "LIMIT", "limitPrice": "50"}
    return {"accountId": account_id, **terms, **fields}


def test_an_id_that_was_spent_is_refused_on_every_way_in(ada, store):
    account = ada.open()
    ada.run(PLACE, **order(account, clientOrderId="m-1"))
    ada.run(DEPOSIT, accountId=account, amount="100", commandId="d-1")
    before = len(events(store))
    for spent in ("m-1", "d-1"):
        trades = submit(ada, TRADES, trades=[buy(account, commandId=spent)])
        orders = submit(ada, ORDERS, orders=[order(account, clientOrderId=spent, quantity=2)])
        for batch in (trades, orders):
            assert (batch["accepted"], batch["refused"]) == (0, 1)
            assert batch["outcomes"][0]["code"] == "COMMAND_ID_REUSED"
        for query, fields in (
            (DEPOSIT, {"accountId": account, "amount": "900", "commandId": spent}),
            (TRADE, {**buy(account), "commandId": spent}),
            (PLACE, order(account, clientOrderId=spent, quantity=3)),
        ):
            refused = ada.run(query, **fields)
            assert (refused["code"], refused["version"]) == ("COMMAND_ID_REUSED", None)
    assert len(events(store)) == before


def test_a_retry_with_another_key_of_the_same_user_is_a_retry(ada, store):
    account = ada.open()
    first = ada.run(DEPOSIT, accountId=account, amount="100", commandId="d-1")
    ada.key = create_api_key(user=ada.user, name="another")
    assert ada.run(DEPOSIT, accountId=account, amount="100", commandId="d-1") == first
    assert len(events(store)) == 3
