"""The pytest plugin that starts PostgreSQL and Valkey for the session, before Django's settings are read.

Registered with `-p tests.services.plugin`. It acts in `pytest_addoption`, the first hook that a plugin given with -p
sees: pytest-django loads the settings in the next one. The servers end with the process, however it ends.
"""

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
import redis
from django.conf import settings

from market.instruments.current import hold_instruments
from tests.services.browser import launch_browser
from tests.services.instruments import DEMO_INSTRUMENTS
from tests.services.platform import Platform
from tradingplatform.local.servers import EmbeddedDynamoDB, EmbeddedPostgres, EmbeddedValkey

_LONG: Final = ("tests/", "tradingplatform/local/")
"""Where tests start processes of their own."""

_folder = Path(tempfile.mkdtemp(prefix="trading-tests-"))
postgres = EmbeddedPostgres(_folder / "postgres", is_durable=False)
valkey = EmbeddedValkey(_folder / "valkey")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Start the servers and point Django's settings to them."""
    atexit.register(shutil.rmtree, _folder, ignore_errors=True)
    atexit.register(postgres.stop)
    atexit.register(valkey.stop)
    os.environ["TRADING_DATA_DIR"] = str(_folder / "data")
    os.environ["DATABASE_URL"] = postgres.start()
    os.environ["REDIS_URL"] = valkey.start()
    os.environ["COMMAND_BUS"] = "in_process"
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"  # Playwright keeps an event loop in the main thread of its tests.


def pytest_configure() -> None:
    """Hash the passwords of this process's users quickly, as Django advises for tests; started servers do not. Hold the
    demo's instruments in memory, as a process does that has loaded them: the tables are emptied by many a test.
    """
    hold_instruments(DEMO_INSTRUMENTS)
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Take the files of few and long tests first (see `make test-python`): at the end they would keep one of the
    workers busy when the others have nothing left.
    """
    items.sort(key=lambda item: not item.nodeid.startswith(_LONG))


@pytest.fixture(scope="session")
def postgres_url() -> str:
    """The address of the session's PostgreSQL."""
    return postgres.url


@pytest.fixture(scope="session")
def dynamodb_url(tmp_path_factory) -> Iterator[str]:
    """The address of the session's DynamoDB Local, in memory; started when the first test asks for it."""
    server = EmbeddedDynamoDB(tmp_path_factory.mktemp("dynamodb"), is_durable=False)
    yield server.start()
    server.stop()


@pytest.fixture
def valkey_url() -> str:
    """The address of the session's Valkey, emptied for this test."""
    with redis.Redis.from_url(valkey.url) as client:
        client.flushall()
    return valkey.url


@pytest.fixture(scope="session")
def platform(tmp_path_factory) -> Iterator[Platform]:
    """A complete platform with the demo loaded: writer, snapshotter, projector, beat, web and market run."""
    running = Platform(tmp_path_factory.mktemp("platform"), postgres)
    try:
        running.set_up()
        running.start("writer", "snapshotter", "projector", "beat", "web", "market")
        running.wait_until_ready()
        yield running
    finally:
        running.stop_all()


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    """Headless Chromium; each module has its own, because its driver keeps an event loop running while it lives."""
    with launch_browser() as launched:
        yield launched
