"""REST: what is shown to whom, page by page, no older than asked, and every error a problem with a code."""

import asyncio
import io
import threading
import uuid
from decimal import Decimal

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connection
from django.test import AsyncClient, Client

from accounts.domain.commands import CancelOrder
from identity.api_keys import create_api_key
from identity.models import AccountAccess
from identity.permissions import grant_ownership
from readmodels.models import Order
from readmodels.queries import version_waits
from readmodels.tests.conftest import ADA, BOB, project

pytestmark = pytest.mark.django_db(transaction=True)


class Reader:
    """A user with an API key."""

    def __init__(self, username, **flags):
        self.user = get_user_model().objects.create_user(username, password="a long password", **flags)
        self.headers = {"Authorization": f"Bearer {create_api_key(user=self.user, name='bot')}"}

    def get(self, path, **parameters):
        return Client().get(f"/api/{path}", parameters, headers=self.headers)


@pytest.fixture
def ada(history):
    """Ada owns an account with five trades; Bob's is somebody else's."""
    reader = Reader("ada")
    grant_ownership(user=reader.user, account_id=ADA)
    for account_id in (ADA, BOB):
        history.open(account_id)
    for _ in range(4):
        history.buy(ADA, shares=2)
    history.sell(ADA, shares=1)
    project()
    return reader


def problem(answer):
    assert answer["Content-Type"] == "application/problem+json"
    found = answer.json()
    assert found["status"] == answer.status_code
    assert found["detail"]
    return answer.status_code, found["code"]


def test_an_account_and_its_positions_are_shown(ada):
    portfolio = ada.get(f"accounts/{ADA}/portfolio").json()
    assert (portfolio["account"]["role"], portfolio["account"]["version"]) == ("owner", 7)
    assert portfolio["account"] == ada.get(f"accounts/{ADA}").json()
    assert portfolio["positions"] == ada.get(f"accounts/{ADA}/positions").json()["results"]
    assert portfolio["positions"][0]["quantity"] == "7"


def test_a_closed_position_is_not_shown(ada, history):
    history.sell(ADA, shares=7)
    project()
    assert ada.get(f"accounts/{ADA}/positions").json() == {"results": []}


class TestAccess:
    def test_the_list_has_the_accounts_that_one_may_see(self, ada):
        def ids(reader):
            return {account["account_id"] for account in reader.get("accounts").json()["results"]}

        assert ids(ada) == {ADA}
        assert ids(Reader("stranger")) == set()
        assert ids(Reader("officer", is_staff=True)) == {ADA, BOB}

    @pytest.mark.parametrize(
        "path", ["", "/portfolio", "/positions", "/trades", "/daily-pnl", "/orders", f"/orders/{uuid.UUID(int=1)}"]
    )
    def test_an_account_that_one_may_not_see_does_not_exist(self, ada, path):
        foreign = problem(ada.get(f"accounts/{BOB}{path}"))
        assert foreign == problem(ada.get(f"accounts/{uuid.uuid4()}{path}")) == (404, "NOT_FOUND")
        assert problem(Client().get(f"/api/accounts/{ADA}{path}")) == (401, "UNAUTHENTICATED")

    def test_roles_that_were_given_are_shown(self, ada):
        viewer = Reader("viewer")
        AccountAccess.objects.create(user=viewer.user, account_id=ADA, role="viewer")
        assert viewer.get(f"accounts/{ADA}").json()["role"] == "viewer"
        assert Reader("officer", is_staff=True).get(f"accounts/{ADA}").json()["role"] == "staff"


class TestPages:
    def test_trades_come_newest_first_in_pages_without_overlap(self, ada):
        versions, cursor, pages = [], None, 0
        while pages == 0 or cursor is not None:
            parameters = {"limit": 2} | ({} if cursor is None else {"cursor": cursor})
            page = ada.get(f"accounts/{ADA}/trades", **parameters).json()
            versions += [trade["version"] for trade in page["results"]]
            cursor, pages = page["next"], pages + 1
        assert (versions, pages) == ([7, 6, 5, 4, 3], 3)

    def test_accounts_come_in_pages(self, ada):
        officer = Reader("officer", is_staff=True)
        first = officer.get("accounts", limit=1).json()
        second = officer.get("accounts", limit=1, cursor=first["next"]).json()
        assert [first["results"][0]["account_id"], second["results"][0]["account_id"]] == [ADA, BOB]
        assert second["next"] is None

    @pytest.mark.parametrize(
        "parameters", [{"limit": 0}, {"limit": 501}, {"limit": "x"}, {"cursor": "-1"}, {"cursor": "x"}]
    )
    def test_parameters_that_make_no_sense_are_named(self, ada, parameters):
        answer = ada.get(f"accounts/{ADA}/trades", **parameters)
        assert problem(answer) == (400, "BAD_REQUEST")
        assert next(iter(parameters)) in answer.json()["detail"]
        assert problem(ada.get("accounts", cursor="x")) == (400, "BAD_REQUEST")


@pytest.fixture
def orders(ada, history):
    """Ada's orders, oldest first, by what became of them."""
    found = {"filled": history.place(ADA, shares=2, client_order_id="mine")}
    history.fill(ADA, found["filled"], shares=2, price=499_999)
    found["partly filled"] = history.place(ADA, shares=3, symbol="XOM")
    history.fill(ADA, found["partly filled"], shares=1, symbol="XOM")
    found["sell"] = history.place(ADA, side="SELL", shares=4, price=600_000)
    found["replaced"] = history.place(ADA, shares=5)
    found["replacing"] = history.replace(ADA, found["replaced"], shares=6)
    found["cancelled"] = history.place(ADA, client_order_id="mine")
    history.execute(ADA, CancelOrder(found["cancelled"], "enough"))
    project()
    return found


class TestOrders:
    def names(self, orders, answer):
        by_id = {order_id: name for name, order_id in orders.items()}
        return [by_id[order["order_id"]] for order in answer.json()["results"]]

    @pytest.mark.parametrize(
        ("asked", "expected"),
        [
            ({}, ["replacing", "sell", "partly filled"]),
            ({"status": "open"}, ["replacing", "sell", "partly filled"]),
            ({"status": "closed"}, ["cancelled", "replaced", "filled"]),
            ({"status": "all"}, ["cancelled", "replacing", "replaced", "sell", "partly filled", "filled"]),
            ({"status": "all", "symbol": "XOM"}, ["partly filled"]),
            ({"side": "SELL"}, ["sell"]),
            ({"side": "BUY", "symbol": "KO"}, ["replacing"]),
            ({"client_order_id": "mine"}, ["cancelled", "filled"]),
            ({"client_order_id": "mine", "status": "open"}, []),
            ({"client_order_id": "nobody's"}, []),
        ],
    )
    def test_orders_are_found_newest_first(self, ada, orders, asked, expected):
        assert self.names(orders, ada.get(f"accounts/{ADA}/orders", **asked)) == expected

    def test_orders_come_in_pages_without_overlap(self, ada, orders):
        names, cursor, pages = [], None, 0
        while pages == 0 or cursor is not None:
            parameters = {"limit": 2, "status": "all"} | ({} if cursor is None else {"cursor": cursor})
            page = ada.get(f"accounts/{ADA}/orders", **parameters)
            names += self.names(orders, page)
            cursor, pages = page.json()["next"], pages + 1
        assert (sorted(names), pages) == (sorted(orders), 3)

    def test_an_order_says_what_became_of_it(self, ada, orders):
        def shown(name):
            return ada.get(f"accounts/{ADA}/orders/{orders[name]}").json()

        filled = shown("filled")
        assert (filled["status"], filled["avg_fill_price"], filled["filled_value"]) == ("FILLED", "49.9999", "99.9998")
        assert (filled["client_order_id"], filled["actor"]) == ("mine", "ada/bot")
        assert filled["ended_at"] is not None
        partly = shown("partly filled")
        assert (partly["status"], partly["remaining_quantity"], partly["ended_at"]) == ("PARTIALLY_FILLED", "2", None)
        assert (shown("replaced")["replaced_by"], shown("replacing")["replaces"]) == (
            orders["replacing"],
            orders["replaced"],
        )
        assert (shown("cancelled")["status"], shown("cancelled")["reason"]) == ("CANCELLED", "enough")

    def test_what_orders_reserve_is_shown_with_the_account_and_the_position(self, ada, orders):
        portfolio = ada.get(f"accounts/{ADA}/portfolio").json()
        account = portfolio["account"]
        assert (account["open_orders"], account["reserved_cash"]) == (3, "400.0000")
        assert Decimal(account["buying_power"]) == Decimal(account["cash"]) - 400
        (coke, _) = portfolio["positions"]
        assert (coke["quantity"], coke["reserved_quantity"], coke["available"]) == ("9", "4", "5")

    def test_an_order_of_another_account_does_not_exist(self, ada, orders, history):
        foreign = history.place(BOB)
        project()
        assert problem(ada.get(f"accounts/{ADA}/orders/{foreign}")) == (404, "NOT_FOUND")
        assert ada.get(f"accounts/{ADA}/orders", status="all", symbol="KO").json()["next"] is None

    @pytest.mark.parametrize("parameters", [{"status": "working"}, {"side": "LONG"}, {"cursor": "x"}, {"limit": 0}])
    def test_parameters_that_make_no_sense_are_named(self, ada, parameters):
        answer = ada.get(f"accounts/{ADA}/orders", **parameters)
        assert problem(answer) == (400, "BAD_REQUEST")
        assert next(iter(parameters)) in answer.json()["detail"]

    @pytest.mark.parametrize("path", ["orders", "orders/0b5c1f3e-0000-4000-8000-0000000000ff"])
    def test_a_version_that_does_not_come_is_a_503_that_says_so(self, ada, monkeypatch, path):
        monkeypatch.setattr(version_waits, "WAIT_SECONDS_MAX", 0.05)
        assert problem(ada.get(f"accounts/{ADA}/{path}", min_version=99)) == (503, "VERSION_NOT_AVAILABLE")

    def test_the_queries_of_orders_use_their_indexes(self, ada, orders):
        ended = Order.objects.filter(order_id=orders["filled"]).values().get()
        Order.objects.bulk_create(
            Order(**ended | {"order_id": uuid.uuid4(), "placed_version": version}) for version in range(100, 3_100)
        )

        def plan(condition):
            with connection.cursor() as cursor:
                cursor.execute("ANALYZE orders")
                cursor.execute(
                    f"EXPLAIN SELECT * FROM orders WHERE account_id = %s AND {condition} "
                    "ORDER BY placed_version DESC LIMIT 50",
                    [ADA],
                )
                return "\n".join(row[0] for row in cursor.fetchall())

        assert "orders_open" in plan("ended_at IS NULL")
        assert "Sort" not in plan("ended_at IS NULL")
        assert "orders_newest" in plan("placed_version < 9")


class TestMinVersion:
    def test_a_version_that_is_there_is_answered_at_once(self, ada):
        assert ada.get(f"accounts/{ADA}", min_version=7).json()["version"] == 7

    def test_a_version_that_comes_while_waiting_is_answered(self, ada, history):
        history.buy(ADA, shares=1)

        def project_later():
            project()
            connection.close()

        later = threading.Timer(0.3, project_later)
        later.start()
        assert ada.get(f"accounts/{ADA}/portfolio", min_version=8).json()["account"]["version"] == 8
        later.join()

    def test_a_version_that_does_not_come_is_a_503_that_says_so(self, ada, monkeypatch):
        monkeypatch.setattr(version_waits, "WAIT_SECONDS_MAX", 0.05)
        answer = ada.get(f"accounts/{ADA}/trades", min_version=99)
        assert problem(answer) == (503, "VERSION_NOT_AVAILABLE")
        assert answer["Retry-After"] == "1"
        assert problem(ada.get(f"accounts/{ADA}", min_version="x")) == (400, "BAD_REQUEST")

    @pytest.mark.parametrize("path", ["/portfolio", "/trades.csv"])
    def test_who_waits_holds_nothing_and_is_one_of_a_bounded_number(self, ada, monkeypatch, path):
        """More wait on one event loop than there are connections, on one thread, while another is answered."""
        monkeypatch.setattr(version_waits, "WAITS_PER_ASKER_MAX", 20)
        other = Reader("other")
        AccountAccess.objects.create(user=other.user, account_id=ADA, role="viewer")

        async def get(reader, **asked):
            return await AsyncClient().get(f"/api/accounts/{ADA}{path}", asked, headers=reader.headers)

        async def scenario():
            waiting = [asyncio.create_task(get(ada, min_version=999_999_999)) for _ in range(22)]
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)  # One that was refused: all have begun.
            answer = await get(other, min_version=7)
            assert sum(not task.done() for task in waiting) == 20
            answers = await asyncio.gather(*waiting)
            await sync_to_async(lambda: connection.close())()
            return answer, answers

        answer, answers = asyncio.run(scenario())
        assert answer.status_code == 200
        refused = [(429, "TOO_MANY_WAITS")] * 2
        assert sorted(problem(each) for each in answers) == refused + [(503, "VERSION_NOT_AVAILABLE")] * 20

    def test_every_query_of_an_account_waits(self, ada, monkeypatch):
        monkeypatch.setattr(version_waits, "WAIT_SECONDS_MAX", 0.05)
        for path in ("", "/summary", "/risk-metrics", "/portfolio", "/positions", "/trades", "/activity", "/orders"):
            assert problem(ada.get(f"accounts/{ADA}{path}", min_version=99)) == (503, "VERSION_NOT_AVAILABLE")
        for path in ("/daily-pnl", "/trades.csv", "/trades.parquet", "/activity.csv", "/activity.parquet"):
            assert problem(ada.get(f"accounts/{ADA}{path}", min_version=99)) == (503, "VERSION_NOT_AVAILABLE")


def test_the_openapi_document_is_valid_and_complete():
    errors = io.StringIO()
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", "/dev/null", stderr=errors)
    assert errors.getvalue() == ""
