"""Any history of several accounts: at every instant and version what a plain fold from the first event gives."""

import itertools
from datetime import timedelta
from typing import get_args

import numpy as np
import pytest
from django.test import override_settings
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from accounts.codec import account_codec
from accounts.domain import commands as c
from accounts.domain.account import evolve
from accounts.domain.events import AccountEvent
from accounts.domain.state import Account
from accounts.domain.values import SHARE
from accounts.writer.machine import AccountDecider
from eventstore import streams
from eventstore.engines.memory import MemoryEngine
from eventstore.pages import stretch as stretch_module
from eventstore.pages.states import Folded
from eventstore.record import event_type_name, instant_of
from eventstore.store import EventStore, get_store, set_store_factory
from eventstore.writer.request import Request
from temporal.as_of import cache as cache_module
from temporal.as_of import diff as diff_module
from temporal.as_of import firm as firm_module
from temporal.as_of.as_of import Moment, account_as_of
from temporal.as_of.diff import difference, event_page, figures
from temporal.as_of.firm import accounts_as_of
from temporal.errors import BeforeOpening, TemporalError
from tradingplatform.bootstrap import wire

ACCOUNTS = [f"0b5c1f3e-0000-4000-8000-00000000000{number}" for number in range(3)]
PAGE_EVENTS = 3
"""Small pages, so that short histories have many of them, and events of one instant stand in two."""

SYMBOLS, SIDES = st.sampled_from(["KO", "XOM"]), st.sampled_from(["BUY", "BUY", "SELL"])
QUANTITIES = st.integers(1, 9).map(lambda shares: shares * SHARE) | st.integers(1, 9 * SHARE)
PRICES = st.integers(1_000, 300_000)
ORDER_IDS = st.sampled_from([f"order-{number}" for number in range(3)])
NO_REASON = st.sampled_from(["", "why not"])
LIMIT = 100_000


def order_of(order_id, time_in_force):
    return c.PlaceOrder(order_id, order_id, "KO", "BUY", 9 * SHARE, "LIMIT", time_in_force, LIMIT, None, 0)


TRADES = st.builds(c.ExecuteTrade, SYMBOLS, SIDES, QUANTITIES, PRICES, st.none())
ORDERS = st.builds(order_of, ORDER_IDS, st.sampled_from(["DAY", "GTC"]))
FILLS = st.builds(c.ExecuteTrade, st.just("KO"), st.just("BUY"), QUANTITIES, st.just(LIMIT), ORDER_IDS)
REPLACEMENTS = st.builds(c.ReplaceOrder, ORDER_IDS, ORDER_IDS, ORDER_IDS, QUANTITIES, st.none(), PRICES, st.none())
OTHERS = st.one_of(
    st.just(c.OpenAccount("ada", "Savings", "USD")),
    st.builds(c.DepositCash, st.integers(1, 10**9), NO_REASON),
    st.builds(c.WithdrawCash, st.integers(1, 10**8), NO_REASON),
    st.builds(c.FreezeAccount, NO_REASON),
    st.builds(c.ChangeRiskLimits, st.sampled_from([1_000, 10_000]), st.just(10**12), st.sampled_from([10**7, 10**11])),
    st.builds(
        c.ChangeFeeSchedule, st.sampled_from([0, 10_000]), st.integers(0, 99), st.integers(0, 99), st.integers(0, 10**6)
    ),
    st.builds(c.CloseAccount, NO_REASON),
)
ENDS = st.one_of(*[st.builds(end, ORDER_IDS, NO_REASON) for end in (c.CancelOrder, c.ExpireOrder, c.RejectOrder)])
BRACKET = c.PlaceBracket(
    *("profit", 2 * LIMIT, "loss", None, None, 5_000, None, "entry", "entry", "KO", "BUY", 9 * SHARE, "LIMIT", "GTC"),
    *(LIMIT, None, 0, None, None, None),
)
OCO = c.PlaceOco(
    *("first", LIMIT, "second", 2 * LIMIT, None, None, None, "first", "KO", "BUY", 9 * SHARE, "GTC", None, 0)
)
TRAILING = c.PlaceOrder(
    "trailing", "trailing", "KO", "BUY", SHARE, "TRAILING_STOP", "GTC", None, None, LIMIT, None, None, 900
)
GROUPS_OF_ORDERS = st.sampled_from([BRACKET, OCO, TRAILING])
FILLS_OF_GROUPS = st.builds(
    c.ExecuteTrade,
    *(st.just("KO"), st.just("BUY"), st.sampled_from([3 * SHARE, 9 * SHARE]), st.just(LIMIT)),
    st.sampled_from(["entry", "first"]),
)
STOPS = st.builds(c.TrailOrder, st.just("trailing"), st.just(LIMIT // 2)) | st.builds(
    c.TriggerOrder, st.just("trailing"), st.just(2 * LIMIT)
)
UNFREEZING = st.builds(c.UnfreezeAccount, NO_REASON)
ACTIONS = st.one_of(
    st.builds(c.ApplySplit, st.just("a"), SYMBOLS, st.integers(1, 5), st.integers(1, 5), st.just(SHARE), PRICES),
    st.builds(c.PayDividend, st.just("b"), SYMBOLS, st.integers(1, 10**9)),
    st.builds(c.ChangeSymbol, st.just("c"), st.just("XOM"), st.sampled_from(["KO", "PG"])),
    st.builds(c.MarkPositions, st.integers(1, 9), st.just(1), st.dictionaries(SYMBOLS, PRICES, min_size=1)),
)
KINDS = [
    *(TRADES, TRADES, ORDERS, ORDERS, FILLS, FILLS, REPLACEMENTS, ENDS, ENDS, OTHERS, UNFREEZING, UNFREEZING),
    *(ACTIONS, ACTIONS, ACTIONS, GROUPS_OF_ORDERS, FILLS_OF_GROUPS, FILLS_OF_GROUPS, STOPS),
]
COMMANDS = st.sampled_from(KINDS).flatmap(lambda kind: kind)
GROUPS = st.lists(st.tuples(st.sampled_from(ACCOUNTS), COMMANDS), min_size=1, max_size=6)
TIMES = st.sampled_from([1, 1, 2, 3_600_000_000, 86_400_000_000])
"""So many microseconds pass."""
ACTS = st.sampled_from(["pages", "pages but the last batch", "look"])
STEPS = st.lists(st.sampled_from([GROUPS, GROUPS, TIMES, ACTS]).flatmap(lambda kind: kind), min_size=5, max_size=25)


class History:
    """Takes the steps of one history, in a store of its own."""

    def __init__(self):
        self.store = EventStore.open(MemoryEngine(), codec=account_codec(), partition_count=2)
        set_store_factory(lambda: self.store)
        self.now = 20_000 * 86_400_000_000 - 5
        self.writer = self.store.writer(AccountDecider(), clock=lambda: self.now)
        self.numbers = itertools.count()
        for account_id in ACCOUNTS:
            limits = c.ChangeRiskLimits(10_000, 10**12, 10**11)
            self.take([(account_id, c.OpenAccount("ada", "Savings", "USD")), (account_id, limits)])
        for account_id in ACCOUNTS[:2]:
            self.take([(account_id, c.DepositCash(10**9, "")), (account_id, order_of("order-0", "DAY"))])
            self.take([(account_id, c.ExecuteTrade("XOM", "BUY", 5 * SHARE, 1_000, None)), (account_id, OCO)])

    def take(self, step):
        if isinstance(step, int):
            self.now += step
        elif step == "look":
            self.look()
        elif isinstance(step, str):
            for partition, head in self.store.heads().items():
                through_seq = head - (step == "pages but the last batch")
                self.store.snapshotter(AccountDecider()).write(partition=partition, through_seq=through_seq)
        else:
            requests = [Request(name, f"c-{next(self.numbers)}", "ada", command) for name, command in step]
            self.writer.execute(requests)  # Of closed accounts as well, where nothing but a refusal is recorded.

    def look(self):
        """Ask in the middle of everything, for what may be kept in the cache."""
        for account_id, ago in itertools.product(ACCOUNTS, (0, 1, 3_600_000_000)):
            try:
                account_as_of(account_id, Moment(at=instant_of(self.now - ago)))
            except BeforeOpening:
                continue


def folded(events, until):
    """Return the account, and its version, that the events up to an instant add up to; the obvious way."""
    account, version = Account(), 0
    for event in events:
        if event.timestamp <= until:
            evolve(account, event.data)
            version = event.version
    return account, version


def check(steps):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stretch_module, "EVENTS_PER_PAGE_MAX", PAGE_EVENTS)
        history = History()
        for step in steps:
            history.take(step)
        histories = {account_id: recorded(history.store, account_id) for account_id in ACCOUNTS}
        for account_id, events in histories.items():
            check_states(account_id, events)
            check_differences(account_id, events)
        check_firm(histories)


def recorded(store, account_id):
    """Return an account's events from the journal itself."""
    commits = [commit for batch in store.read_all(partition=store.partition_of(account_id)) for commit in batch.commits]
    last = max(commit.first_version + len(commit.events) - 1 for commit in commits if commit.aggregate_id == account_id)
    events = list(store.events(account_id))
    assert [event.version for event in events] == list(range(1, last + 1))
    return events


def check_states(account_id, events):
    for event in events:
        state, _ = folded(events[: event.version], event.timestamp)
        assert_is(account_as_of(account_id, Moment(version=event.version)), state, event.version)
    for until in sorted({event.timestamp + offset for event in events for offset in (-1, 0, 1)}):
        state, version = folded(events, until)
        if version:
            assert_is(account_as_of(account_id, Moment(at=instant_of(until))), state, version)
        else:
            with pytest.raises(BeforeOpening):
                account_as_of(account_id, Moment(at=instant_of(until)))


def assert_is(found, state, version):
    assert (found.version, found.state) == (version, state)


def check_differences(account_id, events):
    last = len(events)
    for start, end in ((1, last), (1, (last + 1) // 2), ((last + 1) // 2, last)):
        found = difference(account_id, Moment(version=start), Moment(version=end))
        after = figures(found.before)
        for change in found.changes:
            assert after.pop(change.field, None) == change.before
            after[change.field] = change.after
        assert {k: v for k, v in after.items() if v is not None} == {
            k: v for k, v in figures(found.after).items() if v is not None
        }
        assert (found.changes == ()) == (found.before.state == found.after.state)
        versions = [event.version for event in event_page(found, after_version=0, limit=10_000).events]
        assert versions == list(range(start + 1, end + 1))


def check_firm(histories):
    instants = sorted({event.timestamp for events in histories.values() for event in events})
    for until in {instants[0], instants[len(instants) // 2], instants[-1], instants[-1] - 1}:
        expected = {account_id: folded(events, until) for account_id, events in histories.items()}
        expected = {account_id: found for account_id, found in expected.items() if found[1]}
        for account_ids in (None, ACCOUNTS):
            found = accounts_as_of(instant_of(until), account_ids=account_ids)
            assert {each.account_id: (each.state, each.version) for each in found} == expected


@pytest.fixture(autouse=True, scope="module")
def own_stores():
    yield
    wire()


@given(STEPS)
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.large_base_example])
def test_the_past_is_what_the_events_add_up_to(steps):
    check(steps)


@given(STEPS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.large_base_example])
def test_the_past_is_the_same_with_the_cache(steps):
    with override_settings(TEMPORAL_CACHE=True):
        check(steps)


def test_the_histories_are_worth_looking_at(monkeypatch):
    """Every kind of event happens, orders are filled, and accounts have several pages."""
    seen, page_counts = set(), set()

    def noting(account_id, events):
        seen.update(event.event_type for event in events)
        page_counts.add(len(get_store().engine.pages(account_id, after_version=0, limit=1_000)))

    monkeypatch.setitem(globals(), "check_states", noting)
    monkeypatch.setitem(globals(), "check_differences", lambda *_: None)
    monkeypatch.setitem(globals(), "check_firm", lambda _: None)
    search(max_examples=600)
    assert seen == {event_type_name(event) for event in get_args(AccountEvent)}
    assert max(page_counts) >= 5


def search(**options):
    """Look for a history that fails; always the same ones."""
    chosen = settings(
        database=None,
        deadline=None,
        phases=[Phase.generate],
        derandomize=True,
        report_multiple_bugs=False,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.large_base_example],
        **options,
    )
    chosen(given(STEPS)(check))()


def finds_out():
    """Return what a search finds."""
    with pytest.raises((AssertionError, TemporalError)) as found:
        search(max_examples=300)
    return found.value


def test_an_event_at_the_very_instant_that_is_left_out_is_found_out(monkeypatch):
    state = streams.Streams.state

    def late(self, evolver, aggregate_id, *, version=None, timestamp=None):
        return state(self, evolver, aggregate_id, version=version, timestamp=timestamp and timestamp - 1)

    monkeypatch.setattr(streams.Streams, "state", late)
    assert isinstance(finds_out(), BeforeOpening)


def test_a_page_that_is_looked_for_an_instant_too_early_is_found_out(monkeypatch):
    last_page = MemoryEngine.last_page

    def early(self, aggregate_id, *, version=None, timestamp=None):
        found = last_page(self, aggregate_id, version=version, timestamp=timestamp and timestamp - 1)
        return found or last_page(self, aggregate_id, version=version, timestamp=timestamp)

    monkeypatch.setattr(MemoryEngine, "last_page", early)
    assert isinstance(finds_out(), AssertionError | TemporalError)


def test_a_page_whose_last_event_is_left_out_is_found_out(monkeypatch):
    fold = Folded.fold

    def short(self, columns, **through):
        kept = len(columns.commits) - (len(columns.commits) >= PAGE_EVENTS)
        return fold(self, columns.of_commits(np.arange(kept)), **through)

    monkeypatch.setattr(Folded, "fold", short)
    assert isinstance(finds_out(), AssertionError | TemporalError)


@pytest.mark.parametrize("microseconds_too_long", [1, 10_000_000])
def test_a_cache_that_keeps_a_state_too_long_is_found_out(monkeypatch, microseconds_too_long):
    keep = cache_module.Cache.keep

    def long(self, account_id, kept, *, until):
        keep(self, account_id, kept, until=until + microseconds_too_long)

    monkeypatch.setattr(cache_module.Cache, "keep", long)
    with override_settings(TEMPORAL_CACHE=True):
        assert isinstance(finds_out(), AssertionError)


def test_a_difference_that_forgets_orders_is_found_out(monkeypatch):
    def without_orders(found):
        return {field: value for field, value in figures(found).items() if not field.startswith(("orders", "reserved"))}

    monkeypatch.setattr(diff_module, "figures", without_orders)
    assert isinstance(finds_out(), AssertionError)


def test_a_firm_that_is_read_a_moment_too_far_is_found_out(monkeypatch):
    through = firm_module._all
    monkeypatch.setattr(firm_module, "_all", lambda at, told: through(at + timedelta(microseconds=1), told))
    assert isinstance(finds_out(), AssertionError)
