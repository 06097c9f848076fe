"""What only DynamoDB does: limits of items and of answers, throttling, lost answers, and access that is missing."""

import random
import socket

import boto3
import msgspec
import numpy as np
import pytest

from eventstore.audit.verify import PartitionRun
from eventstore.engines.dynamodb import DynamoDBEngine, client
from eventstore.engines.dynamodb.batches import STATEMENTS_MAX
from eventstore.engines.dynamodb.client import TRIES_MAX, Client
from eventstore.engines.dynamodb.tables import ITEM_BYTES_MAX, create_tables
from eventstore.errors import ConfigurationMismatch, IntegrityError, OutcomeUnknown, StoreUnavailable
from eventstore.idempotency.remembered import Run, packed, run_name, seal_run
from eventstore.pages.snapshotter import KEPT_RUN_COMMANDS_MAX
from eventstore.record import Stretch
from eventstore.tests.counter import CounterDecider, add, histories, open_counters
from eventstore.tests.engines.cutting_proxy import CuttingProxy
from eventstore.tests.test_engines import METADATA, batch
from eventstore.writer.request import Committed

REGION = "us-east-1"


def connect(url, prefix):
    return DynamoDBEngine(endpoint_url=url, region=REGION, table_prefix=prefix)


@pytest.fixture
def engine(dynamodb_url, table_prefix):
    opened = connect(dynamodb_url, table_prefix)
    opened.open(METADATA)
    yield opened
    opened.close()


@pytest.fixture
def proxy(dynamodb_url):
    opened = CuttingProxy(dynamodb_url)
    yield opened
    opened.close()


def payload(size, seed=1):
    return random.Random(seed).randbytes(size)


@pytest.mark.parametrize("size", [ITEM_BYTES_MAX - 8, ITEM_BYTES_MAX - 7, ITEM_BYTES_MAX + 1, 2_500_000])
def test_a_payload_of_any_size_comes_back(engine, size):
    large = batch(0, 1, payload(size))
    assert engine.append([large]) == [None]
    assert engine.read(partition=0, after_seq=0, limit=9) == [large]
    assert engine.append([batch(0, 1)]) == [large], "the winner comes back whole"


def test_a_missing_part_is_damage_with_a_place(engine, dynamodb_url, table_prefix):
    large = batch(2, 1, payload(1_000_000))
    engine.append([large])
    client = Client(endpoint_url=dynamodb_url, region=REGION).boto3
    part = {"a": {"S": f"#parts/{large.batch_id.hex()}"}, "v": {"N": "1"}}
    client.delete_item(TableName=f"{table_prefix}-snapshots", Key=part)
    with pytest.raises(IntegrityError, match="partition 2, seq 1: its payload has 2 parts where 3 belong"):
        engine.read(partition=2, after_seq=0, limit=9)


def test_the_longest_run_of_commands_that_is_kept_fits_an_item(engine):
    keys = packed(np.arange(KEPT_RUN_COMMANDS_MAX, dtype=np.uint64) << np.uint64(15), [1] * KEPT_RUN_COMMANDS_MAX)
    page = seal_run(Run(keys, 1, 1, 17), partition=0, first_timestamp=17)
    assert engine.put_pages([page], partition=0, stretch=Stretch(0, 1, 1))
    assert engine.last_page(run_name(0), version=1) == page


def test_a_range_of_more_than_a_megabyte_is_read_whole(engine):
    batches = [batch(1, seq, payload(300_000, seq)) for seq in range(1, 9)]
    for one in batches:
        assert engine.append([one]) == [None]
    assert engine.read(partition=1, after_seq=0, limit=100) == batches
    assert engine.read(partition=1, after_seq=2, limit=5) == batches[2:7]


def test_an_item_that_is_no_batch_is_damage_with_a_place(engine, dynamodb_url, table_prefix):
    client = Client(endpoint_url=dynamodb_url, region=REGION).boto3
    client.put_item(TableName=f"{table_prefix}-events", Item={"p": {"N": "3"}, "s": {"N": "1"}, "i": {"S": "text"}})
    with pytest.raises(IntegrityError, match="partition 3, seq 1: the item is not a batch"):
        engine.read(partition=3, after_seq=0, limit=9)


@pytest.mark.parametrize("cut", ["request", "answer"])
def test_a_lost_answer_is_an_unknown_outcome_for_the_batches_of_that_request(dynamodb_url, engine, table_prefix, cut):
    proxy = CuttingProxy(dynamodb_url, operation=b"BatchExecuteStatement")
    shaky = connect(proxy.url, table_prefix)
    shaky.open(METADATA)
    proxy.cut = cut
    outcomes = shaky.append([batch(partition, 1) for partition in range(STATEMENTS_MAX + 2)])
    shaky.close()
    proxy.close()
    unknown = {n for n, outcome in enumerate(outcomes) if isinstance(outcome, OutcomeUnknown)}
    assert unknown in (set(range(STATEMENTS_MAX)), {STATEMENTS_MAX, STATEMENTS_MAX + 1})
    assert [outcome for n, outcome in enumerate(outcomes) if n not in unknown] == [None] * (27 - len(unknown))
    written = {partition for partition in range(27) if engine.read(partition=partition, after_seq=0, limit=1)}
    assert written == (set(range(27)) if cut == "answer" else set(range(27)) - unknown)


@pytest.mark.parametrize("operation", [b"BatchExecuteStatement", b"PutItem"])
def test_no_answer_that_is_lost_loses_or_doubles_an_event(dynamodb_url, table_prefix, operation):
    proxy = CuttingProxy(dynamodb_url, operation=operation)
    store = open_counters(connect(proxy.url, table_prefix), partition_count=4)
    writer = store.writer(CounterDecider())
    names = ["a", "b", "c", "d", "e", "f"]
    numbers = random.Random(5)
    rounds = 24
    for number in range(rounds):
        proxy.cut = numbers.choice(["request", "answer", "nothing"])
        requests = [add(name, 1, f"{number}") for name in names]
        if operation == b"PutItem":
            outcomes = [outcome for request in requests for outcome in writer.execute([request])]
        else:
            outcomes = writer.execute(requests)
        assert all(isinstance(outcome, Committed) and not outcome.is_duplicate for outcome in outcomes)
    assert proxy.cuts > rounds // 3
    store.close()
    proxy.close()
    direct = open_counters(connect(dynamodb_url, table_prefix), partition_count=4)
    assert histories(direct) == {name: list(range(1, rounds + 1)) for name in names}
    assert [found for p in range(4) for _, found in PartitionRun(direct, p).run() if found] == []
    direct.close()


def failing(client, *, times, code="ProvisionedThroughputExceededException", status=400):
    """Let the next requests be answered with an error of AWS's, by botocore's own means; return the pauses made."""
    left = [times]

    def answer(**_):
        if left[0] == 0:
            return None
        left[0] -= 1
        error = {"Error": {"Code": code, "Message": "planted"}, "ResponseMetadata": {"HTTPStatusCode": status}}
        return _Response(status), error

    client.boto3.meta.events.register("before-call.dynamodb", answer)
    pauses = []
    client._pause = pauses.append
    return pauses


class _Response:
    def __init__(self, status):
        self.status_code = status


def test_throttling_is_waited_for_longer_and_longer_and_nothing_is_doubled(engine):
    pauses = failing(engine._client, times=TRIES_MAX - 1)
    assert engine.append([batch(0, 1)]) == [None]
    assert len(pauses) == TRIES_MAX - 1
    assert max(pauses) <= 2.0
    assert engine.heads() == {0: 1}


def test_throttling_without_end_is_an_error_and_nothing_is_written(engine):
    failing(engine._client, times=TRIES_MAX)
    (outcome,) = engine.append([batch(0, 1)])
    assert isinstance(outcome, StoreUnavailable)
    assert "8 times in a row" in str(outcome)
    assert engine.heads() == {}


def test_a_failure_inside_aws_is_unknown_for_a_put_and_tried_again_for_a_read(engine):
    failing(engine._client, times=1, code="InternalServerError", status=500)
    (outcome,) = engine.append([batch(0, 1)])
    assert isinstance(outcome, OutcomeUnknown)
    failing(engine._client, times=1, code="InternalServerError", status=500)
    assert engine.heads() == {}


def test_missing_tables_are_one_clear_sentence(dynamodb_url):
    with pytest.raises(ConfigurationMismatch, match=r"no tables of this store: run `manage\.py create_event_tables`"):
        connect(dynamodb_url, "nothing-here").open(METADATA)


def test_a_server_that_does_not_answer_is_one_clear_sentence(table_prefix):
    engine = connect("http://127.0.0.1:1", table_prefix)
    engine._client._pause = lambda seconds: None
    with pytest.raises(StoreUnavailable, match=r"http://127\.0\.0\.1:1 failed 8 times in a row"):
        engine.open(METADATA)


def test_a_server_that_hangs_is_given_up_on_before_all_tries_are_made(table_prefix, monkeypatch):
    """It takes connections and says nothing, as one that is stopped."""
    monkeypatch.setattr(client, "READ_TIMEOUT_SECONDS", 0.2)
    monkeypatch.setattr(client, "TRYING_SECONDS_MAX", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as hanging:
        engine = connect(f"http://127.0.0.1:{hanging.getsockname()[1]}", table_prefix)
        engine._client._pause = lambda seconds: None
        with pytest.raises(StoreUnavailable, match=r"failed 2 times in a row"):
            engine.open(METADATA)


def test_missing_credentials_are_one_clear_sentence(monkeypatch, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    engine = DynamoDBEngine(region=REGION, table_prefix="x")
    with pytest.raises(StoreUnavailable, match=r"gives no access .* set AWS_ACCESS_KEY_ID"):
        engine.open(METADATA)


@pytest.mark.parametrize("wrong", [{"region": "nowhere at all"}, {"endpoint_url": "not an address"}])
def test_a_wrong_region_or_address_is_one_clear_sentence(wrong):
    with pytest.raises(ConfigurationMismatch, match="check DYNAMODB_ENDPOINT and DYNAMODB_REGION"):
        DynamoDBEngine(**({"region": REGION, "table_prefix": "x"} | wrong))


def test_making_the_tables_again_changes_nothing_and_says_so(dynamodb_url, table_prefix, engine):
    engine.append([batch(0, 1)])
    lines = list(create_tables(Client(endpoint_url=dynamodb_url, region=REGION), prefix=table_prefix))
    assert [line for line in lines if "is there already" in line] == [
        f"{table_prefix}-events: is there already",
        f"{table_prefix}-snapshots: is there already",
    ]
    assert engine.heads() == {0: 1}


def test_the_tables_are_billed_on_demand_and_protected(dynamodb_url, table_prefix):
    client = boto3.client(
        "dynamodb", endpoint_url=dynamodb_url, region_name=REGION, aws_access_key_id="x", aws_secret_access_key="x"
    )
    table = client.describe_table(TableName=f"{table_prefix}-events")["Table"]
    assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert [index["IndexName"] for index in table["GlobalSecondaryIndexes"]] == ["by-first-timestamp"]
    ttl = client.describe_time_to_live(TableName=f"{table_prefix}-events")["TimeToLiveDescription"]
    assert (ttl["TimeToLiveStatus"], ttl["AttributeName"]) == ("ENABLED", "x")


def test_an_index_of_times_that_is_behind_only_leads_to_an_earlier_place(engine):
    for seq in range(1, 6):
        moved = msgspec.structs.replace(batch(1, seq), first_timestamp=seq * 10, last_timestamp=seq * 10)
        engine.append([moved])
    whole = engine._client.call

    def behind(operation, **parameters):
        answer = whole(operation, **parameters)
        if "IndexName" in parameters:  # The index does not know the newest two batches yet.
            shown = whole(operation, **(parameters | {"Limit": 9}))["Items"]
            answer = {"Items": [item for item in shown if int(item["s"]["N"]) <= 3][:1]}
        return answer

    engine._client.call = behind
    assert engine.seek(partition=1, timestamp=45) == 2
