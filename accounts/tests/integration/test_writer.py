"""The writer behind ZeroMQ: what is answered is durable, asked again is answered again, and one writer serves an
endpoint.
"""

import asyncio
import shutil
import threading
import uuid

import pytest
import zmq

from accounts.codec import account_codec
from accounts.domain.commands import DepositCash, ExecuteTrade, OpenAccount
from accounts.domain.values import SHARE
from accounts.kernels.trades import TRADE
from accounts.writer import process as writer_module
from accounts.writer.bus.in_process import InProcessBus
from accounts.writer.bus.keys import KeysUnusable, create_keys
from accounts.writer.bus.ports import SilentNotifier
from accounts.writer.bus.routed import Route, RoutedBus
from accounts.writer.bus.wire import BusRequest, decode_reply, decode_request, encode_request
from accounts.writer.bus.zeromq import ZeroMQBus
from accounts.writer.columns import AccountCommands
from accounts.writer.envelope import Envelope, Executed, NotExecuted
from accounts.writer.machine import AccountDecider
from accounts.writer.metrics import CommandCount
from accounts.writer.process import EndpointTaken, Writer
from eventstore.engines.sqlite import SQLiteEngine
from eventstore.kernels.texts import TEXT_BYTES
from eventstore.record import partition_of
from eventstore.store import EventStore
from tradingplatform.local.ports import free_port
from tradingplatform.local.tests.processes_of import wait_for

ACCOUNT = str(uuid.uuid4())


class RunningWriter:
    """A writer on a thread of its own, as the process would run it."""

    def __init__(self, folder, endpoint, notifier=None, **options):
        self.store = EventStore.open(SQLiteEngine(folder), codec=account_codec(), partition_count=4)
        self.writer = Writer(
            endpoint=endpoint,
            load=lambda: self.store.writer(AccountDecider()),
            notifier=notifier or SilentNotifier(),
            **options,
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

    def starter(endpoint=endpoint, **options):
        running.append(RunningWriter(tmp_path / "store", endpoint, **options))
        return running[-1]

    yield starter
    for writer in running:
        writer.stop()


def opening(command_id="open"):
    return Envelope(ACCOUNT, command_id, "ada", OpenAccount("ada", "Savings", "USD"))


def deposit(command_id, amount=1):
    return Envelope(ACCOUNT, command_id, "ada", DepositCash(amount, ""))


def bulk_of(*envelopes):
    return BusRequest(uuid.uuid4().bytes, True, False, AccountCommands.of(envelopes))


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
    request = bulk_of(opening(), deposit("1"), deposit("2"))
    with zmq.Context() as context, context.socket(zmq.DEALER) as socket:
        socket.connect(endpoint)
        replies = []
        for _ in range(3):
            socket.send_multipart(encode_request(request))
            replies.append(socket.recv_multipart())
    assert replies[0] == replies[1] == replies[2]
    assert [result.version for result in decode_reply(replies[0]).results] == [1, 2, 3]
    assert event_count(writer) == 3


def test_a_request_that_is_asked_again_meanwhile_is_decoded_and_answered_once(start, endpoint, monkeypatch):
    decoded = []
    monkeypatch.setattr(writer_module, "decode_request", lambda frames: decoded.append(0) or decode_request(frames))
    writer = start()
    request = bulk_of(opening(), *(deposit(str(n)) for n in range(8_000)))
    with zmq.Context() as context, context.socket(zmq.DEALER) as socket:
        socket.connect(endpoint)
        for _ in range(2):
            socket.send_multipart(encode_request(request))
        assert len(decode_reply(socket.recv_multipart()).results) == 8_001
        assert not socket.poll(200)
    assert (len(decoded), event_count(writer)) == (1, 8_001)


def test_figures_wider_than_an_integer_are_refused_with_them_and_the_writer_goes_on(start, endpoint):
    start()
    bus = ZeroMQBus(endpoint)
    bus.submit([opening()])
    huge = Envelope(ACCOUNT, "huge", "ada", ExecuteTrade("KO", "BUY", 10**9 * SHARE, 10**11, None))
    for _ in range(2):
        (refused,) = bus.submit([huge])
        assert refused.events[0].code == "TRADE_LIMIT_EXCEEDED"
        assert int(refused.events[0].actual) == 10**20
    briefly = asyncio.run(bus.asubmit_batch(AccountCommands.of([huge]))).others[0]
    assert (briefly.code, int(briefly.actual), briefly.is_duplicate) == ("TRADE_LIMIT_EXCEEDED", 10**20, True)
    (after,) = bus.submit([deposit("1")])
    assert after.version == 3


def test_a_command_that_the_writer_cannot_read_fails_alone_and_at_once(start, endpoint):
    start()
    bus = ZeroMQBus(endpoint)
    unreadable = Envelope(ACCOUNT, "null", "ada", DepositCash(1, None))
    opened, refused, done = bus.submit([opening(), unreadable, deposit("1")])
    assert (opened.version, done.version) == (1, 2)
    assert refused.code == "INTERNAL_ERROR"
    assert "cannot read" in refused.message
    (alone,) = bus.submit([unreadable])
    assert alone.code == "INTERNAL_ERROR"


GOOD = encode_request(bulk_of(opening(), Envelope(ACCOUNT, "1", "ada", ExecuteTrade("KO", "BUY", SHARE, 10_000, None))))


ORIGINS, BODIES = 4 * TEXT_BYTES, 4 * TEXT_BYTES + 2 * 8
"""Where these columns of two commands begin, behind their identifiers."""


def altered(place, value):
    """Return a request whose columns say something else from a byte on."""
    found = bytearray(GOOD[1])
    found[place : place + len(value)] = value
    return [GOOD[0], bytes(found)]


BROKEN = [
    [b""] * 2,
    [b"\xc1", GOOD[1]],
    [b"\x91" * 100_000, GOOD[1]],
    [GOOD[0], GOOD[1][:-8]],
    [GOOD[0], b""],
    [GOOD[0], GOOD[1] + GOOD[1]],
    altered(0, b"\xff"),
    altered(3 * TEXT_BYTES, b"\xff"),
    altered(ORIGINS, (7).to_bytes(8, "little")),
    altered(ORIGINS, (-1).to_bytes(8, "little", signed=True)),
    altered(BODIES + TRADE.itemsize + TRADE.fields["symbol"][1], (9).to_bytes(4, "little")),
    altered(BODIES + TRADE.fields["other"][1], (5).to_bytes(4, "little")),
]


@pytest.mark.parametrize("frames", BROKEN)
def test_a_request_whose_parts_do_not_belong_together_is_refused(frames):
    with pytest.raises((ValueError, RecursionError)):
        decode_request(frames)
    assert len(decode_request(GOOD).commands) == 2


@pytest.mark.parametrize("frames", [[b""], [b""] * 5, *BROKEN])
def test_no_message_ends_the_writer(start, endpoint, frames):
    start()
    with zmq.Context() as context, context.socket(zmq.DEALER) as socket:
        socket.connect(endpoint)
        socket.send_multipart(frames)
        (opened,) = ZeroMQBus(endpoint).submit([opening()])
        assert (opened.version, opened.is_duplicate) == (1, False)


class HeldNotifier:
    """Counts what it is told, and keeps whoever tells it while it is held."""

    def __init__(self):
        self.told = 0
        self.is_free = threading.Event()
        self.is_free.set()

    def committed(self):
        self.told += 1
        assert self.is_free.wait(10)


def test_the_projections_are_told_of_every_group_after_its_callers(start, endpoint):
    notifier = HeldNotifier()
    start(notifier=notifier)
    bus = ZeroMQBus(endpoint)
    bus.submit([opening()])
    wait_for(lambda: notifier.told == 2)  # When it began, and of the opening.
    notifier.is_free.clear()
    (result,) = bus.submit([deposit("1")])
    assert isinstance(result, Executed), "who tells the projections first never gets to the caller"
    wait_for(lambda: notifier.told == 3)
    notifier.is_free.set()


def test_the_bus_without_a_writer_process_tells_the_projections_too(tmp_path):
    notifier = HeldNotifier()
    with EventStore.open(SQLiteEngine(tmp_path), codec=account_codec(), partition_count=4) as store:
        InProcessBus(store.writer(AccountDecider()), notifier).submit([opening()])
    assert notifier.told == 1


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
    second = Writer(endpoint=endpoint, load=first.store.writer, notifier=SilentNotifier())
    with pytest.raises(EndpointTaken, match="another writer serves"):
        second.run()
    (result,) = ZeroMQBus(endpoint).submit([deposit("1")])
    assert result.version == 2


def test_a_standby_takes_over_when_the_writer_is_gone(start, endpoint):
    first = start()
    bus = ZeroMQBus(endpoint)
    assert [result.version for result in bus.submit([opening(), deposit("1", 5)])] == [1, 2]
    second = start(is_standby=True)
    assert bus.submit([deposit("2")])[0].version == 3
    first.stop()
    again, new = bus.submit([deposit("1", 5), deposit("3")])
    assert (again.version, again.is_duplicate) == (2, True)
    assert (new.version, new.is_duplicate) == (4, False)
    assert second.writer._handler.metrics.groups == 1


def test_a_standby_that_never_serves_is_stopped_like_any_other(start, endpoint):
    start()
    standby = start(is_standby=True)
    standby.stop()
    assert isinstance(ZeroMQBus(endpoint).submit([opening()])[0], Executed)


def test_an_unknown_account_is_refused_and_leaves_no_trace(start, endpoint):
    writer = start()
    (result,) = ZeroMQBus(endpoint).submit([deposit("1")])
    assert (result.code, event_count(writer)) == ("ACCOUNT_NOT_FOUND", 0)


def test_a_writer_says_what_it_has_done(start, endpoint):
    start(share="0-3")
    bus = ZeroMQBus(endpoint)
    bus.submit([opening()])
    bus.submit([deposit("1"), deposit("2"), deposit("1")])
    status = bus.status()
    assert (status.partitions, status.groups, status.queued, status.overloaded) == ("0-3", 2, 0, 0)
    assert sorted(status.commands, key=lambda of: (of.outcome, of.command)) == [
        CommandCount("DepositCash", "DUPLICATE", 1),
        CommandCount("DepositCash", "EXECUTED", 2),
        CommandCount("OpenAccount", "EXECUTED", 1),
    ]
    assert (status.single.requests, status.bulk.requests) == (1, 1)
    assert (status.accounts_held, status.accounts_let_go) == (1, 0)
    assert ZeroMQBus(f"{endpoint}.none", deadline_seconds=0.1).status() is None


class TestSeveralWriters:
    """Two writers on one store, each with half of the partitions."""

    @pytest.fixture
    def bus(self, start, endpoint):
        routes = [Route(f"{endpoint}.a", range(2)), Route(f"{endpoint}.b", range(2, 4))]
        self.writers = [start(route.endpoint, share=route.share) for route in routes]
        self.buses = {route: ZeroMQBus(route.endpoint, deadline_seconds=1) for route in routes}
        return RoutedBus(self.buses, partition_count=4)

    @staticmethod
    def openings(count):
        accounts = [str(uuid.UUID(int=number)) for number in range(count)]
        return [Envelope(account, "open", "ada", OpenAccount("ada", "Savings", "USD")) for account in accounts]

    @pytest.mark.parametrize("way", ["submit", "asubmit", "asubmit_batch"])
    def test_each_command_goes_to_the_writer_of_its_partition_and_answers_keep_their_order(self, bus, way):
        envelopes = self.openings(40)
        if way == "asubmit_batch":
            results = asyncio.run(bus.asubmit_batch(AccountCommands.of(envelopes)))
            assert (results.rows["version"].tolist(), results.others) == ([1] * 40, {})
        else:
            answer = getattr(bus, way)(envelopes)
            results = asyncio.run(answer) if asyncio.iscoroutine(answer) else answer
            assert [result.version for result in results] == [1] * 40
            assert [result.account_id for result in results] == [envelope.account_id for envelope in envelopes]
        for route, one in self.buses.items():
            executed = sum(partition_of(e.account_id, 4) in route.partitions for e in envelopes)
            assert one.status().commands == [CommandCount("OpenAccount", "EXECUTED", executed)]

    def test_a_writer_that_is_away_costs_the_commands_of_its_partitions_only(self, bus):
        envelopes = self.openings(40)
        self.writers[1].stop()
        results = bus.submit(envelopes)
        for envelope, result in zip(envelopes, results, strict=True):
            expected = Executed if partition_of(envelope.account_id, 4) < 2 else NotExecuted
            assert isinstance(result, expected)
            assert result.account_id == envelope.account_id

    def test_a_command_that_comes_to_the_other_writer_is_executed_all_the_same(self, bus):
        wrong_way = RoutedBus(dict(zip(self.buses, reversed(self.buses.values()), strict=True)), partition_count=4)
        for _ in range(3):
            assert [result.version for result in bus.submit(self.openings(8))] == [1] * 8
            assert [result.version for result in wrong_way.submit(self.openings(8))] == [1] * 8
        assert event_count(self.writers[0]) == 8


class TestKeys:
    """tcp with CURVE: encrypted, and only for callers that the writer knows."""

    @pytest.fixture
    def keys(self, tmp_path):
        create_keys(tmp_path / "keys")
        return tmp_path / "keys"

    @pytest.fixture
    def address(self, start, keys):
        address = f"tcp://127.0.0.1:{free_port()}"
        start(address, keys=keys)
        return address

    def test_a_known_caller_is_answered(self, address, keys):
        bus = ZeroMQBus(address, keys=keys)
        assert [result.version for result in bus.submit([opening()])] == [1]
        assert [result.version for result in asyncio.run(bus.asubmit([deposit("1")]))] == [2]

    def test_a_caller_without_keys_or_with_unknown_ones_is_not_heard(self, address, keys, tmp_path):
        create_keys(tmp_path / "others")
        shutil.copy(keys / "writer.key", tmp_path / "others")
        for folder in (None, tmp_path / "others"):
            (result,) = ZeroMQBus(address, keys=folder, deadline_seconds=0.5).submit([opening()])
            assert result.code == "OUTCOME_UNKNOWN"
        (result,) = ZeroMQBus(address, keys=keys).submit([opening()])
        assert (result.version, result.is_duplicate) == (1, False)

    def test_secrets_are_readable_by_their_owner_only_and_never_replaced(self, keys):
        for name in ("writer.key_secret", "caller.key_secret"):
            assert (keys / name).stat().st_mode & 0o777 == 0o600
        before = (keys / "writer.key_secret").read_bytes()
        with pytest.raises(FileExistsError, match="is there already"):
            create_keys(keys)
        assert (keys / "writer.key_secret").read_bytes() == before

    @pytest.mark.parametrize(
        ("missing", "message"),
        [("writer.key_secret", "cannot be read"), ("callers/caller.key", "has no key of a caller")],
    )
    def test_a_writer_without_its_keys_says_what_is_missing(self, keys, start, tmp_path, missing, message):
        (keys / missing).unlink()
        store = EventStore.open(SQLiteEngine(tmp_path / "store"), codec=account_codec(), partition_count=4)
        writer = Writer(
            endpoint=f"tcp://127.0.0.1:{free_port()}",
            load=lambda: store.writer(AccountDecider()),
            notifier=SilentNotifier(),
            keys=keys,
        )
        with pytest.raises(KeysUnusable, match=message):
            writer.run()
        store.close()
