"""The live feed of an account: snapshot, deltas that fit, resync, and nobody who may not see it."""

import json

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from asgiref.testing import ApplicationCommunicator
from channels.layers import get_channel_layer
from channels.routing import URLRouter
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.db import DatabaseError

from accounts.domain.commands import CancelOrder
from identity.models import AccountAccess
from identity.permissions import grant_ownership
from readmodels.live import consumers
from readmodels.live.push import group_of
from readmodels.live.routing import websocket_urlpatterns
from readmodels.live.subscriptions import deltas_to_publish
from readmodels.projector.projector import project_partition
from readmodels.tests.conftest import ADA, BOB

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def owner(history):
    user = get_user_model().objects.create_user("ada")
    grant_ownership(user=user, account_id=ADA)
    history.open(ADA)
    project_partition(history.store.partition_of(ADA))
    return user


class Socket(ApplicationCommunicator):
    """One WebSocket to an account's feed, or (with no account) to that of all accounts."""

    def __init__(self, user, account_id=ADA):
        path = "/ws/accounts" if account_id is None else f"/ws/accounts/{account_id}"
        scope = {"type": "websocket", "path": path, "headers": [], "user": user}
        super().__init__(URLRouter(websocket_urlpatterns), scope)

    async def connect(self):
        await self.send_input({"type": "websocket.connect"})
        assert (await self.receive_output())["type"] == "websocket.accept"

    async def receive(self):
        return json.loads((await self.receive_output())["text"])

    async def send(self, content):
        await self.send_input({"type": "websocket.receive", "text": json.dumps(content)})

    async def disconnect(self):
        await self.send_input({"type": "websocket.disconnect", "code": 1000})
        await self.wait()


async def project_and_push(history, account_id=ADA):
    projected = await sync_to_async(project_partition)(history.store.partition_of(account_id))
    messages = await sync_to_async(deltas_to_publish)(projected.written)
    for message in messages:
        await get_channel_layer().group_send(group_of(message["account_id"]), message)
    return messages


def test_a_snapshot_comes_first_then_each_change(history, owner):
    async def scenario():
        socket = Socket(owner)
        await socket.connect()
        snapshot = await socket.receive()
        assert (snapshot["type"], snapshot["version"], snapshot["account"]["role"]) == ("snapshot", 2, "owner")
        await sync_to_async(history.buy)(ADA)
        await sync_to_async(history.sell)(ADA)
        await project_and_push(history)
        delta = await socket.receive()
        assert (delta["type"], delta["from_version"], delta["version"]) == ("delta", 2, 4)
        assert [trade["side"] for trade in delta["trades"]] == ["BUY", "SELL"]
        assert [position["quantity"] for position in delta["positions"]] == ["6"]
        assert delta["account"]["role"] == "owner"
        await socket.disconnect()

    async_to_sync(scenario)()


def test_the_snapshot_has_the_open_orders_and_a_delta_those_that_changed(history, owner):
    async def scenario():
        await sync_to_async(history.buy)(ADA)
        bought = await sync_to_async(history.place)(ADA)
        ended = await sync_to_async(history.place)(ADA)
        await sync_to_async(history.execute)(ADA, CancelOrder(ended, "enough"))
        await project_and_push(history)
        socket = Socket(owner)
        await socket.connect()
        snapshot = await socket.receive()
        assert [(order["order_id"], order["status"]) for order in snapshot["orders"]] == [(bought, "PENDING")]
        assert (snapshot["account"]["open_orders"], snapshot["account"]["reserved_cash"]) == (1, "500.0000")
        await sync_to_async(history.fill)(ADA, bought, shares=10)
        sold = await sync_to_async(history.place)(ADA, side="SELL", shares=2)
        await project_and_push(history)
        delta = await socket.receive()
        assert [(order["order_id"], order["status"]) for order in delta["orders"]] == [
            (bought, "FILLED"),
            (sold, "PENDING"),
        ]
        assert [(trade["order_id"], trade["quantity"]) for trade in delta["trades"]] == [(bought, "10")]
        assert [(each["quantity"], each["available"]) for each in delta["positions"]] == [("20", "18")]
        await sync_to_async(history.execute)(ADA, CancelOrder(sold, "enough"))
        await project_and_push(history)
        delta = await socket.receive()
        assert [(order["order_id"], order["reason"]) for order in delta["orders"]] == [(sold, "enough")]
        assert [(each["quantity"], each["available"]) for each in delta["positions"]] == [("20", "20")]
        await socket.disconnect()

    async_to_sync(scenario)()


def test_a_change_that_the_snapshot_has_is_not_sent_again(history, owner):
    async def scenario():
        await sync_to_async(history.buy)(ADA)
        messages = await project_and_push(history)
        socket = Socket(owner)
        await socket.connect()
        assert (await socket.receive())["version"] == 3
        await get_channel_layer().group_send(group_of(ADA), messages[0])
        assert await socket.receive_nothing(0.2)
        await socket.disconnect()

    async_to_sync(scenario)()


def test_a_client_that_missed_something_gets_a_snapshot_again(history, owner):
    async def scenario():
        socket = Socket(owner)
        await socket.connect()
        await socket.receive()
        await sync_to_async(history.buy)(ADA)
        await sync_to_async(project_partition)(history.store.partition_of(ADA))
        for nonsense in ({"type": "other"}, [], "x", {"type": "resync", "account_id": ADA}):
            await socket.send(nonsense)
            assert (await socket.receive())["code"] == "INVALID_MESSAGE"
        await socket.send({"type": "resync"})
        assert (await socket.receive())["version"] == 3
        await socket.disconnect()

    async_to_sync(scenario)()


@pytest.mark.parametrize(("who", "code"), [("nobody", 4401), ("stranger", 4404), ("unknown account", 4404)])
def test_whoever_may_not_see_the_account_is_turned_away(history, owner, who, code):
    async def scenario():
        stranger = await get_user_model().objects.acreate(username="stranger")
        user = {"nobody": AnonymousUser(), "stranger": stranger}.get(who, owner)
        account_id = "0b5c1f3e-0000-4000-8000-0000000000ff" if who == "unknown account" else ADA
        socket = Socket(user, account_id)
        await socket.connect()
        assert await socket.receive_output() == {"type": "websocket.close", "code": code}

    async_to_sync(scenario)()


class TestAllAccounts:
    """The feed of every account of a user."""

    @pytest.fixture(autouse=True)
    def soon(self, monkeypatch):
        monkeypatch.setattr(consumers, "LOOK_SECONDS", 0.05)

    def test_every_account_has_a_snapshot_and_changes_that_name_it(self, history, owner):
        async def scenario():
            await sync_to_async(history.open)(BOB)
            await project_and_push(history, BOB)
            await sync_to_async(grant_ownership)(user=owner, account_id=BOB)
            socket = Socket(owner, None)
            await socket.connect()
            snapshots = [await socket.receive() for _ in range(2)]
            assert {(each["type"], each["account_id"], each["version"]) for each in snapshots} == {
                ("snapshot", ADA, 2),
                ("snapshot", BOB, 2),
            }
            await sync_to_async(history.buy)(BOB)
            await project_and_push(history, BOB)
            delta = await socket.receive()
            assert (delta["type"], delta["account_id"], delta["from_version"], delta["version"]) == ("delta", BOB, 2, 3)
            await socket.send({"type": "resync", "account_id": ADA})
            again = await socket.receive()
            assert (again["type"], again["account_id"]) == ("snapshot", ADA)
            await socket.disconnect()

        async_to_sync(scenario)()

    def test_an_account_appears_when_it_is_given_and_goes_when_it_is_taken_away(self, history, owner):
        async def scenario():
            socket = Socket(owner, None)
            await socket.connect()
            assert (await socket.receive())["account_id"] == ADA
            await sync_to_async(history.open)(BOB)
            await project_and_push(history, BOB)
            given = await AccountAccess.objects.acreate(user=owner, account_id=BOB, role="viewer")
            shown = await socket.receive()
            assert (shown["type"], shown["account_id"], shown["account"]["role"]) == ("snapshot", BOB, "viewer")
            await given.adelete()
            assert await socket.receive() == {"type": "removed", "account_id": BOB}
            await sync_to_async(history.buy)(BOB)
            await project_and_push(history, BOB)
            assert await socket.receive_nothing(0.3)
            await socket.disconnect()

        async_to_sync(scenario)()

    @pytest.mark.parametrize(("most", "code"), [(200, None), (0, 4413)])
    def test_a_user_with_too_many_accounts_is_told_so(self, history, owner, monkeypatch, most, code):
        monkeypatch.setattr(consumers, "ACCOUNTS_MAX", most)

        async def scenario():
            socket = Socket(owner, None)
            await socket.connect()
            first = await socket.receive_output()
            assert first.get("code") == code
            await socket.disconnect()

        async_to_sync(scenario)()

    def test_nobody_is_turned_away(self, history, owner):
        async def scenario():
            socket = Socket(AnonymousUser(), None)
            await socket.connect()
            assert await socket.receive_output() == {"type": "websocket.close", "code": 4401}

        async_to_sync(scenario)()


def test_a_change_whose_push_was_lost_comes_with_the_next_heartbeat(history, owner, monkeypatch):
    """Nothing happens to the account afterwards, so no gap would ever show."""
    monkeypatch.setattr(consumers, "HEARTBEAT_SECONDS", 0.05)

    async def scenario():
        socket = Socket(owner)
        await socket.connect()
        assert (await socket.receive())["version"] == 2
        await sync_to_async(history.buy)(ADA)
        await sync_to_async(project_partition)(history.store.partition_of(ADA))
        found = await socket.receive()
        while found["type"] == "heartbeat":
            found = await socket.receive()
        assert (found["type"], found["version"]) == ("snapshot", 3)
        assert await socket.receive() == {"type": "heartbeat", "version": 3}
        await socket.disconnect()

    async_to_sync(scenario)()


@pytest.mark.parametrize(("error", "code"), [(DatabaseError("gone"), 1013), (ValueError("a fault"), 1011)])
def test_a_feed_that_cannot_go_on_is_closed_and_does_not_only_beat(history, owner, monkeypatch, error, code):
    monkeypatch.setattr(consumers, "HEARTBEAT_SECONDS", 0.05)

    async def fail(*_):
        raise error

    async def scenario():
        socket = Socket(owner)
        await socket.connect()
        await socket.receive()
        monkeypatch.setattr(consumers, "read_snapshot", fail)
        await sync_to_async(history.buy)(ADA)
        await sync_to_async(project_partition)(history.store.partition_of(ADA))
        closed = await socket.receive_output()
        while closed["type"] != "websocket.close":
            closed = await socket.receive_output()
        assert closed["code"] == code
        await socket.disconnect()

    async_to_sync(scenario)()
