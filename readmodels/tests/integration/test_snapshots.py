"""The first snapshot of a socket: what REST shows of the account, by one statement; no thread from opening to end."""

import asyncio
import uuid

import pytest
from channels.layers import get_channel_layer
from django.contrib.auth import get_user_model
from django.test import Client

from accounts.domain.commands import CancelOrder
from identity.permissions import grant_ownership
from readmodels.live import consumers
from readmodels.live.push import group_of
from readmodels.live.subscriptions import deltas_to_publish
from readmodels.projector.projector import project_partition
from readmodels.queries import snapshots
from readmodels.tests.conftest import ADA, BOB, ZOE, project
from readmodels.tests.integration.test_consumers import Socket
from readmodels.tests.integration.test_reads_without_threads import counted

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def owner(history):
    user = get_user_model().objects.create_user("ada")
    for account_id in (ADA, BOB):
        grant_ownership(user=user, account_id=account_id)
        history.open(account_id)
    return user


def trade_much(history):
    """Three positions of which one is closed, six orders of which one is cancelled, more trades than are shown."""
    for symbol in ("XOM", "KO", "AAPL"):
        history.buy(ADA, symbol=symbol)
    history.sell(ADA, symbol="AAPL", shares=10)
    orders = [history.place(ADA, price=100_000 + each) for each in range(6)]
    history.execute(ADA, CancelOrder(orders[2], "enough"))
    for _ in range(snapshots.TRADES_MAX):
        history.buy(ADA, shares=1)


def shown_by_rest(user, account_id):
    browser = Client()
    browser.force_login(user, backend="django.contrib.auth.backends.ModelBackend")

    def get(path=""):
        return browser.get(f"/api/accounts/{account_id}{path}").json()

    positions = get("/positions")["results"]
    for position in positions:
        del position["at_market"]  # Who has a socket has the market's prices from another one.
    return {
        "type": "snapshot",
        "version": get()["version"],
        "account": get(),
        "positions": positions,
        "orders": get("/orders?status=open")["results"],
        "trades": get("/trades?limit=50")["results"],
    }


def test_it_is_what_rest_shows(history, owner):
    trade_much(history)
    project()
    shown = asyncio.run(consumers.read_snapshot(ADA, "owner"))
    assert shown == shown_by_rest(owner, ADA)
    assert [position["symbol"] for position in shown["positions"]] == ["KO", "XOM"]
    assert (len(shown["orders"]), len(shown["trades"])) == (5, 50)


def test_so_it_is_of_an_account_without_anything(history, owner):
    project()
    assert asyncio.run(consumers.read_snapshot(BOB, "owner")) == shown_by_rest(owner, BOB)
    assert asyncio.run(consumers.read_snapshot(ZOE, "owner")) is None


@pytest.mark.parametrize("account_id", [ADA, None], ids=["one account", "all accounts"])
def test_a_socket_costs_a_statement_for_roles_and_one_for_each_account_and_no_thread(
    history, owner, monkeypatch, account_id
):
    monkeypatch.setattr(consumers, "HEARTBEAT_SECONDS", 0.3)
    project()
    history.buy(ADA)
    (delta,) = deltas_to_publish(project_partition(history.store.partition_of(ADA)).written)
    delta |= {"from_version": 3, "version": 4}
    accounts = 1 if account_id else 2

    async def messages(socket, count):
        return [(await socket.receive())["type"] for _ in range(count)]

    async def scenario():
        socket = Socket(owner, account_id)
        with counted(monkeypatch) as (statements, visits):
            await socket.connect()
            received = await messages(socket, accounts)
            first = len(statements)
            await get_channel_layer().group_send(group_of(ADA), delta)
            received += await messages(socket, 1)
            await socket.send({"type": "resync"})
            received += await messages(socket, accounts + 1)
            await socket.disconnect()
            return first, received, visits

    first, received, visits = asyncio.run(scenario())
    snapshots_sent = ["snapshot"] * accounts
    assert received == [*snapshots_sent, "delta", *snapshots_sent, "heartbeat"]
    assert first == 1 + accounts
    assert visits == []


def test_versions_are_of_the_accounts_that_there_are(history, owner):
    history.buy(BOB)
    project()
    found = asyncio.run(snapshots.versions(account_ids=[ADA, BOB, ZOE, str(uuid.uuid4())]))
    assert found == {ADA: 2, BOB: 3}
