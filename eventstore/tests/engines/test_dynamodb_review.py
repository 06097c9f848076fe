"""What the DynamoDB engine must do where its storage expires, races, throttles, or loses an answer and then fails."""

import time

import pytest
from botocore.exceptions import CredentialRetrievalError

from eventstore.engines.dynamodb.client import TRIES_MAX
from eventstore.errors import ConfigurationMismatch, IntegrityError, OutcomeUnknown, StoreUnavailable
from eventstore.record import Stretch
from eventstore.tests.engines.cutting_proxy import CuttingProxy
from eventstore.tests.engines.test_dynamodb import _Response, connect, payload
from eventstore.tests.test_engines import METADATA, batch, page
from eventstore.writer.group_commit import append_each


@pytest.fixture
def engine(dynamodb_url, table_prefix):
    opened = connect(dynamodb_url, table_prefix)
    opened.open(METADATA)
    yield opened
    opened.close()


def answer_with(client, *, operation, errors, code="ThrottlingException", status=400, after=0, **more):
    """Let requests of an operation be answered with AWS's errors, all but the first `after`; return those answered."""
    seen, answered = [0], []

    def answer(model, **_):
        if operation not in (None, model.name):
            return None
        seen[0] += 1
        if seen[0] <= after or len(answered) == errors:
            return None
        answered.append(model.name)
        error = {"Error": {"Code": code, "Message": "planted"}, "ResponseMetadata": {"HTTPStatusCode": status}, **more}
        return _Response(status), error

    client.boto3.meta.events.register("before-call.dynamodb", answer)
    client._pause = lambda seconds: None
    return answered


def item(engine, table, key):
    return engine._client.boto3.get_item(TableName=table, Key=key, ConsistentRead=True).get("Item")


def test_an_archived_batch_expires_at_an_instant_that_dynamodb_acts_on(engine):
    """TTL leaves alone what expired more than five years ago."""
    for seq in (1, 2):
        engine.append([batch(1, seq)])
    engine.forget(partition=1, first_seq=1, last_seq=1, manifest_hash=b"m")
    expires_at = int(item(engine, engine._events, {"p": {"N": "1"}, "s": {"N": "1"}})["x"]["N"])
    assert time.time() - 3_600 < expires_at <= time.time()
    engine.forget(partition=1, first_seq=1, last_seq=1, manifest_hash=b"m")
    assert int(item(engine, engine._events, {"p": {"N": "1"}, "s": {"N": "1"}})["x"]["N"]) == expires_at


def test_the_parts_of_an_archived_batch_expire_with_it(engine):
    large = batch(1, 1, payload(600_000))
    engine.append([large])
    engine.append([batch(1, 2)])
    engine.forget(partition=1, first_seq=1, last_seq=1, manifest_hash=b"m")
    parts = [
        item(engine, engine._snapshots, {"a": {"S": f"#parts/{large.batch_id.hex()}"}, "v": {"N": str(number)}})
        for number in (0, 1)
    ]
    assert [part is None or "x" in part for part in parts] == [True, True]
    ttl = engine._client.boto3.describe_time_to_live(TableName=engine._snapshots)["TimeToLiveDescription"]
    assert ttl["TimeToLiveStatus"] == "ENABLED"


def test_a_snapshotter_that_is_late_does_not_shorten_the_pages_of_another(engine, dynamodb_url, table_prefix):
    other = connect(dynamodb_url, table_prefix)
    other.open(METADATA)
    pages = engine.put_pages.__self__
    position = pages.page_position

    def late(*, partition):
        pages.page_position = position
        found = position(partition=partition)
        assert other.put_pages([page("a", 1, 50)], partition=1, stretch=Stretch(0, 10, 1))
        return found

    pages.page_position = late
    assert not engine.put_pages([page("a", 1, 40)], partition=1, stretch=Stretch(0, 8, 1))
    assert other.page_stretches(partition=1) == [Stretch(0, 10, 1)]
    assert other.last_page("a") == page("a", 1, 50)
    other.close()


def test_pages_of_a_stretch_that_nobody_finished_are_made_to_its_end(engine, dynamodb_url, table_prefix):
    """A snapshotter that dies after its first page leaves the end that the next one must keep to."""
    pages = engine.put_pages.__self__
    pages._move = lambda *_: (_ for _ in ()).throw(StoreUnavailable("planted"))
    with pytest.raises(StoreUnavailable):
        engine.put_pages([page("a", 1, 50)], partition=1, stretch=Stretch(0, 10, 1))
    other = connect(dynamodb_url, table_prefix)
    other.open(METADATA)
    assert not other.put_pages([page("a", 1, 40)], partition=1, stretch=Stretch(0, 8, 1))
    assert other.reserve_page_range(partition=1, after_seq=0, through_seq=8) == 10
    assert other.last_page("a") == page("a", 1, 50)
    assert other.put_pages([page("a", 1, 50)], partition=1, stretch=Stretch(0, 10, 1))
    assert other.page_stretches(partition=1) == [Stretch(0, 10, 1)]
    other.close()


def test_pages_that_are_made_again_take_the_place_of_the_old_ones(engine):
    assert engine.put_pages([page("a", 1, 50, payload=b"old")], partition=1, stretch=Stretch(0, 10, 1))
    engine._client.boto3.delete_item(TableName=engine._snapshots, Key={"a": {"S": "#position/1"}, "v": {"N": "0"}})
    assert engine.put_pages([page("a", 1, 50, payload=b"new")], partition=1, stretch=Stretch(0, 10, 1))
    assert engine.last_page("a") == page("a", 1, 50, payload=b"new")


def test_a_transaction_that_may_have_happened_is_never_said_not_to_have(dynamodb_url, table_prefix, engine):
    proxy = CuttingProxy(dynamodb_url, operation=b"TransactWriteItems")
    shaky = connect(proxy.url, table_prefix)
    shaky.open(METADATA)
    answered = answer_with(shaky._client, operation="TransactWriteItems", errors=TRIES_MAX, after=1)
    proxy.cut = "answer"
    with pytest.raises(OutcomeUnknown):
        shaky.put_pages([page("a", 1, 3)], partition=0, stretch=Stretch(0, 1, 1))
    assert len(answered) == TRIES_MAX - 1
    assert engine.page_position(partition=0) == 1
    shaky.close()
    proxy.close()


def test_a_batch_that_may_stand_is_said_so_when_the_next_try_is_refused():
    class Engine:
        def __init__(self, *answers):
            self.answers = list(answers)

        def append(self, batches):
            return [self.answers.pop(0)]

        def read(self, **_):
            return []

    refused = StoreUnavailable("throttled")
    (outcome,) = append_each(Engine(OutcomeUnknown("cut"), refused), [batch(0, 1)])
    assert isinstance(outcome, OutcomeUnknown)
    assert "throttled" in str(outcome)
    assert append_each(Engine(refused), [batch(0, 1)]) == [refused]


def test_a_put_that_may_have_happened_is_never_said_not_to_have(dynamodb_url, table_prefix, engine):
    proxy = CuttingProxy(dynamodb_url)
    shaky = connect(proxy.url, table_prefix)
    shaky.open(METADATA)
    answer_with(shaky._client, operation="Query", errors=100)
    proxy.cut = "answer"
    (outcome,) = append_each(shaky, [batch(0, 1)])
    assert isinstance(outcome, OutcomeUnknown)
    assert engine.heads() == {0: 1}
    shaky.close()
    proxy.close()


def test_a_put_that_meets_a_transaction_is_tried_again(engine):
    answered = answer_with(engine._client, operation="PutItem", errors=2, code="TransactionConflictException")
    assert engine.append([batch(0, 1)]) == [None]
    assert len(answered) == 2


def test_a_read_past_what_was_forgotten_takes_no_request_for_each_of_it(engine):
    for seq in range(1, 42):
        engine.append([batch(1, seq)])
    engine.forget(partition=1, first_seq=1, last_seq=40, manifest_hash=b"m")
    queries = []
    engine._client.boto3.meta.events.register("before-call.dynamodb.Query", lambda **_: queries.append(1))
    assert [one.seq for one in engine.read(partition=1, after_seq=0, limit=1)] == [41]
    assert len(queries) == 3, "1, 8 and 64 at a time"


@pytest.mark.parametrize("name", ["#1", "#position/1", "#document/kind"])
def test_an_aggregate_may_have_any_name(engine, name):
    assert engine.put_pages([page(name, 1, 3)], partition=1, stretch=Stretch(0, 1, 1))
    assert engine.last_page(name) == page(name, 1, 3)
    assert engine.documents(kind="kind") == []


@pytest.mark.parametrize("more", [{"n": {"N": "2"}}, {"n": {"S": "two"}, "i": {"B": b"id"}}])
def test_a_damaged_item_with_parts_is_damage_with_a_place(engine, more):
    engine._client.boto3.put_item(TableName=engine._events, Item={"p": {"N": "3"}, "s": {"N": "1"}, **more})
    with pytest.raises(IntegrityError, match="partition 3, seq 1"):
        engine.read(partition=3, after_seq=0, limit=9)


@pytest.mark.parametrize(
    "use",
    [
        lambda engine: engine.read(partition=0, after_seq=0, limit=1),
        lambda engine: engine.heads(),
        lambda engine: engine.seek(partition=0, timestamp=1),
        lambda engine: engine.documents(kind="kind"),
        lambda engine: engine.page_stretches(partition=0),
        lambda engine: engine.last_page("a", timestamp=5),
        lambda engine: engine.replace_pages([page("a", 1, 3)], partition=0, stretch=Stretch(0, 1, 1)),
        lambda engine: engine.put_pages([], partition=0, stretch=Stretch(0, 1, 1)),
    ],
)
def test_no_error_of_the_driver_comes_through(engine, use):
    answer_with(engine._client, operation=None, errors=100, code="ItemCollectionSizeLimitExceededException")
    with pytest.raises(StoreUnavailable):
        use(engine)


def test_an_error_of_the_driver_is_an_outcome_of_our_own(engine):
    answer_with(engine._client, operation=None, errors=100, code="ItemCollectionSizeLimitExceededException")
    outcomes = engine.append([batch(0, 1, payload(600_000)), batch(1, 1)])
    assert [type(outcome) for outcome in outcomes] == [StoreUnavailable, StoreUnavailable]


def test_credentials_that_cannot_be_fetched_are_one_clear_sentence_and_nothing_was_sent(engine, monkeypatch):
    def unfetched(**_):
        raise CredentialRetrievalError(provider="planted", error_msg="no role")

    engine._client.boto3.meta.events.register("before-sign.dynamodb", unfetched)
    (outcome,) = engine.append([batch(0, 1)])
    assert isinstance(outcome, StoreUnavailable | ConfigurationMismatch)
    assert "gives no access" in str(outcome)
