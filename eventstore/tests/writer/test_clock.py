"""The writer's clock: what jumps is refused and said, what is put right gradually is followed."""

import time

import pytest

from eventstore.errors import ClockUntrusted
from eventstore.tests.counter import CounterDecider, add, histories, open_counters
from eventstore.writer.clock import WriterClock

SECOND = 1_000_000
DAY = 86_400 * SECOND
NOON = 20_000 * DAY + DAY // 2


class Machine:
    """A machine's two clocks."""

    def __init__(self):
        self.wall, self.steady = NOON, 5 * SECOND

    def passes(self, microseconds, *, moved=0):
        self.steady += microseconds
        self.wall += microseconds + moved

    def clock(self, **more):
        return WriterClock(wall=lambda: self.wall, steady=lambda: self.steady, **more)


@pytest.fixture
def machine():
    return Machine()


@pytest.fixture
def store(make_engine):
    return open_counters(make_engine(), partition_count=1)


def stamps(store):
    return [commit.timestamp for batch in store.read_all(partition=0) for commit in batch.commits]


def test_a_clock_a_day_ahead_and_back_again_leaves_no_event_of_tomorrow(store, machine):
    writer = store.writer(CounterDecider(), clock=machine.clock())
    (outcome,) = writer.execute([add("a", 1, "1")])
    assert outcome.commit.timestamp == NOON
    machine.passes(SECOND, moved=DAY)
    (refused,) = writer.execute([add("a", 1, "2")])
    assert isinstance(refused.error, ClockUntrusted)
    assert "was moved ahead by 86,400 s since the writer began" in str(refused.error)
    assert "Nothing was written" in str(refused.error)
    assert "moved ahead" in writer.clock.problem
    assert histories(store) == {"a": [1]}
    machine.passes(SECOND, moved=-DAY)
    (outcome,) = writer.execute([add("a", 1, "2")])
    assert (outcome.is_duplicate, outcome.commit.timestamp) == (False, NOON + 2 * SECOND)
    assert writer.clock.problem is None
    assert stamps(store) == [NOON, NOON + 2 * SECOND]


@pytest.mark.parametrize("moved", [61 * SECOND, DAY, -61 * SECOND, -DAY])
def test_an_idle_partition_does_not_make_a_jump_believable(store, machine, moved):
    store.writer(CounterDecider(), clock=machine.clock()).execute([add("a", 1, "1")])
    machine.passes(7 * DAY)
    writer = store.writer(CounterDecider(), clock=machine.clock())
    machine.passes(SECOND, moved=moved)
    (refused,) = writer.execute([add("a", 1, "2")])
    assert isinstance(refused.error, ClockUntrusted)
    assert histories(store) == {"a": [1]}


@pytest.mark.parametrize("moved", [59 * SECOND, -59 * SECOND])
def test_a_small_step_is_followed_and_timestamps_do_not_go_back(store, machine, moved):
    writer = store.writer(CounterDecider(), clock=machine.clock())
    writer.execute([add("a", 1, "1")])
    machine.passes(SECOND, moved=moved)
    writer.execute([add("a", 1, "2")])
    assert stamps(store) == [NOON, max(NOON, NOON + SECOND + moved)]


def test_small_steps_that_add_up_to_a_jump_are_a_jump(machine):
    clock = machine.clock()
    machine.passes(SECOND, moved=40 * SECOND)
    clock.timestamp(partition=0, newest=0)
    machine.passes(SECOND, moved=40 * SECOND)
    with pytest.raises(ClockUntrusted):
        clock.timestamp(partition=0, newest=0)


def test_a_clock_that_is_put_right_gradually_is_followed_for_ever(machine):
    clock = machine.clock()
    for _ in range(100):
        machine.passes(10_000 * SECOND, moved=5 * SECOND)
        assert clock.timestamp(partition=0, newest=0) == machine.wall


def test_a_writer_that_begins_behind_the_newest_event_refuses_until_an_operator_says_that_it_stands(store, machine):
    ahead = Machine()
    ahead.wall += DAY
    store.writer(CounterDecider(), clock=ahead.clock()).execute([add("a", 1, "1")])
    writer = store.writer(CounterDecider(), clock=machine.clock())
    writer.load(0)
    assert "the newest event is of 2024-10-05T12:00:00Z" in writer.clock.problem, "said before the first command"
    (refused,) = writer.execute([add("a", 1, "2")])
    assert isinstance(refused.error, ClockUntrusted)
    assert "EVENT_STORE_ACCEPTS_NEWEST_TIMESTAMP" in str(refused.error)
    accepting = store.writer(CounterDecider(), clock=machine.clock(accepts_newest=True))
    (outcome,) = accepting.execute([add("a", 1, "2")])
    assert outcome.commit.timestamp == NOON + DAY
    machine.passes(DAY + SECOND)
    (outcome,) = writer.execute([add("a", 1, "3")])
    assert outcome.commit.timestamp == machine.wall, "the clock has passed the newest event"


def test_the_log_says_once_that_the_clock_is_not_trusted_and_once_that_it_is_again(machine, caplog):
    clock = machine.clock()
    machine.passes(SECOND, moved=DAY)
    for _ in range(3):
        machine.passes(SECOND)
        clock.look(partition=0, newest=0)
    machine.passes(SECOND, moved=-DAY)
    for _ in range(2):
        clock.look(partition=0, newest=0)
    events = [record.msg["event"] for record in caplog.records]
    assert events == ["eventstore.clock_not_trusted", "eventstore.clock_is_right_again"]


def test_the_machines_own_clocks_agree():
    clock = WriterClock()
    assert abs(clock.timestamp(partition=0, newest=0) - time.time_ns() // 1_000) < 60 * SECOND
