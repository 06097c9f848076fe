"""Group commit: what is answered is durable, in order, once; whoever competes, whatever the storage does."""

import pytest

from eventstore.engines.memory import MemoryEngine
from eventstore.errors import (
    ConflictLimitReached,
    IntegrityError,
    OutcomeUnknown,
    StoreUnavailable,
    WrongExpectedVersion,
)
from eventstore.tests.counter import BelowZero, CounterDecider, add, histories, open_counters
from eventstore.writer import group_commit
from eventstore.writer.limits import CONFLICT_TRIES_MAX, REMEMBERED_COMMANDS_MIN
from eventstore.writer.request import Committed, Failed


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


def test_a_wrong_expected_version_is_refused_with_both_versions(writer, store):
    writer.execute([add("a", 5, "1")])
    (outcome,) = writer.execute([add("a", 1, "2", expected_version=0)])
    assert isinstance(outcome.error, WrongExpectedVersion)
    assert (outcome.error.expected, outcome.error.actual) == (0, 1)
    assert histories(store) == {"a": [5]}
    (outcome,) = writer.execute([add("a", 1, "2", expected_version=1)])
    assert outcome.version == 2


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


def test_at_least_the_promised_number_of_commands_is_remembered_however_old(store):
    now = [0]
    writer = store.writer(CounterDecider(), clock=lambda: now[0])
    for number in range(REMEMBERED_COMMANDS_MIN + 1):
        now[0] += 3_600_000_000
        writer.execute([add("a", 1, str(number))])
    repeated = writer.execute([add("a", 1, str(number)) for number in range(1, REMEMBERED_COMMANDS_MIN + 1)])
    assert all(outcome.is_duplicate for outcome in repeated)
    assert len(histories(store)["a"]) == REMEMBERED_COMMANDS_MIN + 1


def test_every_command_of_the_last_minute_is_remembered_however_many(store):
    now = [0]
    writer = store.writer(CounterDecider(), clock=lambda: now[0])
    count = 3 * REMEMBERED_COMMANDS_MIN
    writer.execute([add("a", 1, str(number)) for number in range(count)])
    now[0] += 59_000_000
    repeated = writer.execute([add("a", 1, str(number)) for number in range(count)])
    assert all(outcome.is_duplicate for outcome in repeated)


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
    state.aggregates["a"].version = 5
    writer.execute([add("a", 1, "2")])
    (outcome,) = store.writer(CounterDecider()).execute([add("a", 1, "3")])
    assert isinstance(outcome.error, IntegrityError)
    assert (outcome.error.aggregate_id, outcome.error.version) == ("a", 6)
