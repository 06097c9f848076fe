"""Group commit: what is answered is durable, in order, once; whoever competes, whatever the storage does."""

import msgspec
import pytest

from eventstore.engines.memory import MemoryEngine
from eventstore.errors import (
    CommandIdExpired,
    CommandIdReused,
    ConflictLimitReached,
    IntegrityError,
    OutcomeUnknown,
    StoreUnavailable,
)
from eventstore.idempotency import remembered
from eventstore.tests.counter import Added, BelowZero, CounterDecider, add, histories, open_counters, uuid7
from eventstore.writer import group_commit
from eventstore.writer.limits import CONFLICT_TRIES_MAX
from eventstore.writer.partition import Tail
from eventstore.writer.request import Committed, Failed

HOUR = 3_600_000_000


@pytest.fixture
def store(make_engine):
    return open_counters(make_engine())


@pytest.fixture
def writer(store):
    return store.writer(CounterDecider(), clock=lambda: 1_000)


def totals(outcomes):
    return [outcome.commit.events[-1].total for outcome in outcomes]


def test_commands_are_decided_in_order_on_what_the_earlier_ones_left(writer, store):
    outcomes = writer.execute([add("a", 5, "1"), add("b", 1, "2"), add("a", -5, "3"), add("a", 7, "4")])
    assert totals(outcomes) == [5, 1, 0, 7]
    assert [outcome.version for outcome in outcomes] == [1, 1, 2, 3]
    assert histories(store) == {"a": [5, 0, 7], "b": [1]}


def test_nothing_is_done_when_nothing_is_asked_for(writer, store):
    assert writer.execute([]) == []
    assert sum(store.heads().values()) == 0


def test_one_group_is_one_batch_of_a_partition(writer, store):
    writer.execute([add("a", n, str(n)) for n in range(100)])
    assert sum(store.heads().values()) == 1


def test_a_command_that_cannot_be_decided_fails_alone_and_leaves_no_trace(writer, store):
    outcomes = writer.execute([add("a", 5, "1"), add("a", -9, "2"), add("a", 1, "3")])
    assert isinstance(outcomes[1], Failed)
    assert isinstance(outcomes[1].error, BelowZero)
    assert totals([outcomes[0], outcomes[2]]) == [5, 6]
    assert histories(store) == {"a": [5, 6]}


def test_nothing_is_written_when_every_command_fails(writer, store):
    writer.execute([add("a", -1, "1"), add("b", -1, "2")])
    assert sum(store.heads().values()) == 0


def test_the_same_command_is_executed_once_in_one_group(writer, store):
    first, second = writer.execute([add("a", 5, "1"), add("a", 5, "1")])
    assert (first.is_duplicate, second.is_duplicate) == (False, True)
    assert first.event_ids == second.event_ids
    assert histories(store) == {"a": [5]}


def test_the_same_command_is_executed_once_across_groups_and_restarts(writer, store, make_engine):
    (first,) = writer.execute([add("a", 5, "1")])
    writer.execute([add("a", 1, "2")])
    for again in (writer, open_counters(make_engine()).writer(CounterDecider())):
        (repeated,) = again.execute([add("a", 5, "1")])
        assert repeated.is_duplicate
        assert repeated.commit.events == first.commit.events
        assert (repeated.version, repeated.event_ids) == (first.version, first.event_ids)
    assert histories(store) == {"a": [5, 6]}


def test_the_same_command_id_on_another_aggregate_is_another_command(writer, store):
    writer.execute([add("a", 5, "1"), add("b", 5, "1")])
    assert histories(store) == {"a": [5], "b": [5]}


def test_a_command_is_remembered_for_a_day_and_over_a_restart_however_many_follow(store, make_engine, monkeypatch):
    monkeypatch.setattr(remembered, "RECENT_MAX", 64)
    now = [1]
    writer = store.writer(CounterDecider(), clock=lambda: now[0])
    writer.execute([add("a", 100, "keep")])
    for group in range(30):
        writer.execute([add("a", 1, f"{group}-{number}") for number in range(100)])
        if group == 15:
            store.snapshotter(CounterDecider(), tail_events_max=1).run(now=now[0])
    now[0] += 23 * HOUR
    for again in (writer, open_counters(make_engine()).writer(CounterDecider(), clock=lambda: now[0])):
        (repeated,) = again.execute([add("a", 100, "keep")])
        assert repeated.is_duplicate
        assert all(of.is_duplicate for of in again.execute([add("a", 1, f"7-{number}") for number in range(100)]))
    assert len(histories(store)["a"]) == 3_001


def test_an_id_belongs_to_who_sent_it_whatever_key_they_used(writer, store):
    one, other = (msgspec.structs.replace(add("a", 5, "1"), actor=actor) for actor in ("user:1/ann/key:4/x", "user:2"))
    retry = msgspec.structs.replace(one, actor="user:1/anna")
    first, second, third = writer.execute([one, other, retry])
    assert (first.is_duplicate, second.is_duplicate, third.is_duplicate) == (False, False, True)
    (fourth,) = writer.execute([retry])
    assert fourth.event_ids == first.event_ids
    assert histories(store) == {"a": [5, 10]}


def test_an_id_that_was_spent_on_something_else_is_refused_in_one_group_and_later(writer, store):
    _, in_one_group = writer.execute([add("a", 5, "1"), add("a", 6, "1")])
    (later,) = writer.execute([add("a", 7, "1")])
    for refused in (in_one_group, later):
        assert isinstance(refused.error, CommandIdReused)
    assert histories(store) == {"a": [5]}


@pytest.mark.parametrize("with_pages", [False, True])
def test_an_id_that_carries_its_time_and_is_older_than_what_is_remembered_is_refused(store, make_engine, with_pages):
    now = [1_790_000_000_000_000]
    writer = store.writer(CounterDecider(), clock=lambda: now[0])
    old = uuid7(now[0])
    writer.execute([add("a", 1, old), *(add(name, 1, "0") for name in "bcdefgh")])
    for _ in range(2):
        if with_pages:
            store.snapshotter(CounterDecider(), tail_events_max=1).run(now=now[0])
        now[0] += 20 * HOUR
        writer.execute([add(name, 1, f"{now[0]}") for name in "abcdefgh"])
    if with_pages:
        store.snapshotter(CounterDecider(), tail_events_max=1).run(now=now[0])
    started_again = open_counters(make_engine()).writer(CounterDecider(), clock=lambda: now[0])
    (outcome,) = started_again.execute([add("a", 1, old)])
    if with_pages:
        assert isinstance(outcome.error, CommandIdExpired)
    else:
        assert outcome.is_duplicate, "what is in the journal's tail is remembered, however old"
    (fresh,) = started_again.execute([add("a", 1, uuid7(now[0]))])
    assert fresh.version == 4


class CannotBeStored(CounterDecider):
    """Decides on what no journal can hold, and on what no decider may return."""

    def decide(self, state, command, now):
        if command == 66:
            return (Added(amount=66, total=1 << 70),)
        if command == 67:
            return ()
        if command == 68:
            raise RecursionError("a command as deep as can be")
        return super().decide(state, command, now)

    def evolve(self, state, event):
        if event.amount == 69:
            raise ZeroDivisionError("a bug in the domain")
        return super().evolve(state, event)


@pytest.mark.parametrize("poison", [66, 67, 68, 69])
def test_what_cannot_be_decided_stored_or_applied_fails_alone(store, poison):
    writer = store.writer(CannotBeStored(), clock=lambda: 1_000)
    commands = [add(name, 1, f"{name}{number}") for number in range(3) for name in "abcdef"]
    outcomes = writer.execute([*commands[:7], add("a", poison, "poison"), *commands[7:]])
    failed = outcomes.pop(7)
    assert isinstance(failed, Failed)
    assert totals(outcomes) == [1] * 6 + [2] * 6 + [3] * 6
    assert histories(store) == {name: [1, 2, 3] for name in "abcdef"}
    (next_one,) = writer.execute([add("a", 1, "next")])
    assert next_one.version == 4


def test_timestamps_never_go_back_even_when_the_clock_does(store):
    times = iter([5_000, 3_000, 4_000, 6_000])
    writer = store.writer(CounterDecider(), clock=lambda: next(times))
    outcomes = [writer.execute([add("a", 1, str(number))])[0] for number in range(4)]
    assert [outcome.commit.timestamp for outcome in outcomes] == [5_000, 5_000, 5_000, 6_000]


def test_two_writers_share_an_aggregate_without_losing_or_doubling_anything(store, make_engine):
    writers = [store.writer(CounterDecider()), open_counters(make_engine()).writer(CounterDecider())]
    for number in range(50):
        (outcome,) = writers[number % 2].execute([add("a", 1, str(number))])
        assert outcome.version == number + 1
    assert histories(store) == {"a": list(range(1, 51))}


def test_a_decision_is_made_again_on_what_another_writer_wrote(store, make_engine):
    writer, other = store.writer(CounterDecider()), open_counters(make_engine()).writer(CounterDecider())
    writer.execute([add("a", 5, "1")])
    other.execute([add("a", -5, "2")])
    (outcome,) = writer.execute([add("a", -1, "3")])
    assert isinstance(outcome.error, BelowZero)
    other.execute([add("a", 3, "4")])
    (outcome,) = writer.execute([add("a", -1, "5")])
    assert totals([outcome]) == [2]


class Scripted(MemoryEngine):
    """A memory engine that does something else first, once for each entry of `script`."""

    def __init__(self):
        super().__init__()
        self.script = []

    def append(self, batches):
        if self.script:
            return self.script.pop(0)(super().append, batches)
        return super().append(batches)


def lost_after_writing(append, batches):
    append(batches)
    raise OutcomeUnknown("time-out")


def lost_before_writing(append, batches):
    raise OutcomeUnknown("time-out")


def refused(append, batches):
    raise StoreUnavailable("no room on the disk")


@pytest.fixture
def scripted():
    return Scripted()


@pytest.mark.parametrize("fault", [lost_after_writing, lost_before_writing])
def test_a_write_whose_answer_was_lost_is_found_or_written_once(scripted, fault):
    store = open_counters(scripted)
    writer = store.writer(CounterDecider())
    writer.execute([add("a", 1, "1")])
    scripted.script = [fault]
    outcomes = writer.execute([add("a", 1, "2"), add("b", 1, "3"), add("c", 1, "4")])
    assert all(isinstance(outcome, Committed) and not outcome.is_duplicate for outcome in outcomes)
    assert histories(store) == {"a": [1, 2], "b": [1], "c": [1]}


def test_a_write_whose_answer_stays_lost_is_said_to_be_unknown_and_can_be_asked_for_again(scripted):
    store = open_counters(scripted)
    writer = store.writer(CounterDecider())
    scripted.script = [lost_after_writing]
    scripted.read, readable = (lambda **_: (_ for _ in ()).throw(OutcomeUnknown("time-out"))), scripted.read
    writer._partitions.clear()
    (outcome,) = writer.execute([add("a", 1, "1")])
    assert isinstance(outcome, Failed)
    assert isinstance(outcome.error, OutcomeUnknown)
    scripted.read = readable
    scripted.script = []
    writer.execute([add("a", 1, "1")])
    assert histories(store) == {"a": [1]}


def test_a_refused_write_changes_nothing_and_the_next_command_sees_none_of_it(scripted):
    store = open_counters(scripted)
    writer = store.writer(CounterDecider())
    writer.execute([add("a", 5, "1")])
    scripted.script = [refused]
    (outcome,) = writer.execute([add("a", 7, "2")])
    assert isinstance(outcome.error, StoreUnavailable)
    (outcome,) = writer.execute([add("a", 1, "3")])
    assert totals([outcome]) == [6]
    assert histories(store) == {"a": [5, 6]}


def test_a_writer_that_always_loses_gives_up_with_a_clear_error(scripted, monkeypatch):
    monkeypatch.setattr(group_commit, "CONFLICT_PAUSE_MS_MAX", 0)
    store = open_counters(scripted)
    rival = store.writer(CounterDecider())
    numbers = iter(range(1_000))

    def lose(append, batches):
        script, scripted.script = scripted.script, []
        rival.execute([add("a", 1, f"rival {next(numbers)}")])
        scripted.script = script
        return append(batches)

    scripted.script = [lose] * CONFLICT_TRIES_MAX
    (outcome,) = store.writer(CounterDecider()).execute([add("a", 1, "loser")])
    assert isinstance(outcome.error, ConflictLimitReached)
    assert histories(store) == {"a": list(range(1, CONFLICT_TRIES_MAX + 1))}


def test_a_history_whose_versions_do_not_run_on_is_refused(store, writer):
    writer.execute([add("a", 1, "1")])
    partition = store.partition_of("a")
    state = writer._partitions[partition]
    state.machine._versions[0] = 5
    writer.execute([add("a", 1, "2")])
    (outcome,) = store.writer(CounterDecider()).execute([add("a", 1, "3")])
    assert isinstance(outcome.error, IntegrityError)
    assert (outcome.error.aggregate_id, outcome.error.version) == ("a", 6)


def test_an_aggregate_that_cannot_be_loaded_whole_is_not_decided_on(monkeypatch):
    store = open_counters(MemoryEngine())
    for amount, command_id in ((5, "1"), (1, "2")):
        store.writer(CounterDecider()).execute([add("a", amount, command_id)])
    behind = store.writer(CounterDecider())
    with monkeypatch.context() as damaging:
        damaging.setattr(Tail, "commits", lambda self, name: list(commits(self, name))[1:])
        for command_id in ("3", "4"):
            (outcome,) = behind.execute([add("a", 1, command_id)])
            assert isinstance(outcome.error, IntegrityError)
    assert totals(behind.execute([add("a", 1, "5")])) == [7]


commits = Tail.commits
