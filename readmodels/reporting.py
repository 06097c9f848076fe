"""Views for reporting tools: schema `reporting`, money as decimals, and a role that may read them and nothing else.

They are derived from the tables, so they are dropped before a migration and made again after it; so is the view
`activity`, which the platform itself reads. Whoever connects with
the role `trading_reporting` (a login that is granted it) sees figures that need no explanation of units.
"""

from typing import Any, Final

from django.db import DEFAULT_DB_ALIAS, connections, models
from psycopg import sql

from readmodels import activity_view
from readmodels.models import (
    MONEY,
    SUM_OF_MONEY,
    AccountEvent,
    AccountSummary,
    Activity,
    DailyPnl,
    FirmTotals,
    FlowMinute,
    Order,
    PortfolioPosition,
    SymbolDay,
    SymbolTotals,
    TradeHistory,
)

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
        activity_view.drop(cursor)


def make_views(*, using: str = DEFAULT_DB_ALIAS, **_: Any) -> None:
    """Make every view anew, with the comments of the columns, and let the role read them."""
    drop_views(using=using)
    names = {"schema": sql.Identifier(SCHEMA), "role": sql.Identifier(ROLE), "name": sql.Literal(ROLE)}
    with connections[using].cursor() as cursor:
        if _stands(cursor, AccountEvent) and _stands(cursor, TradeHistory):
            activity_view.make(cursor)
        cursor.execute(sql.SQL("CREATE SCHEMA {schema}").format(**names))
        for view, model in VIEWS.items():
            if _stands(cursor, model):
                for statement in _statements(view, model):
                    cursor.execute(statement)
        cursor.execute(sql.SQL(_ROLE_MADE).format(**names))
        cursor.execute(sql.SQL(_ROLE_GRANTED).format(**names))


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
    columns = sql.SQL(", ").join(_column(field) for field in fields)
    made = sql.SQL("CREATE VIEW {} AS SELECT {} FROM {}").format(name, columns, sql.Identifier(model._meta.db_table))
    comments = [
        sql.SQL("COMMENT ON COLUMN {} IS {}").format(
            sql.Identifier(SCHEMA, view, str(field.column)), sql.Literal(_meaning(field))
        )
        for field in fields
    ]
    return [made, *comments]


def _column(field: Any) -> sql.Composable:
    column = sql.Identifier(field.column)
    comment = field.db_comment or ""
    if MONEY not in comment and SUM_OF_MONEY not in comment:
        return column
    digits = 20 if MONEY in comment else 42
    return sql.SQL("({0}::numeric / 10000)::numeric({1}, 4) AS {0}").format(column, sql.Literal(digits))


def _meaning(field: Any) -> str:
    meaning = str(field.db_comment).replace(MONEY, "in the account's currency")
    return meaning.replace(SUM_OF_MONEY, "in the currency")
