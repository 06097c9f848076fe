"""Any delivery of any journal gives the rows of one clean pass, batch by batch, in every table, and those that the
ledgers work out of the events; and the proof is proven: it finds a checkpoint outside the transaction, a missing guard
of versions, a batch that is skipped, and figures of one event that another one's are put over.
"""

import uuid
from fractions import Fraction
from unittest.mock import patch

import pytest
from django.db import connection
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from psycopg import sql

from accounts.domain.commands import (
    ApplySplit,
    CancelOrder,
    ChangeFeeSchedule,
    ChangeRiskLimits,
    ChangeSymbol,
    CloseAccount,
    DepositCash,
    ExecuteTrade,
    ExpireOrder,
    FreezeAccount,
    MarkPositions,
    PayDividend,
    RejectOrder,
    UnfreezeAccount,
    WithdrawCash,
)
from accounts.domain.events import CommandRefused
from accounts.domain.values import SHARE
from eventstore.writer.request import Request
from readmodels.models import DeadLetter, ProjectionCheckpoint
from readmodels.projections import firm
from readmodels.projections.classified import Columns
from readmodels.projections.corporate_actions import Moves
from readmodels.projector import projector, stored_rows, writes
from readmodels.reconcile.reconcile import reconcile
from readmodels.tests.conftest import dump, forget_everything, millionths, project
from readmodels.tests.deliveries import deliver

pytestmark = pytest.mark.django_db(transaction=True)

ACCOUNTS = [str(uuid.UUID(int=number << 64 | 5, version=4)) for number in range(6)]
PARTITIONS = 4
ACTIONS = ["split", "split kept", "reverse split", "dividend", "dividend", "symbol", "mark", "mark"]
KINDS = [
    "buy",
    "buy",
    "buy",
    "sell",
    "refused",
    "group",
    "group",
    "day",
    "deposit",
    "withdraw",
    "place",
    "place sell",
    "fill",
    "fill",
    "replace",
    "cancel",
    "expire",
    "reject",
    "freeze",
    "unfreeze",
    "unfreeze",
    "limits",
    "fees",
    "whole life",
    *ACTIONS,
]
ENDINGS = {"cancel": CancelOrder, "expire": ExpireOrder, "reject": RejectOrder}
STEPS = st.lists(st.tuples(st.sampled_from(ACCOUNTS), st.sampled_from(KINDS)), min_size=2, max_size=16)
DELIVERIES = st.lists(
    st.tuples(
        st.lists(st.integers(0, PARTITIONS - 1), min_size=1, max_size=PARTITIONS, unique=True),
        st.integers(1, 12),  # Events at once.
        st.integers(1, 4),  # Batches at once.
        st.integers(0, 26),  # The statement to die at; 0 and those beyond the last: none.
        st.integers(-1, 3),  # Where the checkpoints are put back to; -1: they are left.
    ),
    max_size=8,
)
MANY = settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
FEW = settings(MANY, max_examples=60, phases=[Phase.explicit, Phase.generate], database=None, derandomize=True)


def trade(account_id, number, side="BUY", shares=Fraction(7, 3), symbol="KO"):
    command = ExecuteTrade(symbol, side, millionths(shares), 100_000 + 7 * number, None)
    return Request(account_id, str(uuid.UUID(int=number, version=4)), "ada/bot", command)


def do(history, steps):
    """Write a journal: groups of trades as bulk load makes them, single commands, orders, refusals, another day."""
    for account_id in ACCOUNTS:
        account, version = history.writer.state(account_id)
        if version == 0:
            history.open(account_id)
        elif account.status == "FROZEN":
            history.execute(account_id, UnfreezeAccount("for the next journal"))
    for place, (account_id, kind) in enumerate(steps):
        match kind:
            case "buy" | "sell" | "refused":
                side, shares = {"buy": ("BUY", 3), "sell": ("SELL", Fraction(2, 3)), "refused": ("SELL", 10**6)}[kind]
                history.execute(account_id, ExecuteTrade("XOM", side, millionths(shares), 90_000, None))
            case "group":
                history.now += 1_000_000
                numbers = [next(history._numbers) for _ in range(10)]
                history.writer.execute(
                    [trade(ACCOUNTS[(place + n) % 6], 1 + n, "SELL" if n % 3 == 2 else "BUY") for n in numbers]
                )
            case "day":
                history.now += 86_400 * 1_000_000
            case "deposit":
                history.execute(account_id, DepositCash(10_000, "more"))
            case "withdraw":
                history.execute(account_id, WithdrawCash(5_000, "less"))
            case "place":
                history.place(account_id)
            case "place sell":
                history.place(account_id, side="SELL", shares=1, symbol="XOM")
            case "freeze":
                history.execute(account_id, FreezeAccount("why"))
            case "unfreeze":
                history.execute(account_id, UnfreezeAccount("why"))
            case "limits":
                history.execute(account_id, ChangeRiskLimits(9_000 + place, 10**12, 10**12))
            case "fees":
                history.execute(account_id, ChangeFeeSchedule(100 * place, 50, 5, 10_000))
            case "whole life":
                live(history, str(uuid.UUID(int=next(history._numbers) << 64 | 7, version=4)))
            case _ if kind in ACTIONS:
                act(history, account_id, kind, place)
            case _:
                orders = history.writer.state(account_id)[0].orders
                if orders:
                    move_on(history, account_id, kind, *next(iter(orders.items())))


def move_on(history, account_id, kind, order_id, order):
    """Fill, replace or end an order that works."""
    match kind:
        case "fill":
            shares = min(2, Fraction(order.remaining, SHARE))
            history.fill(account_id, order_id, side=order.side, shares=shares, symbol=order.symbol)
        case "replace":
            history.replace(account_id, order_id, shares=Fraction(order.quantity, SHARE) + 1)
        case _:
            history.execute(account_id, ENDINGS[kind](order_id, "why"))


def act(history, account_id, kind, number):
    """Let a company do something to what an account holds; its orders in that symbol end first."""
    account, _ = history.writer.state(account_id)
    held = sorted(symbol for symbol, position in account.positions.items() if position.quantity)
    if not held:
        return
    symbol = held[number % len(held)]
    if "split" in kind or kind == "symbol":
        ended = [order_id for order_id, order in account.orders.items() if order.symbol == symbol]
        for order_id in ended:
            history.execute(account_id, CancelOrder(order_id, kind))
    history.execute(
        account_id,
        {
            "split": ApplySplit("a", symbol, 3, 2, SHARE, 70_000 + number),
            "split kept": ApplySplit("a", symbol, 7, 3, SHARE, 0),
            "reverse split": ApplySplit("a", symbol, 1, 4 + number, SHARE, 400_000 + number),
            "dividend": PayDividend("a", symbol, 24_287_500 + number),
            "symbol": ChangeSymbol("a", symbol, "PEP" if symbol != "PEP" else "KO"),
            "mark": MarkPositions(account.marked_session + 1, history.now - 5, dict.fromkeys(held, 95_000 + number)),
        }[kind],
    )


def live(history, account_id):
    """Open an account, trade, and close it again, which cannot be undone: no other step may need it."""
    history.open(account_id)
    history.buy(account_id, shares=Fraction(5, 2))
    order_id = history.place(account_id, shares=2)
    history.fill(account_id, order_id, shares=1)
    history.execute(account_id, CloseAccount("refused"), CancelOrder(order_id, ""))
    history.sell(account_id, shares=Fraction(7, 2))
    cash = history.writer.state(account_id)[0].cash
    history.execute(account_id, WithdrawCash(cash, "all"), CloseAccount("moved away"))


def slow_pass():
    """Project everything batch by batch, and return every row of every table."""
    forget_everything()
    with patch.object(projector, "BATCHES_AT_ONCE_MAX", 1), patch.object(projector, "BATCHES_READ_MAX", 1):
        for partition in range(PARTITIONS):
            while projector.project_partition(partition) != projector.NOTHING:
                pass
    return dump()


def is_as_one_clean_pass(history, steps, deliveries):
    do(history, steps)
    expected = slow_pass()
    forget_everything()
    for partitions, events_max, batches_max, crash_at, back_to in deliveries:
        deliver(partitions, events_max=events_max, batches_max=batches_max, crash_at=crash_at, back_to=back_to)
    project()
    assert dump() == expected
    assert not DeadLetter.objects.exists()
    stopped = ProjectionCheckpoint.objects.exclude(stopped_because="")
    assert not stopped.exists()
    assert reconcile().differences == []


@given(steps=STEPS, deliveries=DELIVERIES)
@MANY
def test_any_delivery_gives_the_rows_of_one_clean_pass(history, steps, deliveries):
    is_as_one_clean_pass(history, steps, deliveries)


@pytest.fixture
def bulk(history):
    """Groups of trades, and one account with an order among them."""
    do(
        history,
        [(ACCOUNTS[0], "group")] * 4 + [(ACCOUNTS[1], "place"), (ACCOUNTS[2], "refused"), (ACCOUNTS[0], "group")],
    )
    return history


def project_openings(history):
    """Project the batches in which the accounts are opened: each was a batch of its own, two for an account."""
    for partition in range(PARTITIONS):
        opened = sum(history.store.partition_of(account_id) == partition for account_id in ACCOUNTS)
        if opened:
            projector.project_partition(partition, to_seq=2 * opened)


def test_a_crash_at_each_statement_of_a_round_leaves_nothing_half_done(bulk):
    expected = slow_pass()
    forget_everything()
    project_openings(bulk)
    before = dump()
    partitions = list(range(PARTITIONS))
    crashes = 0
    for number in range(1, 100):
        deliver(partitions, events_max=10_000, batches_max=100, crash_at=number)
        if dump() != before:
            break
        crashes += 1
    assert dump() == expected
    assert crashes >= 12, "a round sends more statements than that"


def checkpoint_outside(original):
    """Plant a bug: the checkpoints move in a transaction of their own, whatever becomes of the rows."""

    def project(partitions, *, to_seq=None):
        read = []
        next_batches = projector._next_batches

        def remembered(*arguments):
            read.extend(batches := next_batches(*arguments))
            return batches

        try:
            with patch.object(projector, "_next_batches", remembered):
                return original(partitions, to_seq=to_seq)
        finally:
            for batch in read:
                ProjectionCheckpoint.objects.update_or_create(partition=batch.partition, defaults={"seq": batch.seq})

    return project


def skips_a_batch(original):
    """Plant a bug: now and then a checkpoint moves one batch further than the rows."""

    def move(seqs):
        original({partition: seq + seq % 2 for partition, seq in seqs.items()})

    return move


def forgets_versions(original):
    """Plant a bug: every event counts as the next one of its account, also one that was applied before."""

    def versions(keys):
        return original(keys)._replace(versions=original(keys).versions * 0)

    return versions


def loses_refusals(original):
    """Plant a bug: refusals are left out of the sums over all accounts."""

    def sums(found, **given):
        none = Columns(found.trades.events, found.trades.places[:0], CommandRefused)
        return original(found._replace(refusals=none), **given)

    return sums


def takes_the_trade_for_the_last_event(original):
    """Plant a bug: an account has the cash of its last trade, whatever came after it in the round."""

    def changes(*given):
        found = original(*given)
        found.figures.clear()
        return found

    return changes


def forgets_what_sells_keep(_):
    """Plant a bug: what sells keep of positions is not written."""
    return lambda reserved: None


def moves_nothing_but(*kept):
    """Plant a bug: corporate actions and marks move the rows of some kinds alone."""

    def planted(original):
        names = ("positions", "marks", "days", "dividends")
        return lambda moves: original(Moves(**{name: getattr(moves, name) for name in names if name in kept}))

    return planted


def puts_marks_over_later_trades(statement):
    """Plant a bug: a mark is written whatever came after it."""
    return unguarded(statement, "AND given.version > stored.version")


def puts_splits_over_later_trades(statement):
    """Plant a bug: a split is written whatever came after it."""
    return unguarded(statement, "WHERE excluded.version > stored.version")


def unguarded(statement, guard):
    text = statement.as_string()
    assert guard in text
    return sql.SQL(text.replace(guard, ""))


def counts_no_shares_of_splits(_):
    """Plant a bug: the sums over all accounts do not see a split."""
    return lambda sums, recorded, split, currency: None


ACTED = [(ACCOUNTS[0], "buy"), (ACCOUNTS[0], "buy"), (ACCOUNTS[1], "buy")]
BUGS_OF_ACTIONS = [
    (stored_rows, "_move", moves_nothing_but("marks", "days", "dividends"), "split"),
    (stored_rows, "_move", moves_nothing_but("positions", "days", "dividends"), "mark"),
    (stored_rows, "_move", moves_nothing_but("positions", "marks", "dividends"), "split"),
    (stored_rows, "_move", moves_nothing_but("positions", "marks", "days"), "dividend"),
    (stored_rows, "_MARKED", puts_marks_over_later_trades, "mark"),
    (stored_rows, "_MOVED_POSITIONS", puts_splits_over_later_trades, "split"),
    (stored_rows, "_MOVED_DAYS", puts_splits_over_later_trades, "split"),
    (firm.Sums, "_add_split", counts_no_shares_of_splits, "split"),
    (firm.Sums, "_add_symbol_change", counts_no_shares_of_splits, "symbol"),
    (writes, "changes_of", takes_the_trade_for_the_last_event, "dividend"),
]


@pytest.mark.parametrize(("owner", "name", "bug", "kind"), BUGS_OF_ACTIONS)
def test_a_bug_of_corporate_actions_is_caught(history, owner, name, bug, kind):
    """Between trades of one round, and after them."""
    is_caught = 0
    for steps in ([*ACTED, (ACCOUNTS[0], kind), (ACCOUNTS[0], "buy")], [*ACTED, (ACCOUNTS[0], kind)]):
        with patch.object(owner, name, bug(getattr(owner, name))):
            try:
                is_as_one_clean_pass(history, steps, [])
            except AssertionError:
                is_caught += 1
    assert is_caught
    is_as_one_clean_pass(history, steps, [])


BUGS = [
    (projector, "project_together", checkpoint_outside),
    (projector, "_move_checkpoints", skips_a_batch),
    (writes, "current_versions", forgets_versions),
    (firm, "sums_of", loses_refusals),
    (writes, "changes_of", takes_the_trade_for_the_last_event),
    (stored_rows, "reserve", forgets_what_sells_keep),
]


@pytest.mark.parametrize(("owner", "name", "bug"), BUGS, ids=[bug.__name__ for _, _, bug in BUGS])
def test_a_planted_bug_is_caught(history, owner, name, bug):
    """The proof runs against the bug, with the same deliveries, and has to fail."""

    @given(steps=STEPS, deliveries=DELIVERIES)
    @example(steps=[(ACCOUNTS[0], "buy"), (ACCOUNTS[0], "deposit")], deliveries=[])
    @example(steps=[(ACCOUNTS[0], "group")], deliveries=[(list(range(PARTITIONS)), 12, 4, 10, -1)])
    @FEW
    def prove(steps, deliveries):
        is_as_one_clean_pass(history, steps, deliveries)

    with patch.object(owner, name, bug(getattr(owner, name))), pytest.raises(AssertionError):
        prove()
    assert connection.is_usable()
