"""Every table; those that grow without end are partitioned by the UTC year of their instant, and those whose rows are
replaced have room in their pages, so that most updates are HOT.

A model's key stays what it is. In a partitioned table it is followed by the instant, as PostgreSQL wants the
partition's column in every unique key. The views are made after every migration (readmodels/views/reporting.py).
"""

from django.db import migrations, models

PARTITIONED = (
    ("trades", "executed_at", "account_id, version, executed_at"),
    ("account_events", "recorded_at", "account_id, version, recorded_at"),
    ("flow_minutes", "minute", "currency, minute"),
)
ROOM = {
    "account_summary": 50,
    "firm_totals": 50,
    "symbol_totals": 50,
    "symbol_days": 50,
    "stored_positions": 70,
    "stored_days": 70,
}


def partition(apps, schema_editor):
    """Make tables anew, partitioned; they are still empty."""
    for table, instant, key in PARTITIONED:
        with schema_editor.connection.cursor() as cursor:
            cursor.execute("SELECT obj_description(%s::regclass)", [table])
            (comment,) = cursor.fetchone()
        for statement in (
            f"ALTER TABLE {table} RENAME TO {table}_whole",
            f"ALTER TABLE {table}_whole RENAME CONSTRAINT {table}_pkey TO {table}_whole_pkey",
            f"CREATE TABLE {table} (LIKE {table}_whole INCLUDING ALL EXCLUDING INDEXES) PARTITION BY RANGE ({instant})",
            f"ALTER TABLE {table} ADD CONSTRAINT {table}_pkey PRIMARY KEY ({key})",
            f"DROP TABLE {table}_whole",
        ):
            schema_editor.execute(statement)
        schema_editor.execute(f"COMMENT ON TABLE {table} IS %s", [comment])


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='Activity',
            fields=[
                ('pk', models.CompositePrimaryKey('account_id', 'version', blank=True, editable=False, primary_key=True, serialize=False)),
                ('account_id', models.UUIDField(db_comment='Account id')),
                ('version', models.BigIntegerField(db_comment='Account version of the event')),
                ('event_id', models.UUIDField(db_comment="Derived from the event's hash")),
                ('event_type', models.CharField(db_comment='Such as TradeExecuted', max_length=40)),
                ('recorded_at', models.DateTimeField(db_comment='When the event was recorded')),
                ('actor', models.CharField(db_comment='user:<id>/<name>, with /key:<id>/<name> for an API key; platform/<part>', max_length=250)),
                ('command_id', models.CharField(db_comment='Command that led to it', max_length=64)),
                ('correlation_id', models.CharField(db_comment='What it belongs together with; else the command', max_length=64)),
                ('causation_id', models.CharField(db_comment='What caused it', max_length=64, null=True)),
                ('data', models.JSONField(db_comment="The event's fields; money and quantities as decimal strings")),
            ],
            options={
                'verbose_name_plural': 'activity',
                'db_table': 'activity',
                'db_table_comment': 'One row for each event: the audit trail',
                'managed': False,
            },
        ),
        migrations.CreateModel(
            name='DailyPnl',
            fields=[
                ('pk', models.CompositePrimaryKey('account_id', 'date', blank=True, editable=False, primary_key=True, serialize=False)),
                ('account_id', models.UUIDField(db_comment='Account id')),
                ('date', models.DateField(db_comment='UTC day')),
                ('trades', models.BigIntegerField(db_comment='Trades of the day')),
                ('volume', models.BigIntegerField(db_comment="Value traded on the day, in ten-thousandths of the account's currency")),
                ('realized_pnl', models.BigIntegerField(db_comment="Realized profit or loss of the day, in ten-thousandths of the account's currency")),
                ('version', models.BigIntegerField(db_comment='Account version that the row stands on')),
            ],
            options={
                'db_table': 'daily_pnl',
                'db_table_comment': 'One row for each account and UTC day on which it traded',
                'managed': False,
            },
        ),
        migrations.CreateModel(
            name='PortfolioPosition',
            fields=[
                ('pk', models.CompositePrimaryKey('account_id', 'symbol', blank=True, editable=False, primary_key=True, serialize=False)),
                ('account_id', models.UUIDField(db_comment='Account id')),
                ('symbol', models.CharField(db_comment='Symbol of the instrument', max_length=12)),
                ('quantity', models.BigIntegerField(db_comment='Shares held, in millionths of a share')),
                ('reserved_quantity', models.BigIntegerField(db_comment='Those of them that working sells keep, in millionths of a share')),
                ('cost', models.BigIntegerField(db_comment="What these shares cost, in ten-thousandths of the account's currency")),
                ('avg_cost', models.BigIntegerField(db_comment="Average cost of one share, rounded half to even, in ten-thousandths of the account's currency")),
                ('last_price', models.BigIntegerField(db_comment="Price that the account last traded the symbol at, in ten-thousandths of the account's currency")),
                ('market_value', models.BigIntegerField(db_comment="What the shares are worth at that price, in ten-thousandths of the account's currency")),
                ('realized_pnl', models.BigIntegerField(db_comment="Realized profit or loss in this symbol so far, in ten-thousandths of the account's currency")),
                ('version', models.BigIntegerField(db_comment='Account version that the row stands on')),
                ('updated_at', models.DateTimeField(db_comment='When the event of that version was recorded')),
            ],
            options={
                'db_table': 'portfolio_positions',
                'db_table_comment': 'One row for each account and symbol that it ever held; quantity 0 is a closed position',
                'managed': False,
            },
        ),
        migrations.CreateModel(
            name='AccountEvent',
            fields=[
                ('pk', models.CompositePrimaryKey('account_id', 'version', blank=True, editable=False, primary_key=True, serialize=False)),
                ('account_id', models.UUIDField(db_comment='Account id')),
                ('version', models.BigIntegerField(db_comment='Account version of the event')),
                ('event_id', models.UUIDField(db_comment="Derived from the event's hash")),
                ('event_type', models.CharField(db_comment='Such as TradeExecuted', max_length=40)),
                ('recorded_at', models.DateTimeField(db_comment='When the event was recorded')),
                ('actor', models.CharField(db_comment='user:<id>/<name>, with /key:<id>/<name> for an API key; platform/<part>', max_length=250)),
                ('command_id', models.CharField(db_comment='Command that led to it', max_length=64)),
                ('correlation_id', models.CharField(db_comment='What it belongs together with; else the command', max_length=64)),
                ('causation_id', models.CharField(db_comment='What caused it', max_length=64, null=True)),
                ('data', models.JSONField(db_comment="The event's fields; money and quantities as decimal strings")),
            ],
            options={
                'db_table': 'account_events',
                'db_table_comment': 'One row for each event that is not a trade',
            },
        ),
        migrations.CreateModel(
            name='DeadLetter',
            fields=[
                ('pk', models.CompositePrimaryKey('account_id', 'version', blank=True, editable=False, primary_key=True, serialize=False)),
                ('account_id', models.UUIDField(db_comment='Account id')),
                ('version', models.BigIntegerField(db_comment='Account version of the event')),
                ('partition', models.IntegerField(db_comment='Of the event store')),
                ('seq', models.BigIntegerField(db_comment='Batch that holds the event')),
                ('event_type', models.CharField(db_comment='Such as TradeExecuted', max_length=40)),
                ('error', models.TextField(db_comment='What went wrong; empty for an event that waits behind another')),
            ],
            options={
                'db_table': 'dead_letters',
                'db_table_comment': 'An event that could not be projected, or that waits behind one of the same account',
            },
        ),
        migrations.CreateModel(
            name='FirmTotals',
            fields=[
                ('currency', models.CharField(db_comment='ISO 4217, the currency of the accounts that are summed up', max_length=3, primary_key=True, serialize=False)),
                ('accounts', models.BigIntegerField(db_comment='Accounts opened')),
                ('closed_accounts', models.BigIntegerField(db_comment='Those of them that are closed')),
                ('deposited', models.DecimalField(db_comment='All deposits, in ten-thousandths of the currency', decimal_places=0, max_digits=38)),
                ('withdrawn', models.DecimalField(db_comment='All withdrawals, in ten-thousandths of the currency', decimal_places=0, max_digits=38)),
                ('trades', models.BigIntegerField(db_comment='Trades')),
                ('refusals', models.BigIntegerField(db_comment='Commands refused by a rule')),
                ('bought_value', models.DecimalField(db_comment='Value of all buys, in ten-thousandths of the currency', decimal_places=0, max_digits=38)),
                ('sold_value', models.DecimalField(db_comment='Value of all sells, in ten-thousandths of the currency', decimal_places=0, max_digits=38)),
                ('fees', models.DecimalField(db_comment='What the trades cost, in ten-thousandths of the currency', decimal_places=0, max_digits=38)),
                ('realized_pnl', models.DecimalField(db_comment='Realized profit or loss, average cost, in ten-thousandths of the currency', decimal_places=0, max_digits=38)),
            ],
            options={
                'verbose_name_plural': 'firm totals',
                'db_table': 'firm_totals',
                'db_table_comment': 'What all accounts of a currency come to since the first event',
            },
        ),
        migrations.CreateModel(
            name='FlowMinute',
            fields=[
                ('pk', models.CompositePrimaryKey('currency', 'minute', blank=True, editable=False, primary_key=True, serialize=False)),
                ('currency', models.CharField(db_comment='ISO 4217, the currency of the accounts that are summed up', max_length=3)),
                ('minute', models.DateTimeField(db_comment='When the minute began')),
                ('trades', models.BigIntegerField(db_comment='Trades recorded in the minute')),
                ('refusals', models.BigIntegerField(db_comment='Commands refused by a rule in the minute')),
                ('bought_value', models.DecimalField(db_comment="Value of the minute's buys, in ten-thousandths of the currency", decimal_places=0, max_digits=38)),
                ('sold_value', models.DecimalField(db_comment="Value of the minute's sells, in ten-thousandths of the currency", decimal_places=0, max_digits=38)),
            ],
            options={
                'db_table': 'flow_minutes',
                'db_table_comment': 'What all accounts of a currency did in a minute',
            },
        ),
        migrations.CreateModel(
            name='ProjectionCheckpoint',
            fields=[
                ('partition', models.IntegerField(db_comment='Of the event store', primary_key=True, serialize=False)),
                ('seq', models.BigIntegerField(db_comment='Last batch that is in the tables')),
                ('stopped_because', models.TextField(blank=True, db_comment='Why projecting stopped here; empty while it goes on')),
            ],
            options={
                'db_table': 'projection_checkpoints',
                'db_table_comment': 'How far each partition of the event store is projected; moves together with the rows',
            },
        ),
        migrations.CreateModel(
            name='StoredDay',
            fields=[
                ('pk', models.CompositePrimaryKey('account_id', 'date', blank=True, editable=False, primary_key=True, serialize=False)),
                ('account_id', models.UUIDField(db_comment='Account id')),
                ('date', models.DateField(db_comment='UTC day')),
                ('trades', models.BigIntegerField(db_comment='Trades of the day')),
                ('volume', models.BigIntegerField(db_comment="Value traded on the day, in ten-thousandths of the account's currency")),
                ('realized_pnl', models.BigIntegerField(db_comment="Realized profit or loss of the day, in ten-thousandths of the account's currency")),
                ('version', models.BigIntegerField(db_comment='Account version that the row stands on')),
            ],
            options={
                'db_table': 'stored_days',
                'db_table_comment': 'Days as of account_summary.positions_version: daily_pnl is exact',
            },
        ),
        migrations.CreateModel(
            name='StoredPosition',
            fields=[
                ('pk', models.CompositePrimaryKey('account_id', 'symbol', blank=True, editable=False, primary_key=True, serialize=False)),
                ('account_id', models.UUIDField(db_comment='Account id')),
                ('symbol', models.CharField(db_comment='Symbol of the instrument', max_length=12)),
                ('quantity', models.BigIntegerField(db_comment='Shares held, in millionths of a share')),
                ('reserved_quantity', models.BigIntegerField(db_comment='Those of them that working sells keep, in millionths of a share')),
                ('cost', models.BigIntegerField(db_comment="What these shares cost, in ten-thousandths of the account's currency")),
                ('avg_cost', models.BigIntegerField(db_comment="Average cost of one share, rounded half to even, in ten-thousandths of the account's currency")),
                ('last_price', models.BigIntegerField(db_comment="Price that the account last traded the symbol at, in ten-thousandths of the account's currency")),
                ('market_value', models.BigIntegerField(db_comment="What the shares are worth at that price, in ten-thousandths of the account's currency")),
                ('realized_pnl', models.BigIntegerField(db_comment="Realized profit or loss in this symbol so far, in ten-thousandths of the account's currency")),
                ('version', models.BigIntegerField(db_comment='Account version that the row stands on')),
                ('updated_at', models.DateTimeField(db_comment='When the event of that version was recorded')),
            ],
            options={
                'db_table': 'stored_positions',
                'db_table_comment': 'Positions as of account_summary.positions_version: portfolio_positions is exact',
            },
        ),
        migrations.CreateModel(
            name='SymbolDay',
            fields=[
                ('pk', models.CompositePrimaryKey('currency', 'symbol', 'date', blank=True, editable=False, primary_key=True, serialize=False)),
                ('currency', models.CharField(db_comment='ISO 4217, the currency of the accounts that are summed up', max_length=3)),
                ('symbol', models.CharField(db_comment='Symbol of the instrument', max_length=12)),
                ('date', models.DateField(db_comment='UTC day')),
                ('trades', models.BigIntegerField(db_comment='Trades of the day')),
                ('bought_quantity', models.DecimalField(db_comment='Shares bought on the day, in millionths of a share', decimal_places=0, max_digits=38)),
                ('bought_value', models.DecimalField(db_comment="Value of the day's buys, in ten-thousandths of the currency", decimal_places=0, max_digits=38)),
                ('sold_quantity', models.DecimalField(db_comment='Shares sold on the day, in millionths of a share', decimal_places=0, max_digits=38)),
                ('sold_value', models.DecimalField(db_comment="Value of the day's sells, in ten-thousandths of the currency", decimal_places=0, max_digits=38)),
                ('fees', models.DecimalField(db_comment='What the trades cost, in ten-thousandths of the currency', decimal_places=0, max_digits=38)),
                ('realized_pnl', models.DecimalField(db_comment='Realized profit or loss of the day, average cost, in ten-thousandths of the currency', decimal_places=0, max_digits=38)),
            ],
            options={
                'db_table': 'symbol_days',
                'db_table_comment': 'What all accounts of a currency did in a symbol on a UTC day',
            },
        ),
        migrations.CreateModel(
            name='SymbolTotals',
            fields=[
                ('pk', models.CompositePrimaryKey('currency', 'symbol', blank=True, editable=False, primary_key=True, serialize=False)),
                ('currency', models.CharField(db_comment='ISO 4217, the currency of the accounts that are summed up', max_length=3)),
                ('symbol', models.CharField(db_comment='Symbol of the instrument', max_length=12)),
                ('holders', models.BigIntegerField(db_comment='Accounts that hold shares of it')),
                ('trades', models.BigIntegerField(db_comment='Trades')),
                ('bought_quantity', models.DecimalField(db_comment='Shares bought; less those sold: shares held, in millionths of a share', decimal_places=0, max_digits=38)),
                ('bought_value', models.DecimalField(db_comment='Value of all buys, in ten-thousandths of the currency', decimal_places=0, max_digits=38)),
                ('sold_quantity', models.DecimalField(db_comment='Shares sold, in millionths of a share', decimal_places=0, max_digits=38)),
                ('sold_value', models.DecimalField(db_comment='Value of all sells, in ten-thousandths of the currency', decimal_places=0, max_digits=38)),
                ('fees', models.DecimalField(db_comment='What the trades cost, in ten-thousandths of the currency', decimal_places=0, max_digits=38)),
                ('realized_pnl', models.DecimalField(db_comment='Realized profit or loss, average cost, in ten-thousandths of the currency', decimal_places=0, max_digits=38)),
                ('last_traded_at', models.DateTimeField(db_comment='When it was last traded')),
                ('last_price', models.BigIntegerField(db_comment="Price of a share then; of several trades at that instant the highest, in ten-thousandths of the account's currency")),
            ],
            options={
                'verbose_name_plural': 'symbol totals',
                'db_table': 'symbol_totals',
                'db_table_comment': 'What all accounts of a currency did in a symbol since the first event',
            },
        ),
        migrations.CreateModel(
            name='Name',
            fields=[
                ('number', models.AutoField(db_comment='Stands for the name in trades', primary_key=True, serialize=False)),
                ('name', models.CharField(db_comment='Symbol of an instrument, or an actor: user:<id>/<name>, with /key:<id>/<name> for an API key; platform/<part>', max_length=250)),
            ],
            options={
                'db_table': 'names',
                'db_table_comment': 'Numbers of the texts that come again and again in trades',
                'constraints': [models.UniqueConstraint(fields=('name',), name='names_name')],
            },
        ),
        migrations.CreateModel(
            name='Trade',
            fields=[
                ('pk', models.CompositePrimaryKey('account_id', 'version', blank=True, editable=False, primary_key=True, serialize=False)),
                ('account_id', models.UUIDField(db_comment='Account id')),
                ('version', models.BigIntegerField(db_comment="Account version of the trade's event")),
                ('executed_at', models.DateTimeField(db_comment='When the trade was recorded')),
                ('symbol', models.IntegerField(db_comment='Symbol of the instrument, its number in names')),
                ('day', models.DateField(db_comment='UTC day of the trade; the day_ columns are of it, so far')),
                ('price', models.BigIntegerField(db_comment="Price of one share, in ten-thousandths of the account's currency")),
                ('position_quantity', models.BigIntegerField(db_comment='Shares held after the trade, in millionths of a share')),
                ('position_cost', models.BigIntegerField(db_comment="What these shares cost, in ten-thousandths of the account's currency")),
                ('position_realized_pnl', models.BigIntegerField(db_comment="Realized profit or loss in this symbol so far, in ten-thousandths of the account's currency")),
                ('day_volume', models.BigIntegerField(db_comment="Value traded on the day, in ten-thousandths of the account's currency")),
                ('day_trades', models.BigIntegerField(db_comment='Trades on the day')),
                ('day_realized_pnl', models.BigIntegerField(db_comment="Realized profit or loss of the day, in ten-thousandths of the account's currency")),
                ('quantity', models.BigIntegerField(db_comment='Shares, in millionths of a share')),
                ('value', models.BigIntegerField(db_comment="Quantity times price, rounded half to even, in ten-thousandths of the account's currency")),
                ('fee', models.BigIntegerField(db_comment="What the trade cost, in ten-thousandths of the account's currency")),
                ('realized_pnl', models.BigIntegerField(db_comment="Realized profit or loss of this trade, in ten-thousandths of the account's currency")),
                ('cash_after', models.BigIntegerField(db_comment="Cash after the trade, in ten-thousandths of the account's currency")),
                ('total_realized_pnl', models.BigIntegerField(db_comment="Realized profit or loss of the account so far, in ten-thousandths of the account's currency")),
                ('total_fees', models.BigIntegerField(db_comment="What the trades of the account cost so far, in ten-thousandths of the account's currency")),
                ('positions_cost', models.BigIntegerField(db_comment="What all shares held after the trade cost, in ten-thousandths of the account's currency")),
                ('portfolio_value', models.BigIntegerField(db_comment="Cash and positions after the trade, in ten-thousandths of the account's currency")),
                ('trade_count', models.BigIntegerField(db_comment='Trades of the account so far')),
                ('trade_id', models.UUIDField(db_comment="Event id, derived from the event's hash")),
                ('actor', models.IntegerField(db_comment='Who acted, the number in names')),
                ('is_buy', models.BooleanField(db_comment='A buy; else a sell')),
                ('command_uuid', models.UUIDField(db_comment='Command that led to it, when its id is a UUID', null=True)),
                ('command_text', models.CharField(db_comment='The same, when it is any other text', max_length=64, null=True)),
                ('order_id', models.CharField(db_comment='Order that it filled', max_length=64, null=True)),
                ('correlation_id', models.CharField(db_comment='What it belongs together with, if not the command alone', max_length=64, null=True)),
                ('causation_id', models.CharField(db_comment='What caused it', max_length=64, null=True)),
            ],
            options={
                'db_table': 'trades',
                'db_table_comment': 'One row for each trade, as it is stored: trade_history shows it',
            },
        ),
        migrations.CreateModel(
            name='TradeHistory',
            fields=[
                ('pk', models.CompositePrimaryKey('account_id', 'version', blank=True, editable=False, primary_key=True, serialize=False)),
                ('account_id', models.UUIDField(db_comment='Account id')),
                ('version', models.BigIntegerField(db_comment="Account version of the trade's event")),
                ('trade_id', models.UUIDField(db_comment="Event id, derived from the event's hash")),
                ('symbol', models.CharField(db_comment='Symbol of the instrument', max_length=12)),
                ('side', models.CharField(db_comment='BUY or SELL', max_length=4)),
                ('quantity', models.BigIntegerField(db_comment='Shares, in millionths of a share')),
                ('price', models.BigIntegerField(db_comment="Price of one share, in ten-thousandths of the account's currency")),
                ('value', models.BigIntegerField(db_comment="Quantity times price, rounded half to even, in ten-thousandths of the account's currency")),
                ('fee', models.BigIntegerField(db_comment="What the trade cost, in ten-thousandths of the account's currency")),
                ('realized_pnl', models.BigIntegerField(db_comment="Realized profit or loss of this trade, in ten-thousandths of the account's currency")),
                ('cash_after', models.BigIntegerField(db_comment="Cash after the trade, in ten-thousandths of the account's currency")),
                ('order_id', models.CharField(db_comment='Order that it filled', max_length=64, null=True)),
                ('command_id', models.CharField(db_comment='Command that led to it', max_length=64)),
                ('executed_at', models.DateTimeField(db_comment='When the trade was recorded')),
                ('actor', models.CharField(db_comment='user:<id>/<name>, with /key:<id>/<name> for an API key; platform/<part>', max_length=250)),
                ('correlation_id', models.CharField(db_comment='What it belongs together with, if not the command alone', max_length=64, null=True)),
                ('causation_id', models.CharField(db_comment='What caused it', max_length=64, null=True)),
                ('position_quantity', models.BigIntegerField(db_comment='Shares held after the trade, in millionths of a share')),
                ('position_cost', models.BigIntegerField(db_comment="What these shares cost, in ten-thousandths of the account's currency")),
                ('position_realized_pnl', models.BigIntegerField(db_comment="Realized profit or loss in this symbol so far, in ten-thousandths of the account's currency")),
                ('total_realized_pnl', models.BigIntegerField(db_comment="Realized profit or loss of the account so far, in ten-thousandths of the account's currency")),
                ('total_fees', models.BigIntegerField(db_comment="What the trades of the account cost so far, in ten-thousandths of the account's currency")),
                ('positions_cost', models.BigIntegerField(db_comment="What all shares held after the trade cost, in ten-thousandths of the account's currency")),
                ('portfolio_value', models.BigIntegerField(db_comment="Cash and positions after the trade, in ten-thousandths of the account's currency")),
                ('trade_count', models.BigIntegerField(db_comment='Trades of the account so far')),
                ('day', models.DateField(db_comment='UTC day of the trade; the day_ columns are of it, so far')),
                ('day_volume', models.BigIntegerField(db_comment="Value traded on the day, in ten-thousandths of the account's currency")),
                ('day_trades', models.BigIntegerField(db_comment='Trades on the day')),
                ('day_realized_pnl', models.BigIntegerField(db_comment="Realized profit or loss of the day, in ten-thousandths of the account's currency")),
            ],
            options={
                'db_table': 'trade_history',
                'db_table_comment': 'One row for each trade',
                'managed': False,
            },
        ),
        migrations.CreateModel(
            name='AccountSummary',
            fields=[
                ('account_id', models.UUIDField(db_comment='Account id', primary_key=True, serialize=False)),
                ('owner', models.CharField(db_comment='Owner: a user for good, such as user:17', max_length=150)),
                ('name', models.CharField(db_comment='As its owner named it', max_length=80)),
                ('currency', models.CharField(db_comment='ISO 4217', max_length=3)),
                ('status', models.CharField(db_comment='ACTIVE, FROZEN or CLOSED', max_length=8)),
                ('cash', models.BigIntegerField(db_comment="Cash, in ten-thousandths of the account's currency")),
                ('reserved_cash', models.BigIntegerField(db_comment="The part of the cash that working buys keep for what is not filled of them, in ten-thousandths of the account's currency")),
                ('deposited', models.BigIntegerField(db_comment="All deposits so far, in ten-thousandths of the account's currency")),
                ('withdrawn', models.BigIntegerField(db_comment="All withdrawals so far, in ten-thousandths of the account's currency")),
                ('positions_cost', models.BigIntegerField(db_comment="What the shares held cost, in ten-thousandths of the account's currency")),
                ('portfolio_value', models.BigIntegerField(db_comment="Cash and positions at the price that the account last traded them at, in ten-thousandths of the account's currency")),
                ('open_positions', models.IntegerField(db_comment='Symbols of which it holds shares')),
                ('largest_position', models.BigIntegerField(db_comment="The largest position at the price that the account last traded it at, 0 without any, in ten-thousandths of the account's currency")),
                ('largest_symbol', models.CharField(blank=True, db_comment='Symbol of the largest position, the first by name of several', max_length=12)),
                ('realized_pnl', models.BigIntegerField(db_comment="Realized profit or loss so far, average cost, in ten-thousandths of the account's currency")),
                ('trade_count', models.BigIntegerField(db_comment='Trades so far')),
                ('open_orders', models.IntegerField(db_comment='Orders that work')),
                ('day_date', models.DateField(db_comment='UTC day of the last trade; the day_ columns are of it', null=True)),
                ('day_volume', models.BigIntegerField(db_comment="Value traded on day_date, in ten-thousandths of the account's currency")),
                ('day_trades', models.BigIntegerField(db_comment='Trades on day_date')),
                ('day_realized_pnl', models.BigIntegerField(db_comment="Realized profit or loss on day_date, in ten-thousandths of the account's currency")),
                ('max_position_bp', models.IntegerField(db_comment='Limit of one symbol, basis points of the portfolio')),
                ('max_daily_value', models.BigIntegerField(db_comment="Limit of the value traded in a UTC day, in ten-thousandths of the account's currency")),
                ('max_trade_value', models.BigIntegerField(db_comment="Limit of one trade, in ten-thousandths of the account's currency")),
                ('price_band_bp', models.IntegerField(db_comment="Band around the market's price that booked trades keep to, in basis points of it; 0 is none")),
                ('fee_per_order', models.BigIntegerField(db_comment="Fee of an order, in ten-thousandths of the account's currency")),
                ('fee_per_share', models.BigIntegerField(db_comment="Fee of one share, in ten-thousandths of the account's currency")),
                ('fee_bp', models.IntegerField(db_comment='Fee of the value, in basis points of it')),
                ('fee_minimum', models.BigIntegerField(db_comment="The least that shares and value of an order cost together, in ten-thousandths of the account's currency")),
                ('version', models.BigIntegerField(db_comment='Account version that the row stands on')),
                ('opened_at', models.DateTimeField(db_comment='When it was opened')),
                ('updated_at', models.DateTimeField(db_comment='When the event of that version was recorded')),
                ('positions_version', models.BigIntegerField(db_comment='Account version that open_positions, largest_position, largest_symbol and the rows of stored_positions and stored_days stand on; trades after it are in trades alone')),
                ('behind_since', models.DateTimeField(db_comment='When the first trade after that version was projected; null without any', null=True)),
            ],
            options={
                'verbose_name': 'account',
                'db_table': 'account_summary',
                'db_table_comment': 'One row for each account',
                'indexes': [models.Index(fields=['owner'], name='account_summary_owner'), models.Index(condition=models.Q(('behind_since__isnull', False)), fields=['behind_since'], name='account_summary_behind')],
            },
        ),
        migrations.CreateModel(
            name='Order',
            fields=[
                ('order_id', models.UUIDField(db_comment='Given when the order was placed', primary_key=True, serialize=False)),
                ('account_id', models.UUIDField(db_comment='Account id')),
                ('client_order_id', models.CharField(db_comment="The client's own id; unique among the account's working orders only", max_length=64)),
                ('symbol', models.CharField(db_comment='Symbol of the instrument', max_length=12)),
                ('side', models.CharField(db_comment='BUY or SELL', max_length=4)),
                ('order_type', models.CharField(db_comment='MARKET, LIMIT, STOP or STOP_LIMIT', max_length=10)),
                ('time_in_force', models.CharField(db_comment='DAY, GTC, IOC or FOK', max_length=3)),
                ('quantity', models.BigIntegerField(db_comment='Shares, filled or not, in millionths of a share')),
                ('filled_quantity', models.BigIntegerField(db_comment='Shares filled, in millionths of a share')),
                ('filled_value', models.BigIntegerField(db_comment="Value of all fills, in ten-thousandths of the account's currency")),
                ('avg_fill_price', models.BigIntegerField(db_comment="Average price of a filled share, rounded half to even; null when none is filled, in ten-thousandths of the account's currency", null=True)),
                ('limit_price', models.BigIntegerField(db_comment="Worst price that it may be filled at, in ten-thousandths of the account's currency", null=True)),
                ('stop_price', models.BigIntegerField(db_comment="Price that it waits for, in ten-thousandths of the account's currency", null=True)),
                ('reserve_price', models.BigIntegerField(db_comment="Price that a share is reckoned at; a buy keeps it in cash for each share not filled, in ten-thousandths of the account's currency")),
                ('status', models.CharField(db_comment='PENDING or PARTIALLY_FILLED while it works; FILLED, CANCELLED, EXPIRED, REJECTED or REPLACED', max_length=16)),
                ('replaces', models.UUIDField(db_comment='Order whose place it took', null=True)),
                ('replaced_by', models.UUIDField(db_comment='Order that took its place', null=True)),
                ('reason', models.CharField(blank=True, db_comment='Why it was cancelled, expired or rejected', max_length=200)),
                ('placed_version', models.BigIntegerField(db_comment="Account version of its placing; orders an account's orders")),
                ('placed_at', models.DateTimeField(db_comment='When it was placed')),
                ('updated_at', models.DateTimeField(db_comment='When its latest event was recorded')),
                ('ended_at', models.DateTimeField(db_comment='When it stopped working; null while it works', null=True)),
                ('version', models.BigIntegerField(db_comment='Account version of its latest event')),
                ('command_id', models.CharField(db_comment='Command that placed it', max_length=64)),
                ('actor', models.CharField(db_comment='Who placed it: user:<id>/<name>, with /key:<id>/<name> for an API key; platform/<part>', max_length=250)),
            ],
            options={
                'db_table': 'orders',
                'db_table_comment': 'One row for each order, whether it works or has ended',
                'indexes': [models.Index(fields=['account_id', '-placed_version'], name='orders_newest'), models.Index(condition=models.Q(('ended_at__isnull', True)), fields=['account_id', '-placed_version'], name='orders_open'), models.Index(fields=['account_id', 'client_order_id'], name='orders_client_order_id'), models.Index(fields=['-placed_at'], name='orders_placed_at'), models.Index(condition=models.Q(('ended_at__isnull', True), models.Q(('time_in_force', 'GTC'), _negated=True)), fields=['placed_at', 'order_id'], name='orders_expiring')],
            },
        ),
        migrations.RunPython(partition, migrations.RunPython.noop),
        *(
            migrations.RunSQL(f"ALTER TABLE {table} SET (fillfactor = {percent})", migrations.RunSQL.noop)
            for table, percent in ROOM.items()
        ),
    ]
