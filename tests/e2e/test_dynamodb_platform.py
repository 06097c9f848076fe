"""The same platform on DynamoDB: commands, queries, kill -9 of the writer under load, reconcile, verification."""

import pytest

from accounts.codec import account_codec
from eventstore.engines.dynamodb import DynamoDBEngine
from eventstore.store import EventStore
from tests.chaos.load import Load
from tests.e2e.client import Api, assert_each_once, wait_until_reconciled
from tests.services.platform import Platform
from tests.services.plugin import postgres


@pytest.fixture(scope="module")
def platform(tmp_path_factory, dynamodb_url):
    running = Platform(
        tmp_path_factory.mktemp("dynamodb-platform"),
        postgres,
        EVENT_STORE="dynamodb",
        EVENT_STORE_TABLE_PREFIX="platform",
        EVENT_STORE_TAIL_EVENTS="640",
        DYNAMODB_ENDPOINT=dynamodb_url,
    )
    try:
        running.set_up("create_event_tables")
        running.start("writer", "snapshotter", "projector", "beat", "web")
        running.wait_until_ready()
        yield running
    finally:
        running.stop_all()


def open_store(platform):
    engine = DynamoDBEngine(
        endpoint_url=platform.environment["DYNAMODB_ENDPOINT"], region="us-east-1", table_prefix="platform"
    )
    return EventStore.open(engine, codec=account_codec(), partition_count=64)


def test_everything_works_on_it_and_a_killed_writer_loses_nothing(platform):
    key = platform.api_key("integrator")
    api = Api(platform.base_url, key)
    account_ids = [api.open() for _ in range(3)]
    with Load(platform.base_url, key, account_ids) as load:
        load.wait_for(60)
        platform.kill("writer")
        platform.start("writer")
        load.wait_for(60)
    assert_each_once(load, open_store(platform))
    assert "the read models equal the" in wait_until_reconciled(platform)
    positions = api.get(f"/api/accounts/{account_ids[0]}/positions")
    assert "KO" in str(positions)
    for command, said in (
        (("verify_events",), "nothing was altered, nothing is missing"),
        (("sign_checkpoint",), "checkpoint"),
        (("rebuild_pages", "--check"), "are what the journal makes of them"),
        (("archive_events", "--before", "2020-01-01"), "nothing to archive"),
    ):
        done = platform.manage(*command)
        assert done.returncode == 0, done.stdout + done.stderr
        assert said in done.stdout
