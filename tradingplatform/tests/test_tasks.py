"""The platform's own tasks, on a store in memory."""

import pytest

from eventstore.audit.checkpointing import CHECKPOINT_KIND
from eventstore.engines.memory import MemoryEngine
from eventstore.store import get_store, reset_store, set_store_factory
from eventstore.tests.counter import CounterDecider, add, open_counters
from tradingplatform.bootstrap import open_store
from tradingplatform.celery import app
from tradingplatform.tasks import sign_checkpoint


@pytest.fixture
def store(settings, tmp_path):
    settings.EVENT_STORE_SIGNING_KEY = tmp_path / "keys" / "signing.pem"
    engine = MemoryEngine()
    set_store_factory(lambda: open_counters(engine))
    yield get_store()
    set_store_factory(open_store)
    reset_store()


def test_a_checkpoint_is_signed_when_there_is_something_new_and_only_then(store, settings):
    assert sign_checkpoint() == 0
    assert store.engine.documents(kind=CHECKPOINT_KIND) == []
    store.writer(CounterDecider()).execute([add("a-counter", 1, "first")])
    assert (sign_checkpoint(), sign_checkpoint()) == (1, 0)
    store.writer(CounterDecider()).execute([add("a-counter", 1, "second")])
    assert sign_checkpoint() == 2
    assert settings.EVENT_STORE_SIGNING_KEY.exists()


def test_beat_asks_for_checkpoints_by_the_name_of_the_task(settings):
    scheduled = settings.CELERY_BEAT_SCHEDULE["sign_checkpoint"]
    assert scheduled["task"] == sign_checkpoint.name
    assert scheduled["task"] in app.tasks
    assert scheduled["schedule"] == settings.CHECKPOINT_INTERVAL_SECONDS == 60
