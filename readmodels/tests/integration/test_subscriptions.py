"""What is published of a round: to those who subscribed to an account all that has changed, and of no other account."""

import asyncio
import threading
import uuid

import pytest
from channels.layers import get_channel_layer

from readmodels.live import subscriptions
from readmodels.live.push import group_of
from readmodels.projector import projector
from readmodels.tests.conftest import ADA, BOB, project

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def layer(history, settings, valkey_url):
    """The layer of the platform, on an empty Valkey."""
    backend = "channels_redis.pubsub.RedisPubSubChannelLayer"
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": backend, "CONFIG": {"hosts": [valkey_url], "prefix": "channels"}}}
    settings.REDIS_URL = valkey_url
    subscriptions._redis.cache_clear()
    return get_channel_layer()


@pytest.fixture
def loop():
    running = asyncio.new_event_loop()
    thread = threading.Thread(target=running.run_forever)
    thread.start()
    yield running
    running.call_soon_threadsafe(running.stop)
    thread.join()


def test_a_change_is_told_to_those_who_follow_its_account_alone(history, layer, loop):
    def run(coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result(10)

    for account_id in (ADA, BOB):
        history.open(account_id)
    project()
    keys = {uuid.UUID(account_id).bytes for account_id in (ADA, BOB)}
    assert subscriptions.subscribed_among(keys) == set()
    channel = run(layer.new_channel())
    run(layer.group_add(group_of(ADA), channel))
    assert subscriptions.subscribed_among(keys) == {uuid.UUID(ADA).bytes}
    for account_id in (ADA, BOB):
        history.buy(account_id)
        history.sell(account_id)
        history.sell(account_id, shares=10**6)  # Refused.
    project()
    told = run(layer.receive(channel))
    assert (told["account_id"], told["from_version"], told["version"]) == (ADA, 2, 5)
    assert told["account"]["version"] == 5
    assert [trade["version"] for trade in told["trades"]] == [3, 4]
    assert [(position["symbol"], position["quantity"]) for position in told["positions"]] == [("KO", "6")]


def test_a_delta_has_what_changed_in_the_round_and_nothing_else(history):
    """Where the layer cannot say who follows, everybody is told."""
    history.open(ADA)
    history.buy(ADA)
    history.buy(ADA, symbol="XOM", shares=2)
    project()
    history.sell(ADA)
    order_id = history.place(ADA, side="SELL", shares=1, symbol="XOM")
    projected = projector.project_partition(history.store.partition_of(ADA))
    (delta,) = subscriptions.deltas_to_publish(projected.written)
    assert (delta["from_version"], delta["version"], delta["account"]["open_orders"]) == (4, 6, 1)
    assert [(row["symbol"], row["quantity"], row["available"]) for row in delta["positions"]] == [
        ("KO", "6", "6"),
        ("XOM", "2", "1"),
    ]
    assert [order["order_id"] for order in delta["orders"]] == [order_id]
    assert [(trade["version"], trade["side"]) for trade in delta["trades"]] == [(5, "SELL")]


def test_an_account_that_has_moved_on_is_left_to_the_round_that_moved_it(history):
    history.open(ADA)
    partition = history.store.partition_of(ADA)
    before = projector.project_partition(partition)
    history.buy(ADA)
    after = projector.project_partition(partition)
    assert subscriptions.deltas_to_publish(before.written) == []
    assert [delta["version"] for delta in subscriptions.deltas_to_publish(after.written)] == [3]
