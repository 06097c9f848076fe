"""A walk through an account's history sees every event once, whatever becomes a page meanwhile."""

import pytest

from accounts.codec import dump_account
from accounts.writer.machine import AccountDecider
from eventstore.errors import UnknownAggregate
from temporal.as_of.walk import Flow, Walk
from temporal.tests.history.conftest import ADA, BOB

HOUR = 3_600_000_000


@pytest.fixture
def traded(histories):
    """Twelve events an hour apart, the first five in a page."""
    histories.at("2026-01-05T00:00:00Z").open()
    for number in range(9):
        histories.now += HOUR
        histories.deposit(number) if number % 4 == 3 else histories.buy(1, 50 + number)
        if number == 1:
            histories.make_pages()
    return histories


def instants(histories):
    events = list(histories.store.events(ADA))
    return [event.timestamp for event in events[2:]]


@pytest.mark.parametrize("is_skipping", [True, False])
@pytest.mark.parametrize("made_after", range(10))
def test_what_becomes_a_page_on_the_way_is_neither_missed_nor_seen_twice(traded, is_skipping, made_after):
    walk = Walk(traded.store, ADA, is_skipping=is_skipping)
    flows = []
    for number, instant in enumerate(instants(traded)):
        if number == made_after:
            traded.make_pages()
        flows += walk.to(instant)
        expected = traded.store.state(AccountDecider(), ADA, version=number + 3)
        assert (walk.version, dump_account(walk.state)) == (number + 3, dump_account(expected.state))
    assert [flow.amount for flow in flows] == [1_000_000_0000, 3_0000, 7_0000]
    assert walk.to(traded.now + HOUR) == []


@pytest.mark.parametrize("is_skipping", [True, False])
def test_one_step_sees_the_flows_of_all_that_it_passes(traded, is_skipping):
    traded.make_pages()
    walk = Walk(traded.store, ADA, is_skipping=is_skipping)
    walk.start(instants(traded)[0])
    assert (walk.version, walk.state.deposited) == (3, 1_000_000_0000)
    first, second = walk.to(traded.now)
    assert first == Flow(instants(traded)[4], 3_0000, first.value_before)
    assert (second.amount, walk.version, walk.state.deposited) == (7_0000, 12, 1_000_010_0000)


def test_before_the_first_event_there_is_nothing(traded):
    walk = Walk(traded.store, ADA)
    assert (walk.to(instants(traded)[0] - 1), walk.version, walk.state.status) == ([], 0, "NONE")
    with pytest.raises(UnknownAggregate):
        Walk(traded.store, BOB)
