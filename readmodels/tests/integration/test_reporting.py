"""The views for reporting tools: exact decimals, a meaning for every column, and a role that sees nothing else."""

from decimal import Decimal

import pytest
from django.db import ProgrammingError, connection, transaction

from readmodels.models import AccountSummary
from readmodels.tests.conftest import project
from readmodels.views.reporting import ROLE, VIEWS, drop_views, make_views

pytestmark = pytest.mark.django_db(transaction=True)

ACCOUNT = "0b5c1f3e-0000-4000-8000-00000000000a"


def rows(query, *parameters):
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def test_money_is_decimal_and_everything_else_is_as_it_is_stored(history):
    history.open(ACCOUNT, cash=1_000_000_001)
    history.buy(ACCOUNT, shares=3, price=333_333)
    project()
    (account,) = rows("SELECT * FROM reporting.accounts")
    assert account["cash"] == Decimal("99900.0002")
    assert (account["trade_count"], account["max_position_bp"], account["status"]) == (1, 1_000, "ACTIVE")
    (position,) = rows("SELECT symbol, quantity, cost, avg_cost FROM reporting.positions")
    assert position == {"symbol": "KO", "quantity": 3, "cost": Decimal("99.9999"), "avg_cost": Decimal("33.3333")}
    (trade,) = rows("SELECT price, value, realized_pnl FROM reporting.trades")
    assert trade == {"price": Decimal("33.3333"), "value": Decimal("99.9999"), "realized_pnl": Decimal(0)}


def test_every_column_of_every_table_and_view_says_what_it_means():
    unexplained = rows(
        """SELECT c.relname, a.attname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        WHERE (n.nspname = 'reporting' OR (n.nspname = 'public' AND c.relname = ANY(%s)))
        AND c.relkind IN ('r', 'p', 'v')
        AND col_description(c.oid, a.attnum) IS NULL""",
        [model._meta.db_table for model in VIEWS.values()],
    )
    assert unexplained == []
    (found,) = rows("SELECT count(*) AS count FROM information_schema.views WHERE table_schema = 'reporting'")
    assert found["count"] == len(VIEWS) + 1  # And risk_metrics.


def test_the_use_of_limits_is_in_percent(firm):
    (ada, bob, zoe) = rows("SELECT * FROM reporting.risk_metrics ORDER BY account_id")
    assert (ada["largest_symbol"], ada["largest_percent"], ada["max_position_percent"]) == ("KO", Decimal("0.34"), 10)
    assert (ada["position_limit_used_percent"], ada["day_value"]) == (Decimal("3.43"), Decimal("237.0000"))
    assert (ada["day_limit_used_percent"], ada["open_positions"]) == (Decimal("0.02"), 2)
    assert (bob["largest_symbol"], bob["exposure_percent"]) == (None, None)
    assert zoe["currency"] == "EUR"


def as_the_role(statement):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL ROLE {ROLE}")
        cursor.execute(statement)


def test_the_role_reads_the_views_and_nothing_else():
    as_the_role("SELECT count(*) FROM reporting.accounts")
    for forbidden in ("SELECT * FROM account_summary", "SELECT * FROM auth_user", "DELETE FROM reporting.accounts"):
        with pytest.raises(ProgrammingError, match="permission denied"):
            as_the_role(forbidden)


def test_a_migration_may_change_what_is_under_a_view():
    column = AccountSummary._meta.get_field("name").column
    drop_views()
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE account_summary ALTER COLUMN {column} TYPE varchar(90)")
        cursor.execute(f"ALTER TABLE account_summary ALTER COLUMN {column} TYPE varchar(80)")
    make_views()
    make_views()
    assert rows("SELECT * FROM reporting.accounts") == []
