"""The tables of corporate actions and of their changes, and what the database itself holds of them (see models.py)."""

from django.db import migrations, models


RECORD = """
CREATE FUNCTION market_record_corporate_action_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    actor text := coalesce(current_setting('market.actor', true), '');
    reason text := coalesce(current_setting('market.reason', true), '');
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'corporate action % is not deleted: withdraw it', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    IF actor = '' OR reason = '' THEN
        RAISE EXCEPTION 'corporate action % is changed by market/corporate_actions only, which says who does it and why',
            NEW.id USING ERRCODE = 'restrict_violation';
    END IF;
    IF TG_OP = 'INSERT' THEN
        INSERT INTO market_corporateactionchange (action_id, at, actor, reason, before, after)
        VALUES (NEW.id, clock_timestamp(), actor, reason, NULL, to_jsonb(NEW));
        RETURN NULL;
    END IF;
    IF (OLD.id, OLD.kind, OLD.symbol, OLD.effective_date, OLD.numerator, OLD.denominator, OLD.amount_per_share,
            OLD.new_symbol, OLD.new_name) IS DISTINCT FROM
            (NEW.id, NEW.kind, NEW.symbol, NEW.effective_date, NEW.numerator, NEW.denominator, NEW.amount_per_share,
            NEW.new_symbol, NEW.new_name)
        OR (OLD.lot_size IS NOT NULL AND NEW.lot_size IS DISTINCT FROM OLD.lot_size)
        OR (OLD.fraction_price IS NOT NULL AND NEW.fraction_price IS DISTINCT FROM OLD.fraction_price)
        OR (OLD.repriced_at IS NOT NULL AND NEW.repriced_at IS DISTINCT FROM OLD.repriced_at) THEN
        RAISE EXCEPTION 'the terms of corporate action % stay what they are: withdraw it and announce another one',
            OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.state <> NEW.state AND (OLD.state, NEW.state) NOT IN (('ANNOUNCED', 'WITHDRAWN'), ('ANNOUNCED', 'APPLYING'),
            ('APPLYING', 'APPLIED'), ('APPLYING', 'FAILED'), ('FAILED', 'APPLIED')) THEN
        RAISE EXCEPTION 'corporate action % is %, and cannot become %', OLD.id, OLD.state, NEW.state
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD IS DISTINCT FROM NEW THEN
        INSERT INTO market_corporateactionchange (action_id, at, actor, reason, before, after)
        VALUES (NEW.id, clock_timestamp(), actor, reason, to_jsonb(OLD), to_jsonb(NEW));
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER market_record_corporate_action_change AFTER INSERT OR UPDATE OR DELETE ON market_corporateaction
FOR EACH ROW EXECUTE FUNCTION market_record_corporate_action_change();

CREATE FUNCTION market_keep_corporate_action_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the log of corporate actions is only ever added to: change % stays what it is', OLD.id
        USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER market_keep_corporate_action_changes BEFORE UPDATE OR DELETE ON market_corporateactionchange
FOR EACH ROW EXECUTE FUNCTION market_keep_corporate_action_changes();
"""
FORGET = """
DROP TRIGGER market_record_corporate_action_change ON market_corporateaction;
DROP FUNCTION market_record_corporate_action_change;
DROP TRIGGER market_keep_corporate_action_changes ON market_corporateactionchange;
DROP FUNCTION market_keep_corporate_action_changes;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("market", "0003_bars"),
    ]

    operations = [
        migrations.CreateModel(
            name="CorporateActionChange",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("action_id", models.BigIntegerField(db_index=True)),
                ("at", models.DateTimeField(db_comment="UTC")),
                ("actor", models.CharField(max_length=300)),
                ("reason", models.CharField(max_length=140)),
                ("before", models.JSONField(db_comment="The row before; null for a new action", null=True)),
                ("after", models.JSONField(db_comment="The row after")),
            ],
            options={
                "ordering": ("-id",),
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="CorporateAction",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[("SPLIT", "SPLIT"), ("DIVIDEND", "DIVIDEND"), ("SYMBOL_CHANGE", "SYMBOL_CHANGE")],
                        max_length=13,
                    ),
                ),
                ("symbol", models.CharField(max_length=12)),
                (
                    "effective_date",
                    models.DateField(db_comment="First session on the new terms, in the time of the market (ex-date)"),
                ),
                ("numerator", models.IntegerField(blank=True, db_comment="New shares of a split ...", null=True)),
                ("denominator", models.IntegerField(blank=True, db_comment="... for so many old ones", null=True)),
                (
                    "lot_size",
                    models.BigIntegerField(
                        blank=True,
                        db_comment="Millionths of a share: less of a split's new shares is paid in cash",
                        null=True,
                    ),
                ),
                (
                    "fraction_price",
                    models.BigIntegerField(
                        blank=True,
                        db_comment="Ten-thousandths: what a new share is paid at; once applying, never null",
                        null=True,
                    ),
                ),
                (
                    "amount_per_share",
                    models.BigIntegerField(blank=True, db_comment="Hundred-millionths of the currency", null=True),
                ),
                ("new_symbol", models.CharField(blank=True, max_length=12, null=True)),
                ("new_name", models.CharField(blank=True, max_length=80, null=True)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("ANNOUNCED", "ANNOUNCED"),
                            ("APPLYING", "APPLYING"),
                            ("APPLIED", "APPLIED"),
                            ("WITHDRAWN", "WITHDRAWN"),
                            ("FAILED", "FAILED"),
                        ],
                        default="ANNOUNCED",
                        max_length=9,
                    ),
                ),
                (
                    "was_halted",
                    models.BooleanField(db_comment="Trading was suspended already when it began", default=False),
                ),
                (
                    "keeps_halted",
                    models.BooleanField(db_comment="Somebody halted the instrument meanwhile", default=False),
                ),
                ("began_at", models.DateTimeField(blank=True, db_comment="When trading was halted for it", null=True)),
                (
                    "repriced_at",
                    models.DateTimeField(
                        blank=True, db_comment="Since when prices are of the new shares", null=True
                    ),
                ),
                ("ended_at", models.DateTimeField(blank=True, db_comment="When the last holder was served", null=True)),
                (
                    "holders",
                    models.BigIntegerField(blank=True, db_comment="To how many accounts it was applied", null=True),
                ),
                (
                    "cash_paid",
                    models.BigIntegerField(
                        blank=True, db_comment="Ten-thousandths: paid to all of them", null=True
                    ),
                ),
            ],
            options={
                "ordering": ("-id",),
                "default_permissions": ("view", "add", "change"),
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state", "WITHDRAWN"), _negated=True),
                        fields=("symbol", "kind", "effective_date"),
                        name="corporate_action_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["SPLIT", "DIVIDEND", "SYMBOL_CHANGE"])),
                        name="corporate_action_kind",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["ANNOUNCED", "APPLYING", "APPLIED", "WITHDRAWN", "FAILED"])),
                        name="corporate_action_state",
                    ),
                ],
            },
        ),
        migrations.RunSQL(RECORD, FORGET),
    ]
