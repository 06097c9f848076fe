"""What the APIs show of all accounts, and of an account's limits, declared once (accounts/shapes.py)."""

from collections.abc import Iterable
from datetime import date
from typing import Any, Final, NamedTuple

from accounts import shapes as s
from accounts.domain.values import BASIS_POINTS, value_of
from market.instruments.current import current_instruments
from readmodels.projections.rows import Row
from readmodels.shapes import ACCOUNT_STATUSES, VERSION_OF_ROW, positions_value

OTHER_SECTOR: Final = "Other"
"""Of symbols that are not among the market's instruments."""


def basis_points(part: int, whole: int) -> int:
    """Return a share in basis points, rounded down; 0 of nothing."""
    return part * BASIS_POINTS // whole if whole else 0


def percent(part: int, whole: int) -> str:
    """Return a share in percent with two decimals, rounded down; "0.00" of nothing."""
    return s.percent_text(basis_points(part, whole))


class FirmTotals(s.Shape):
    """What the accounts of one currency come to."""

    currency = s.Text()
    accounts = s.Count("Opened so far")
    closed_accounts = s.Count("Those of them that are closed")
    cash = s.Money("Cash of all accounts")
    positions_value = s.Money("Positions, each at the price that its symbol last had")
    portfolio_value = s.Money("Both", of=lambda row: row["cash"] + row["positions_value"])
    realized_pnl = s.Money("Realized profit or loss so far")
    unrealized_pnl = s.Money(
        "Positions less what they cost", of=lambda row: row["positions_value"] - row["positions_cost"]
    )
    deposited = s.Money("All deposits")
    withdrawn = s.Money("All withdrawals")
    dividends = s.Money("All dividends")
    volume = s.Money("Value traded so far")
    trades = s.Count()
    refusals = s.Count("Commands that a rule refused")


class SectorExposure(s.ObjectShape):
    """What all accounts hold of a sector."""

    currency = s.Text()
    sector = s.Text("GICS sector; Other for symbols without one")
    value = s.Money("Shares held, at the price that the symbol last had")
    percent = s.Percent("Of all that is held in this currency", of="share")
    cost = s.Money("What these shares cost")
    unrealized_pnl = s.Money("Value less cost", of=lambda held: held.value - held.cost)


class SymbolExposure(SectorExposure):
    """What all accounts hold of a symbol."""

    symbol = s.Text()
    quantity = s.Shares("Shares")
    holders = s.Count("Accounts that hold it")


class SymbolPnl(s.Shape):
    """What all accounts made with a symbol."""

    currency = s.Text()
    symbol = s.Text()
    realized_pnl = s.Money("Realized profit or loss so far")
    unrealized_pnl = s.Money("Of the shares held, at the last price", of=lambda row: _unrealized(row))
    pnl = s.Money("Both", of=lambda row: row["realized_pnl"] + _unrealized(row))
    dividends = s.Money("All dividends, which are no part of the three")
    volume = s.Money("Value traded so far")
    trades = s.Count()
    last_price = s.Money("Price that it last had: of a trade of any account, a close or a corporate action")
    last_traded_at = s.Instant("When it had it")


class AccountPnl(s.Shape):
    """What an account made."""

    account_id = s.Id()
    name = s.Text()
    owner = s.Text("The user for good, such as user:17")
    owner_name = s.Text(
        "What the owner is called now; `owner` when there is no such user",
        of=lambda row: row["owner_name"] or row["owner"],
    )
    currency = s.Text()
    status = s.Choice(ACCOUNT_STATUSES)
    realized_pnl = s.Money("Realized profit or loss so far")
    unrealized_pnl = s.Money("At the account's last trades and marks")
    pnl = s.Money("Both", of=lambda row: row["realized_pnl"] + row["unrealized_pnl"])
    trades = s.Count(of="trade_count")


class DayTotals(s.Shape):
    """What all accounts did on a day."""

    date = s.Day("UTC")
    currency = s.Text()
    realized_pnl = s.Money("Realized profit or loss of the day")
    dividends = s.Money("Dividends of the day")
    bought_value = s.Money("Value of all buys")
    sold_value = s.Money("Value of all sells")
    trades = s.Count()


class Flow(s.Shape):
    """What went through in a minute, an hour or a day."""

    begins_at = s.Instant()
    currency = s.Text()
    trades = s.Count()
    refusals = s.Count("Commands that a rule refused")
    bought_value = s.Money("Value of all buys")
    sold_value = s.Money("Value of all sells")


class LargestPosition(s.Shape):
    """The largest position against its limit."""

    symbol = s.Text("Null without positions", of=lambda row: row["largest_symbol"] or None, null=True)
    value = s.Money("At its last trade or mark", of="largest_position")
    percent = s.Percent("Of the portfolio", of=lambda row: _largest_share(row))
    limit_percent = s.Percent("What one symbol may be of the portfolio after a buy", of="max_position_bp")
    used_percent = s.Percent(
        "Of the limit; more than 100 when prices moved",
        of=lambda row: basis_points(_largest_share(row), row["max_position_bp"]),
    )


class DayUse(s.Shape):
    """The value traded today against its limit."""

    date = s.Day("Today, UTC", of="today")
    value = s.Money("Value traded today", of=lambda row: _used_today(row))
    limit = s.Money("What may be traded in a UTC day", of="max_daily_value")
    left = s.Money("The rest", of=lambda row: max(0, row["max_daily_value"] - _used_today(row)))
    used_percent = s.Percent("Of the limit", of=lambda row: basis_points(_used_today(row), row["max_daily_value"]))


class RiskMetrics(s.Shape):
    """How much of its limits an account uses; a day without trades uses nothing."""

    account_id = s.Id()
    name = s.Text()
    currency = s.Text()
    status = s.Choice(ACCOUNT_STATUSES)
    portfolio_value = s.Money("Cash and positions")
    exposure_percent = s.Percent(
        "Positions, of the portfolio", of=lambda row: basis_points(positions_value(row), row["portfolio_value"])
    )
    open_positions = s.Count("Symbols of which it holds shares")
    largest_position = s.One(LargestPosition)
    day = s.One(DayUse)
    max_trade_value = s.Money("What one trade may come to")
    reserved_percent = s.Percent(
        "Of the cash, kept by working buys", of=lambda row: basis_points(row["reserved_cash"], row["cash"])
    )
    version = s.Count(VERSION_OF_ROW)
    behind_since = s.Instant(
        "When the first trade came that open_positions and largest_position do not show yet; null: they show them all",
        of=lambda row: row.get("behind_since"),
        null=True,
    )


def risk_shape(row: Row, *, today: date) -> dict[str, Any]:
    """Show how much of its limits an account (a row of account_summary) uses."""
    return RiskMetrics.show({**row, "today": today})


class Held(NamedTuple):
    """What all accounts hold of a symbol or a sector; `share` is that of all in the currency, in basis points."""

    currency: str
    symbol: str
    sector: str
    value: int
    cost: int
    quantity: int
    holders: int
    share: int = 0


def exposure_shapes(rows: Iterable[Row], *, by_sector: bool) -> list[dict[str, Any]]:
    """Show what is held, by symbol or by sector, the largest first within its currency."""
    groups: dict[tuple[str, str], Held] = {}
    whole: dict[str, int] = {}
    for row in rows:
        if not row["quantity"]:
            continue
        sector = sector_of(row["symbol"])
        key = row["currency"], sector if by_sector else row["symbol"]
        before = groups.get(key) or Held(row["currency"], row["symbol"], sector, 0, 0, 0, 0)
        value = value_of(int(row["quantity"]), row["last_price"])
        groups[key] = before._replace(
            value=before.value + value,
            cost=before.cost + int(row["cost"]),
            quantity=before.quantity + int(row["quantity"]),
            holders=before.holders + row["holders"],
        )
        whole[row["currency"]] = whole.get(row["currency"], 0) + value
    shape = SectorExposure if by_sector else SymbolExposure
    ordered = sorted(groups.items(), key=lambda group: (group[0][0], -group[1].value, group[0][1]))
    return [shape.show(held._replace(share=basis_points(held.value, whole[held.currency]))) for _, held in ordered]


def sector_of(symbol: str) -> str:
    """Return an instrument's sector, whether it is traded still or not."""
    instrument = current_instruments().by_symbol.get(symbol)
    return OTHER_SECTOR if instrument is None or not instrument.sector else instrument.sector


def _unrealized(row: Row) -> int:
    return value_of(int(row["quantity"]), row["last_price"]) - int(row["cost"])


def _largest_share(row: Row) -> int:
    return basis_points(row["largest_position"], row["portfolio_value"])


def _used_today(row: Row) -> int:
    used: int = row["day_volume"] if row["day_date"] == row["today"] else 0
    return used
