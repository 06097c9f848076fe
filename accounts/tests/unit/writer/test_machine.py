"""The machine decides what the domain decides, figure by figure, and a group that is taken back leaves no trace."""

from copy import deepcopy
from functools import partial
from itertools import count

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.codec import account_codec, dump_account
from accounts.domain import commands as c
from accounts.domain.account import decide, evolve
from accounts.domain.errors import CommandInvalid
from accounts.domain.fees import FeeSchedule
from accounts.domain.recorded import asks_the_same, command_of
from accounts.domain.state import Account, Position
from accounts.domain.values import DIVIDEND_MAX, MONEY_MAX, PRICE_MAX, QUANTITY_MAX, SHARE
from accounts.kernels import events as events_module
from accounts.kernels import state as s
from accounts.writer import machine as module
from accounts.writer.columns import AccountCommands
from accounts.writer.machine import AccountDecider, AccountMachine
from eventstore.engines.memory import MemoryEngine
from eventstore.store import EventStore
from eventstore.writer.request import Failed, Request

NOW = 1_750_000_000_000_000
ACCOUNTS = ["ada", "bob", "nobody"]
ORDER_IDS = [f"order-{number}" for number in range(4)]
LEGS = [f"{order_id}-{leg}" for order_id in ORDER_IDS for leg in ("profit", "loss")]
NAMES = st.sampled_from([*ACCOUNTS[:2] * 4, "nobody"])
SYMBOLS = st.sampled_from(["KO", "XOM", "AAPL"])
SIDES = st.sampled_from(["BUY", "SELL"])
SHARES = st.integers(1, 9).map(lambda shares: shares * SHARE) | st.integers(1, 9 * SHARE) | st.just(QUANTITY_MAX)
PRICES = st.integers(1, 90_000) | st.just(PRICE_MAX)
TIMES_IN_FORCE = st.sampled_from(["GTC", "DAY"])
PLACEMENTS = st.builds(
    lambda order_id, client_id, symbol, side, shares, terms, time_in_force: c.PlaceOrder(
        order_id, client_id, symbol, side, shares, terms[0], time_in_force, *terms[1:]
    ),
    st.sampled_from(ORDER_IDS),
    st.sampled_from("abcdef"),
    SYMBOLS,
    SIDES,
    SHARES,
    st.one_of(
        st.tuples(st.just("LIMIT"), PRICES, st.none(), st.just(0)),
        st.tuples(st.just("MARKET"), st.none(), st.none(), PRICES | st.just(0)),
        st.tuples(st.just("STOP"), st.none(), PRICES, st.just(0)),
        st.tuples(st.just("STOP_LIMIT"), PRICES, PRICES, st.just(0)),
    ),
    st.sampled_from(["GTC", "DAY", "IOC", "FOK"]),
)


def replacements(quantities, prices):
    """Orders that take the place of others, with any of their terms given."""
    return st.builds(
        c.ReplaceOrder,
        st.sampled_from(ORDER_IDS),
        st.sampled_from(ORDER_IDS),
        st.sampled_from("abcdef"),
        st.none() | quantities,
        st.none() | st.sampled_from(["GTC", "DAY", "IOC", "FOK", "GTD"]),
        st.none() | prices,
        st.none() | st.none() | prices,
        st.none() | st.none() | st.just(NOW + 7),
    )


def trails(prices):
    """Of a trailing stop: an amount, or basis points."""
    return st.tuples(prices.map(lambda price: price // 10 + 1), st.none()) | st.tuples(
        st.none(), st.sampled_from([1, 333, 9_999])
    )


def placements_of_new_kinds(symbols, quantities, prices):
    """Trailing stops, orders that expire, and orders that belong together."""
    times = st.sampled_from([("GTC", None), ("DAY", None), ("GTD", NOW + 5)])
    ids, clients = st.sampled_from(ORDER_IDS), st.sampled_from("abcdef")
    trailing = st.builds(
        lambda order_id, client, symbol, side, quantity, time, price, trail: c.PlaceOrder(
            order_id, client, symbol, side, quantity, "TRAILING_STOP", time[0], None, None, price, time[1], *trail
        ),
        *(ids, clients, symbols, SIDES, quantities, times, prices | st.just(0), trails(prices)),
    )
    expiring = st.builds(
        lambda order_id, client, symbol, side, quantity, price, expires_at: c.PlaceOrder(
            order_id, client, symbol, side, quantity, "LIMIT", "GTD", price, None, 0, expires_at
        ),
        *(ids, clients, symbols, SIDES, quantities, prices, st.sampled_from([NOW + 1, NOW + 10**9, NOW, 2 * NOW])),
    )
    stop_losses = st.tuples(prices, st.none() | prices, st.none(), st.none()) | trails(prices).map(
        lambda trail: (None, None, *trail)
    )
    both = st.builds(
        lambda first, price, loss: ((first, price, f"{first}-loss", *loss), (first, price, f"{first}-loss", *loss)),
        *(ids.map(lambda order_id: f"{order_id}-profit"), prices, stop_losses),
    ).map(lambda pair: pair[0])
    one = both.map(lambda exits: (None, None, *exits[2:])) | both.map(lambda exits: (*exits[:2], *(None,) * 5))
    bracket = st.builds(
        lambda exits, order_id, client, symbol, side, quantity, limit, time, market: c.PlaceBracket(
            *exits, order_id, client, symbol, side, quantity, "MARKET" if limit is None else "LIMIT", time[0], limit,
            None, market if limit is None else 0, time[1], None, None,
        ),
        *(both | one, ids, clients, symbols, SIDES, quantities, st.none() | prices, times, prices),
    )  # fmt: skip
    oco = st.builds(
        lambda exits, client, symbol, side, quantity, time, market: c.PlaceOco(
            *exits, client, symbol, side, quantity, *time, market
        ),
        *(both, clients, symbols, SIDES, quantities, times, prices),
    )
    return st.one_of(trailing, expiring, bracket, bracket, oco)


def of_new_kinds(symbols, quantities, prices):
    """Those, and whatever may happen to them."""
    ids, clients, some = st.sampled_from(ORDER_IDS), st.sampled_from("abcdef"), st.sampled_from([*ORDER_IDS, *LEGS])
    return st.one_of(
        placements_of_new_kinds(symbols, quantities, prices),
        st.builds(c.TriggerOrder, some, prices),
        st.builds(c.TrailOrder, some, prices),
        st.builds(c.ExecuteTrade, symbols, SIDES, quantities, prices, some),
        st.builds(c.ExecuteTrade, symbols, SIDES, quantities, prices, some),
        st.builds(c.CancelOrder, some, st.just("")),
        st.builds(c.ExpireOrder, some, st.just("")),
        st.builds(c.RejectOrder, some, st.just("not taken")),
        st.builds(c.ReplaceOrder, some, ids, clients, st.none() | quantities, st.none(), prices, st.none() | prices),
    )


SCHEDULES = st.builds(
    c.ChangeFeeSchedule,
    st.sampled_from([0, 1, 10_000]),
    st.sampled_from([0, 1, 5_000, 10**18]),
    st.sampled_from([0, 1, 25, 10_000]),
    st.sampled_from([0, 3, 20_000, 2 * 10**18]),
)
BANDS = st.builds(
    c.ChangeRiskLimits, st.just(10_000), st.just(MONEY_MAX), st.just(MONEY_MAX), st.sampled_from([0, 1, 1_000, 10**15])
)
ACTIONS = st.one_of(
    st.builds(
        c.ApplySplit,
        st.just("a-1"),
        SYMBOLS,
        st.integers(1, 20),
        st.integers(1, 20),
        st.sampled_from([SHARE, 1]),
        st.just(0) | PRICES,
    ),
    st.builds(c.PayDividend, st.just("a-2"), SYMBOLS, st.integers(1, 10**9) | st.just(DIVIDEND_MAX)),
    st.builds(c.ChangeSymbol, st.just("a-3"), SYMBOLS, SYMBOLS),
    st.builds(c.MarkPositions, st.integers(1, 9), st.just(NOW), st.dictionaries(SYMBOLS, PRICES)),
)
COMMANDS = st.one_of(
    st.builds(c.ExecuteTrade, SYMBOLS, SIDES, SHARES, PRICES, st.none()),
    st.builds(c.ExecuteTrade, SYMBOLS, SIDES, SHARES, PRICES, st.none(), st.sampled_from([0, 40_000, PRICE_MAX])),
    st.builds(c.ExecuteTrade, SYMBOLS, SIDES, SHARES, PRICES, st.sampled_from(ORDER_IDS), st.just(0) | PRICES),
    BANDS,
    *2 * (PLACEMENTS,),
    replacements(SHARES, PRICES),
    st.builds(c.CancelOrder, st.sampled_from(ORDER_IDS), st.just("")),
    st.builds(c.ExpireOrder, st.sampled_from(ORDER_IDS), st.just("")),
    st.builds(c.RejectOrder, st.sampled_from(ORDER_IDS), st.just("not taken")),
    st.builds(c.DepositCash, st.integers(1, 10**7), st.just("")),
    st.builds(c.WithdrawCash, st.integers(1, 10**7), st.just("")),
    st.builds(c.FreezeAccount, st.just("audit")),
    st.builds(c.UnfreezeAccount, st.just("clean")),
    st.builds(c.OpenAccount, st.just("ada"), st.just("A"), st.just("USD")),
    st.builds(c.CloseAccount, st.just("over")),
    SCHEDULES,
    of_new_kinds(SYMBOLS, SHARES, PRICES),
    ACTIONS,
    ACTIONS,
)
FEW_SHARES = st.integers(1, 4).map(lambda shares: shares * SHARE)
NEAR_PRICES = st.sampled_from([9_000, 10_000, 10_000, 11_000])
WORKING = st.one_of(
    *2
    * (
        st.builds(
            c.PlaceOrder,
            st.sampled_from(ORDER_IDS),
            st.sampled_from("abcdef"),
            st.just("KO"),
            SIDES,
            FEW_SHARES,
            st.just("LIMIT"),
            st.sampled_from(["GTC", "IOC", "FOK"]),
            NEAR_PRICES,
            st.none(),
            st.just(0),
        ),
        replacements(FEW_SHARES, NEAR_PRICES),
        st.builds(c.ExecuteTrade, st.just("KO"), SIDES, FEW_SHARES, NEAR_PRICES, st.sampled_from(ORDER_IDS)),
    ),
    st.builds(c.ExecuteTrade, st.just("KO"), SIDES, FEW_SHARES, NEAR_PRICES, st.none()),
    st.builds(c.CancelOrder, st.sampled_from(ORDER_IDS), st.just("")),
    st.builds(c.ExpireOrder, st.sampled_from(ORDER_IDS), st.just("over")),
    SCHEDULES,
    of_new_kinds(st.just("KO"), FEW_SHARES, NEAR_PRICES),
)
"""Commands of orders that work often and are filled often."""
GROUPS_OF_ORDERS = st.lists(st.lists(st.tuples(NAMES, WORKING), min_size=1, max_size=30), max_size=4)
GROUPS = st.lists(st.lists(st.tuples(NAMES, COMMANDS), min_size=1, max_size=12), max_size=4)
OPENING = (
    c.OpenAccount("ada", "A", "USD"),
    c.DepositCash(10**12, ""),
    c.ChangeRiskLimits(10_000, MONEY_MAX, MONEY_MAX),
)
NUMBERS = count()
encoded = msgspec.msgpack.encode


class Domain:
    """The same accounts as objects, and their versions."""

    def __init__(self):
        self.accounts = {name: Account() for name in ACCOUNTS}
        self.versions = dict.fromkeys(ACCOUNTS, 0)

    def decided(self, name, command):
        """Return the events of a command and the version after them, or the code of why there are none."""
        account = self.accounts[name]
        try:
            events = decide(account, command, NOW)
        except CommandInvalid as error:
            return error.code
        for event in events:
            evolve(account, event)
        self.versions[name] += len(events)
        return events, self.versions[name]


def opened():
    """Return a writer and the domain with two accounts that have cash."""
    store = EventStore.open(MemoryEngine(), codec=account_codec(), partition_count=1)
    writer, domain = store.writer(AccountDecider(), clock=lambda: NOW), Domain()
    is_decided_alike(writer, domain, [(name, command) for name in ACCOUNTS[:2] for command in OPENING])
    return writer, domain


def is_decided_alike(writer, domain, group):
    """Decide a group both ways; every event, version and refusal is the same, and so are the accounts after it."""
    requests = [Request(name, f"command-{next(NUMBERS)}", "ada", command) for name, command in group]
    for (name, command), outcome in zip(group, writer.execute(requests), strict=True):
        expected = domain.decided(name, command)
        if isinstance(outcome, Failed):
            assert isinstance(outcome.error, CommandInvalid), outcome.error
            assert outcome.error.code == expected
        else:
            assert (outcome.events, outcome.version) == expected
            assert encoded(outcome.events) == encoded(expected[0]), "the arguments of a refusal stand in one order"
    check_accounts(writer, domain)


def check_accounts(writer, domain):
    for name in ACCOUNTS:
        account, version = writer.state(name)
        assert (dump_account(account), version) == (dump_account(domain.accounts[name]), domain.versions[name])


@settings(max_examples=300, deadline=None)
@given(GROUPS)
def test_every_event_and_every_figure_is_that_of_the_domain(groups):
    writer, domain = opened()
    for group in groups:
        is_decided_alike(writer, domain, group)


STEPS = st.tuples(
    st.one_of(*3 * (st.just("fill"),), st.sampled_from(["trigger", "trail", "cancel", "expire", "reject", "replace"])),
    st.integers(0, 9),
    FEW_SHARES,
    NEAR_PRICES,
)
"""Something that happens to one of the orders that work then, whichever they are."""
PLACED = placements_of_new_kinds(st.just("KO"), FEW_SHARES, NEAR_PRICES)


def step_of(account, step):
    """Return the command that a step is on the account as it stands."""
    what, number, shares, price = step
    if not account.orders:
        return c.ExecuteTrade("KO", "BUY", shares, price, None)
    order_id, order = sorted(account.orders.items())[number % len(account.orders)]
    quantity = shares if number < 2 else min(shares, order.remaining)
    return {
        "fill": c.ExecuteTrade("KO", order.side, quantity, order.limit_price or price, order_id),
        "trigger": c.TriggerOrder(order_id, price),
        "trail": c.TrailOrder(order_id, price * (number + 1) // 4),
        "cancel": c.CancelOrder(order_id, ""),
        "expire": c.ExpireOrder(order_id, "over"),
        "reject": c.RejectOrder(order_id, "not taken"),
        "replace": c.ReplaceOrder(
            *(
                order_id,
                f"{order_id[:60]}+",
                f"{order_id[:60]}+",
                order.filled_quantity + quantity if number % 2 else None,
            ),
            *(None, price if order.limit_price else None, None),
        ),
    }[what]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.lists(st.one_of(PLACED, *8 * (STEPS,)), min_size=8, max_size=20), max_size=4))
def test_groups_of_orders_and_trailing_stops_are_those_of_the_domain(groups):
    (writer, domain), (_, planned) = opened(), opened()
    groups = [[c.ExecuteTrade("KO", "BUY", 20 * SHARE, 10_000, None)], *groups]
    for group in groups:
        commands = []
        for step in group:
            commands.append(("ada", step_of(planned.accounts["ada"], step) if isinstance(step, tuple) else step))
            before = deepcopy(planned.accounts["ada"])
            decided = planned.decided(*commands[-1])
            check_reserves(planned.accounts["ada"])
            if isinstance(decided, tuple):
                events, _ = decided
                assert decide(before, command_of(events), NOW) == events, "a commit says what was asked for"
                assert asks_the_same(commands[-1][1], events)
        is_decided_alike(writer, domain, commands)


def check_reserves(account):
    """Every order reserves what it needs, those of a group once; nothing is left over."""
    cash, shares, groups = 0, 0, {}
    for order in account.orders.values():
        if order.waits_for is not None:
            assert order.waits_for in account.orders, "nothing waits for an order that has ended"
        elif order.oco_group is not None:
            groups.setdefault(order.oco_group, []).append(order)
        else:
            cash, shares = cash + order.reserved_cash, shares + order.reserved_shares(order.remaining)
    for group in groups.values():
        assert len({order.remaining for order in group}) == 1
        cash += max(order.reserved_cash for order in group)
        shares += max(order.reserved_shares(order.remaining) for order in group)
    assert (account.reserved_cash, account.reserved_shares.get("KO", 0)) == (cash, shares)
    assert all(order.remaining > 0 for order in account.orders.values())


@settings(max_examples=200, deadline=None)
@given(GROUPS_OF_ORDERS)
def test_orders_that_work_and_are_filled_are_those_of_the_domain(groups):
    writer, domain = opened()
    for group in groups:
        is_decided_alike(writer, domain, group)


def placing(order_id, side, shares, price, *, order_type="LIMIT", time_in_force="GTC", stop=None, market=0):
    limit = price if "LIMIT" in order_type else None
    terms = (side, shares * SHARE, order_type, time_in_force, limit, stop, market)
    return "ada", c.PlaceOrder(order_id, f"mine-{order_id}-{shares}", "KO", *terms)


def filling(order_id, side, shares, price):
    return "ada", c.ExecuteTrade("KO", side, shares * SHARE, price, order_id)


DAY_OF_ORDERS = [
    ("ada", c.ExecuteTrade("KO", "BUY", 50 * SHARE, 10_000, None)),
    placing("one", "BUY", 5, 10_000),
    filling("one", "BUY", 2, 9_999),
    placing("two", "SELL", 7, 10_500, time_in_force="DAY"),
    filling("one", "BUY", 3, 10_000),
    placing("one", "SELL", 4, 11_000, time_in_force="FOK"),
    filling("two", "SELL", 6, 10_501),
    filling("one", "SELL", 4, 11_000),
    placing("three", "BUY", 2, None, order_type="MARKET", time_in_force="IOC", market=10_001),
    filling("three", "BUY", 2, 10_002),
    placing("four", "BUY", 9, 10_400, order_type="STOP_LIMIT", stop=10_200),
    filling("four", "BUY", 1, 10_200),
    filling("four", "BUY", 1, 10_100),
    placing("five", "SELL", 3, None, order_type="STOP", stop=9_000),
    filling("five", "SELL", 1, 8_999),
    filling("five", "SELL", 2, 9_500),
]


@pytest.mark.parametrize("size", [1, 2, 3, 16])
def test_new_orders_and_their_fills_are_decided_by_kernels(size, monkeypatch):
    writer, domain = opened()
    monkeypatch.setattr(AccountMachine, "_decide_one", lambda *_: pytest.fail("an order was decided as an object"))
    for start in range(0, len(DAY_OF_ORDERS), size):
        is_decided_alike(writer, domain, DAY_OF_ORDERS[start : start + size])
    assert domain.accounts["ada"].orders.keys() == {"two", "four"}


FEES = ("ada", c.ChangeFeeSchedule(10_000, 5_000, 25, 12_000))


@pytest.mark.parametrize("size", [1, 3, 16])
def test_fees_are_decided_by_kernels(size, monkeypatch):
    writer, domain = opened()
    is_decided_alike(writer, domain, [FEES])
    monkeypatch.setattr(AccountMachine, "_decide_one", lambda *_: pytest.fail("a fee was decided as an object"))
    for start in range(0, len(DAY_OF_ORDERS), size):
        is_decided_alike(writer, domain, DAY_OF_ORDERS[start : start + size])
    is_decided_alike(writer, domain, [replacing("two", "two-b", shares=9), filling("two-b", "SELL", 1, 10_501)])
    assert domain.accounts["ada"].fees > 9 * 12_000


def test_kernels_judge_orders_with_the_fees_of_what_is_left_of_them(monkeypatch):
    """To the unit: 10,000 for an order, of which the first fill was charged, and 8 shares that are left of it."""
    writer, domain = opened()
    rest = c.WithdrawCash(10**12 - 4 * 10_000 - 10_000 - 8 * 10_000, "")
    first = [("ada", c.ChangeFeeSchedule(10_000, 0, 0, 0)), placing("one", "BUY", 10, 10_000)]
    is_decided_alike(writer, domain, [*first, filling("one", "BUY", 4, 10_000)])
    is_decided_alike(writer, domain, [replacing("one", "less", shares=5), ("ada", rest)])
    monkeypatch.setattr(AccountMachine, "_decide_one", lambda *_: pytest.fail("a fee was decided as an object"))
    is_decided_alike(writer, domain, [replacing("less", "all", shares=12)])
    account = domain.accounts["ada"]
    assert (account.cash, account.reserved_cash) == (8 * 10_000, 8 * 10_000)
    is_decided_alike(writer, domain, [("ada", c.CancelOrder("all", "")), placing("new", "BUY", 8, 10_000)])
    assert account.orders == {}, "a new order is charged anew, and that is not there"
    is_decided_alike(writer, domain, [placing("new", "BUY", 7, 10_000)])
    assert account.orders.keys() == {"new"}


def test_prices_beyond_the_band_are_refused_by_kernels(monkeypatch):
    writer, domain = opened()
    monkeypatch.setattr(AccountMachine, "_decide_one", lambda *_: pytest.fail("a price was judged as an object"))
    trades = [c.ExecuteTrade("KO", "BUY", SHARE, 10_000, None, market) for market in (0, 10_000, 9_090, 9_091, 11_112)]
    is_decided_alike(writer, domain, [("ada", trade) for trade in trades])
    assert domain.accounts["ada"].trade_count == 3


def test_a_band_that_is_wider_than_64_bits_is_left_to_python():
    writer, domain = opened()
    limits = c.ChangeRiskLimits(10_000, MONEY_MAX, MONEY_MAX, 10**15)
    trade = c.ExecuteTrade("KO", "BUY", SHARE, 10_000, None, PRICE_MAX)
    is_decided_alike(writer, domain, [("ada", limits), ("ada", trade)])
    assert domain.accounts["ada"].trade_count == 1


@pytest.mark.parametrize(
    "schedule",
    [(2 * 10**18, 0, 0, 0), (0, 0, 0, 2 * 10**18), (0, 10**18, 0, 0), (0, 0, 10**18, 0), (10**18, 0, 0, 10**18)],
)
def test_fees_that_are_wider_than_64_bits_are_left_to_python(schedule, monkeypatch):
    writer, domain = opened()
    placed = placing("two", "SELL", 7, 10_500)
    is_decided_alike(writer, domain, [DAY_OF_ORDERS[0], placed, ("ada", c.ChangeFeeSchedule(*schedule))])
    left, decide_one = [], AccountMachine._decide_one
    monkeypatch.setattr(AccountMachine, "_decide_one", lambda *given: (left.append(given[2]), decide_one(*given))[1])
    of_order = [placing("one", "BUY", 5, 10_000), filling("two", "SELL", 6, 10_501), replacing("two", "b", shares=9)]
    is_decided_alike(writer, domain, [DAY_OF_ORDERS[0], *of_order])
    assert left == [0, 1, 2, 3]
    assert domain.accounts["ada"].fees == 0, "such fees are beyond any account's cash"


REFUSED_ORDERS = [
    ("TRADE_LIMIT_EXCEEDED", placing("r", "BUY", 1_000, 10_000)),
    ("DAILY_LIMIT_EXCEEDED", placing("r", "BUY", 880, 10_000, time_in_force="FOK")),
    ("INSUFFICIENT_FUNDS", placing("r", "BUY", 400, None, order_type="MARKET", time_in_force="IOC", market=9_999)),
    ("INSUFFICIENT_POSITION", placing("r", "SELL", 51, 10_500, time_in_force="DAY")),
    ("INSUFFICIENT_POSITION", placing("r", "SELL", 52, None, order_type="STOP", stop=9_000)),
    ("POSITION_LIMIT_EXCEEDED", placing("r", "BUY", 100, 10_400, order_type="STOP_LIMIT", stop=10_200)),
    ("VALUE_TOO_SMALL", ("ada", c.PlaceOrder("r" * 64, "x" * 64, "KO", "SELL", 1, "LIMIT", "GTC", 1, None, 0))),
]
"""Of an account that has 50 shares and 350.0000 in cash, and limits of a position, a day and a trade."""


@pytest.mark.parametrize("size", [1, 7])
def test_orders_that_a_rule_refuses_are_decided_by_kernels(size, monkeypatch):
    writer, domain = opened()
    holding = c.ExecuteTrade("KO", "BUY", 50 * SHARE, 10_000, None)
    rest, limits = c.WithdrawCash(10**12 - 4_000_000, ""), c.ChangeRiskLimits(3_000, 9_000_000, 8_900_000)
    is_decided_alike(writer, domain, [("ada", command) for command in (holding, rest, limits)])
    version = domain.versions["ada"]
    monkeypatch.setattr(AccountMachine, "_decide_one", lambda *_: pytest.fail("an order was refused as an object"))
    for start in range(0, len(REFUSED_ORDERS), size):
        is_decided_alike(writer, domain, [order for _, order in REFUSED_ORDERS[start : start + size]])
    assert (domain.accounts["ada"].orders, domain.versions["ada"]) == ({}, version + len(REFUSED_ORDERS))
    refused = [decide(domain.accounts["ada"], order, NOW)[0].code for _, (_, order) in REFUSED_ORDERS]
    assert refused == [code for code, _ in REFUSED_ORDERS]


@pytest.mark.parametrize("status", [c.FreezeAccount("audit"), c.CloseAccount("over")])
def test_new_orders_of_accounts_that_take_none_are_refused_by_kernels(status, monkeypatch):
    writer, domain = opened()
    is_decided_alike(writer, domain, [("ada", c.WithdrawCash(10**12, "")), ("ada", status)])
    monkeypatch.setattr(AccountMachine, "_decide_one", lambda *_: pytest.fail("an order was refused as an object"))
    is_decided_alike(writer, domain, [placing("one", "BUY", 1, 10_000), placing("two", "SELL", 1, 10_000)])


def replacing(old, new, *, shares=None, time_in_force=None, limit=None, stop=None):
    quantity = None if shares is None else shares * SHARE
    return "ada", c.ReplaceOrder(old, new, f"mine-{new}", quantity, time_in_force, limit, stop)


REPLACEMENTS = [
    replacing("two", "two-b", shares=9),
    replacing("four", "four-b", shares=8, limit=10_500),
    replacing("buy", "buy-b", limit=9_900, time_in_force="DAY"),
    replacing("market", "market-b", shares=3),
    replacing("stop", "stop-b", stop=8_000),
    replacing("both", "both-b", stop=10_100, limit=10_300),
]


@pytest.mark.parametrize("size", [1, 6])
def test_replacements_are_decided_by_kernels(size, monkeypatch):
    writer, domain = opened()
    working = [
        placing("buy", "BUY", 4, 10_000),
        placing("market", "BUY", 2, None, order_type="MARKET", time_in_force="DAY", market=10_001),
        placing("stop", "SELL", 3, None, order_type="STOP", stop=9_000),
        placing("both", "BUY", 1, 10_400, order_type="STOP_LIMIT", stop=10_200),
    ]
    is_decided_alike(writer, domain, [*DAY_OF_ORDERS, *working])
    monkeypatch.setattr(AccountMachine, "_decide_one", lambda *_: pytest.fail("an order was replaced as an object"))
    for start in range(0, len(REPLACEMENTS), size):
        is_decided_alike(writer, domain, REPLACEMENTS[start : start + size])
    assert domain.accounts["ada"].orders.keys() == {command.new_order_id for _, command in REPLACEMENTS}
    is_decided_alike(writer, domain, [filling("two-b", "SELL", 3, 10_501), ("ada", c.CancelOrder("four-b", ""))])


def test_replacements_that_are_refused_or_waived_are_decided_as_the_domain_does():
    writer, domain = opened()
    is_decided_alike(writer, domain, [*DAY_OF_ORDERS, placing("buy", "BUY", 4, 10_000)])
    for refused in (
        replacing("nothing", "new", shares=1),
        replacing("buy", "two", shares=1),
        replacing("buy", "new"),
        replacing("two", "new", shares=6),
        replacing("buy", "new", stop=9_000),
        replacing("four", "new", stop=10_300),
        replacing("four", "new", time_in_force="IOC"),
        replacing("buy", "new", limit=PRICE_MAX, shares=10**9),
    ):
        before = len(domain.accounts["ada"].orders)
        is_decided_alike(writer, domain, [refused])
        assert len(domain.accounts["ada"].orders) == before
    stricter = ("ada", c.ChangeRiskLimits(10_000, MONEY_MAX, 30_000))
    is_decided_alike(writer, domain, [stricter, replacing("buy", "less", shares=5)])
    assert "less" not in domain.accounts["ada"].orders, "beyond the new limit, and more than what it replaces"
    is_decided_alike(writer, domain, [replacing("buy", "less", limit=9_000)])
    assert "less" in domain.accounts["ada"].orders, "beyond the new limit, and less than what it replaces"


ENDS = [
    ("ada", c.CancelOrder("four", "changed my mind")),
    ("ada", c.ExpireOrder("two", "the day is over")),
    ("ada", c.RejectOrder("six", "not taken")),
    ("bob", c.CancelOrder("first", "")),
]


@pytest.mark.parametrize("size", [1, 4])
def test_the_ends_of_orders_are_decided_by_kernels(size, monkeypatch):
    writer, domain = opened()
    bobs = "bob", c.PlaceOrder("first", "x", "XOM", "BUY", SHARE, "LIMIT", "GTC", 10_000, None, 0)
    is_decided_alike(writer, domain, [*DAY_OF_ORDERS, placing("six", "BUY", 2, 10_000), bobs])
    monkeypatch.setattr(AccountMachine, "_decide_one", lambda *_: pytest.fail("an end was decided as an object"))
    for start in range(0, len(ENDS), size):
        is_decided_alike(writer, domain, ENDS[start : start + size])
    assert not any(account.orders or account.reserved_cash for account in domain.accounts.values())


def test_ends_that_are_refused_or_of_new_orders_are_decided_as_the_domain_does():
    writer, domain = opened()
    refused = [
        ("ada", c.CancelOrder("nothing", "")),
        ("ada", c.ExpireOrder("gtc", "")),
        ("bob", c.CancelOrder("gtc", "")),
    ]
    is_decided_alike(writer, domain, [placing("gtc", "BUY", 1, 10_000)])
    is_decided_alike(writer, domain, [*refused, ("ada", c.CancelOrder("gtc", "")), ("ada", c.CancelOrder("gtc", ""))])
    again = c.PlaceOrder("gtc", "other", "XOM", "BUY", SHARE, "LIMIT", "DAY", 10_000, None, 0)
    is_decided_alike(writer, domain, [placing("gtc", "BUY", 1, 10_000)])
    is_decided_alike(
        writer, domain, [filling("gtc", "BUY", 1, 9_000), ("ada", again), ("ada", c.CancelOrder("gtc", ""))]
    )
    is_decided_alike(writer, domain, [placing("new", "SELL", 1, 10_000), ("ada", c.CancelOrder("new", ""))])


def test_ids_of_orders_that_ended_take_no_room():
    writer, domain = opened()
    for number in range(600):
        placed = placing(f"order-{number}", "BUY", 1, 10_000)
        ended = c.CancelOrder(f"order-{number}", "") if number % 2 else filling(f"order-{number}", "BUY", 1, 10_000)[1]
        is_decided_alike(writer, domain, [placed, ("ada", ended)])
    working = writer._partitions[0].machine._orders
    assert (len(working._order_ids.names), len(working._client_ids.names)) == (1, 1)
    assert not working._order_ids._places
    assert not working._client_ids._places


def bits(machine):
    state = machine._state
    kept = state.positions[: state.position_count + 50, : s.NEXT_IN_BUCKET]
    working = machine._orders
    places = [working._order_ids._places, working._client_ids._places]
    rows = {row: working.orders[row].tolist() for own in places[0].values() for row in own.values()}
    taken = working.clients[working.clients > 0].tolist()
    return [state.accounts[: state.account_count].tobytes(), kept.tobytes(), deepcopy(places), rows, taken]


def is_taken_back(before, group):
    """Decide groups, then one that is taken back: nothing of it is left, and the same is decided again."""
    writer, domain = opened()
    for each in before:
        is_decided_alike(writer, domain, each)
    partition = writer._partitions[0]
    for name, command in group:  # New accounts stay, empty, when their opening is taken back.
        if isinstance(command, c.OpenAccount) and domain.versions[name] == 0:
            return
    found = bits(partition.machine)
    requests = [Request(name, f"again-{number}", "ada", command) for number, (name, command) in enumerate(group)]
    commands = AccountCommands.of(requests)
    pending = writer._begin_group(partition)
    places = module.np.arange(len(commands))
    assert pending.take(commands, places, commands.keys(writer._keys), {}, lambda: False)
    pending.drop()
    assert bits(partition.machine) == found
    is_decided_alike(writer, domain, group)


@settings(max_examples=200, deadline=None)
@given(GROUPS, st.lists(st.tuples(NAMES, COMMANDS), min_size=1, max_size=12))
def test_a_group_that_is_taken_back_leaves_no_trace(before, group):
    is_taken_back(before, group)


@settings(max_examples=200, deadline=None)
@given(GROUPS_OF_ORDERS, st.lists(st.tuples(NAMES, WORKING), min_size=1, max_size=30))
def test_orders_that_are_taken_back_leave_no_trace(before, group):
    is_taken_back(before, group)


def test_commands_of_an_account_that_is_opened_in_the_same_group_find_it():
    writer, domain = opened()
    buy = c.ExecuteTrade("KO", "BUY", SHARE, 10_000, None)
    new = [("nobody", command) for command in (buy, *OPENING, buy, c.DepositCash(5, ""), buy)]
    is_decided_alike(writer, domain, new)
    assert domain.versions["nobody"] == 6


def test_an_account_is_loaded_as_it_was_written():
    account = Account()
    for command in (*OPENING, c.ExecuteTrade("KO", "BUY", 5 * SHARE, 10_000, None)):
        for event in decide(account, command, NOW):
            evolve(account, event)
    for event in decide(account, c.PlaceOrder("o", "a", "KO", "SELL", SHARE, "LIMIT", "GTC", 20_000, None, 0), NOW):
        evolve(account, event)
    machine = AccountMachine()
    machine.add(0, Account(), 0)
    machine.add(1, account, 7)
    assert (machine.state(1), machine.version(1)) == (account, 7)
    machine.take_back()
    assert machine.state(1) == account, "what was loaded is not taken back"


def no_note_of_orders(self, *arguments, **figures):
    noted = self._orders.noted[0]
    decided(self, *arguments, **figures)
    self._orders.noted[0] = noted


def no_note_of_the_account(self, *arguments, **figures):
    noted = self._state.counters[2]
    decided(self, *arguments, **figures)
    self._state.counters[2] = noted


decided = AccountMachine.decide
BUY = ("ada", c.ExecuteTrade("KO", "BUY", 5 * SHARE, 10_000, None))
SELL = ("ada", c.PlaceOrder("order-1", "a", "KO", "SELL", 3 * SHARE, "LIMIT", "GTC", 20_000, None, 0))
FILL = ("ada", c.ExecuteTrade("KO", "SELL", 2 * SHARE, 20_000, "order-1"))
REPLACE = ("ada", c.ReplaceOrder("order-1", "order-2", "b", 2 * SHARE, None, 19_000, None))
CANCEL = ("ada", c.CancelOrder("order-1", ""))


@pytest.mark.parametrize("planted", [no_note_of_orders, no_note_of_the_account])
@pytest.mark.parametrize(
    ("before", "last"),
    [([BUY], SELL), ([BUY, SELL], FILL), ([BUY, SELL], REPLACE), ([BUY, SELL], CANCEL), ([FEES, BUY, SELL], FILL)],
)
def test_a_machine_that_forgets_to_note_is_found_out(planted, before, last, monkeypatch):
    is_taken_back([before], [last])
    monkeypatch.setattr(AccountMachine, "decide", planted)
    with pytest.raises(AssertionError):
        is_taken_back([before], [last])


def test_a_kernel_that_writes_another_figure_is_found_out(monkeypatch):
    buy, place, fill = DAY_OF_ORDERS[:3]
    is_decided_alike(*opened(), [buy, place, fill])
    put_events = events_module._put_events

    def off_by_one(cell, *arguments):
        found = put_events(*arguments)
        arguments[16][cell] += 1
        return found

    for group, cell in ([buy], 7), ([buy, place], 21 + 13), ([buy, place, fill], 21 + 22 + 21 + 9):
        with monkeypatch.context() as planting:
            planting.setattr(events_module, "_put_events", partial(off_by_one, cell))
            with pytest.raises(AssertionError):
                is_decided_alike(*opened(), group)
    writer, domain = opened()
    is_decided_alike(writer, domain, [buy, place])
    monkeypatch.setattr(events_module, "_put_events", partial(off_by_one, 9 + 13))
    with pytest.raises(AssertionError):
        is_decided_alike(writer, domain, [replacing("one", "two", shares=6)])
    monkeypatch.setattr(events_module, "_put_events", partial(off_by_one, 6))
    with pytest.raises(AssertionError):
        is_decided_alike(writer, domain, [("ada", c.CancelOrder("two", ""))])


def test_every_field_of_an_account_is_written_into_the_arrays():
    filled = Account(**{name: 7 for name in Account.__struct_fields__ if isinstance(getattr(Account(), name), int)})
    machine = AccountMachine()
    schedule = FeeSchedule(1, 2, 3, 4)
    machine.add(0, msgspec.structs.replace(filled, status="FROZEN", fee_schedule=schedule), 1)
    assert msgspec.structs.asdict(machine.state(0)) == {
        **msgspec.structs.asdict(filled),
        "status": "FROZEN",
        "fee_schedule": schedule,
    }


def test_what_is_written_while_the_positions_get_more_room_is_not_lost():
    account, symbols = Account(), [f"S{number}" for number in range(1_024)]
    account.positions = {symbol: Position(SHARE, 10, 10, 0) for symbol in symbols}
    machine = AccountMachine()
    machine.add(0, account, 7)
    assert len(machine._state.positions) == machine._state.position_count, "the next write needs more room"
    (bought,) = decide(domain_account(account), c.ExecuteTrade("S3", "BUY", SHARE, 10_000, None), NOW)
    machine._evolve(0, machine._account(0, ["S3"]), [bought])
    assert machine.state(0).positions["S3"].quantity == 2 * SHARE


def domain_account(account):
    return msgspec.structs.replace(
        account,
        status="ACTIVE",
        cash=10**9,
        max_position_bp=10_000,
        max_daily_value=MONEY_MAX,
        max_trade_value=MONEY_MAX,
    )
