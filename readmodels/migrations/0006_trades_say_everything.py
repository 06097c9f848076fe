"""A trade has one row, in trade_history, with everything that its event says; account_events keeps all other events.

`activity` becomes a view of both, made after every migration (readmodels/activity_view.py).
"""

from django.db import migrations, models

MONEY_COLUMNS = (
    ("position_cost", "What these shares cost"),
    ("position_realized_pnl", "Realized profit or loss in this symbol so far"),
    ("total_realized_pnl", "Realized profit or loss of the account so far"),
    ("positions_cost", "What all shares held after the trade cost"),
    ("portfolio_value", "Cash and positions after the trade"),
    ("day_volume", "Value traded on the day"),
    ("day_realized_pnl", "Realized profit or loss of the day"),
)
MONEY = "in ten-thousandths of the account's currency"


def partitions(cursor, table):
    """Return the names of a table's partitions."""
    cursor.execute(
        "SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid WHERE inhparent = %s::regclass",
        [table],
    )
    return [name for (name,) in cursor.fetchall()]


def rename(cursor, old, new):
    """Rename a partitioned table with its key, its partitions and their keys."""
    for name in partitions(cursor, old):
        other = name.replace(old, new, 1)
        cursor.execute(f"ALTER TABLE {name} RENAME TO {other}")
        cursor.execute(f"ALTER INDEX IF EXISTS {name}_pkey RENAME TO {other}_pkey")
    cursor.execute(f"ALTER TABLE {old} RENAME TO {new}")
    cursor.execute(f"ALTER INDEX IF EXISTS {old}_pkey RENAME TO {new}_pkey")


def move_trades(apps, schema_editor):
    """Take what the events of trades say into the rows of the trades, and let account_events go without them."""
    with schema_editor.connection.cursor() as cursor:
        money = ", ".join(
            f"{name} = round((data ->> '{name}')::numeric * 10000)::bigint" for name, _ in MONEY_COLUMNS
        )
        cursor.execute(
            f"""UPDATE trade_history AS trade SET {money}, actor = event.actor, causation_id = event.causation_id,
            correlation_id = NULLIF(event.correlation_id, event.command_id),
            position_quantity = (data ->> 'position_quantity')::bigint,
            trade_count = (data ->> 'trade_count')::bigint, day = (data ->> 'day')::date,
            day_trades = (data ->> 'day_trades')::int
            FROM activity AS event WHERE event.account_id = trade.account_id AND event.version = trade.version"""
        )
        cursor.execute("DELETE FROM activity WHERE event_type = 'TradeExecuted'")
        rename(cursor, "activity", "account_events")
        cursor.execute("COMMENT ON TABLE account_events IS 'One row for each event that is not a trade'")


def move_back(apps, schema_editor):
    """Give account_events its old name, and the events of trades back to it."""
    money = ("price", "cash_after", "realized_pnl", *(name for name, _ in MONEY_COLUMNS))
    plain = ("symbol", "side", "quantity", "order_id", "position_quantity", "trade_count", "day_trades")
    fields = ", ".join(
        ["'day', to_char(day, 'YYYY-MM-DD')"]
        + [f"'{name}', ({name} * 0.0001)::text" for name in money]
        + [f"'{name}', {name}" for name in plain]
    )
    with schema_editor.connection.cursor() as cursor:
        rename(cursor, "account_events", "activity")
        cursor.execute(
            f"""INSERT INTO activity (account_id, version, event_id, event_type, recorded_at, actor, command_id,
            correlation_id, causation_id, data) SELECT account_id, version, trade_id, 'TradeExecuted', executed_at, actor, command_id,
            COALESCE(correlation_id, command_id), causation_id, jsonb_build_object({fields}) FROM trade_history"""
        )
        cursor.execute("COMMENT ON TABLE activity IS 'One row for each event: the audit trail'")


def added(name, field):
    """Return the operation that adds a column, with a default for the rows that there are alone."""
    return migrations.AddField("tradehistory", name, field, preserve_default=False)


def text(length, comment, **more):
    """Return a column of text."""
    return models.CharField(max_length=length, db_comment=comment, **more)


class Migration(migrations.Migration):

    dependencies = [
        ('readmodels', '0004_year_partitions'),
    ]

    operations = [
        added("actor", text(200, "User, and the API key behind a slash", default="")),
        added("correlation_id", text(64, "What it belongs together with, if not the command alone", null=True)),
        added("causation_id", text(64, "What caused it", null=True)),
        added("position_quantity", models.BigIntegerField(db_comment="Whole shares held after the trade", default=0)),
        *(
            added(name, models.BigIntegerField(db_comment=f"{meaning}, {MONEY}", default=0))
            for name, meaning in MONEY_COLUMNS
        ),
        added("trade_count", models.BigIntegerField(db_comment="Trades of the account so far", default=0)),
        added("day", models.DateField(db_comment="UTC day of the trade; the day_ columns are of it, so far", default="1970-01-01")),
        added("day_trades", models.IntegerField(db_comment="Trades on the day", default=0)),
        migrations.RunPython(move_trades, move_back),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterModelTable("activity", "account_events"),
                migrations.AlterModelTableComment("activity", "One row for each event that is not a trade"),
                migrations.AlterModelOptions("activity", {}),
                migrations.RenameModel("Activity", "AccountEvent"),
                migrations.CreateModel(
                    name='Activity',
                    fields=[
                        ('pk', models.CompositePrimaryKey('account_id', 'version', blank=True, editable=False, primary_key=True, serialize=False)),
                        ('account_id', models.UUIDField(db_comment='Account id')),
                        ('version', models.BigIntegerField(db_comment='Account version of the event')),
                        ('event_id', models.UUIDField(db_comment="Derived from the event's hash")),
                        ('event_type', text(40, 'Such as TradeExecuted')),
                        ('recorded_at', models.DateTimeField(db_comment='When the event was recorded')),
                        ('actor', text(200, 'User, and the API key behind a slash')),
                        ('command_id', text(64, 'Command that led to it')),
                        ('correlation_id', text(64, 'What it belongs together with; else the command')),
                        ('causation_id', text(64, 'What caused it', null=True)),
                        ('data', models.JSONField(db_comment="The event's fields; money as decimal strings")),
                    ],
                    options={
                        'db_table': 'activity',
                        'db_table_comment': 'One row for each event: the audit trail',
                        'verbose_name_plural': 'activity',
                        'managed': False,
                    },
                ),
            ]
        ),
    ]
