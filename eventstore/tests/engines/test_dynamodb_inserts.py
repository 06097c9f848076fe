"""Many inserts in one request: each with its own outcome, whatever DynamoDB says of the others."""

import pytest

from eventstore.engines.dynamodb.batches import REQUEST_BYTES_MAX, STATEMENTS_MAX, requests_of
from eventstore.engines.dynamodb.client import TRIES_MAX
from eventstore.errors import OutcomeUnknown, StoreUnavailable
from eventstore.tests.engines.test_dynamodb import connect, payload
from eventstore.tests.test_engines import METADATA, batch
from eventstore.writer.group_commit import append_each


@pytest.fixture
def engine(dynamodb_url, table_prefix):
    opened = connect(dynamodb_url, table_prefix)
    opened.open(METADATA)
    yield opened
    opened.close()


def answering(engine, code, *, place, times=1):
    """Let DynamoDB say of the statement at a place that it failed, as long as its answer is changed: it did happen."""
    left, pauses = [times], []

    def change(parsed, **_):
        if left[0]:
            left[0] -= 1
            parsed["Responses"][place] = {"Error": {"Code": code, "Message": "planted"}}

    engine._client.boto3.meta.events.register("after-call.dynamodb.BatchExecuteStatement", change)
    engine._client._pause = pauses.append
    return pauses


def test_batches_of_many_partitions_are_each_taken_or_written(engine):
    standing = [batch(1, 1, b"first"), batch(3, 1, b"first")]
    engine.append(standing)
    outcomes = engine.append([batch(partition, 1, b"second") for partition in range(60)])
    expected = dict(zip((1, 3), standing, strict=True))
    assert outcomes == [expected.get(partition) for partition in range(60)]


def test_the_same_batches_again_are_found_to_be_written(engine):
    batches = [batch(partition, 1) for partition in range(3)]
    assert engine.append(batches) == engine.append(batches) == [None] * 3


@pytest.mark.parametrize("code", ["ThrottlingError", "ProvisionedThroughputExceeded", "TransactionConflict"])
def test_only_what_was_throttled_is_sent_again(engine, code):
    pauses = answering(engine, code, place=1)
    assert engine.append([batch(partition, 1) for partition in range(3)]) == [None] * 3
    assert len(pauses) == 1


def test_throttling_without_end_is_an_error_of_that_batch_alone(engine):
    pauses = answering(engine, "ThrottlingError", place=-1, times=TRIES_MAX)
    outcomes = engine.append([batch(partition, 1) for partition in range(3)])
    assert outcomes[:2] == [None, None]
    assert isinstance(outcomes[2], StoreUnavailable)
    assert len(pauses) == TRIES_MAX - 1


def test_a_failure_inside_aws_is_unknown_for_that_batch_and_found_out(engine):
    answering(engine, "InternalServerError", place=1, times=2)
    outcomes = engine.append([batch(partition, 1) for partition in range(3)])
    assert [type(outcome) for outcome in outcomes] == [type(None), OutcomeUnknown, type(None)]
    assert append_each(engine, [batch(partition, 2) for partition in range(3)]) == [None] * 3


def test_no_access_says_what_to_do(engine):
    answering(engine, "AccessDenied", place=0)
    outcomes = engine.append([batch(0, 1), batch(1, 1)])
    assert "gives no access" in str(outcomes[0])
    assert outcomes[1] is None


def test_requests_keep_to_the_limits():
    assert [list(together) for together in requests_of([1] * (STATEMENTS_MAX + 1))] == [
        list(range(STATEMENTS_MAX)),
        [STATEMENTS_MAX],
    ]
    half = REQUEST_BYTES_MAX // 2
    assert list(requests_of([half, half, 1, REQUEST_BYTES_MAX + 1, 1])) == [
        range(2),
        range(2, 3),
        range(3, 4),
        range(4, 5),
    ]
    assert list(requests_of([])) == []


def test_large_batches_of_many_partitions_are_written_whole(engine):
    batches = [batch(partition, 1, payload(size, partition)) for partition, size in enumerate([900_000, 370_000] * 8)]
    assert engine.append(batches) == [None] * 16
    assert [engine.read(partition=p, after_seq=0, limit=1) for p in range(16)] == [[one] for one in batches]
