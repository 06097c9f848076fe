"""Every engine, so that one suite holds them to one contract."""

from collections.abc import Callable, Iterator

import pytest

from eventstore.engines.base import Engine
from eventstore.engines.memory import MemoryEngine
from eventstore.engines.sqlite import SQLiteEngine


@pytest.fixture(params=["memory", "sqlite"])
def make_engine(request, tmp_path) -> Iterator[Callable[[], Engine]]:
    """Return a function that opens the same storage again, as another process would."""
    made: list[Engine] = []
    shared = MemoryEngine()

    def make() -> Engine:
        engine = shared if request.param == "memory" else SQLiteEngine(tmp_path / "store")
        made.append(engine)
        return engine

    yield make
    for engine in made:
        engine.close()
