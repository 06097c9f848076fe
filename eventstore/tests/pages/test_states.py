"""Pages of another version of the state: passed over by every reader, made anew by its snapshotter."""

import pytest

from eventstore.idempotency.remembered import run_name
from eventstore.pages.page import EVENTS_PER_PAGE_MAX
from eventstore.pages.snapshotter import REFRESH_LOOK_SECONDS
from eventstore.record import Stretch
from eventstore.tests.counter import CounterDecider, add, open_counters

SECOND = 1_000_000


class Version2(CounterDecider):
    """The next release: its states look different, and it cannot read those of this one, nor this one its."""

    state_version = 2

    def dump(self, state):
        return f"2:{state}".encode()

    def load(self, dumped):
        version, _, total = dumped.decode().partition(":")
        if version != "2":
            raise ValueError(f"the state has format {version} and this release reads 2")
        return int(total)


@pytest.fixture
def store(make_engine):
    """Two aggregates with 450 and 45 events, in three stretches of pages and a tail; made by this release."""
    opened = open_counters(make_engine(), partition_count=1)
    for first in range(0, 450, 50):
        write(opened, CounterDecider(), first, 50)
        if first in (150, 250, 300):
            opened.snapshotter(CounterDecider()).write(partition=0, through_seq=opened.heads()[0])
    return opened


def write(store, decider, first, count):
    requests = [add("a", 1, f"a {n}") for n in range(first, first + count)]
    requests += [add("b", 1, f"b {n}") for n in range(first, first + count, 10)]
    assert all(outcome.version for outcome in store.writer(decider).execute(requests))


def versions(store):
    return [stretch.state_version for stretch in store.engine.page_stretches(partition=0)]


def all_pages(store):
    return [page for name in ("a", "b", run_name(0)) for page in store.engine.pages(name, after_version=0, limit=99)]


def refresh(store, decider):
    """Run a snapshotter until it has nothing to do any more; return how often it did something."""
    snapshotter = store.snapshotter(decider)
    return next(rounds for rounds in range(99) if snapshotter.run(now=1) == 0)


def assert_everything_is_answered(store, decider):
    for version in (1, 99, 100, 101, 250, 301, 449, 450):
        assert store.state(decider, "a", version=version).state == version
    assert store.state(decider, "b").state == store.state(decider, "b").version == 45
    assert [event.version for event in store.events("a", from_version=95, through_version=330)] == list(range(95, 331))
    writer = store.writer(decider)
    assert writer.state("a") == (450, 450)
    again, new = writer.execute([add("a", 1, "a 3"), add("b", 5, "new")])
    assert (again.is_duplicate, again.version) == (True, 4)
    assert (new.is_duplicate, new.version, new.commit.events[0].total) == (False, 46, 50)


def test_a_release_that_cannot_read_the_states_answers_the_same(store):
    assert_everything_is_answered(store, Version2())


def test_its_snapshotter_goes_on_from_them(store):
    snapshotter = store.snapshotter(Version2())
    assert snapshotter.write(partition=0, through_seq=store.heads()[0]) == 3, "a page of each, and the run of commands"
    assert versions(store) == [1, 1, 1, 2]
    assert store.state(Version2(), "a").state == 450


def test_its_snapshotter_makes_them_anew_to_the_bytes_of_a_store_that_only_it_ever_saw(store, make_engine):
    assert refresh(store, Version2()) == 3
    assert versions(store) == [2, 2, 2]
    made = all_pages(store)
    anew = store.snapshotter(Version2())
    after_seq, expected = 0, []
    for stretch in store.engine.page_stretches(partition=0):
        expected += anew.make(partition=0, after_seq=after_seq, through_seq=stretch.through_seq)
        after_seq = stretch.through_seq
    assert sorted(made, key=str) == sorted(expected, key=str)
    assert [page for page in anew.check() if page is not None] == []
    assert_everything_is_answered(store, Version2())


def test_while_they_are_made_anew_both_releases_answer(store):
    snapshotter = store.snapshotter(Version2())
    snapshotter.run(now=1)
    assert versions(store) == [2, 1, 1]
    for decider in (Version2(), CounterDecider()):
        assert store.state(decider, "a", version=440).state == 440
        assert store.state(decider, "a", version=120).state == 120
        assert store.writer(decider).state("b") == (45, 45)


def test_two_releases_at_once_do_not_undo_each_other(store):
    assert refresh(store, Version2()) == 3
    made = all_pages(store)
    assert refresh(store, CounterDecider()) == 0
    assert all_pages(store) == made
    assert_everything_is_answered(store, CounterDecider())
    older = store.snapshotter(CounterDecider())
    assert older.write(partition=0, through_seq=store.heads()[0]) > 0, "the older one still turns the tail into pages"
    assert versions(store) == [2, 2, 2, 1]
    newer = store.snapshotter(Version2())
    assert newer.run(now=1) > 0
    assert newer.run(now=1) == 0
    older.write(partition=0, through_seq=store.heads()[0])
    assert newer.run(now=1 + REFRESH_LOOK_SECONDS * SECOND) == 0
    assert versions(store) == [2, 2, 2, 2]


def test_pages_of_another_release_are_not_called_damaged(store):
    other = store.snapshotter(Version2())
    assert list(other.check()) == []
    assert other.outdated() == 3
    own = store.snapshotter(CounterDecider())
    assert set(own.check()) == {None}
    assert own.outdated() == 0


def test_pages_of_a_release_that_did_not_say_its_version_are_made_anew(store):
    for after_seq, through_seq in ((0, 4), (4, 6)):
        pages = store.snapshotter(CounterDecider()).make(partition=0, after_seq=after_seq, through_seq=through_seq)
        store.engine.replace_pages(list(pages), partition=0, stretch=Stretch(after_seq, through_seq, 0))
    assert versions(store) == [0, 0, 1]
    assert refresh(store, CounterDecider()) == 2
    assert versions(store) == [1, 1, 1]


def test_the_search_for_a_state_that_can_be_loaded_does_not_open_every_page(make_engine):
    """Of forty pages, the first thirty are new: the fortieth is reached over ten and a handful."""
    store = open_counters(make_engine(), partition_count=1)
    for first in range(0, 4_000, 1_000):
        store.writer(CounterDecider()).execute([add("a", 1, f"{n}") for n in range(first, first + 1_000)])
        store.snapshotter(CounterDecider()).write(partition=0, through_seq=store.heads()[0])
    snapshotter = store.snapshotter(Version2())
    for _ in range(3):
        snapshotter.run(now=1)
    loads = []

    class Counting(Version2):
        def load(self, dumped):
            loads.append(dumped)
            return super().load(dumped)

        def evolve(self, state, event):
            loads.append(event) if event.total % EVENTS_PER_PAGE_MAX == 1 else None
            return super().evolve(state, event)

    assert store.state(Counting(), "a").state == 4_000
    assert len(loads) < 20
