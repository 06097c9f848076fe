"""Every engine, so that one suite holds them to one contract."""

import uuid
from collections.abc import Callable, Iterator

import pytest

from eventstore.engines.base import Engine
from eventstore.engines.dynamodb import DynamoDBEngine
from eventstore.engines.dynamodb.client import Client
from eventstore.engines.dynamodb.tables import create_tables
from eventstore.engines.memory import MemoryEngine
from eventstore.engines.sqlite import SQLiteEngine


@pytest.fixture
def table_prefix(dynamodb_url) -> str:
    """Fresh tables in the session's DynamoDB Local."""
    prefix = f"test-{uuid.uuid4().hex[:12]}"
    list(create_tables(Client(endpoint_url=dynamodb_url, region="us-east-1"), prefix=prefix))
    return prefix


@pytest.fixture(params=["memory", "sqlite", "dynamodb"])
def make_engine(request, tmp_path) -> Iterator[Callable[[], Engine]]:
    """Return a function that opens the same storage again, as another process would."""
    made: list[Engine] = []
    shared = MemoryEngine()
    if request.param == "dynamodb":
        url, prefix = request.getfixturevalue("dynamodb_url"), request.getfixturevalue("table_prefix")

    def make() -> Engine:
        if request.param == "memory":
            engine: Engine = shared
        elif request.param == "sqlite":
            engine = SQLiteEngine(tmp_path / "store")
        else:
            engine = DynamoDBEngine(endpoint_url=url, region="us-east-1", table_prefix=prefix)
        made.append(engine)
        return engine

    yield make
    for engine in made:
        engine.close()
