"""Random commands from several writers on a storage that conflicts, loses answers and fails: nothing lost or doubled.

The model is the obvious one: per aggregate, the list of amounts that were acknowledged.
"""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from eventstore.audit.verify import PartitionRun
from eventstore.engines.memory import MemoryEngine
from eventstore.errors import OutcomeUnknown, StoreUnavailable
from eventstore.record import instant_of
from eventstore.tests.counter import BelowZero, CounterDecider, add, histories, open_counters
from eventstore.writer import group_commit
from eventstore.writer.request import Committed, Failed

AGGREGATES = st.sampled_from(["a", "b", "c", "d", "e"])
COMMANDS = st.lists(st.tuples(AGGREGATES, st.integers(-3, 5)), min_size=1, max_size=6)
FAULTS = st.sampled_from(
    ["none", "none", "lost after", "lost before", "refused", "doubled", "crash before", "crash after"]
)


class Crash(BaseException):
    """The writer's process ends here."""


class FlakyEngine(MemoryEngine):
    """Fails as it is told to, once."""

    fault = "none"

    def all_pages(self):
        return {name: dict(pages) for name, pages in self._pages.items() if pages}

    def append(self, batches):
        fault, self.fault = self.fault, "none"
        if fault == "refused":
            raise StoreUnavailable("told to")
        if fault == "lost before":
            raise OutcomeUnknown("told to")
        if fault == "crash before":
            raise Crash
        outcome = super().append(batches)
        if fault == "lost after":
            raise OutcomeUnknown("told to")
        if fault == "crash after":
            raise Crash
        if fault == "doubled":
            super().append(batches)  # As a network does that delivers a request twice.
        return outcome


ONE_STATE_BYTES = 1_200
"""A writer's limit: one counter and not two."""


class Writers(RuleBasedStateMachine):
    @initialize()
    def open(self):
        self.engine = FlakyEngine()
        self.store = open_counters(self.engine, partition_count=2)
        self.writers = [self.new_writer() for _ in range(3)]
        self.expected: dict[str, list[int]] = {}
        self.sent: list[tuple[str, int, str]] = []
        self.results: dict[tuple[str, str], Committed] = {}

    def new_writer(self):
        return self.store.writer(CounterDecider(), held_bytes_max=2 * ONE_STATE_BYTES)

    @rule(writer=st.integers(0, 2))
    def let_go(self, writer):
        for held in self.writers[writer]._partitions.values():
            held._look_for_pages_at_seq, held._let_go_seq = 0, -1  # As after another group.
        self.writers[writer].let_go()
        for held in self.writers[writer]._partitions.values():
            assert len(held) <= 1 or not (held._latest_seqs <= held._pages.position()).any()

    @rule(writer=st.integers(0, 2), commands=COMMANDS, fault=FAULTS)
    def send(self, writer, commands, fault):
        self.engine.fault = fault
        requests = [(aggregate, amount, str(len(self.sent) + n)) for n, (aggregate, amount) in enumerate(commands)]
        self.sent += requests
        try:
            outcomes = self.writers[writer].execute([add(*request) for request in requests])
        except Crash:  # Nobody was answered; another process takes over, and the callers ask again.
            self.restart(writer)
            outcomes = self.writers[writer].execute([add(*request) for request in requests])
            self.check(outcomes, requests, were_perhaps_written=True)
        else:
            self.check(outcomes, requests)
        self.engine.fault = "none"  # Commands that came to nothing did not meet it.

    @rule(writer=st.integers(0, 2), data=st.data())
    def send_again(self, writer, data):
        if not self.sent:
            return
        request = data.draw(st.sampled_from(self.sent))
        self.check(self.writers[writer].execute([add(*request)]), [request])

    @rule(writer=st.integers(0, 2))
    def restart(self, writer):
        self.writers[writer] = self.new_writer()

    @rule(partition=st.integers(0, 1), data=st.data())
    def write_pages(self, partition, data):
        snapshotter = self.store.snapshotter(CounterDecider())
        head = self.store.heads()[partition]
        snapshotter.write(partition=partition, through_seq=data.draw(st.integers(0, head)))

    @rule()
    def make_pages_again(self):
        before = self.engine.all_pages()
        assert sum(self.store.snapshotter(CounterDecider()).rebuild()) == sum(map(len, before.values()))
        assert self.engine.all_pages() == before

    @rule(data=st.data())
    def read_the_past(self, data):
        known = sorted(name for name, totals in self.expected.items() if totals)
        if not known:
            return
        name = data.draw(st.sampled_from(known))
        totals = self.expected[name]
        version = data.draw(st.integers(1, len(totals)))
        at_version = self.store.state(CounterDecider(), name, version=version)
        assert (at_version.state, at_version.version) == (totals[version - 1], version)
        later = self.store.state(CounterDecider(), name, at=instant_of(at_version.timestamp))
        assert (later.version >= version, later.state) == (True, totals[later.version - 1])
        events = list(self.store.events(name, from_version=version))
        assert [event.data.total for event in events] == totals[version - 1 :]
        assert [event.event_id for event in events] == [
            self.results[(name, event.command_id)].event_ids[0] for event in events
        ]

    def check(self, outcomes, requests, *, were_perhaps_written=False):
        # By version: a command that failed before a crash may succeed after those that had become durable by then.
        answered = sorted(zip(outcomes, requests, strict=True), key=lambda each: getattr(each[0], "version", 0))
        for outcome, (aggregate, amount, command_id) in answered:
            totals = self.expected.setdefault(aggregate, [])
            if isinstance(outcome, Failed):
                assert isinstance(outcome.error, BelowZero | StoreUnavailable)
                assert (aggregate, command_id) not in self.results
                continue
            first = self.results.setdefault((aggregate, command_id), outcome)
            if first is outcome:
                assert were_perhaps_written or not outcome.is_duplicate
                totals.append((totals[-1] if totals else 0) + amount)
            else:
                assert outcome.is_duplicate
            assert outcome.commit.events[0].total == totals[outcome.version - 1]
            assert outcome.event_ids == first.event_ids

    @invariant()
    def everything_acknowledged_is_there_once_and_verifies(self):
        if hasattr(self, "store"):
            assert histories(self.store) == {name: totals for name, totals in self.expected.items() if totals}
            for partition in range(2):
                assert [found for _, found in PartitionRun(self.store, partition).run() if found] == []


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr(group_commit, "CONFLICT_PAUSE_MS_MAX", 0)


TestWriters = Writers.TestCase
TestWriters.settings = settings(max_examples=50, stateful_step_count=15, deadline=None)
