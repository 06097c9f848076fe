"""The sums over all accounts: each event counts once, whatever way it came, and no currency is added to another."""

from decimal import Decimal

import pytest

from readmodels.models import AccountSummary, FirmTotals, FlowMinute, SymbolDay, SymbolTotals
from readmodels.tests.conftest import ADA, BOB

pytestmark = pytest.mark.django_db(transaction=True)


def total(model, column, **where):
    return sum(model.objects.filter(**where).values_list(column, flat=True))


def test_the_firm(firm):
    def of(currency):
        names = ("accounts", "closed_accounts", "deposited", "withdrawn", "trades", "refusals", "realized_pnl")
        return tuple(int(total(FirmTotals, name, currency=currency)) for name in names)

    assert of("USD") == (2, 1, 2_000_000_000, 1_000_040_000, 5, 1, 40_000 - 30_000)
    assert of("EUR") == (1, 0, 900_000_000, 0, 1, 0, 0)
    assert total(FirmTotals, "bought_value", currency="USD") == 5_000_000 + 2_040_000 + 900_000
    assert total(FirmTotals, "sold_value", currency="USD") == 2_080_000 + 1_470_000


def test_symbols(firm):
    ko = {"currency": "USD", "symbol": "KO"}
    assert total(SymbolTotals, "holders", **ko) == 1
    assert total(SymbolTotals, "bought_quantity", **ko) - total(SymbolTotals, "sold_quantity", **ko) == 7_000_000
    latest = SymbolTotals.objects.filter(**ko).order_by("-last_traded_at").first()
    assert latest.last_price == 490_000
    assert total(SymbolTotals, "holders", currency="EUR", symbol="KO") == 1


def test_days_and_minutes(firm):
    days = SymbolDay.objects.filter(currency="USD", symbol="KO").order_by("date").values_list("date", flat=True)
    first, second = sorted(set(days))
    assert total(SymbolDay, "trades", date=first, currency="USD") == 3
    assert total(SymbolDay, "realized_pnl", date=second, currency="USD") == Decimal(-30_000)
    assert total(FlowMinute, "trades", currency="USD") == 5
    assert total(FlowMinute, "refusals", currency="USD") == 1


def test_the_largest_position_of_an_account(firm):
    ada, bob = AccountSummary.objects.get(pk=ADA), AccountSummary.objects.get(pk=BOB)
    assert (ada.open_positions, ada.largest_symbol, ada.largest_position) == (2, "KO", 7 * 490_000)
    assert (bob.open_positions, bob.largest_symbol, bob.largest_position) == (0, "", 0)
