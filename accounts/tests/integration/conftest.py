"""A store and an in-process bus of this test's own."""

import pytest

from accounts.codec import account_codec
from accounts.writer.bus.in_process import InProcessBus
from accounts.writer.bus.ports import set_bus_factory
from accounts.writer.machine import AccountDecider
from eventstore.engines.sqlite import SQLiteEngine
from eventstore.store import EventStore, set_store_factory
from tradingplatform.bootstrap import wire


@pytest.fixture
def store(tmp_path):
    opened = EventStore.open(SQLiteEngine(tmp_path / "events"), codec=account_codec(), partition_count=4)
    bus = InProcessBus(opened.writer(AccountDecider()))
    set_store_factory(lambda: opened)
    set_bus_factory(lambda: bus)
    yield opened
    wire()
