"""No figure is limited to 32 bits, wherever it is shown: GraphQL, REST, sockets, files, sums over all accounts."""

import asyncio
import csv
import io

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from pyarrow import parquet

from accounts.domain.commands import ChangeRiskLimits
from identity.permissions import grant_ownership
from readmodels.firm import firm_queries
from readmodels.firm.firm_shapes import exposure_shapes
from readmodels.live.consumers import read_snapshot
from readmodels.models import AccountSummary, TradeHistory
from readmodels.reconcile.reconcile import reconcile
from readmodels.tests.conftest import ADA, project
from readmodels.tests.integration.test_downloads import download
from readmodels.tests.integration.test_graphql_queries import ACCOUNT, Reader

pytestmark = pytest.mark.django_db(transaction=True)

MANY = 3_000_000_000


@pytest.fixture
def ada(history):
    """Somebody who bought a thousand million shares three times."""
    history.open(ADA, cash=10_000_000_000)
    history.execute(ADA, ChangeRiskLimits(10_000, 10**15, 10**15))
    for _ in range(3):
        history.buy(ADA, shares=MANY // 3, price=1)
    project()
    reader = Reader("ada")
    grant_ownership(user=reader.user, account_id=ADA)
    return reader


def get(reader, path, **headers):
    return Client().get(f"/api/accounts/{ADA}{path}", headers={**reader.headers, **headers})


def test_graphql_shows_it(ada):
    (position,) = ada.ask(ACCOUNT, id=ADA)["positions"]
    assert (position["quantity"], position["available"]) == (str(MANY), str(MANY))


def test_rest_and_sockets_show_the_same(ada):
    (position,) = ada.rest(f"accounts/{ADA}/positions")["results"]
    assert position["quantity"] == str(MANY)
    snapshot = asyncio.run(read_snapshot(ADA, "owner"))
    assert [each["quantity"] for each in snapshot["positions"]] == [str(MANY)]


def test_events_say_it_as_the_trades_do(ada):
    trades = ada.rest(f"accounts/{ADA}/trades")["results"]
    assert [trade["quantity"] for trade in trades] == ["1000000000"] * 3
    newest = ada.rest(f"accounts/{ADA}/activity")["results"][0]
    assert (newest["data"]["quantity"], newest["data"]["position_quantity"]) == ("1000000000", str(MANY))


def test_files_hold_it(ada):
    _, parts = download(ada.user, f"{ADA}/trades.csv")
    rows = list(csv.DictReader(io.StringIO(b"".join(parts).decode())))
    assert [row["quantity"] for row in rows] == ["1000000000"] * 3
    _, parts = download(ada.user, f"{ADA}/trades.parquet")
    table = parquet.read_table(io.BytesIO(b"".join(parts)))
    assert [str(each) for each in table["quantity"].to_pylist()] == ["1000000000.000000"] * 3


def test_all_accounts_hold_it_and_the_books_agree(ada):
    (held,) = exposure_shapes(firm_queries.symbols(), by_sector=False)
    assert (held["quantity"], held["value"]) == (str(MANY), "300000.0000")
    assert reconcile().differences == []


def test_versions_and_counts_have_64_bits(ada):
    large = 2**40
    AccountSummary.objects.update(version=large, trade_count=large, day_trades=large)
    TradeHistory.objects.update(day_trades=large)
    query = "query($id: ID!, $v: BigInt) { account(id: $id, minVersion: $v) { version tradeCount day { trades } } }"
    found = ada.ask(query, id=ADA, v=large)
    assert found == {"version": large, "tradeCount": large, "day": {"trades": large}}


@pytest.mark.parametrize("version", ["7", 7.5, True, [7], 2**63])
def test_a_version_that_is_none_is_one_clear_error(ada, version):
    query = "query($id: ID!, $v: BigInt) { account(id: $id, minVersion: $v) { version } }"
    _, code, message = ada.error(query, id=ADA, v=version)
    assert (code, "at most 64 bits" in message) == ("BAD_REQUEST", True)


def test_an_owner_is_shown_by_the_name_of_now(ada, history):
    user = get_user_model().objects.get(username="ada")
    AccountSummary.objects.update(owner=f"user:{user.pk}")
    first = get(ada, "")
    assert (first.json()["owner"], first.json()["owner_name"]) == (f"user:{user.pk}", "ada")
    get_user_model().objects.filter(pk=user.pk).update(username="renamed")
    second = get(ada, "", **{"If-None-Match": first["ETag"]})
    assert (second.status_code, second.json()["owner_name"]) == (200, "renamed")
    assert get(ada, "", **{"If-None-Match": second["ETag"]}).status_code == 304
    assert asyncio.run(read_snapshot(ADA, "owner"))["account"]["owner_name"] == "renamed"
    assert firm_queries.accounts_by_pnl(best_first=True, currency=None, limit=5)[0]["owner_name"] == "renamed"


@pytest.mark.parametrize("owner", ["ada", "user:", "user:x", "user:99999999999999999999999", "user:2147483648", "x"])
def test_an_owner_who_is_nobody_is_shown_as_recorded(ada, owner):
    AccountSummary.objects.update(owner=owner)
    assert ada.rest(f"accounts/{ADA}")["owner_name"] == owner


def test_a_null_in_a_list_of_an_account_is_as_if_it_were_left_out(ada):
    arguments = {
        "trades": "first after symbol side from to",
        "events": "first after types from to",
        "dailyPnl": "first after",
        "orders": "first after status symbol side clientOrderId",
    }
    for name, all_of_them in arguments.items():
        query = f"query($id: ID!) {{ account(id: $id) {{ {name}%s {{ nodes {{ __typename }} }} }} }}"
        without = ada.ask(query % "", id=ADA)
        for argument in all_of_them.split():
            assert ada.ask(query % f"({argument}: null)", id=ADA) == without, (name, argument)


def test_a_text_that_no_database_stores_is_one_clear_error(ada):
    query = "query($id: ID!, $symbol: String) { account(id: $id) { trades(symbol: $symbol) { nodes { symbol } } } }"
    literal = 'query($id: ID!) { account(id: $id) { trades(symbol: "a\\u0000b") { nodes { symbol } } } }'
    for asked, variables in ((query, {"symbol": "a\x00b"}), (literal, {})):
        (error,) = ada.post(asked, id=ADA, **variables)["errors"]
        assert (error["extensions"]["code"], "NUL" in error["message"]) == ("BAD_REQUEST", True)
