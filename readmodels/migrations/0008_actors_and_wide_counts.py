"""Actors say who by an id, owners are users for good, counts of trades have 64 bits, and the data of events show shares
as decimal strings. Views name owners: they need the table of users.

Actors and owners that are there keep what they say.
"""

from django.db import migrations, models

QUANTITIES = ["fill_quantity", "filled_quantity", "position_quantity", "quantity", "reserved_shares"]
COUNTED_CODES = [
    "ACCOUNT_HAS_ORDERS", "ACCOUNT_HAS_POSITIONS", "FILL_NOT_COMPLETE", "INSUFFICIENT_POSITION", "ORDER_COUNT_EXCEEDED",
    "ORDER_QUANTITY_EXCEEDED", "ORDER_QUANTITY_FILLED",
]


def change(schema_editor, found, made):
    """Change quantities, and the counts of refusals, from one type of JSON into another."""

    def changed(data, names):
        each = f"SELECT jsonb_object_agg(key, {made}) FROM jsonb_each({data}) WHERE key = ANY({names}) AND jsonb_typeof(value) = '{found}'"
        return f"{data} || COALESCE(({each}), '{{}}')"

    quantities, counts = (f"ARRAY[{', '.join(repr(name) for name in names)}]" for names in (QUANTITIES, ["limit", "actual"]))
    codes = f"ARRAY[{', '.join(repr(code) for code in COUNTED_CODES)}]"
    schema_editor.execute(f"UPDATE account_events SET data = {changed('data', quantities)} WHERE data ?| {quantities}")
    schema_editor.execute(f"UPDATE account_events SET data = {changed('data', counts)} WHERE data ->> 'code' = ANY({codes})")
    arguments = changed("(data -> 'arguments')", quantities)
    schema_editor.execute(
        f"UPDATE account_events SET data = jsonb_set(data, '{{arguments}}', {arguments}) WHERE data -> 'arguments' ?| {quantities}"
    )


def into_texts(apps, schema_editor):
    """Show shares as decimal strings."""
    change(schema_editor, "number", "to_jsonb(value #>> '{}')")


def into_numbers(apps, schema_editor):
    """Show shares as numbers again."""
    change(schema_editor, "string", "to_jsonb((value #>> '{}')::numeric)")


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0003_identity'),
        ('readmodels', '0007_firm'),
    ]

    operations = [
        migrations.AlterField(
            model_name='accountevent',
            name='actor',
            field=models.CharField(db_comment='user:<id>/<name>, with /key:<id>/<name> for an API key; platform/<part>', max_length=250),
        ),
        migrations.AlterField(
            model_name='accountevent',
            name='data',
            field=models.JSONField(db_comment="The event's fields; money and quantities as decimal strings"),
        ),
        migrations.AlterField(
            model_name='accountsummary',
            name='day_trades',
            field=models.BigIntegerField(db_comment='Trades on day_date'),
        ),
        migrations.AlterField(
            model_name='accountsummary',
            name='owner',
            field=models.CharField(db_comment='Owner: a user for good, such as user:17', max_length=150),
        ),
        migrations.AlterField(
            model_name='dailypnl',
            name='trades',
            field=models.BigIntegerField(db_comment='Trades of the day'),
        ),
        migrations.AlterField(
            model_name='order',
            name='actor',
            field=models.CharField(db_comment='Who placed it: user:<id>/<name>, with /key:<id>/<name> for an API key; platform/<part>', max_length=250),
        ),
        migrations.AlterField(
            model_name='tradehistory',
            name='actor',
            field=models.CharField(db_comment='user:<id>/<name>, with /key:<id>/<name> for an API key; platform/<part>', max_length=250),
        ),
        migrations.AlterField(
            model_name='tradehistory',
            name='day_trades',
            field=models.BigIntegerField(db_comment='Trades on the day'),
        ),
        migrations.RunPython(into_texts, into_numbers),
    ]
