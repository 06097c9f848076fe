"""The tables of bars and of their imports. Minutes are partitioned by month, as Django's migrations cannot do: a month
is made when its first bar comes (market/bars/writing.py).
"""

from django.db import migrations, models

PARTITION = """
ALTER TABLE bars_1m RENAME TO bars_1m_whole;
ALTER TABLE bars_1m_whole RENAME CONSTRAINT bars_1m_pkey TO bars_1m_whole_pkey;
CREATE TABLE bars_1m (LIKE bars_1m_whole INCLUDING ALL EXCLUDING INDEXES) PARTITION BY RANGE (at);
ALTER TABLE bars_1m ADD CONSTRAINT bars_1m_pkey PRIMARY KEY (symbol, at);
DROP TABLE bars_1m_whole;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('market', '0002_venue_changes'),
    ]

    operations = [
        migrations.CreateModel(
            name='BarImport',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(db_comment='UTC')),
                ('actor', models.CharField(max_length=300)),
                ('reason', models.CharField(max_length=140)),
                ('span', models.CharField(db_comment='1m, 1h or 1d', max_length=2)),
                ('bars', models.BigIntegerField(db_comment='Bars of the file')),
                ('replaced', models.BigIntegerField(db_comment='Of these, bars that there were before, and that are replaced')),
                ('symbols', models.IntegerField(db_comment='How many symbols they are of')),
                ('first_at', models.DateTimeField(db_comment='When the first of them begins')),
                ('latest_at', models.DateTimeField(db_comment='When the latest of them begins')),
            ],
            options={
                'ordering': ('-id',),
                'default_permissions': ('view',),
            },
        ),
        migrations.CreateModel(
            name='DayBar',
            fields=[
                ('pk', models.CompositePrimaryKey('symbol', 'at', blank=True, editable=False, primary_key=True, serialize=False)),
                ('at', models.DateTimeField(db_comment='When the bar begins, in market time')),
                ('open', models.BigIntegerField(db_comment='First price, in ten-thousandths of the currency')),
                ('high', models.BigIntegerField(db_comment='Highest price')),
                ('low', models.BigIntegerField(db_comment='Lowest price')),
                ('close', models.BigIntegerField(db_comment='Last price')),
                ('volume', models.BigIntegerField(db_comment='Millionths of a share; null where it is not known', null=True)),
                ('price_count', models.IntegerField(db_comment='How many prices it is made of; null where it is not known', null=True)),
                ('source', models.SmallIntegerField(db_comment='1 SIMULATED, 2 PUSHED, 3 IMPORTED')),
                ('is_derived', models.BooleanField(db_comment='Made here of shorter bars or of closes; made anew with them')),
                ('symbol', models.CharField(max_length=12)),
            ],
            options={
                'db_table': 'bars_1d',
                'abstract': False,
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='HourBar',
            fields=[
                ('pk', models.CompositePrimaryKey('symbol', 'at', blank=True, editable=False, primary_key=True, serialize=False)),
                ('at', models.DateTimeField(db_comment='When the bar begins, in market time')),
                ('open', models.BigIntegerField(db_comment='First price, in ten-thousandths of the currency')),
                ('high', models.BigIntegerField(db_comment='Highest price')),
                ('low', models.BigIntegerField(db_comment='Lowest price')),
                ('close', models.BigIntegerField(db_comment='Last price')),
                ('volume', models.BigIntegerField(db_comment='Millionths of a share; null where it is not known', null=True)),
                ('price_count', models.IntegerField(db_comment='How many prices it is made of; null where it is not known', null=True)),
                ('source', models.SmallIntegerField(db_comment='1 SIMULATED, 2 PUSHED, 3 IMPORTED')),
                ('is_derived', models.BooleanField(db_comment='Made here of shorter bars or of closes; made anew with them')),
                ('symbol', models.CharField(max_length=12)),
            ],
            options={
                'db_table': 'bars_1h',
                'abstract': False,
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='MinuteBar',
            fields=[
                ('pk', models.CompositePrimaryKey('symbol', 'at', blank=True, editable=False, primary_key=True, serialize=False)),
                ('at', models.DateTimeField(db_comment='When the bar begins, in market time')),
                ('open', models.BigIntegerField(db_comment='First price, in ten-thousandths of the currency')),
                ('high', models.BigIntegerField(db_comment='Highest price')),
                ('low', models.BigIntegerField(db_comment='Lowest price')),
                ('close', models.BigIntegerField(db_comment='Last price')),
                ('volume', models.BigIntegerField(db_comment='Millionths of a share; null where it is not known', null=True)),
                ('price_count', models.IntegerField(db_comment='How many prices it is made of; null where it is not known', null=True)),
                ('source', models.SmallIntegerField(db_comment='1 SIMULATED, 2 PUSHED, 3 IMPORTED')),
                ('symbol', models.CharField(max_length=12)),
            ],
            options={
                'db_table': 'bars_1m',
                'abstract': False,
                'default_permissions': (),
            },
        ),
        migrations.RunSQL(PARTITION, migrations.RunSQL.noop),
    ]
