"""What is told of plain trades: to those who follow the account what any change tells them, and of no other account."""

import asyncio
import threading
import uuid

import pytest
from channels.layers import get_channel_layer
from django.db import transaction

from readmodels import followed, projector
from readmodels.live import group_of
from readmodels.tests.conftest import ADA, BOB, OF_STORING, project

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def layer(history, settings, valkey_url):
    """The layer of the platform, on an empty Valkey."""
    backend = "channels_redis.pubsub.RedisPubSubChannelLayer"
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": backend, "CONFIG": {"hosts": [valkey_url], "prefix": "channels"}}}
    settings.REDIS_URL = valkey_url
    followed._redis.cache_clear()
    return get_channel_layer()


@pytest.fixture
def loop():
    running = asyncio.new_event_loop()
    thread = threading.Thread(target=running.run_forever)
    thread.start()
    yield running
    running.call_soon_threadsafe(running.stop)
    thread.join()


def test_a_plain_trade_is_told_to_those_who_follow_its_account_alone(history, layer, loop):
    def run(coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result(10)

    for account_id in (ADA, BOB):
        history.open(account_id)
    project()
    keys = {uuid.UUID(account_id).bytes for account_id in (ADA, BOB)}
    assert followed.followed_among(keys) == set()
    channel = run(layer.new_channel())
    run(layer.group_add(group_of(ADA), channel))
    assert followed.followed_among(keys) == {uuid.UUID(ADA).bytes}
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


def test_what_is_told_of_plain_trades_is_what_is_told_event_by_event(history):
    """Where the layer cannot say who follows, everybody is told: then both ways have to say the same."""
    history.open(ADA)
    project()
    history.buy(ADA)
    history.sell(ADA)
    partition = history.store.partition_of(ADA)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(projector, "_move_checkpoints", lambda _: None)
        plain = projector._project_in_columns
        with transaction.atomic():
            (in_columns,) = followed.changes_to_publish(plain([partition], None))
            transaction.set_rollback(True)  # It was only looked at.
    (one_by_one,) = projector.project_alone(partition).changes
    assert in_columns.summaries.keys() == one_by_one.summaries.keys()
    for row in (*in_columns.summaries.values(), *one_by_one.summaries.values()):
        row["account_id"] = str(row["account_id"])
        for name in (*OF_STORING, "open_positions", "largest_position", "largest_symbol"):
            del row[name]  # They follow later when trades come as columns, and nobody is told of them.
    assert in_columns == one_by_one
