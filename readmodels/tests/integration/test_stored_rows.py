"""Stored positions and days follow the trades, and nobody who reads notices when: at every moment what is read of an
account is what its events add up to. The proof is proven with rows that follow too early and readers that look away.
"""

import asyncio
import uuid
from unittest.mock import patch

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from accounts.domain.commands import CancelOrder, DepositCash, ExecuteTrade
from accounts.domain.values import POSITION_MAX, SHARE, average_cost
from readmodels import tasks
from readmodels.models import AccountSummary, DailyPnl, PortfolioPosition, StoredDay, StoredPosition
from readmodels.projector import projector, stored_rows
from readmodels.queries import account_queries, listings, queries
from readmodels.reconcile.ledger import Ledger
from readmodels.reconcile.ledger_firm import FirmLedger
from readmodels.reconcile.reconcile import reconcile
from readmodels.tests.conftest import ADA, BOB, DAY, dump, follow_all, forget_everything, millionths, project
from readmodels.views import current_views, reporting

pytestmark = pytest.mark.django_db(transaction=True)

ACCOUNTS = [str(uuid.UUID(int=number << 64 | 7, version=4)) for number in range(2)]
SYMBOLS = ["KO", "XOM", "ÄB", "Z"]
TRADES = st.tuples(
    st.sampled_from(["BUY", "BUY", "SELL"]),
    st.sampled_from(SYMBOLS),
    st.integers(300_001, 9_999_999),
    st.integers(5, 9_999),
)
STEPS = st.lists(
    st.tuples(
        st.sampled_from(ACCOUNTS),
        TRADES | st.sampled_from(["deposit", "place", "place sell", "cancel", "day", "age", "all"]),
        st.sampled_from([True, True, False]),  # Whether to project, and to look, after it.
    ),
    min_size=8,
    max_size=24,
)
MANY = settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
FEW = settings(MANY, max_examples=40, phases=[Phase.generate], database=None, derandomize=True)


def do(history, account_id, kind):
    """Do one thing; what the rules refuse is an event as well."""
    match kind:
        case "deposit":
            history.execute(account_id, DepositCash(10_000, "more"))
        case "place":
            history.place(account_id, price=1_000)
        case "place sell":
            for symbol, position in history.writer.state(account_id)[0].positions.items():
                if position.quantity > SHARE:
                    history.place(account_id, side="SELL", shares=1, symbol=symbol, price=900_000)
        case "cancel":
            for order_id in list(history.writer.state(account_id)[0].orders)[:1]:
                history.execute(account_id, CancelOrder(order_id, ""))
        case "day":
            history.now += DAY
        case "age":
            with patch.object(stored_rows, "SECONDS_BEHIND_MAX", -1):
                stored_rows.follow_aged()
        case "all":
            follow_all()
        case (side, symbol, quantity, price):
            history.execute(account_id, ExecuteTrade(symbol, side, quantity, price, None))


def folded(history, account_id):
    """Return the ledger of an account's events, which share no code with the projections."""
    ledger = Ledger(account_id, firm=FirmLedger())
    partition = history.store.partition_of(account_id)
    for batch in history.store.read_batches(partition=partition, after_seq=0, limit=10_000):
        for commit in batch.commits:
            if commit.aggregate_id == account_id:
                ledger.add(commit)
    return ledger


def by(name, rows):
    return sorted(({**row, "account_id": str(row["account_id"])} for row in rows), key=lambda row: row[name])


LOOP = []


@pytest.fixture(autouse=True)
def loop():
    """One event loop for all reads of a test, which keeps its connection."""
    with asyncio.Runner() as runner:
        LOOP[:] = [runner]
        yield


async def reads(account_id):
    """Return what the queries of an account say, its days, and its positions among those of several accounts."""
    asked = (account_queries.PORTFOLIO, account_queries.POSITIONS, account_queries.RISK)
    bound = [listings.Bound(account_id, listings.DAYS.end(oldest_first=False))]
    return (
        [await account_queries.find(query, user_id=0, account_id=uuid.UUID(account_id)) for query in asked],
        await listings.pages(listing=listings.DAYS, bounds=bound, limit=100),
        await listings.positions_of(account_ids=[account_id]),
    )


def is_exact(history, account_id):
    """Every read of one account says what its events add up to."""
    ledger = folded(history, account_id)
    expected = by("symbol", ledger.position_rows())
    held = [row for row in expected if row["quantity"]]
    (portfolio, positions, risk), (listed,), by_account = LOOP[0].run(reads(account_id))
    account = portfolio.rows[0]
    assert (account["version"], account["cash"]) == (ledger.version, ledger.summary_row()["cash"])
    assert portfolio.edition.version == ledger.version
    (concentrated,) = risk.rows
    assert {name: concentrated[name] for name in ledger.summary_row()} == {
        **ledger.summary_row(),
        "account_id": uuid.UUID(account_id),
    }
    assert by("symbol", positions.rows) == held
    assert by("symbol", account_queries.positions_of_portfolio(portfolio.rows)) == held
    assert by("symbol", queries.positions(account_id=account_id)) == held
    assert by("symbol", by_account[account_id]) == held
    every = PortfolioPosition.objects.filter(account_id=account_id)
    assert (
        by("symbol", every.values(*(field.name for field in StoredPosition._meta.concrete_fields if field.column)))
        == expected
    )
    days = by("date", ledger.day_rows())
    assert by("date", listed) == days


def every_read_is_exact(history, steps):
    forget_everything()
    for account_id in ACCOUNTS:
        if history.writer.state(account_id)[1] == 0:
            history.open(account_id)
        while history.writer.state(account_id)[0].orders:  # Of the example before.
            do(history, account_id, "cancel")
    project_only()  # From now on trades may come as columns.
    with patch.object(stored_rows, "TRADES_BEHIND_MAX", 5):
        for account_id, kind, is_looked_at in steps:
            do(history, account_id, kind)
            if is_looked_at:
                project_only()
                is_exact(history, account_id)
        project_only()
    for account_id in ACCOUNTS:
        is_exact(history, account_id)
    assert reconcile().differences == []


def project_only():
    while tasks.project_once():
        pass


@given(steps=STEPS)
@MANY
def test_every_read_is_exact_at_every_moment(history, steps):
    every_read_is_exact(history, steps)


def says_too_much(keys, moves=None):
    """Plant a bug: rows that say to have followed, and did not."""
    AccountSummary.objects.update(positions_version=0)
    if keys:
        with connection.cursor() as cursor:
            cursor.execute("UPDATE account_summary SET positions_version = version, behind_since = NULL")


def forgets_to_follow(*_):
    """Plant a bug: nothing follows where orders work, so that what sells keep is not seen beside newer trades."""
    return 0


def shares_down(*, quantity, price):
    """Plant a bug: the value of parts of a share is rounded down."""
    return f"div({quantity}::numeric * {price}, 1000000)::bigint"


LARGE = current_views.NARROW_COST_MAX


@pytest.mark.parametrize("cost", [0, 1, 5, LARGE - 2, LARGE - 1, LARGE, LARGE + 1, 2**62])
@pytest.mark.parametrize("quantity", [0, 1, 2, 3, 7_000_001, 8_000_000, POSITION_MAX])
def test_the_average_cost_is_the_domains_whatever_its_size(db, cost, quantity):
    with connection.cursor() as cursor:
        expression = current_views.average_cost_sql(cost="cost", quantity="quantity")
        if quantity and average_cost(cost, quantity) >= 2**63:
            return
        cursor.execute(
            f"SELECT {expression} FROM (SELECT %s::bigint AS cost, %s::bigint AS quantity) AS x", [cost, quantity]
        )
        assert cursor.fetchone() == (average_cost(cost, quantity),)


BUGS = [
    (stored_rows, "_follow_locked", says_too_much),
    (stored_rows, "follow", forgets_to_follow),
    (current_views, "market_value_sql", shares_down),
]


@pytest.mark.parametrize(("owner", "name", "bug"), BUGS, ids=[bug.__name__ for _, _, bug in BUGS])
def test_a_planted_bug_is_caught(history, owner, name, bug):
    @given(steps=STEPS)
    @FEW
    def prove(steps):
        every_read_is_exact(history, steps)

    try:
        with patch.object(owner, name, bug):
            reporting.make_views()
            with pytest.raises(AssertionError):
                prove()
    finally:
        reporting.make_views()


@pytest.fixture
def traded(history):
    """Ada and Bob trade, and no row has followed."""
    for account_id in (ADA, BOB):
        history.open(account_id)
    project()
    follow_all()
    for account_id in (ADA, BOB):
        history.buy(account_id)
        history.sell(account_id)
    project()
    assert not StoredPosition.objects.exists()
    assert not StoredDay.objects.exists()
    return history


def followed(account_id):
    return AccountSummary.objects.get(pk=account_id).positions_version


def test_rows_follow_when_there_are_as_many_trades(traded):
    with patch.object(stored_rows, "TRADES_BEHIND_MAX", 4):
        traded.buy(ADA)
        project()
        assert (followed(ADA), followed(BOB)) == (2, 2)
        traded.buy(ADA)
        project()
    assert (followed(ADA), followed(BOB)) == (6, 2)
    assert [str(row.account_id) for row in StoredPosition.objects.all()] == [ADA]
    assert (StoredPosition.objects.get().version, StoredDay.objects.get().trades) == (6, 4)


def test_rows_follow_when_they_are_old(traded):
    assert stored_rows.follow_aged() == 0
    with patch.object(stored_rows, "SECONDS_BEHIND_MAX", -1):
        assert tasks.project() == 0
    assert (followed(ADA), followed(BOB)) == (4, 4)
    assert StoredPosition.objects.count() == StoredDay.objects.count() == 2
    assert not AccountSummary.objects.filter(behind_since__isnull=False).exists()


def test_under_load_old_rows_follow_later(traded):
    with patch.object(stored_rows, "SECONDS_BEHIND_MAX", -1):
        assert stored_rows.follow_aged(is_under_load=True) == 0
    traded.buy(ADA)
    with patch.object(tasks, "LARGE_ROUND_EVENTS", 1), patch.object(tasks, "follow_aged", return_value=0) as follow:
        assert tasks.project() == 1
    assert [call.kwargs["is_under_load"] for call in follow.call_args_list] == [True, False]


def test_rows_follow_where_an_order_works(traded):
    do(traded, ADA, "place")
    project()
    assert (followed(ADA), followed(BOB)) == (5, 2)
    assert StoredPosition.objects.get().version == 4
    traded.buy(ADA)
    project()
    assert (followed(ADA), followed(BOB)) == (6, 2)


@pytest.mark.parametrize("kind", ["refusal", "deposit"])
def test_what_is_no_trade_moves_the_version_and_lets_nothing_follow(traded, kind):
    if kind == "refusal":
        traded.sell(ADA, shares=999)
    else:
        do(traded, ADA, kind)
    project()
    assert (followed(ADA), AccountSummary.objects.get(account_id=ADA).version) == (2, 5)
    is_exact(traded, ADA)


def test_what_follows_changes_nothing_that_is_read(traded):
    before = dump()
    follow_all()
    assert followed(ADA) == 4
    assert dump() == before
    follow_all()
    assert dump() == before


def test_rows_that_follow_are_lost_with_their_transaction(traded):
    traded.buy(ADA)
    with (
        patch.object(stored_rows, "TRADES_BEHIND_MAX", 1),
        patch.object(projector, "_move_checkpoints", side_effect=KeyboardInterrupt),
        pytest.raises(KeyboardInterrupt),
    ):
        project()
    assert followed(ADA) == 2
    assert not StoredPosition.objects.exists()


def test_the_oldest_follow_first_and_those_of_others_are_left_to_them(traded):
    """A worker that is at an account's row keeps it; whoever comes by goes on with the next."""
    with transaction.atomic(), patch.object(stored_rows, "SECONDS_BEHIND_MAX", -1):
        with patch.object(stored_rows, "ACCOUNTS_AT_ONCE_MAX", 1):
            assert stored_rows.follow_aged() == 1
        assert {followed(ADA), followed(BOB)} == {2, 4}
    assert millionths(6) == PortfolioPosition.objects.get(account_id=BOB).quantity
    assert DailyPnl.objects.count() == 2
