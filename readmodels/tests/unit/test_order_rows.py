"""Orders in the tables: given events, these rows, in the orders, the account and the position."""

import pytest

from accounts.domain import events as e
from accounts.domain.values import SHARE
from readmodels import shapes
from readmodels.projections.orders import OrderNotFound
from readmodels.shapes import account_shape
from readmodels.tests.unit.test_changes import ACCOUNT, DEPOSITED, OPENED, activity_of, changes_after, commit

ORDER = "00000000-0000-4000-8000-000000000001"
OTHER = "00000000-0000-4000-8000-000000000002"
FIRST = [commit(1, OPENED), commit(2, DEPOSITED)]
REFUSED_ARGUMENTS = {"limit_price": 5_000, "reference_price": 0, "stop_price": None, "quantity": 3 * SHARE}


def placed(order_id=ORDER, side="BUY", quantity=3, replaces=None, filled=0, value=0, cash=1_500_000, shares=0):
    terms = (order_id, "mine", "KO", side, quantity * SHARE, "LIMIT", "GTC", 500_000, None, 500_000, replaces)
    return e.OrderPlaced(*terms, filled * SHARE, value, cash, shares * SHARE)


def filled(status, fill_quantity, filled_quantity, value, side="BUY", cash=0, shares=0):
    quantities = (fill_quantity * SHARE, 499_999, filled_quantity * SHARE)
    return e.OrderFilled(ORDER, "KO", side, 3 * SHARE, status, *quantities, value, cash, shares * SHARE)


def test_a_placed_order_works_and_reserves():
    changes = changes_after([*FIRST, commit(4, placed(), command_id="c-4")])
    row = changes.orders[ORDER]
    assert (row["status"], row["filled_quantity"], row["avg_fill_price"], row["ended_at"]) == ("PENDING", 0, None, None)
    assert (row["placed_version"], row["version"], row["command_id"], row["actor"]) == (4, 4, "c-4", "ada")
    account = changes.summaries[ACCOUNT]
    assert (account["reserved_cash"], account["open_orders"], account["cash"]) == (1_500_000, 1, 5_000_000)
    assert changes.reserved == {}, "a buy keeps no shares"


def test_fills_move_the_average_half_to_even_and_the_last_one_ends_the_order():
    part = filled("PARTIALLY_FILLED", 2, 2, 999_999, cash=500_000)
    changes = changes_after([*FIRST, commit(4, placed()), commit(5, part)])
    row = changes.orders[ORDER]
    assert (row["status"], row["avg_fill_price"], row["ended_at"]) == ("PARTIALLY_FILLED", 500_000, None)
    assert (changes.summaries[ACCOUNT]["reserved_cash"], changes.summaries[ACCOUNT]["open_orders"]) == (500_000, 1)
    whole = commit(6, filled("FILLED", 1, 3, 1_499_998))
    row = changes_after([whole], changes.summaries, changes.orders).orders[ORDER]
    assert (row["status"], row["filled_quantity"], row["avg_fill_price"]) == ("FILLED", 3 * SHARE, 499_999)
    assert row["ended_at"] == row["updated_at"]


def test_an_order_that_takes_the_place_of_a_partly_filled_one_starts_partly_filled():
    part = commit(5, filled("PARTIALLY_FILLED", 2, 2, 999_999))
    replaced = e.OrderReplaced(ORDER, OTHER, "KO", "BUY", 3 * SHARE, 2 * SHARE, 0, 0)
    changes = changes_after(
        [*FIRST, commit(4, placed()), part, commit(6, replaced, placed(OTHER, "BUY", 5, ORDER, 2, 999_999))]
    )
    old, new = changes.orders[ORDER], changes.orders[OTHER]
    assert (old["status"], old["replaced_by"], old["version"]) == ("REPLACED", OTHER, 6)
    assert (new["status"], new["replaces"], new["version"]) == ("PARTIALLY_FILLED", ORDER, 7)
    assert (new["filled_quantity"], new["avg_fill_price"], new["ended_at"]) == (2 * SHARE, 500_000, None)
    assert changes.summaries[ACCOUNT]["open_orders"] == 1


@pytest.mark.parametrize(
    ("event", "status"),
    [(e.OrderCancelled, "CANCELLED"), (e.OrderExpired, "EXPIRED"), (e.OrderRejected, "REJECTED")],
)
def test_an_order_that_ends_says_how_and_why(event, status):
    changes = changes_after([*FIRST, commit(4, placed()), commit(5, event(ORDER, "KO", "BUY", 3, 0, "why", 0, 0))])
    row = changes.orders[ORDER]
    assert (row["status"], row["reason"], row["ended_at"]) == (status, "why", row["updated_at"])
    assert (changes.summaries[ACCOUNT]["reserved_cash"], changes.summaries[ACCOUNT]["open_orders"]) == (0, 0)


def test_a_sell_order_keeps_shares():
    changes = changes_after([*FIRST, commit(4, placed(side="SELL", quantity=2, cash=0, shares=2))])
    assert changes.reserved[(ACCOUNT, "KO")][:2] == (2 * SHARE, 4)


def test_an_order_that_has_no_row_is_an_error():
    accounts = changes_after(FIRST).summaries
    with pytest.raises(OrderNotFound, match=f"has no order {ORDER}"):
        changes_after([commit(4, filled("FILLED", 3, 3, 1))], accounts)


def test_an_order_of_another_account_is_not_touched():
    standing = changes_after([*FIRST, commit(4, placed())])
    foreign = {ORDER: {**standing.orders[ORDER], "account_id": "0b5c1f3e-0000-4000-8000-00000000000b"}}
    for event in (placed(), filled("FILLED", 3, 3, 1)):
        with pytest.raises(OrderNotFound):
            changes_after([commit(4, event)], changes_after(FIRST).summaries, foreign)


def test_a_closed_account_says_so():
    changes = changes_after([commit(1, OPENED), commit(2, e.AccountClosed("moved away"))])
    assert changes.summaries[ACCOUNT]["status"] == "CLOSED"


def test_activity_shows_money_as_decimals_and_shares_and_counts_as_whole_numbers():
    refused = e.CommandRefused("PlaceOrder", "ORDER_COUNT_EXCEEDED", 1_000, 1_001, REFUSED_ARGUMENTS)
    data = [
        activity_of(event) for event in (placed(filled=1, value=499_999), filled("FILLED", 3, 3, 1_499_997), refused)
    ]
    assert (data[0]["limit_price"], data[0]["stop_price"], data[0]["reserve_price"]) == ("50.0000", None, "50.0000")
    assert (data[0]["filled_value"], data[0]["reserved_cash"], data[0]["quantity"]) == ("49.9999", "150.0000", "3")
    assert (data[1]["fill_price"], data[1]["fill_quantity"], data[1]["reserved_shares"]) == ("49.9999", "3", "0")
    assert (data[2]["limit"], data[2]["actual"]) == ("1000", "1001")
    assert data[2]["arguments"] == {
        "limit_price": "0.5000",
        "reference_price": "0.0000",
        "stop_price": None,
        "quantity": "3",
    }


def test_shapes_say_what_there_is_to_spend_and_what_is_left_of_an_order():
    changes = changes_after([*FIRST, commit(4, placed())])
    account = account_shape(changes.summaries[ACCOUNT])
    assert (account["cash"], account["reserved_cash"], account["buying_power"]) == ("500.0000", "150.0000", "350.0000")
    assert account["open_orders"] == 1
    order = shapes.Order.show(changes.orders[ORDER])
    assert (order["remaining_quantity"], order["limit_price"], order["stop_price"]) == ("3", "50.0000", None)
    assert (order["avg_fill_price"], order["ended_at"]) == (None, None)
