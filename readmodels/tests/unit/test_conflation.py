"""Changes that are sent together lead to the same state as each of them does, however they come in groups."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readmodels.live import followed_account
from readmodels.live.followed_account import ORDERS_PAUSE_SECONDS, PAUSE_SECONDS, FollowedAccount, merged

SYMBOLS, ORDERS = st.sampled_from("ABC"), st.sampled_from("xyz")
CHANGES = st.lists(
    st.tuples(
        st.integers(1, 3),
        st.lists(st.tuples(SYMBOLS, st.integers(0, 9)), max_size=2),
        st.lists(st.tuples(ORDERS, st.integers(0, 9)), max_size=2),
        st.integers(0, 2),
    ),
    min_size=1,
    max_size=12,
)


def deltas_of(changes, version=5):
    made = []
    for step, positions, orders, trades in changes:
        made.append(
            {
                "account_id": "a",
                "from_version": version,
                "version": version + step,
                "account": {"version": version + step},
                "positions": [{"symbol": symbol, "quantity": quantity} for symbol, quantity in positions],
                "orders": [{"order_id": order_id, "filled": filled} for order_id, filled in orders],
                "trades": [{"version": version + step, "number": number} for number in range(trades)],
            }
        )
        version += step
    return made


class Client:
    """What a client makes of the messages, and whether it found a gap."""

    def __init__(self, version=5):
        self.version, self.account, self.positions, self.orders, self.trades = version, None, {}, {}, []

    def apply(self, delta):
        assert delta["from_version"] == self.version, "a gap"
        self.version, self.account = delta["version"], delta["account"]["version"]
        self.positions |= {row["symbol"]: row["quantity"] for row in delta["positions"]}
        self.orders |= {row["order_id"]: row["filled"] for row in delta["orders"]}
        self.trades += delta["trades"]

    @property
    def state(self):
        return self.version, self.account, self.positions, self.orders, self.trades


def one_by_one(deltas):
    client = Client()
    for delta in deltas:
        client.apply(delta)
    return client.state


def as_sent(deltas, arrivals):
    """Return what a client has that is sent deltas as they are taken in at these instants."""
    client, followed, now = Client(), FollowedAccount(role="owner"), 0.0
    followed.start(version=5)

    def send():
        while followed.wait_seconds(now) == 0.0:
            client.apply(followed.next_message(now))

    for delta, pause in zip(deltas, arrivals, strict=True):
        now += pause
        followed.take(delta)
        send()
    now += PAUSE_SECONDS
    send()
    return client.state


@given(CHANGES, st.data())
def test_what_is_sent_together_is_what_is_sent_one_by_one(changes, data):
    deltas = deltas_of(changes)
    arrivals = data.draw(st.lists(st.sampled_from([0.0, 0.03, 0.2]), min_size=len(deltas), max_size=len(deltas)))
    assert as_sent(deltas, arrivals) == one_by_one(deltas)


def test_a_merge_that_loses_a_trade_is_found_out(monkeypatch):
    monkeypatch.setattr(
        "readmodels.live.followed_account.merged",
        lambda first, second: {**merged(first, second), "trades": second["trades"]},
    )
    deltas = deltas_of([(1, [], [], 1)] * 3)
    with pytest.raises(AssertionError):
        assert as_sent(deltas, [0.0, 0.0, 0.0]) == one_by_one(deltas)


def test_the_first_change_goes_out_at_once_and_the_next_ones_wait():
    followed = FollowedAccount(role="owner")
    first, second, third = deltas_of([(1, [], [], 1)] * 3)
    followed.take(first)
    assert followed.wait_seconds(10.0) is None, "before the snapshot nothing is sent"
    followed.start(version=5)
    assert followed.wait_seconds(10.0) == 0.0
    assert followed.next_message(10.0)["version"] == 6
    followed.take(second)
    followed.take(third)
    followed.take(second)
    assert followed.wait_seconds(10.04) == pytest.approx(0.06)
    message = followed.next_message(10.1)
    assert (message["from_version"], message["version"], len(message["trades"])) == (6, 8, 2)
    assert followed.wait_seconds(10.2) is None


def test_what_became_of_orders_waits_for_a_moment_only():
    followed = FollowedAccount(role="owner")
    first, second, third = deltas_of([(1, [], [("x", 0)], 0), (1, [], [], 1), (1, [], [("x", 1)], 1)])
    followed.start(version=5)
    followed.take(first)
    followed.next_message(10.0)
    followed.take(second)
    assert followed.wait_seconds(10.0) == pytest.approx(PAUSE_SECONDS)
    followed.take(third)
    assert followed.wait_seconds(10.0) == pytest.approx(ORDERS_PAUSE_SECONDS)
    assert followed.next_message(10.02)["version"] == 8
    followed.take({**second, "from_version": 9, "version": 10})
    assert followed.wait_seconds(10.02) == pytest.approx(PAUSE_SECONDS)


def test_what_does_not_follow_or_is_too_much_asks_for_a_snapshot(monkeypatch):
    first, second, third = deltas_of([(1, [], [], 2)] * 3)
    assert merged(first, third) is None
    monkeypatch.setattr(followed_account, "TRADES_MAX", 3)
    assert merged(first, second) is None
    followed = FollowedAccount(role="owner")
    followed.start(version=5)
    for delta in (first, third):
        followed.take(delta)
    assert (followed.is_stale, followed.next_message(0.0)) == (True, None)
