"""Running sums over all accounts, and what an account's positions come to; filled from the rows that there are."""

from django.db import connection, migrations, models

from eventstore.provider import get_store

MONEY = "in ten-thousandths of the account's currency"
SUM_OF_MONEY = "in ten-thousandths of the currency"
PARTITION = ("partition", models.IntegerField(db_comment="Partition of the event store whose accounts are summed up"))
CURRENCY = ("currency", models.CharField(max_length=3, db_comment="ISO 4217, the currency of the accounts that are summed up"))
SYMBOL = ("symbol", models.CharField(max_length=12, db_comment="Symbol of the instrument"))


def whole(name, meaning):
    """Return a column for a count."""
    return (name, models.BigIntegerField(db_comment=meaning))


def money(name, meaning):
    """Return a column for a sum of money."""
    return (name, models.DecimalField(max_digits=38, decimal_places=0, db_comment=f"{meaning}, {SUM_OF_MONEY}"))


def table(name, db_table, comment, key, fields, **options):
    """Return the operation that makes a table."""
    pk = models.CompositePrimaryKey(*key, blank=True, editable=False, primary_key=True, serialize=False)
    return migrations.CreateModel(
        name=name, fields=[("pk", pk), *fields], options={"db_table": db_table, "db_table_comment": comment, **options}
    )


def by_year(apps, schema_editor):
    """Make flow_minutes anew, partitioned by the year of the minute; it is still empty."""
    for statement in (
        "ALTER TABLE flow_minutes RENAME TO flow_minutes_before",
        "ALTER TABLE flow_minutes_before RENAME CONSTRAINT flow_minutes_pkey TO flow_minutes_before_pkey",
        "CREATE TABLE flow_minutes (LIKE flow_minutes_before INCLUDING ALL EXCLUDING INDEXES) PARTITION BY RANGE (minute)",
        "COMMENT ON TABLE flow_minutes IS 'What all accounts of a currency did in a minute, by partition'",
        "ALTER TABLE flow_minutes ADD CONSTRAINT flow_minutes_pkey PRIMARY KEY (partition, currency, minute)",
        "DROP TABLE flow_minutes_before",
    ):
        schema_editor.execute(statement)


def fill(apps, schema_editor):
    """Sum up the rows that there are; a new database has none."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT account_id::text, currency FROM account_summary")
        accounts = cursor.fetchall()
        if not accounts:
            return
        partition_of = get_store().partition_of
        cursor.execute("CREATE TEMPORARY TABLE places (account_id uuid PRIMARY KEY, partition int, currency text) ON COMMIT DROP")
        cursor.executemany(
            "INSERT INTO places VALUES (%s, %s, %s)", [(each, partition_of(each), currency) for each, currency in accounts]
        )
        for statement in FILLED:
            cursor.execute(statement)


TRADED = """count(*) AS trades,
    COALESCE(sum(quantity) FILTER (WHERE side = 'BUY'), 0) AS bought_quantity, COALESCE(sum(value) FILTER (WHERE side = 'BUY'), 0) AS bought_value,
    COALESCE(sum(quantity) FILTER (WHERE side = 'SELL'), 0) AS sold_quantity, COALESCE(sum(value) FILTER (WHERE side = 'SELL'), 0) AS sold_value,
    sum(realized_pnl) AS realized_pnl"""
COLUMNS = "trades, bought_quantity, bought_value, sold_quantity, sold_value, realized_pnl"
FILLED = (
    """UPDATE account_summary AS stored SET open_positions = held.positions, largest_position = held.value, largest_symbol = held.symbol
    FROM (SELECT DISTINCT ON (account_id) account_id, symbol, quantity * last_price AS value, count(*) OVER (PARTITION BY account_id) AS positions
        FROM portfolio_positions WHERE quantity > 0 ORDER BY account_id, quantity * last_price DESC, symbol COLLATE "C") AS held
    WHERE held.account_id = stored.account_id""",
    f"""INSERT INTO symbol_totals (partition, currency, symbol, holders, {COLUMNS}, last_traded_at, last_price)
    SELECT partition, currency, symbol, 0, {TRADED}, max(executed_at), (max(ARRAY[extract(epoch FROM executed_at) * 1000000, price]))[2]
    FROM trade_history JOIN places USING (account_id) GROUP BY partition, currency, symbol""",
    """UPDATE symbol_totals AS stored SET holders = held.holders FROM (SELECT partition, currency, symbol, count(*) AS holders
        FROM portfolio_positions JOIN places USING (account_id) WHERE quantity > 0 GROUP BY partition, currency, symbol) AS held
    WHERE (held.partition, held.currency, held.symbol) = (stored.partition, stored.currency, stored.symbol)""",
    f"""INSERT INTO symbol_days (partition, currency, symbol, date, {COLUMNS}) SELECT partition, currency, symbol, day, {TRADED}
    FROM trade_history JOIN places USING (account_id) GROUP BY partition, currency, symbol, day""",
    """INSERT INTO firm_totals (partition, currency, accounts, closed_accounts, deposited, withdrawn, trades, refusals, bought_value, sold_value, realized_pnl)
    SELECT place.partition, place.currency, count(*), count(*) FILTER (WHERE status = 'CLOSED'), sum(deposited), sum(withdrawn), sum(trade_count),
        COALESCE((SELECT count(*) FROM account_events JOIN places USING (account_id) WHERE event_type = 'CommandRefused' AND partition = place.partition AND currency = place.currency), 0),
        COALESCE((SELECT sum(bought_value) FROM symbol_totals AS s WHERE s.partition = place.partition AND s.currency = place.currency), 0),
        COALESCE((SELECT sum(sold_value) FROM symbol_totals AS s WHERE s.partition = place.partition AND s.currency = place.currency), 0), sum(realized_pnl)
    FROM account_summary JOIN places AS place USING (account_id) GROUP BY place.partition, place.currency""",
    """DO $$ DECLARE year int; BEGIN
    FOR year IN SELECT DISTINCT extract(year FROM instant AT TIME ZONE 'UTC')::int
        FROM (SELECT executed_at AS instant FROM trade_history UNION ALL SELECT recorded_at FROM account_events) AS found LOOP
        EXECUTE format('CREATE TABLE flow_minutes_%s (LIKE flow_minutes INCLUDING ALL)', year);
        EXECUTE format('ALTER TABLE flow_minutes ATTACH PARTITION flow_minutes_%s FOR VALUES FROM (''%s-01-01 00:00:00+00'') TO (''%s-01-01 00:00:00+00'')',
            year, year, year + 1);
    END LOOP; END $$""",
    """INSERT INTO flow_minutes (partition, currency, minute, trades, refusals, bought_value, sold_value)
    SELECT partition, currency, date_trunc('minute', instant), sum(trades), sum(refusals), sum(bought), sum(sold) FROM (
        SELECT account_id, executed_at AS instant, 1 AS trades, 0 AS refusals, CASE side WHEN 'BUY' THEN value ELSE 0 END AS bought,
            CASE side WHEN 'SELL' THEN value ELSE 0 END AS sold FROM trade_history
        UNION ALL SELECT account_id, recorded_at, 0, 1, 0, 0 FROM account_events WHERE event_type = 'CommandRefused') AS found
    JOIN places USING (account_id) GROUP BY 1, 2, 3""",
)


def account_column(name, field):
    """Return the operation that adds a column to the accounts, with a default for the rows that there are alone."""
    return migrations.AddField("accountsummary", name, field, preserve_default=False)


class Migration(migrations.Migration):

    dependencies = [
        ('readmodels', '0006_trades_say_everything'),
    ]

    operations = [
        account_column("open_positions", models.IntegerField(db_comment="Symbols of which it holds shares", default=0)),
        account_column(
            "largest_position",
            models.BigIntegerField(db_comment=f"The largest position at the price that the account last traded it at, 0 without any, {MONEY}", default=0),
        ),
        account_column(
            "largest_symbol",
            models.CharField(max_length=12, blank=True, db_comment="Symbol of the largest position, the first by name of several", default=""),
        ),
        table(
            "FirmTotals", "firm_totals", "What all accounts of a currency come to since the first event, by partition",
            ("partition", "currency"),
            [
                PARTITION, CURRENCY, whole("accounts", "Accounts opened"), whole("closed_accounts", "Those of them that are closed"),
                money("deposited", "All deposits"), money("withdrawn", "All withdrawals"), whole("trades", "Trades"),
                whole("refusals", "Commands refused by a rule"), money("bought_value", "Value of all buys"),
                money("sold_value", "Value of all sells"), money("realized_pnl", "Realized profit or loss, average cost"),
            ],
            verbose_name_plural="firm totals",
        ),
        table(
            "SymbolTotals", "symbol_totals",
            "What all accounts of a currency did in a symbol since the first event, by partition",
            ("partition", "currency", "symbol"),
            [
                PARTITION, CURRENCY, SYMBOL, whole("holders", "Accounts that hold shares of it"), whole("trades", "Trades"),
                whole("bought_quantity", "Whole shares bought; less those sold: shares held"), money("bought_value", "Value of all buys"),
                whole("sold_quantity", "Whole shares sold"), money("sold_value", "Value of all sells"),
                money("realized_pnl", "Realized profit or loss, average cost"),
                ("last_traded_at", models.DateTimeField(db_comment="When it was last traded")),
                ("last_price", models.BigIntegerField(db_comment=f"Price of a share then; of several trades at that instant the highest, {MONEY}")),
            ],
            verbose_name_plural="symbol totals",
        ),
        table(
            "SymbolDay", "symbol_days", "What all accounts of a currency did in a symbol on a UTC day, by partition",
            ("partition", "currency", "symbol", "date"),
            [
                PARTITION, CURRENCY, SYMBOL, ("date", models.DateField(db_comment="UTC day")), whole("trades", "Trades of the day"),
                whole("bought_quantity", "Whole shares bought on the day"), money("bought_value", "Value of the day's buys"),
                whole("sold_quantity", "Whole shares sold on the day"), money("sold_value", "Value of the day's sells"),
                money("realized_pnl", "Realized profit or loss of the day, average cost"),
            ],
        ),
        table(
            "FlowMinute", "flow_minutes", "What all accounts of a currency did in a minute, by partition",
            ("partition", "currency", "minute"),
            [
                PARTITION, CURRENCY, ("minute", models.DateTimeField(db_comment="When the minute began")),
                whole("trades", "Trades recorded in the minute"), whole("refusals", "Commands refused by a rule in the minute"),
                money("bought_value", "Value of the minute's buys"), money("sold_value", "Value of the minute's sells"),
            ],
        ),
        migrations.RunPython(by_year, migrations.RunPython.noop),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
