"""Views for reporting tools: schema `reporting`, money and shares as decimals, and a role that may read them and
nothing else.

They are derived from the tables, so they are dropped before a migration and made again after it; so are the views
`trade_history`, `activity`, `portfolio_positions` and `daily_pnl`, which the platform itself reads. Whoever connects
with the role `trading_reporting` (a login that is granted it) sees figures that need no explanation of units.
"""

from typing import Any, Final

from django.db import DEFAULT_DB_ALIAS, connections, models
from psycopg import sql

from identity.actors import username_sql
from readmodels.models import (
    MONEY,
    SHARES,
    SUM_OF_MONEY,
    AccountEvent,
    AccountSummary,
    Activity,
    DailyPnl,
    FirmTotals,
    FlowMinute,
    Name,
    Order,
    PortfolioPosition,
    StoredDay,
    StoredPosition,
    SymbolDay,
    SymbolTotals,
    Trade,
    TradeHistory,
)
from readmodels.views import current_views, history_views

SCHEMA: Final = "reporting"
ROLE: Final = "trading_reporting"
VIEWS: Final[dict[str, type[models.Model]]] = {
    "accounts": AccountSummary,
    "positions": PortfolioPosition,
    "orders": Order,
    "trades": TradeHistory,
    "daily_pnl": DailyPnl,
    "activity": Activity,
    "firm_totals": FirmTotals,
    "symbol_totals": SymbolTotals,
    "symbol_days": SymbolDay,
    "flow_minutes": FlowMinute,
}

RISK: Final = "risk_metrics"
OWNER_NAME: Final = username_sql("owner")
OWNER_NAME_MEANING: Final = "What the owner is called now; null when there is no such user"
_RISK_COLUMNS: Final = {
    "account_id": ("account_id", "Account id"),
    "owner": ("owner", "Owner: a user for good, such as user:17"),
    "owner_name": (OWNER_NAME, OWNER_NAME_MEANING),
    "currency": ("currency", "ISO 4217"),
    "exposure_percent": (
        "round((portfolio_value - cash) * 100.0 / NULLIF(portfolio_value, 0), 2)",
        "Positions in percent of the portfolio; null when it is worth nothing",
    ),
    "open_positions": ("open_positions", "Symbols of which it holds shares"),
    "largest_symbol": ("NULLIF(largest_symbol, '')", "Symbol of the largest position; null without any"),
    "largest_percent": (
        "round(largest_position * 100.0 / NULLIF(portfolio_value, 0), 2)",
        "The largest position in percent of the portfolio",
    ),
    "max_position_percent": ("max_position_bp / 100.0", "What one symbol may be of the portfolio after a buy"),
    "position_limit_used_percent": (
        "round(largest_position * 1000000.0 / NULLIF(portfolio_value, 0) / NULLIF(max_position_bp, 0), 2)",
        "The largest position in percent of that; more than 100 when prices moved",
    ),
    "day_date": ("day_date", "UTC day of the last trade; the two columns after it are of that day"),
    "day_value": (
        "(day_volume::numeric * 0.0001)::numeric(20, 4)",
        "Value traded on the day, in the account's currency",
    ),
    "day_limit_used_percent": (
        "round(day_volume * 100.0 / NULLIF(max_daily_value, 0), 2)",
        "That in percent of what may be traded in a day",
    ),
    "reserved_percent": (
        "round(reserved_cash * 100.0 / NULLIF(cash, 0), 2)",
        "Cash that working buys keep, in percent of the cash",
    ),
    "version": ("version", "Account version that the row stands on"),
    "behind_since": (
        "behind_since",
        "When the first trade came that the columns of positions do not show yet; null: they show them all",
    ),
}
"""How much of its limits each account uses: a view of what account_summary says, the positions in it some seconds old
(stored_rows.py).
"""

_UNDER_THEM: Final = (AccountSummary, StoredPosition, StoredDay, Trade, Name, AccountEvent)
_DROPPED: Final = """
DO $$ BEGIN
    IF EXISTS (SELECT FROM pg_class WHERE oid = to_regclass({name}) AND relkind = 'v') THEN DROP VIEW {view}; END IF;
END $$
"""
"""A table of that name, as there was once, stays."""
_ROLE_MADE: Final = """
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = {name}) THEN
        CREATE ROLE {role} NOLOGIN;
    END IF;
EXCEPTION
    WHEN insufficient_privilege THEN RAISE NOTICE 'the role % has to be made by an administrator', {name};
    WHEN duplicate_object OR unique_violation THEN NULL;  -- Another migration of the same server was as fast.
END $$
"""
_ROLE_GRANTED: Final = """
DO $$ BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = {name}) THEN
        GRANT USAGE ON SCHEMA {schema} TO {role};
        GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {role};
    END IF;
END $$
"""


def drop_views(*, using: str = DEFAULT_DB_ALIAS, **_: Any) -> None:
    """Drop every view, so that the tables under them can change."""
    if connections[using].vendor != "postgresql":
        return
    with connections[using].cursor() as cursor:
        cursor.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(SCHEMA)))
        for own, _query in reversed(_own_views()):
            view = own._meta.db_table
            cursor.execute(sql.SQL(_DROPPED).format(name=sql.Literal(view), view=sql.Identifier(view)))


def make_views(*, using: str = DEFAULT_DB_ALIAS, **_: Any) -> None:
    """Make every view anew, with the comments of the columns, and let the role read them."""
    drop_views(using=using)
    names = {"schema": sql.Identifier(SCHEMA), "role": sql.Identifier(ROLE), "name": sql.Literal(ROLE)}
    with connections[using].cursor() as cursor:
        if all(_stands(cursor, model) for model in _UNDER_THEM):
            for own, query in _own_views():
                _make_own(cursor, own, query)
        cursor.execute(sql.SQL("CREATE SCHEMA {schema}").format(**names))
        for view, model in VIEWS.items():
            if _stands(cursor, model):
                for statement in _statements(view, model):
                    cursor.execute(statement)
        if _stands(cursor, AccountSummary):
            for statement in _risk_statements():
                cursor.execute(statement)
        cursor.execute(sql.SQL(_ROLE_MADE).format(**names))
        cursor.execute(sql.SQL(_ROLE_GRANTED).format(**names))


def _own_views() -> list[tuple[type[models.Model], sql.Composable]]:
    """Return the views that the platform itself reads, in the order in which they can be made."""
    return [*history_views.views(), *current_views.views()]


def _make_own(cursor: Any, model: type[models.Model], query: sql.Composable) -> None:
    view = model._meta.db_table
    cursor.execute(sql.SQL("CREATE VIEW {} AS {}").format(sql.Identifier(view), query))
    comment = sql.Literal(model._meta.db_table_comment)
    cursor.execute(sql.SQL("COMMENT ON VIEW {} IS {}").format(sql.Identifier(view), comment))
    for field in model._meta.concrete_fields:
        if field.column:
            column = sql.Identifier(view, str(field.column))
            cursor.execute(sql.SQL("COMMENT ON COLUMN {} IS {}").format(column, sql.Literal(field.db_comment)))


def _stands(cursor: Any, model: type[models.Model]) -> bool:
    """Tell whether a table has every column that it should; it has not while migrations of before are looked at."""
    cursor.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped",
        [model._meta.db_table],
    )
    found = {name for (name,) in cursor.fetchall()}
    return found >= {field.column for field in model._meta.concrete_fields if field.column is not None}


def _statements(view: str, model: type[models.Model]) -> list[sql.Composable]:
    """Return what makes a view: money divided by its scale, exactly, and a comment for each column."""
    fields = [field for field in model._meta.concrete_fields if field.column is not None]
    name = sql.Identifier(SCHEMA, view)
    shown, meanings = [_column(field) for field in fields], {str(field.column): _meaning(field) for field in fields}
    if model is AccountSummary:
        shown.append(sql.SQL("{} AS owner_name").format(sql.SQL(OWNER_NAME)))
        meanings["owner_name"] = OWNER_NAME_MEANING
    columns = sql.SQL(", ").join(shown)
    made = sql.SQL("CREATE VIEW {} AS SELECT {} FROM {}").format(name, columns, sql.Identifier(model._meta.db_table))
    comments = [
        sql.SQL("COMMENT ON COLUMN {} IS {}").format(sql.Identifier(SCHEMA, view, column), sql.Literal(meaning))
        for column, meaning in meanings.items()
    ]
    return [made, *comments]


def _risk_statements() -> list[sql.Composable]:
    view = sql.Identifier(SCHEMA, RISK)
    columns = sql.SQL(", ").join(
        sql.SQL("{} AS {}").format(sql.SQL(expression), sql.Identifier(name))
        for name, (expression, _) in _RISK_COLUMNS.items()
    )
    comments = [
        sql.SQL("COMMENT ON COLUMN {} IS {}").format(sql.Identifier(SCHEMA, RISK, name), sql.Literal(meaning))
        for name, (_, meaning) in _RISK_COLUMNS.items()
    ]
    return [sql.SQL("CREATE VIEW {} AS SELECT {} FROM account_summary").format(view, columns), *comments]


def _column(field: Any) -> sql.Composable:
    column = sql.Identifier(field.column)
    comment = field.db_comment or ""
    is_of_shares = SHARES in comment
    if not is_of_shares and MONEY not in comment and SUM_OF_MONEY not in comment:
        return column
    unit, decimals = ("0.000001", 6) if is_of_shares else ("0.0001", 4)  # A product is exact, a quotient is not.
    digits = 38 + decimals if isinstance(field, models.DecimalField) else 20 + decimals - 4
    return sql.SQL("({0}::numeric * {unit})::numeric({digits}, {decimals}) AS {0}").format(
        column, unit=sql.SQL(unit), digits=sql.Literal(digits), decimals=sql.Literal(decimals)
    )


def _meaning(field: Any) -> str:
    meaning = str(field.db_comment).replace(MONEY, "in the account's currency").replace(f", {SHARES}", "")
    return meaning.replace(SUM_OF_MONEY, "in the currency")
