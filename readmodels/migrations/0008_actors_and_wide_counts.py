"""Actors say who by an id, owners are users for good, and counts of trades have 64 bits. Views name owners: they need the
table of users.

Rows that are there keep what they say; `manage.py rebuild_readmodels` makes them as they are made now.
"""

from django.db import migrations, models


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
    ]
