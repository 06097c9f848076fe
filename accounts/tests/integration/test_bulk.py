"""Batches: ten thousand trades of a thousand accounts in one request, each with its own outcome, in order."""

import time
import uuid

import pytest

from accounts.api.parsing.batches import order_envelope, trade_envelope
from accounts.domain.commands import ChangeFeeSchedule, DepositCash, OpenAccount
from accounts.domain.events import CommandRefused, OrderCancelled, OrderPlaced, OrderReplaced, TradeExecuted
from accounts.tests.integration.test_graphql import TRADE, Api, events
from accounts.tests.integration.test_orders_graphql import CANCEL, PLACE
from accounts.writer.bus.ports import get_bus
from accounts.writer.envelope import Envelope
from accounts.writer.limits import REQUEST_COMMANDS_MAX
from identity.models import AccountAccess
from identity.permissions import INTEGRATOR

pytestmark = pytest.mark.django_db(transaction=True)

TRADES = "mutation($trades: TradeBatch!) { submitTrades(trades: $trades) { accepted refused outcomes } }"
ORDERS = "mutation($orders: OrderBatch!) { submitOrders(orders: $orders) { accepted refused outcomes } }"
REPLACEMENTS = "mutation($orders: ReplacementBatch!) { replaceOrders(orders: $orders) { accepted refused outcomes } }"
CANCELS = "mutation($orders: CancelBatch!) { cancelOrders(orders: $orders) { accepted refused outcomes } }"
STRANGE = str(uuid.UUID(int=7, version=4))


@pytest.fixture
def ada(store):
    return Api("ada", role=INTEGRATOR)


def send(api, query, **variables):
    body = {"query": query, "variables": variables}
    return api.client.post(
        "/graphql", body, content_type="application/json", headers={"Authorization": f"Bearer {api.key}"}
    ).json()


def submit(api, query, **variables):
    answer = send(api, query, **variables)
    assert "errors" not in answer, answer
    ((_, result),) = answer["data"].items()
    return result


def open_many(api, count, cash=1_000_000_000):
    """Open accounts as the platform does, without a request for each."""
    ids = [str(uuid.uuid4()) for _ in range(count)]
    AccountAccess.objects.bulk_create(AccountAccess(user=api.user, account_id=each, role="owner") for each in ids)
    for name, command in (("open", OpenAccount("ada", "Savings", "USD")), ("fund", DepositCash(cash, ""))):
        get_bus().submit([Envelope(each, name, "ada", command) for each in ids])
    return ids


def buy(account_id, **fields):
    return {"accountId": account_id, "symbol": "KO", "side": "BUY", "quantity": 1, "price": "50.25", **fields}


def test_ten_thousand_trades_of_a_thousand_accounts(ada, store):
    ids = open_many(ada, 1_000)
    known = buy(ids[0], commandId="known")
    first = submit(ada, TRADES, trades=[known])["outcomes"]
    special = {
        0: (buy(ids[0], side="SELL", quantity="9.5"), "INSUFFICIENT_POSITION"),
        17: (buy(ids[1], price="1e2"), "INVALID_PRICE"),
        500: (buy(STRANGE), "FORBIDDEN"),
        501: (buy("no id"), "INVALID_ACCOUNT_ID"),
        502: ("no object", "INVALID_ENTRY"),
        503: ({**buy(ids[2]), "extra": 1}, "INVALID_ENTRY"),
        504: (buy(ids[2], symbol=None), "INVALID_ENTRY"),
        505: (buy(ids[2], symbol="ko"), "UNKNOWN_SYMBOL"),
        506: (buy(ids[2], quantity=1.0), "INVALID_QUANTITY"),
        507: (buy(ids[2], quantity=True), "INVALID_QUANTITY"),
        509: (buy(ids[2], quantity="1.0000001"), "INVALID_QUANTITY"),
        508: (buy(ids[2], price=50.25), "INVALID_PRICE"),
        9_000: (buy(ids[0], quantity=10**6), "TRADE_LIMIT_EXCEEDED"),
        9_999: (buy(ids[0], orderId=STRANGE), "ORDER_NOT_OPEN"),
    }
    trades = [special[n][0] if n in special else buy(ids[n % 1_000]) for n in range(REQUEST_COMMANDS_MAX)]
    trades[7_000] = known
    trades[8_000] = trades[8_001] = buy(ids[5], commandId="twice")
    result = submit(ada, TRADES, trades=trades)
    outcomes = result["outcomes"]
    assert {n: outcome["code"] for n, outcome in enumerate(outcomes) if "code" in outcome} == {
        n: code for n, (_, code) in special.items()
    }
    assert (result["accepted"], result["refused"]) == (10_000 - len(special), len(special))
    assert outcomes[7_000] == {**first[0], "duplicate": True}
    assert outcomes[8_001] == {**outcomes[8_000], "duplicate": True}
    assert (outcomes[0]["limit"], outcomes[0]["actual"]) == ("1", "9.5")
    assert (outcomes[9_000]["limit"], outcomes[9_000]["actual"]) == ("100000.0000", "50250000.0000")
    assert all("version" not in outcomes[n] for n in (17, 500, 501, 502, 503, 509)), "nothing of these was recorded"
    recorded = [event for _, event in events(store)]
    assert sum(isinstance(event, TradeExecuted) for event in recorded) == 10_000 - len(special) - 1
    assert sum(isinstance(event, CommandRefused) for event in recorded) == 3
    versions = {}
    for trade, outcome in zip(trades, outcomes, strict=True):
        if "version" in outcome and "duplicate" not in outcome:
            expected = versions.get(trade["accountId"], 3 if trade["accountId"] == ids[0] else 2) + 1
            assert outcome["version"] == expected, "each account's trades were executed in their order"
            versions[trade["accountId"]] = expected


def test_trades_of_a_batch_are_charged_one_by_one(ada, store):
    charged, free = open_many(ada, 2)
    get_bus().submit([Envelope(charged, "fees", "ada", ChangeFeeSchedule(10_000, 35, 5, 20_000))])
    trades = [buy(each, quantity=quantity) for quantity in (1, "2.5") for each in (charged, free)]
    assert submit(ada, TRADES, trades=[*trades, buy(charged, side="SELL")])["accepted"] == 5
    found = {
        (commit.aggregate_id, event.side, event.quantity): event.fee
        for commit, event in events(store)
        if isinstance(event, TradeExecuted)
    }
    assert found == {
        (charged, "BUY", 1_000_000): 30_000,
        (charged, "BUY", 2_500_000): 30_000,
        (charged, "SELL", 1_000_000): 30_000,
        (free, "BUY", 1_000_000): 0,
        (free, "BUY", 2_500_000): 0,
    }


def test_a_batch_may_be_sent_again_as_a_whole(ada, store):
    ids = open_many(ada, 3)
    trades = [buy(each, commandId=f"c-{each}") for each in ids]
    first = submit(ada, TRADES, trades=trades)
    assert [each | {"duplicate": True} for each in first["outcomes"]] == submit(ada, TRADES, trades=trades)["outcomes"]
    assert sum(isinstance(event, TradeExecuted) for _, event in events(store)) == 3


def test_orders_are_placed_each_with_its_id(ada, store):
    (account_id,) = open_many(ada, 1)
    order = {"accountId": account_id, "symbol": "KO", "side": "BUY", "quantity": 2, "type": "LIMIT", "limitPrice": "50"}
    orders = [
        {**order, "clientOrderId": "mine"},
        order,
        {**order, "clientOrderId": "mine"},
        {**order, "type": "TRAILING"},
        {**order, "stopPrice": "1"},
        {**order, "side": "SELL"},
    ]
    result = submit(ada, ORDERS, orders=orders)
    outcomes = result["outcomes"]
    assert (result["accepted"], result["refused"]) == (3, 3)
    assert [outcome.get("code") for outcome in outcomes] == [
        None, None, None, "INVALID_ORDER_TYPE", "INVALID_STOP_PRICE", "INSUFFICIENT_POSITION",
    ]  # fmt: skip
    assert outcomes[2] == {**outcomes[0], "duplicate": True}
    placed = [event.order_id for _, event in events(store) if isinstance(event, OrderPlaced)]
    assert placed == [outcomes[0]["orderId"], outcomes[1]["orderId"]]


@pytest.mark.parametrize(
    ("items", "says"),
    [
        ([], "1 to 10,000 entries, found 0 entries"),
        ("text", "a list of 1 to 10,000 entries, found a text"),
        ([{}] * 10_001, "found 10,001 entries: split it"),
    ],
)
def test_what_is_no_batch_is_one_clear_error(ada, items, says):
    (error,) = send(ada, TRADES, trades=items)["errors"]
    assert error["extensions"]["code"] == "BAD_REQUEST"
    assert says in error["message"]


def test_a_batch_in_the_text_of_the_query_is_read_too(ada):
    (account_id,) = open_many(ada, 1)
    query = f"""mutation {{ submitTrades(trades: [
      {{accountId: "{account_id}", symbol: "KO", side: "BUY", quantity: 1, price: "50"}}]) {{ outcomes }} }}"""
    assert submit(ada, query)["outcomes"] == [{"version": 3}]


def test_a_key_for_reading_and_nobody_send_no_batch(ada):
    answer = ada.client.post("/graphql", {"query": TRADES, "variables": {"trades": [{}]}}, "application/json").json()
    assert answer["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


def test_a_role_that_was_taken_away_counts_within_a_second(ada):
    ids = open_many(ada, 1)
    assert submit(ada, TRADES, trades=[buy(ids[0])])["accepted"] == 1
    AccountAccess.objects.filter(account_id=ids[0]).delete()
    deadline = time.monotonic() + 1.2
    while (outcome := submit(ada, TRADES, trades=[buy(ids[0])])["outcomes"][0]).get("code") != "FORBIDDEN":
        assert time.monotonic() < deadline, outcome


@pytest.mark.parametrize(
    "change",
    [
        {}, {"price": "0"}, {"price": "50.00001"}, {"price": "NaN"}, {"quantity": 0}, {"quantity": 10**12},
        {"quantity": "0.5"}, {"quantity": "0.0000005"}, {"quantity": "1e3"},
        {"quantity": "0.000001", "price": "0.4999"},
        {"side": "buy"}, {"symbol": "XXX"}, {"symbol": "КО"}, {"commandId": ""}, {"commandId": "x" * 65},
        {"orderId": "x"},
    ],
)  # fmt: skip
def test_an_entry_is_judged_like_the_single_command(ada, change):
    (account_id,) = open_many(ada, 1)
    entry = buy(account_id, **change)
    (outcome,) = submit(ada, TRADES, trades=[entry])["outcomes"]
    if entry["quantity"] == 10**12:
        assert outcome["code"] == "INVALID_QUANTITY", "GraphQL's own integers end before"
        return
    single = ada.run(TRADE, **entry)
    assert outcome.get("code") == single.get("code")
    assert outcome.get("message") == single.get("message")


def test_an_order_is_judged_like_the_single_command(ada):
    (account_id,) = open_many(ada, 1)
    order = {"accountId": account_id, "symbol": "KO", "side": "BUY", "quantity": 2, "type": "LIMIT", "limitPrice": "50"}
    for change in ({"limitPrice": None}, {"timeInForce": "GTD"}, {"type": "STOP"}, {"clientOrderId": "a b"}):
        (outcome,) = submit(ada, ORDERS, orders=[{**order, **change}])["outcomes"]
        single = ada.run(PLACE, **{**order, **change})
        assert (outcome["code"], outcome["message"]) == (single["code"], single["message"])


def test_entries_become_the_commands_of_the_factories():
    entry = trade_envelope(buy(STRANGE, commandId="c", orderId=STRANGE), "ada")
    assert (entry.account_id, entry.command_id) == (STRANGE, "c")
    assert (entry.command.price, entry.command.order_id) == (502_500, STRANGE)
    order = order_envelope(
        {"accountId": STRANGE, "symbol": "KO", "side": "SELL", "quantity": 1, "type": "STOP", "stopPrice": "2"}, "ada"
    )
    assert (order.command.time_in_force, order.command.client_order_id) == ("DAY", order.command_id)


def test_an_order_of_a_batch_that_is_sent_again_works_still_or_its_client_order_id_is_spent(ada, store):
    account_id = ada.open()
    mine = {"accountId": account_id, "symbol": "KO", "side": "BUY", "quantity": 1, "type": "LIMIT", "limitPrice": "5"}
    orders = [{**mine, "clientOrderId": f"b-{number}"} for number in range(2)]
    first = submit(ada, ORDERS, orders=orders)["outcomes"]
    ada.run(CANCEL, accountId=account_id, orderId=first[0]["orderId"])
    before = len(events(store))
    again = submit(ada, ORDERS, orders=orders)
    assert (again["accepted"], again["refused"]) == (1, 1)
    assert again["outcomes"][0]["code"] == "CLIENT_ORDER_ID_SPENT"
    assert first[0]["orderId"] in again["outcomes"][0]["message"]
    assert again["outcomes"][1] == {**first[1], "duplicate": True}
    assert len(events(store)) == before


def placed_in_bulk(api, account_ids, count):
    orders = [
        {"accountId": each, "symbol": "KO", "side": "BUY", "quantity": 2, "type": "LIMIT", "limitPrice": "5"}
        for _ in range(count)
        for each in account_ids
    ]
    answer = submit(api, ORDERS, orders=orders)
    assert answer["refused"] == 0
    return [
        {"accountId": order["accountId"], "orderId": outcome["orderId"]}
        for order, outcome in zip(orders, answer["outcomes"], strict=True)
    ]


def test_orders_are_cancelled_in_bulk_each_with_its_outcome(ada, store):
    account_ids = open_many(ada, 3)
    working = placed_in_bulk(ada, account_ids, 4)
    entries = [{**order, "commandId": f"cancel-{number}"} for number, order in enumerate(working)]
    entries[5] = {**entries[5], "reason": "late"}
    wrong = {
        2: ({**working[0], "orderId": STRANGE}, "ORDER_NOT_OPEN"),
        4: ({**working[0], "accountId": STRANGE}, "FORBIDDEN"),
        6: ({"accountId": account_ids[0]}, "INVALID_ENTRY"),
        7: ({**working[0], "extra": 1}, "INVALID_ENTRY"),
        8: ({**working[0], "orderId": 7}, "INVALID_ENTRY"),
    }
    for place, (entry, _) in sorted(wrong.items()):
        entries.insert(place, entry)
    before = len(events(store))
    answer = submit(ada, CANCELS, orders=entries)
    assert (answer["accepted"], answer["refused"]) == (12, 5)
    for place, outcome in enumerate(answer["outcomes"]):
        assert outcome.get("code") == (wrong[place][1] if place in wrong else None)
    ended = [event for _, event in events(store) if isinstance(event, OrderCancelled)]
    assert {event.order_id for event in ended} == {order["orderId"] for order in working}
    assert sorted(event.reason for event in ended) == [""] * 11 + ["late"]
    assert len(events(store)) == before + 13, "a refusal by a rule is recorded, what is malformed is not"
    again = submit(ada, CANCELS, orders=entries[:1])
    assert again["outcomes"] == [{**answer["outcomes"][0], "duplicate": True}]
    assert len(events(store)) == before + 13


def test_orders_are_replaced_in_bulk_and_each_says_its_new_id(ada, store):
    working = placed_in_bulk(ada, open_many(ada, 2), 2)
    entries = [{**order, "quantity": 3, "clientOrderId": f"r-{number}"} for number, order in enumerate(working)]
    entries.insert(1, {**working[0], "limitPrice": "x"})
    entries.insert(2, {**working[0], "quantity": 4})  # Replaced just before.
    answer = submit(ada, REPLACEMENTS, orders=entries)
    codes = [outcome.get("code") for outcome in answer["outcomes"]]
    assert codes == [None, "INVALID_LIMIT_PRICE", "ORDER_NOT_OPEN", None, None, None]
    replaced = [event for _, event in events(store) if isinstance(event, OrderReplaced)]
    replaced_by = {event.order_id: event.replaced_by for event in replaced}
    assert {order["orderId"] for order in working} == replaced_by.keys()
    said = {
        entry["orderId"]: outcome["orderId"]
        for entry, outcome in zip(entries, answer["outcomes"], strict=True)
        if "code" not in outcome
    }
    assert said == replaced_by
    again = submit(ada, REPLACEMENTS, orders=entries[:1])
    assert again["outcomes"][0]["orderId"] == replaced_by[working[0]["orderId"]]
    assert again["outcomes"][0]["duplicate"] is True
