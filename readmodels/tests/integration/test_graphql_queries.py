"""Queries over GraphQL: the same figures as REST, page by page, no older than asked, and never one query for each
account.
"""

import asyncio
import json
import threading
import time
import uuid

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import AsyncClient, Client

from accounts.domain.commands import CancelOrder, ExecuteTrade
from edge import database
from identity.api_keys import create_api_key
from identity.models import AccountAccess, ApiKey
from identity.permissions import grant_ownership
from readmodels.api.graphql import schema
from readmodels.models import Order
from readmodels.queries import listings, version_waits
from readmodels.tests.conftest import ADA, BOB, DAY, project

pytestmark = pytest.mark.django_db(transaction=True)

ACCOUNT = """query($id: ID!, $minVersion: BigInt) { account(id: $id, minVersion: $minVersion) {
  accountId name owner ownerName currency status role cash reservedCash buyingPower
  positionsCost positionsValue portfolioValue realizedPnl unrealizedPnl
  deposited withdrawn dividends markedSession markedAt tradeCount openOrders day { date volume trades realizedPnl }
  limits { maxPositionPercent maxDailyValue maxTradeValue priceBandPercent }
  feeSchedule { perOrder perShare percent minimum }
  version updatedAt
  positions { symbol quantity reservedQuantity available
    avgCost cost lastPrice marketValue unrealizedPnl realizedPnl version updatedAt
    atMarket { price priceAt source isStale marketValue unrealizedPnl dayChange } }
  trades { nodes { tradeId version symbol side quantity price value fee realizedPnl cashAfter orderId commandId
    executedAt } }
  dailyPnl { nodes { date trades volume realizedPnl dividends version } } } }"""
TRADES = """query($id: ID!, $first: Int, $after: String, $symbol: String, $side: String, $from: String, $to: String) {
  account(id: $id) { trades(first: $first, after: $after, symbol: $symbol, side: $side, from: $from, to: $to) {
    edges { cursor node { version } } nodes { version symbol side executedAt }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }"""
EVENTS = """query($id: ID!, $first: Int, $after: String, $types: [String!], $from: String, $to: String) {
  account(id: $id) { events(first: $first, after: $after, types: $types, from: $from, to: $to) {
    nodes { eventId version type recordedAt actor commandId correlationId causationId data }
    pageInfo { hasNextPage endCursor } } } }"""
ORDER = """orderId clientOrderId symbol side orderType orderClass parentOrderId ocoGroup trailAmount trailPercent
    triggerPrice expiresAt timeInForce status quantity filledQuantity remainingQuantity
  avgFillPrice filledValue limitPrice stopPrice reservePrice replaces replacedBy reason placedVersion version commandId
  actor placedAt updatedAt endedAt"""
ORDERS = f"""query($id: ID!, $first: Int, $after: String, $status: String, $symbol: String, $side: String,
  $mine: String) {{
  account(id: $id) {{ orders(first: $first, after: $after, status: $status, symbol: $symbol, side: $side,
    clientOrderId: $mine) {{ nodes {{ {ORDER} }} pageInfo {{ hasNextPage endCursor }} }} }} }}"""
ONE_ORDER = f"query($id: ID!, $order: ID!) {{ account(id: $id) {{ order(orderId: $order) {{ {ORDER} }} }} }}"
DAYS = """query($id: ID!, $first: Int, $after: String) { account(id: $id) { dailyPnl(first: $first, after: $after) {
  nodes { date trades } pageInfo { hasNextPage endCursor } } } }"""
ACCOUNTS = """query($first: Int, $after: String) { accounts(first: $first, after: $after) {
  edges { cursor node { accountId role } } pageInfo { hasNextPage hasPreviousPage endCursor } } }"""

SLOW = listings.Condition("symbol", "= %s || pg_sleep(1)::text")


class Reader:
    """A user with an API key, on GraphQL and on REST."""

    def __init__(self, username, **flags):
        self.user = get_user_model().objects.create_user(username, password="a long password", **flags)
        self.headers = {"Authorization": f"Bearer {create_api_key(user=self.user, name='bot')}"}

    def post(self, query, **variables):
        body = json.dumps({"query": query, "variables": variables})
        return Client().post("/graphql", body, "application/json", headers=self.headers).json()

    def ask(self, query, **variables):
        answer = self.post(query, **variables)
        assert "errors" not in answer, answer
        ((_, found),) = answer["data"].items()
        return found

    def error(self, query, **variables):
        answer = self.post(query, **variables)
        (error,) = answer["errors"]
        return answer["data"], error["extensions"]["code"], error["message"]

    def rest(self, path):
        return Client().get(f"/api/{path}", headers=self.headers).json()


@pytest.fixture
def ada(history):
    """Ada owns an account with five trades in two symbols; Bob's is somebody else's."""
    reader = Reader("ada")
    grant_ownership(user=reader.user, account_id=ADA)
    for account_id in (ADA, BOB):
        history.open(account_id)
    for symbol in ("KO", "PG", "KO", "PG"):
        history.buy(ADA, symbol=symbol, shares=2)
    history.execute(ADA, ExecuteTrade("KO", "SELL", 1_000_000, 600_000, None))
    project()
    return reader


def camel(shape):
    """Return a shape of REST as GraphQL names it."""
    if isinstance(shape, list):
        return [camel(item) for item in shape]
    if not isinstance(shape, dict):
        return shape
    words = {name: name.split("_") for name in shape}
    return {
        words[name][0] + "".join(word.title() for word in words[name][1:]): camel(value)
        for name, value in shape.items()
    }


def versions(reader, query=TRADES, field="trades", **variables):
    page = reader.ask(query, id=ADA, **variables)[field]
    return [node["version"] for node in page["nodes"]]


def test_every_figure_of_rest_is_shown_with_the_same_value(ada):
    found = ada.ask(ACCOUNT, id=ADA)
    for field, path in (("trades", "trades"), ("dailyPnl", "daily-pnl")):
        assert found.pop(field)["nodes"] == camel(ada.rest(f"accounts/{ADA}/{path}")["results"])
    assert found.pop("positions") == camel(ada.rest(f"accounts/{ADA}/positions")["results"])
    assert found == camel(ada.rest(f"accounts/{ADA}"))
    assert (found["version"], found["tradeCount"], found["role"]) == (7, 5, "owner")


def test_a_trade_names_its_account(ada):
    query = "query($id: ID!) { account(id: $id) { trades(first: 2) { nodes { account { accountId version } } } } }"
    found = ada.ask(query, id=ADA)["trades"]["nodes"]
    assert found == [{"account": {"accountId": ADA, "version": 7}}] * 2


class TestOrders:
    @pytest.fixture
    def placed(self, ada, history):
        """Four of Ada's orders, oldest first: filled in part, cancelled, working, working in another symbol."""
        placed = [history.place(ADA, client_order_id="first")]
        history.fill(ADA, placed[0])
        placed.append(history.place(ADA, client_order_id="second"))
        history.execute(ADA, CancelOrder(placed[1], "enough"))
        placed += [history.place(ADA), history.place(ADA, symbol="PG", side="SELL", shares=1)]
        history.place(BOB)
        project()
        return placed

    def found(self, reader, **variables):
        return [node["orderId"] for node in reader.ask(ORDERS, id=ADA, **variables)["orders"]["nodes"]]

    def test_every_figure_of_rest_is_shown_with_the_same_value(self, ada, placed):
        shown = ada.ask(ORDERS, id=ADA, status="all")["orders"]["nodes"]
        assert shown == camel(ada.rest(f"accounts/{ADA}/orders?status=all")["results"])
        assert [order["orderId"] for order in shown] == placed[::-1]
        assert ada.ask(ONE_ORDER, id=ADA, order=placed[1])["order"] == shown[2]

    @pytest.mark.parametrize(
        ("asked", "places"),
        [
            ({}, [3, 2, 0]),
            ({"status": "closed"}, [1]),
            ({"symbol": "PG"}, [3]),
            ({"side": "BUY"}, [2, 0]),
            ({"mine": "second"}, [1]),
            ({"mine": "second", "status": "open"}, []),
        ],
    )
    def test_orders_are_narrowed(self, ada, placed, asked, places):
        assert self.found(ada, **asked) == [placed[place] for place in places]

    def test_pages_are_walked_to_the_end(self, ada, placed):
        page = ada.ask(ORDERS, id=ADA, first=2)["orders"]
        rest = ada.ask(ORDERS, id=ADA, first=2, after=page["pageInfo"]["endCursor"])["orders"]
        assert [node["orderId"] for node in page["nodes"] + rest["nodes"]] == [placed[3], placed[2], placed[0]]
        assert (page["pageInfo"]["hasNextPage"], rest["pageInfo"]["hasNextPage"]) == (True, False)

    def test_another_status_or_side_is_refused(self, ada):
        _, code, message = ada.error(ORDERS, id=ADA, status="OPEN")
        assert (code, message) == ("BAD_REQUEST", "`status` is open, closed, all, found 'OPEN'")
        assert ada.error(ORDERS, id=ADA, side="buy")[1:] == ("BAD_REQUEST", "`side` is BUY or SELL, found 'buy'")

    def test_an_order_of_somebody_else_is_not_found(self, ada, placed):
        of_bob = str(Order.objects.get(account_id=BOB).pk)
        for order_id in (of_bob, "nonsense"):
            data, code, message = ada.error(ONE_ORDER, id=ADA, order=order_id)
            assert (data, code) == ({"account": {"order": None}}, "NOT_FOUND")
            assert message == f"account {ADA} has no order {order_id}"


class TestAccess:
    def test_the_list_has_the_accounts_that_one_may_see(self, ada):
        def seen(reader):
            return [(edge["node"]["accountId"], edge["node"]["role"]) for edge in reader.ask(ACCOUNTS)["edges"]]

        viewer = Reader("viewer")
        AccountAccess.objects.create(user=viewer.user, account_id=BOB, role="viewer")
        assert seen(ada) == [(ADA, "owner")]
        assert seen(viewer) == [(BOB, "viewer")]
        assert seen(Reader("stranger")) == []
        assert seen(Reader("officer", is_staff=True)) == [(ADA, "staff"), (BOB, "staff")]

    @pytest.mark.parametrize("account_id", [BOB, str(uuid.UUID(int=7)), "nonsense"])
    def test_an_account_that_one_may_not_see_is_null_and_not_found(self, ada, account_id):
        data, code, message = ada.error(ACCOUNT, id=account_id, minVersion=99)
        assert (data, code) == ({"account": None}, "NOT_FOUND")
        assert message == f"there is no account {account_id} that you may see"

    def test_one_missing_account_does_not_hide_the_others(self, ada):
        query = "query($a: ID!, $b: ID!) { a: account(id: $a) { name } b: account(id: $b) { name } }"
        answer = ada.post(query, a=ADA, b=BOB)
        assert answer["data"] == {"a": {"name": "Savings"}, "b": None}
        assert [error["path"] for error in answer["errors"]] == [["b"]]

    @pytest.mark.parametrize("query", [ACCOUNT, ACCOUNTS])
    def test_nobody_without_a_login_sees_anything(self, ada, query):
        ada.headers = {}
        _, code, _ = ada.error(query, **({"id": ADA} if query == ACCOUNT else {}))
        assert code == "UNAUTHENTICATED"


class TestPages:
    def test_trades_come_newest_first_in_pages_without_overlap(self, ada):
        found, pages, after, page_info = [], 0, None, {"hasNextPage": True}
        while page_info["hasNextPage"]:
            page = ada.ask(TRADES, id=ADA, first=2, after=after)["trades"]
            page_info = page["pageInfo"]
            assert page_info["hasPreviousPage"] == (pages > 0)
            assert (page_info["startCursor"], page_info["endCursor"]) == (
                page["edges"][0]["cursor"],
                page["edges"][-1]["cursor"],
            )
            found += [edge["node"]["version"] for edge in page["edges"]]
            after, pages = page_info["endCursor"], pages + 1
        assert (found, pages) == ([7, 6, 5, 4, 3], 3)

    def test_a_page_stays_where_it_was_when_trades_are_added(self, ada, history):
        after = ada.ask(TRADES, id=ADA, first=2)["trades"]["pageInfo"]["endCursor"]
        history.buy(ADA)
        project()
        assert versions(ada, first=2, after=after) == [5, 4]

    def test_accounts_come_in_pages(self, ada):
        officer = Reader("officer", is_staff=True)
        first = officer.ask(ACCOUNTS, first=1)
        second = officer.ask(ACCOUNTS, first=1, after=first["pageInfo"]["endCursor"])
        assert [page["edges"][0]["node"]["accountId"] for page in (first, second)] == [ADA, BOB]
        assert [page["pageInfo"]["hasNextPage"] for page in (first, second)] == [True, False]

    def test_days_come_in_pages(self, ada, history):
        for _ in range(2):
            history.now += DAY
            history.buy(ADA, shares=1)
        project()
        first = ada.ask(DAYS, id=ADA, first=2)["dailyPnl"]
        second = ada.ask(DAYS, id=ADA, first=2, after=first["pageInfo"]["endCursor"])["dailyPnl"]
        assert [day["date"] for day in first["nodes"]] == ["2024-10-06", "2024-10-05"]
        assert [(day["date"], day["trades"]) for day in second["nodes"]] == [("2024-10-04", 5)]
        assert not second["pageInfo"]["hasNextPage"]

    def test_the_events_are_the_whole_history(self, ada):
        first = ada.ask(EVENTS, id=ADA, first=5)["events"]
        second = ada.ask(EVENTS, id=ADA, first=5, after=first["pageInfo"]["endCursor"])["events"]
        events = first["nodes"] + second["nodes"]
        assert [event["version"] for event in events] == [7, 6, 5, 4, 3, 2, 1]
        assert [event["type"] for event in events[-2:]] == ["CashDeposited", "AccountOpened"]
        assert events[-2]["data"]["amount"] == "100000.0000"
        assert {event["actor"] for event in events} == {"ada/bot"}

    @pytest.mark.parametrize("first", [0, -1, 501])
    def test_a_page_has_a_largest_size(self, ada, first):
        for query, field in ((TRADES, "trades"), (EVENTS, "events"), (DAYS, "dailyPnl")):
            data, code, message = ada.error(query, id=ADA, first=first)
            assert (data["account"][field], code) == (None, "BAD_REQUEST")
            assert f"from 1 to 500, found {first}" in message
        assert ada.error(ACCOUNTS, first=first)[1] == "BAD_REQUEST"

    @pytest.mark.parametrize(
        "after", ["", "x", "7", "dHJhZGVzOi0x", "ZGFpbHlQbmw6MjAyNC0xMC0wNA", "dHJhZGVzOtmj", "é" * 9]
    )
    def test_a_cursor_of_something_else_is_refused(self, ada, after):
        """Nothing, text, an id, trades:-1, dailyPnl:2024-10-04, trades: and an Arabic digit, no base64."""
        _, code, message = ada.error(TRADES, id=ADA, after=after)
        assert code == "BAD_REQUEST"
        assert "not the cursor of a page of trades" in message

    def test_a_cursor_of_another_page_of_the_same_kind_is_harmless_on_another_account(self, ada):
        after = ada.ask(TRADES, id=ADA, first=2)["trades"]["pageInfo"]["endCursor"]
        assert Reader("officer", is_staff=True).ask(TRADES, id=BOB, after=after)["trades"]["edges"] == []


class TestFilters:
    def test_trades_are_narrowed_by_symbol_side_and_time(self, ada):
        assert versions(ada, symbol="KO") == [7, 5, 3]
        assert versions(ada, symbol="KO", side="BUY") == [5, 3]
        assert versions(ada, side="SELL") == [7]
        at = {trade["version"]: trade["executedAt"] for trade in ada.ask(TRADES, id=ADA)["trades"]["nodes"]}
        assert versions(ada, **{"from": at[4], "to": at[6]}) == [5, 4]
        assert versions(ada, **{"from": at[4].replace("Z", "+00:00")}) == [7, 6, 5, 4]
        assert versions(ada, symbol="PG", to=at[6]) == [4]

    def test_events_are_narrowed_by_type_and_time(self, ada):
        assert versions(ada, EVENTS, "events", types=["CashDeposited", "AccountOpened"]) == [2, 1]
        assert versions(ada, EVENTS, "events", types=[]) == []
        at = {event["version"]: event["recordedAt"] for event in ada.ask(EVENTS, id=ADA)["events"]["nodes"]}
        assert versions(ada, EVENTS, "events", types=["TradeExecuted"], to=at[5]) == [4, 3]

    def test_narrowed_pages_go_on_where_they_ended(self, ada):
        first = ada.ask(TRADES, id=ADA, first=2, symbol="KO")["trades"]["pageInfo"]
        assert first["hasNextPage"]
        assert versions(ada, first=2, symbol="KO", after=first["endCursor"]) == [3]

    @pytest.mark.parametrize(
        ("query", "variables", "named"),
        [
            (TRADES, {"side": "buy"}, "`side`"),
            (TRADES, {"from": "yesterday"}, "`from`"),
            (TRADES, {"to": "2024-10-04T10:00:00"}, "`to`"),
            (EVENTS, {"types": ["Nonsense"]}, "'Nonsense'"),
            (EVENTS, {"from": "2024-10-04"}, "`from`"),
        ],
    )
    def test_conditions_that_make_no_sense_are_named(self, ada, query, variables, named):
        _, code, message = ada.error(query, id=ADA, **variables)
        assert code == "BAD_REQUEST"
        assert named in message

    def test_a_search_that_takes_too_long_is_given_up(self, ada, monkeypatch):
        monkeypatch.setattr(database, "STATEMENT_SECONDS_MAX", 0.3)
        monkeypatch.setattr(
            listings, "SYMBOL_IS", listings.Condition("symbol", "= %s || coalesce(pg_sleep(1)::text, '')")
        )
        _, code, message = ada.error(TRADES, id=ADA, symbol="KO")
        assert code == "QUERY_TIMEOUT"
        assert "give `from` and `to`" in message


class TestMinVersion:
    def test_a_version_that_is_there_is_answered_at_once(self, ada):
        assert ada.ask(ACCOUNT, id=ADA, minVersion=7)["version"] == 7

    @pytest.mark.parametrize("version", [-1, 10**18, 2**63 - 1])
    def test_a_version_that_no_account_can_have_is_refused_as_rest_does(self, ada, version):
        assert ada.error(ACCOUNT, id=ADA, minVersion=version)[1] == "BAD_REQUEST"

    def test_a_version_that_comes_while_waiting_is_answered_with_its_trade(self, ada, history):
        history.buy(ADA, shares=1)

        def project_later():
            project()
            connection.close()

        later = threading.Timer(0.3, project_later)
        later.start()
        found = ada.ask(ACCOUNT, id=ADA, minVersion=8)
        later.join()
        assert (found["version"], found["trades"]["nodes"][0]["version"]) == (8, 8)

    def test_a_version_that_does_not_come_is_an_error_that_says_so(self, ada, monkeypatch):
        monkeypatch.setattr(version_waits, "WAIT_SECONDS_MAX", 0.05)
        answer = ada.post(ACCOUNT, id=ADA, minVersion=99)
        (error,) = answer["errors"]
        assert answer["data"] == {"account": None}
        assert error["extensions"] == {"code": "VERSION_NOT_AVAILABLE", "retry_after_ms": 1_000}
        assert error["message"] == (
            "version 99 is not projected yet, the newest is 7: try again, or ask without minVersion"
        )

    def test_who_waits_holds_neither_the_event_loop_nor_a_connection(self, ada, monkeypatch):
        """Twenty wait on one event loop, more than there are connections, while it goes on ticking."""
        monkeypatch.setattr(version_waits, "WAIT_SECONDS_MAX", 0.5)
        body = {"query": ACCOUNT, "variables": {"id": ADA, "minVersion": 99}}

        async def wait():
            return (await AsyncClient().post("/graphql", body, "application/json", headers=ada.headers)).json()

        async def wait_together():
            waiting = asyncio.gather(*[wait() for _ in range(20)])
            ticks = 0
            while not waiting.done():
                await asyncio.sleep(0.01)
                ticks += 1
            answers = await waiting
            await sync_to_async(lambda: connection.close())()
            return ticks, answers

        began = time.monotonic()
        ticks, answers = asyncio.run(wait_together())
        assert [answer["errors"][0]["extensions"]["code"] for answer in answers] == ["VERSION_NOT_AVAILABLE"] * 20
        assert time.monotonic() - began < 20 * 0.5 / 2
        assert ticks > 10


class TestOneMoment:
    """What is projected between two queries of one request is not half shown."""

    @pytest.fixture
    def project_in_between(self, ada, history, monkeypatch):
        """Project one more trade right after the account's row is read, on a connection of its own."""
        history.buy(ADA, symbol="KO", shares=3)
        find = schema.find_account

        async def find_then_project(*query, **arguments):
            found = await find(*query, **arguments)

            def project_and_close():
                project()
                connection.close()

            other = threading.Thread(target=project_and_close)
            other.start()
            other.join()
            return found

        monkeypatch.setattr(schema, "find_account", find_then_project)

    def test_positions_are_of_the_accounts_version(self, ada, project_in_between):
        query = "query($id: ID!) { account(id: $id) { version positionsCost positions { symbol quantity cost } } }"
        found = ada.ask(query, id=ADA)
        assert (found["version"], found["positionsCost"]) == (7, "350.0000")
        assert [(p["symbol"], p["quantity"], p["cost"]) for p in found["positions"]] == [
            ("KO", "3", "150.0000"),
            ("PG", "4", "200.0000"),
        ]

    def test_trades_and_events_end_at_the_accounts_version(self, ada, project_in_between):
        query = """query($id: ID!) { account(id: $id) { version
          trades(first: 1) { nodes { version } } events(first: 1) { nodes { version } } } }"""
        found = ada.ask(query, id=ADA)
        assert found == {"version": 7, "trades": {"nodes": [{"version": 7}]}, "events": {"nodes": [{"version": 7}]}}
        assert ada.ask(query, id=ADA)["version"] == 8


class TestQueriesAreCounted:
    """However many accounts there are, each relation is one query."""

    ALL = """query($first: Int) { accounts(first: $first) { nodes { accountId version
      positions { symbol quantity }
      trades(first: 3) { nodes { version account { name } } }
      buys: trades(first: 3, side: "BUY") { nodes { version } }
      dailyPnl(first: 1) { nodes { date } }
      orders(first: 1, status: "all") { nodes { symbol } }
      events(first: 1) { nodes { version } } } } }"""

    @pytest.fixture
    def officer(self, history):
        for number in range(50):
            account_id = str(uuid.UUID(int=number))
            history.open(account_id)
            history.buy(account_id, shares=1 + number)
            history.buy(account_id, symbol="PG", shares=2)
        project()
        return Reader("officer", is_staff=True)

    @staticmethod
    def count(reader, query, monkeypatch, **variables):
        """Return how many statements read the read models, who asks aside, and what was found."""
        asked = []
        read = database._Connection.read

        async def noted(self, statement, values):
            if ApiKey._meta.db_table not in statement:
                asked.append(statement)
            return await read(self, statement, values)

        monkeypatch.setattr(database._Connection, "read", noted)
        found = reader.ask(query, **variables)
        return len(asked), found

    def test_fifty_accounts_with_everything_are_six_queries(self, officer, monkeypatch):
        """The accounts with their positions, and one for each of five lists."""
        queries_of_fifty, found = self.count(officer, self.ALL, monkeypatch, first=50)
        assert queries_of_fifty == 6
        for number, account in enumerate(found["nodes"]):
            assert account["positions"][0] == {"symbol": "KO", "quantity": str(1 + number)}
            assert account["trades"]["nodes"] == [{"version": v, "account": {"name": "Savings"}} for v in (4, 3)]
            assert account["buys"]["nodes"] == [{"version": 4}, {"version": 3}]
            assert account["orders"]["nodes"] == []
            assert account["dailyPnl"]["nodes"] == [{"date": "2024-10-04"}]
            assert account["events"]["nodes"] == [{"version": 4}]
        assert len(found["nodes"]) == 50

    def test_one_account_is_as_many(self, officer, monkeypatch):
        assert self.count(officer, self.ALL, monkeypatch, first=1)[0] == 6

    def test_a_list_without_relations_asks_for_none(self, officer, monkeypatch):
        assert self.count(officer, "{ accounts { nodes { name cash } } }", monkeypatch)[0] == 1
