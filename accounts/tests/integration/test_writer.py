"""The writer behind ZeroMQ: what is answered is durable, asked again is answered again, and one writer serves an
endpoint.
"""

import asyncio
import threading
import uuid

import pytest
import zmq

from accounts.application.bus.wire import BusRequest, decode_reply, encode
from accounts.application.bus.zeromq import ZeroMQBus
from accounts.application.decider import AccountDecider
from accounts.application.envelope import Envelope, Executed, NotExecuted
from accounts.application.ports import SilentNotifier
from accounts.application.writer import EndpointTaken, Writer
from accounts.codec import account_codec
from accounts.domain.commands import DepositCash, OpenAccount
from eventstore.engines.sqlite import SQLiteEngine
from eventstore.store import EventStore

ACCOUNT = str(uuid.uuid4())


class RunningWriter:
    """A writer on a thread of its own, as the process would run it."""

    def __init__(self, folder, endpoint):
        self.store = EventStore.open(SQLiteEngine(folder), codec=account_codec(), partition_count=4)
        self.writer = Writer(
            endpoint=endpoint, group_commit=self.store.writer(AccountDecider()), notifier=SilentNotifier()
        )
        self.thread = threading.Thread(target=self.writer.run)
        self.thread.start()

    def stop(self):
        self.writer.stop()
        self.thread.join(5)
        assert not self.thread.is_alive()


@pytest.fixture
def endpoint(tmp_path):
    return f"ipc://{tmp_path}/w.sock"


@pytest.fixture
def start(tmp_path, endpoint):
    running = []

    def starter():
        running.append(RunningWriter(tmp_path / "store", endpoint))
        return running[-1]

    yield starter
    for writer in running:
        writer.stop()


def opening(command_id="open"):
    return Envelope(ACCOUNT, command_id, "ada", OpenAccount("ada", "Savings", "USD"))


def deposit(command_id, amount=1):
    return Envelope(ACCOUNT, command_id, "ada", DepositCash(amount, ""))


def event_count(writer):
    return sum(batch.event_count for p in range(4) for batch in writer.store.read_all(partition=p))


def test_commands_are_answered_in_order_with_what_they_led_to(start, endpoint):
    start()
    results = ZeroMQBus(endpoint).submit([opening(), deposit("1", 5), deposit("2", 7)])
    assert all(isinstance(result, Executed) for result in results)
    assert [result.version for result in results] == [1, 2, 3]
    assert results[2].events[0].cash_after == 12


def test_asynchronous_callers_share_a_channel(start, endpoint):
    start()
    bus = ZeroMQBus(endpoint)
    bus.submit([opening()])

    async def many():
        return await asyncio.gather(*(bus.asubmit([deposit(str(n))]) for n in range(50)))

    answers = asyncio.run(many())
    assert sorted(result.version for (result,) in answers) == list(range(2, 52))


def test_a_writer_that_is_away_for_a_moment_costs_its_callers_only_time(start, endpoint):
    first = start()
    bus = ZeroMQBus(endpoint)
    bus.submit([opening()])
    first.stop()
    restart = threading.Timer(0.6, start)
    restart.start()
    (result,) = bus.submit([deposit("1")])
    assert (result.version, result.is_duplicate) == (2, False)
    restart.join()


def test_without_a_writer_the_outcome_is_unknown_and_says_what_to_do(endpoint):
    (result,) = ZeroMQBus(endpoint, deadline_seconds=0.5).submit([deposit("1")])
    assert isinstance(result, NotExecuted)
    assert result.code == "OUTCOME_UNKNOWN"
    assert "same command id" in result.message


def test_the_same_command_is_executed_once_before_and_after_a_restart(start, endpoint):
    first = start()
    bus = ZeroMQBus(endpoint)
    bus.submit([opening()])
    (original,) = bus.submit([deposit("1", 5)])
    (again,) = bus.submit([deposit("1", 5)])
    first.stop()
    second = start()
    (after_restart,) = bus.submit([deposit("1", 5)])
    for repeated in (again, after_restart):
        assert repeated.is_duplicate
        assert (repeated.events, repeated.version, repeated.event_ids) == (
            original.events,
            original.version,
            original.event_ids,
        )
    assert event_count(second) == 2


def test_a_request_that_is_sent_again_is_answered_again_without_being_executed(start, endpoint):
    writer = start()
    request = BusRequest(uuid.uuid4().bytes, True, [opening(), deposit("1"), deposit("2")])
    with zmq.Context() as context, context.socket(zmq.DEALER) as socket:
        socket.connect(endpoint)
        replies = []
        for _ in range(3):
            socket.send(encode(request))
            replies.append(socket.recv())
    assert replies[0] == replies[1] == replies[2]
    assert [result.version for result in decode_reply(replies[0]).results] == [1, 2, 3]
    assert event_count(writer) == 3


def test_a_message_that_is_not_a_request_is_refused_and_the_writer_goes_on(start, endpoint):
    start()
    with zmq.Context() as context, context.socket(zmq.DEALER) as socket:
        socket.connect(endpoint)
        socket.send(b"nonsense")
        socket.send_multipart([b"a", b"b", b"c"])
        (result,) = ZeroMQBus(endpoint).submit([opening()])
    assert isinstance(result, Executed)


def test_a_second_writer_on_the_same_endpoint_is_refused(start, endpoint, tmp_path):
    first = start()
    ZeroMQBus(endpoint).submit([opening()])
    second = Writer(endpoint=endpoint, group_commit=first.store.writer(AccountDecider()), notifier=SilentNotifier())
    with pytest.raises(EndpointTaken, match="another writer serves"):
        second.run()
    (result,) = ZeroMQBus(endpoint).submit([deposit("1")])
    assert result.version == 2


def test_an_unknown_account_is_refused_and_leaves_no_trace(start, endpoint):
    writer = start()
    (result,) = ZeroMQBus(endpoint).submit([deposit("1")])
    assert (result.code, event_count(writer)) == ("ACCOUNT_NOT_FOUND", 0)
