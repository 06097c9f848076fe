"""What is said of all accounts, and of an account's limits, as the API shows it: decimal strings, percents."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any, Final

from accounts.domain.values import BASIS_POINTS, format_amount, format_quantity, value_of
from market.instruments import get_instrument, is_known
from readmodels.projections.rows import Row
from readmodels.shapes import instant_text

OTHER_SECTOR: Final = "Other"
"""Of symbols that are not among the market's instruments."""


def totals_shape(row: Row) -> dict[str, Any]:
    """Show what the accounts of a currency come to."""
    cash, value = int(row["cash"]), int(row["positions_value"])
    return {
        "currency": row["currency"],
        "accounts": row["accounts"],
        "closed_accounts": row["closed_accounts"],
        "cash": format_amount(cash),
        "positions_value": format_amount(value),
        "portfolio_value": format_amount(cash + value),
        "realized_pnl": _money(row["realized_pnl"]),
        "unrealized_pnl": format_amount(value - int(row["positions_cost"])),
        "deposited": _money(row["deposited"]),
        "withdrawn": _money(row["withdrawn"]),
        "volume": _money(row["volume"]),
        "trades": row["trades"],
        "refusals": row["refusals"],
    }


def exposure_shapes(rows: Iterable[Row], *, by_sector: bool) -> list[dict[str, Any]]:
    """Show what is held, by symbol or by sector, the largest first within its currency."""
    groups: dict[tuple[str, str], dict[str, int]] = {}
    whole: dict[str, int] = {}
    for row in rows:
        if not row["quantity"]:
            continue
        name = sector_of(row["symbol"]) if by_sector else row["symbol"]
        group = groups.setdefault((row["currency"], name), {"value": 0, "cost": 0, "quantity": 0, "holders": 0})
        value = value_of(int(row["quantity"]), row["last_price"])
        group["value"] += value
        group["cost"] += int(row["cost"])
        group["quantity"] += int(row["quantity"])
        group["holders"] += row["holders"]
        whole[row["currency"]] = whole.get(row["currency"], 0) + value
    shown = sorted(groups.items(), key=lambda group: (group[0][0], -group[1]["value"], group[0][1]))
    return [
        {
            "currency": currency,
            **({"sector": name} if by_sector else {"symbol": name, "sector": sector_of(name)}),
            "value": format_amount(group["value"]),
            "percent": percent(group["value"], whole[currency]),
            "cost": format_amount(group["cost"]),
            "unrealized_pnl": format_amount(group["value"] - group["cost"]),
            **({} if by_sector else {"quantity": format_quantity(group["quantity"]), "holders": group["holders"]}),
        }
        for (currency, name), group in shown
    ]


def symbol_pnl_shape(row: Row) -> dict[str, Any]:
    """Show what was made with a symbol."""
    unrealized = value_of(int(row["quantity"]), row["last_price"]) - int(row["cost"])
    return {
        "currency": row["currency"],
        "symbol": row["symbol"],
        "realized_pnl": _money(row["realized_pnl"]),
        "unrealized_pnl": format_amount(unrealized),
        "pnl": format_amount(int(row["realized_pnl"]) + unrealized),
        "volume": _money(row["volume"]),
        "trades": row["trades"],
        "last_price": format_amount(row["last_price"]),
        "last_traded_at": instant_text(row["last_traded_at"]),
    }


def account_pnl_shape(row: Row) -> dict[str, Any]:
    """Show what an account made."""
    return {
        "account_id": str(row["account_id"]),
        "name": row["name"],
        "owner": row["owner"],
        "owner_name": row["owner_name"] or row["owner"],
        "currency": row["currency"],
        "status": row["status"],
        "realized_pnl": format_amount(row["realized_pnl"]),
        "unrealized_pnl": format_amount(row["unrealized_pnl"]),
        "pnl": format_amount(row["realized_pnl"] + row["unrealized_pnl"]),
        "trades": row["trade_count"],
    }


def day_pnl_shape(row: Row) -> dict[str, Any]:
    """Show a day of all accounts."""
    return {
        "date": row["date"].isoformat(),
        "currency": row["currency"],
        "realized_pnl": _money(row["realized_pnl"]),
        "bought_value": _money(row["bought_value"]),
        "sold_value": _money(row["sold_value"]),
        "trades": row["trades"],
    }


def flow_shape(row: Row) -> dict[str, Any]:
    """Show a minute, an hour or a day of what went through."""
    begins_at: datetime = row["begins_at"]
    return {
        "begins_at": instant_text(begins_at),
        "currency": row["currency"],
        "trades": row["trades"],
        "refusals": row["refusals"],
        "bought_value": _money(row["bought_value"]),
        "sold_value": _money(row["sold_value"]),
    }


def risk_shape(row: Row, *, today: date) -> dict[str, Any]:
    """Show how much of its limits an account (a row of account_summary) uses; a day without trades uses nothing."""
    used_today = row["day_volume"] if row["day_date"] == today else 0
    positions_value = row["portfolio_value"] - row["cash"]
    share = _basis_points(row["largest_position"], row["portfolio_value"])
    return {
        "account_id": str(row["account_id"]),
        "name": row["name"],
        "currency": row["currency"],
        "status": row["status"],
        "portfolio_value": format_amount(row["portfolio_value"]),
        "exposure_percent": percent(positions_value, row["portfolio_value"]),
        "open_positions": row["open_positions"],
        "largest_position": {
            "symbol": row["largest_symbol"] or None,
            "value": format_amount(row["largest_position"]),
            "percent": _percent_text(share),
            "limit_percent": _percent_text(row["max_position_bp"]),
            "used_percent": percent(share, row["max_position_bp"]),
        },
        "day": {
            "date": today.isoformat(),
            "value": format_amount(used_today),
            "limit": format_amount(row["max_daily_value"]),
            "left": format_amount(max(0, row["max_daily_value"] - used_today)),
            "used_percent": percent(used_today, row["max_daily_value"]),
        },
        "max_trade_value": format_amount(row["max_trade_value"]),
        "reserved_percent": percent(row["reserved_cash"], row["cash"]),
        "version": row["version"],
    }


def sector_of(symbol: str) -> str:
    """Return an instrument's sector."""
    return get_instrument(symbol).sector if is_known(symbol) else OTHER_SECTOR


def percent(part: int, whole: int) -> str:
    """Return a share in percent with two decimals, rounded down; "0.00" of nothing."""
    return _percent_text(_basis_points(part, whole))


def _basis_points(part: int, whole: int) -> int:
    return part * BASIS_POINTS // whole if whole else 0


def _percent_text(basis_points: int) -> str:
    return f"{basis_points // 100}.{basis_points % 100:02d}"


def _money(amount: Any) -> str:
    return format_amount(int(amount))
