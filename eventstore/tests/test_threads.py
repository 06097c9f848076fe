"""Many threads at one store: each gets the answer that it gets alone."""

import random
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from eventstore.audit.verify import PartitionRun
from eventstore.columns import formulas
from eventstore.columns.codec import EventCodec
from eventstore.tests.counter import Added, CounterDecider, add, open_counters
from eventstore.tests.reference import encode_columns

NAMES = [f"00000000-0000-4000-8000-{n:012x}" for n in range(12)]
VERSIONS = 600
THREADS = 8
SWITCH_SECONDS = 1e-5


@pytest.fixture
def hurried():
    """Threads that are interrupted a hundred times as often as usual."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_SECONDS)
    yield
    sys.setswitchinterval(before)


@pytest.fixture
def store(make_engine):
    """Twelve aggregates with 600 events each, half of them in pages."""
    opened = open_counters(make_engine(), partition_count=2)
    writer = opened.writer(CounterDecider())
    for first in range(1, VERSIONS + 1, 100):
        requests = [add(name, 1, f"{version}") for version in range(first, first + 100) for name in NAMES]
        assert all(outcome.version for outcome in writer.execute(requests))
        if first == 201:
            for partition in range(2):
                opened.snapshotter(CounterDecider()).write(partition=partition, through_seq=opened.heads()[partition])
    return opened


def state(store, name, number):
    return store.state(CounterDecider(), name, version=number).state


def streamed(store, name, number):
    return [event.event_id for event in store.events(name, from_version=max(1, number - 120), through_version=number)]


def batch(store, name, number):
    partition, after_seq = store.partition_of(name), number % 6
    return [each.commits for each in store.read_batches(partition=partition, after_seq=after_seq, limit=1)]


def columns(store, name, number):
    read = store.read_column_batches(partition=store.partition_of(name), after_seq=number % 6, limit=1)
    return [(each.ids.tolist(), each.columns.events.cells.tolist()) for each in read]


def replayed(store, name, number):
    *_, last = store.replay(CounterDecider(), partition=store.partition_of(name))
    return last.states


def verified(store, name, number):
    return list(PartitionRun(store, store.partition_of(name)).run())


def page(store, name, number):
    made = store.snapshotter(CounterDecider()).check()
    return [next(made) for _ in range(2)]


READS = (state, state, state, streamed, batch, columns, replayed, verified, page)


def test_every_thread_gets_the_answers_that_it_gets_alone(store, hurried, request):
    rounds = 3 if "dynamodb" in request.node.name else 12
    numbers = random.Random(5)
    asked = [(numbers.choice(READS), numbers.choice(NAMES), numbers.randint(1, VERSIONS)) for _ in range(rounds)]
    alone = [read(store, name, number) for read, name, number in asked]
    waiting = threading.Barrier(THREADS)

    def ask(seed):
        order = random.Random(seed).sample(range(len(asked)), len(asked))
        waiting.wait()
        return {place: asked[place][0](store, *asked[place][1:]) for place in order}

    with ThreadPoolExecutor(THREADS) as threads:
        for found in threads.map(ask, range(THREADS)):
            assert [found[place] for place in range(len(asked))] == alone


def test_threads_that_meet_a_type_for_the_first_time_at_once_can_all_decode_it(hurried):
    writing = EventCodec([Added])
    plain = encode_columns([("a", 1, 5, "c", None, None, "me", None)], [(Added(1, 1),)], writing)
    written = writing.compress_bytes(plain)
    for _ in range(200):
        codec, waiting = EventCodec([Added]), threading.Barrier(THREADS)

        def decode(_, codec=codec, waiting=waiting):
            waiting.wait()
            return codec.commits(codec.unpack(codec.decompress(written)))[0].events

        with ThreadPoolExecutor(THREADS) as threads:
            assert list(threads.map(decode, range(THREADS))) == [(Added(1, 1),)] * THREADS


def test_plans_that_are_forgotten_while_others_use_them_are_made_again(hurried, monkeypatch):
    monkeypatch.setattr(formulas, "_PLANS_MAX", 2)
    shared, types = formulas.Formulas(), [((f"Type{number}@1", number),) for number in range(6)]

    def ask(_):
        plans = [shared.plan_for(each) for each in types * 20]
        return [
            (plan.tags, plan.columns) == ([each[0][0]], [each[0][1]])
            for plan, each in zip(plans, types * 20, strict=True)
        ]

    with ThreadPoolExecutor(THREADS) as threads:
        assert all(map(all, threads.map(ask, range(THREADS))))
