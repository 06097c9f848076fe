"""Whether a command that is sent again asks for the same, by what was recorded of the first one."""

import msgspec
import pytest

from accounts.domain import commands as c
from accounts.domain.account import decide, evolve
from accounts.domain.recorded import asks_the_same
from accounts.domain.state import Account
from accounts.domain.values import SHARE

NOW = 1_790_000_000_000_000
OPEN = c.OpenAccount("user:1", "Savings", "USD")
PLACE = c.PlaceOrder("o-1", "mine", "KO", "BUY", 10 * SHARE, "LIMIT", "DAY", 500_000, None, 0)
MARKET = c.PlaceOrder("o-2", "mine-2", "KO", "BUY", 10 * SHARE, "MARKET", "GTC", None, None, 500_000)
REPLACE = c.ReplaceOrder("o-1", "o-3", "mine-3", 20, None, None, None)


GOOD_TILL = c.PlaceOrder("o-1", "mine", "KO", "BUY", 10 * SHARE, "LIMIT", "GTD", 500_000, None, 0, NOW + 1)
TRAILING = c.PlaceOrder("o-1", "mine", "KO", "BUY", SHARE, "TRAILING_STOP", "DAY", None, None, 500_000, None, None, 333)
EXITS = ("o-2", 600_000, "o-3", 400_000, 390_000, None, None)
BRACKET = c.PlaceBracket(
    *EXITS, "o-1", "mine", "KO", "BUY", 10 * SHARE, "MARKET", "GTC", None, None, 500_000, None, None, None
)
OCO = c.PlaceOco("o-2", 600_000, "o-3", None, None, 10_000, None, "mine", "KO", "SELL", SHARE, "GTC", None, 500_000)
BUY = c.ExecuteTrade("KO", "BUY", 10 * SHARE, 500_000, None)


def after(*commands):
    account = Account(positions={}, orders={}, reserved_shares={})
    for command in commands:
        for event in decide(account, command, NOW):
            evolve(account, event)
    return account


RICH = (OPEN, c.DepositCash(10**10, ""))
HOLDING = (*RICH, c.ExecuteTrade("KO", "BUY", 5 * SHARE, 500_000, None))
SENT = {
    "opening": ((), OPEN, {"name": "Other"}),
    "deposit": ((OPEN,), c.DepositCash(100, "rent"), {"amount": 900}),
    "reference": ((OPEN,), c.DepositCash(100, "rent"), {"reference": ""}),
    "refused": ((OPEN,), c.WithdrawCash(100, ""), {"amount": 200}),
    "trade": (RICH, c.ExecuteTrade("KO", "BUY", 10 * SHARE, 500_000, None), {"price": 500_001}),
    "trade beyond the band": (RICH, c.ExecuteTrade("KO", "BUY", SHARE, 500_000, None, 100_000), {"price": 500_001}),
    "order": (RICH, PLACE, {"time_in_force": "GTC"}),
    "market order": (RICH, MARKET, {"quantity": 11}),
    "good till": (RICH, GOOD_TILL, {"expires_at": NOW + 2}),
    "trailing stop": (RICH, TRAILING, {"trail_bp": 334}),
    "bracket": (RICH, BRACKET, {"take_profit_limit_price": 610_000}),
    "bracket with one exit": (
        RICH,
        msgspec.structs.replace(
            BRACKET, stop_loss_order_id=None, stop_loss_stop_price=None, stop_loss_limit_price=None
        ),
        {"stop_loss_order_id": "o-3", "stop_loss_stop_price": 1},
    ),
    "oco": ((*RICH, BUY), OCO, {"stop_loss_trail_amount": 10_001}),
    "trigger": ((*RICH, TRAILING), c.TriggerOrder("o-1", 600_000), {"price": 600_001}),
    "trail": ((*RICH, TRAILING), c.TrailOrder("o-1", 400_000), {"price": 300_000}),
    "cancel of a group": ((*RICH, BRACKET), c.CancelOrder("o-1", "moved"), {"reason": "other"}),
    "replacement": ((*RICH, PLACE), REPLACE, {"limit_price": 500_000}),
    "cancel": ((*RICH, PLACE), c.CancelOrder("o-1", "moved"), {"reason": "other"}),
    "limits": ((OPEN,), c.ChangeRiskLimits(1_000, 10, 10), {"max_position_bp": 999}),
    "band": ((OPEN,), c.ChangeRiskLimits(1_000, 10, 10, 500), {"price_band_bp": 0}),
    "fees": ((OPEN,), c.ChangeFeeSchedule(10_000, 50, 5, 20_000), {"fee_minimum": 0}),
    "split": (HOLDING, c.ApplySplit("a-1", "KO", 3, 2, SHARE, 333_333), {"lot_size": 1}),
    "dividend": (HOLDING, c.PayDividend("a-1", "KO", 24_287_500), {"amount_per_share": 24_287_501}),
    "symbol": (HOLDING, c.ChangeSymbol("a-1", "KO", "COKE"), {"new_symbol": "PEP"}),
    "marks": (HOLDING, c.MarkPositions(20_717, NOW, {"KO": 510_000}), {"session": 20_718}),
    "freeze": ((OPEN,), c.FreezeAccount("audit"), {"reason": "other"}),
}


@pytest.mark.parametrize(("before", "command", "change"), SENT.values(), ids=SENT)
def test_a_retry_repeats_every_argument(before, command, change):
    events = decide(after(*before), command, NOW)
    assert asks_the_same(command, events)
    assert not asks_the_same(msgspec.structs.replace(command, **change), events)


def test_another_kind_of_command_is_never_a_retry():
    events = decide(after(*RICH), PLACE, NOW)
    assert not asks_the_same(c.ExecuteTrade("KO", "BUY", 10 * SHARE, 500_000, None), events)
    deposited = decide(after(OPEN), c.DepositCash(100, ""), NOW)
    assert not asks_the_same(c.WithdrawCash(100, ""), deposited)


def test_what_the_platform_adds_to_a_command_counts_for_nothing():
    events = decide(after(*RICH), MARKET, NOW)
    assert asks_the_same(msgspec.structs.replace(MARKET, order_id="another", reference_price=510_000), events)
    others = {"order_id": "a", "take_profit_order_id": "b", "stop_loss_order_id": "c", "reference_price": 510_000}
    assert asks_the_same(msgspec.structs.replace(BRACKET, **others), decide(after(*RICH), BRACKET, NOW))
    others = {"take_profit_order_id": "b", "stop_loss_order_id": "c", "reference_price": 510_000}
    assert asks_the_same(msgspec.structs.replace(OCO, **others), decide(after(*RICH, BUY), OCO, NOW))
    for market_price in (0, 100_000, 500_000):  # Booked, or refused for its price.
        trade = c.ExecuteTrade("KO", "BUY", SHARE, 500_000, None, market_price)
        decided = decide(after(*RICH), trade, NOW)
        for later in (0, 100_000, 500_000):
            assert asks_the_same(msgspec.structs.replace(trade, market_price=later), decided)
    marks = c.MarkPositions(20_717, NOW, {"KO": 510_000, "XOM": 1})
    marked = decide(after(*HOLDING), marks, NOW)
    assert asks_the_same(msgspec.structs.replace(marks, prices={"KO": 520_000}, marked_at=NOW + 1), marked)
    replaced = decide(after(*RICH, PLACE), REPLACE, NOW)
    assert asks_the_same(msgspec.structs.replace(REPLACE, new_order_id="another"), replaced)
