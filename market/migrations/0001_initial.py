"""The tables of instruments and of their changes, and what the database itself holds of them (see models.py)."""

from django.db import migrations, models

RECORD = """
CREATE FUNCTION market_record_instrument_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    actor text := coalesce(current_setting('market.actor', true), '');
    reason text := coalesce(current_setting('market.reason', true), '');
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'instrument % is not deleted: make it untradable', OLD.symbol USING ERRCODE = 'restrict_violation';
    END IF;
    IF actor = '' OR reason = '' THEN
        RAISE EXCEPTION 'instrument % is changed by market/instruments/changes.py only, which says who does it and why',
            NEW.symbol USING ERRCODE = 'restrict_violation';
    END IF;
    IF TG_OP = 'INSERT' THEN
        PERFORM pg_advisory_xact_lock(hashtext('market_instrumentchange'));
        INSERT INTO market_instrumentchange (symbol, at, actor, reason, before, after)
        VALUES (NEW.symbol, clock_timestamp(), actor, reason, NULL, to_jsonb(NEW));
    ELSIF OLD.symbol <> NEW.symbol THEN
        RAISE EXCEPTION 'instrument % keeps its symbol: add another instrument', OLD.symbol
            USING ERRCODE = 'restrict_violation';
    ELSIF OLD IS DISTINCT FROM NEW THEN
        PERFORM pg_advisory_xact_lock(hashtext('market_instrumentchange'));
        INSERT INTO market_instrumentchange (symbol, at, actor, reason, before, after)
        VALUES (NEW.symbol, clock_timestamp(), actor, reason, to_jsonb(OLD), to_jsonb(NEW));
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER market_record_instrument_change AFTER INSERT OR UPDATE OR DELETE ON market_instrument
FOR EACH ROW EXECUTE FUNCTION market_record_instrument_change();

CREATE FUNCTION market_keep_instrument_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the log of instruments is only ever added to: change % stays what it is', OLD.id
        USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER market_keep_instrument_changes BEFORE UPDATE OR DELETE ON market_instrumentchange
FOR EACH ROW EXECUTE FUNCTION market_keep_instrument_changes();
"""
FORGET = """
DROP TRIGGER market_record_instrument_change ON market_instrument;
DROP FUNCTION market_record_instrument_change;
DROP TRIGGER market_keep_instrument_changes ON market_instrumentchange;
DROP FUNCTION market_keep_instrument_changes;
"""


class Migration(migrations.Migration):
    initial = True
    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Instrument",
            fields=[
                ("symbol", models.CharField(max_length=12, primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=80)),
                (
                    "kind",
                    models.CharField(
                        choices=[("STOCK", "STOCK"), ("ETF", "ETF"), ("FUND", "FUND"), ("BOND", "BOND"), ("CRYPTO", "CRYPTO")],
                        max_length=6,
                    ),
                ),
                ("sector", models.CharField(blank=True, db_comment="GICS sector; empty for none", max_length=40)),
                ("exchange", models.CharField(max_length=20)),
                ("currency", models.CharField(db_comment="ISO 4217", max_length=3)),
                (
                    "price_increment",
                    models.BigIntegerField(db_comment="Ten-thousandths of the currency; prices are multiples of it"),
                ),
                ("lot_size", models.BigIntegerField(db_comment="Millionths of a share; quantities are multiples of it")),
                ("is_tradable", models.BooleanField(default=True)),
                ("is_halted", models.BooleanField(default=False)),
            ],
            options={
                "ordering": ("symbol",),
                "default_permissions": ("view", "add", "change"),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("symbol__regex", "^[A-Z0-9.\\-]{1,12}$")), name="instrument_symbol"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ("STOCK", "ETF", "FUND", "BOND", "CRYPTO"))), name="instrument_kind"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("currency__regex", "^[A-Z]{3}$")), name="instrument_currency"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("price_increment__gt", 0)), name="instrument_price_increment"
                    ),
                    models.CheckConstraint(condition=models.Q(("lot_size__gt", 0)), name="instrument_lot_size"),
                ],
            },
        ),
        migrations.CreateModel(
            name="InstrumentChange",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("symbol", models.CharField(db_index=True, max_length=12)),
                ("at", models.DateTimeField(db_comment="UTC")),
                ("actor", models.CharField(max_length=300)),
                ("reason", models.CharField(max_length=140)),
                ("before", models.JSONField(db_comment="The row before; null for a new instrument", null=True)),
                ("after", models.JSONField(db_comment="The row after")),
            ],
            options={"ordering": ("-id",), "default_permissions": ("view",)},
        ),
        migrations.RunSQL(RECORD, FORGET),
    ]
