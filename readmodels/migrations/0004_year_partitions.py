"""Partition the tables that grow without end by the UTC year of their instant; the rows are copied.

The model's key stays (account_id, version). In the table it is followed by the instant, as PostgreSQL wants the
partition's column in every unique key.
"""

from django.db import migrations

TABLES = (("trade_history", "executed_at"), ("activity", "recorded_at"))


def partition(apps, schema_editor):
    """Copy both tables into partitioned ones."""
    for table, instant in TABLES:
        _replace(schema_editor, table, f"PARTITION BY RANGE ({instant})", f"account_id, version, {instant}", instant)


def unpartition(apps, schema_editor):
    """Copy both tables into plain ones."""
    for table, _ in TABLES:
        _replace(schema_editor, table, "", "account_id, version", None)


def _replace(schema_editor, table, partitioned, key, instant):
    execute = schema_editor.execute
    execute(f"ALTER TABLE {table} RENAME TO {table}_before")
    execute(f"ALTER TABLE {table}_before RENAME CONSTRAINT {table}_pkey TO {table}_before_pkey")
    execute(f"CREATE TABLE {table} (LIKE {table}_before INCLUDING ALL EXCLUDING INDEXES) {partitioned}")
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT obj_description(%s::regclass)", [f"{table}_before"])
        (comment,) = cursor.fetchone()
        years = _years(cursor, table, instant) if instant else []
    execute(f"COMMENT ON TABLE {table} IS %s", [comment])
    execute(f"ALTER TABLE {table} ADD CONSTRAINT {table}_pkey PRIMARY KEY ({key})")
    for year in years:
        bounds = f"FROM ('{year}-01-01 00:00:00+00') TO ('{year + 1}-01-01 00:00:00+00')"
        execute(f"CREATE TABLE {table}_{year} (LIKE {table} INCLUDING ALL)")
        execute(f"ALTER TABLE {table} ATTACH PARTITION {table}_{year} FOR VALUES {bounds}")
    execute(f"INSERT INTO {table} SELECT * FROM {table}_before")
    execute(f"DROP TABLE {table}_before")


def _years(cursor, table, instant):
    year = f"extract(year FROM {instant} AT TIME ZONE 'UTC')::int"
    cursor.execute(f"SELECT DISTINCT {year} AS year FROM {table}_before ORDER BY year")
    return [year for (year,) in cursor.fetchall()]


class Migration(migrations.Migration):

    dependencies = [
        ('readmodels', '0003_comments'),
    ]

    operations = [migrations.RunPython(partition, unpartition)]
